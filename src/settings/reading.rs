//! One settings file: which files count, and how one is read.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

use super::error::Error;

/// The largest settings file, in bytes. All settings at their longest need a tenth of it.
const SIZE_MAX: u64 = 64 * 1024;

/// The mode bits that let others than the owner write a file.
const WRITABLE_BY_OTHERS: u32 = 0o022;

/// Reads a file that counts as settings: a regular one of at most 64 kB that belongs to one of `owners` and that nobody else
/// may write. `/dev/null` counts as an empty one. A link may lead to the file, as dotfile managers make them.
///
/// A file that others may write is refused, as OpenSSH does with its own: whoever writes settings decides which file the log
/// goes to, and whether the last try of a PIN is spent.
///
/// Waits for nobody: what is no regular file is found out after an opening that does not block, and before any reading.
///
/// # Errors
/// [`Error::Unreadable`]; [`Error::InFile`] with the reason why the file does not count, or for text that is not UTF-8.
pub(super) fn read(path: &Path, owners: &[u32]) -> Result<String, Error> {
    let in_file = |error| Error::InFile(path.to_owned(), Box::new(error));
    let opened = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY | libc::O_CLOEXEC)
        .open(path)
        .and_then(|file| Ok((file.metadata()?, file)));
    let (metadata, file) = match opened {
        // A socket, or a device that is not there.
        Err(error) if error.raw_os_error() == Some(libc::ENXIO) => return Err(in_file(Error::NotRegular)),
        opened => opened.map_err(|error| Error::Unreadable(path.to_owned(), error.kind()))?,
    };
    if is_null_device(&metadata) {
        return Ok(String::new());
    }
    check(&metadata, owners).map_err(in_file)?;
    let text = bounded(file).map_err(|error| Error::Unreadable(path.to_owned(), error.kind()))?;
    let text = text.ok_or_else(|| in_file(Error::TooLarge))?;
    String::from_utf8(text).map_err(|_| Error::Unreadable(path.to_owned(), ErrorKind::InvalidData))
}

/// Whether the open file counts. The owner comes first: another user's file is that, whatever else it is.
fn check(metadata: &Metadata, owners: &[u32]) -> Result<(), Error> {
    if !owners.contains(&metadata.uid()) {
        return Err(Error::OtherOwner(metadata.uid()));
    }
    if !metadata.is_file() {
        return Err(Error::NotRegular);
    }
    if metadata.mode() & WRITABLE_BY_OTHERS != 0 {
        return Err(Error::WritableByOthers);
    }
    if metadata.len() > SIZE_MAX { Err(Error::TooLarge) } else { Ok(()) }
}

/// The whole file; `None` if it has grown beyond the limit since its size was asked for, or never said its size.
fn bounded(file: File) -> io::Result<Option<Vec<u8>>> {
    let mut text = Vec::new();
    let length = file.take(SIZE_MAX + 1).read_to_end(&mut text)?;
    Ok((length as u64 <= SIZE_MAX).then_some(text))
}

/// Whether it is `/dev/null`, which programs name to say that there are no settings.
fn is_null_device(metadata: &Metadata) -> bool {
    metadata.file_type().is_char_device() && metadata.rdev() == libc::makedev(1, 3)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::os::unix::net::UnixListener;
    use std::path::PathBuf;
    use std::process::Command;
    use std::sync::mpsc;
    use std::thread;
    use std::time::Duration;

    use super::*;

    /// A folder of its own for one test, removed with this value.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let folder = std::env::temp_dir().join(format!("jpki-pkcs11-reading-{name}-{}", std::process::id()));
            fs::create_dir_all(&folder).unwrap();
            Folder(folder)
        }

        fn path(&self, name: &str) -> PathBuf {
            self.0.join(name)
        }

        /// A file with this text, which its owner alone may write, whatever this process's umask is.
        fn file(&self, name: &str, text: &str) -> PathBuf {
            let path = self.path(name);
            fs::write(&path, text).unwrap();
            allow(&path, 0o644);
            path
        }

        /// Who makes files here.
        fn owner(&self) -> u32 {
            fs::metadata(&self.0).unwrap().uid()
        }

        /// What comes of reading, within a time that is long for a file.
        fn read(&self, path: &Path) -> Result<String, Error> {
            let ((sender, receiver), path, owners) = (mpsc::channel(), path.to_owned(), [self.owner()]);
            thread::spawn(move || sender.send(read(&path, &owners)));
            receiver.recv_timeout(Duration::from_secs(10)).expect("the reading ends")
        }

        #[track_caller]
        fn refuses(&self, path: &Path, reason: Error) {
            assert_eq!(self.read(path), Err(Error::InFile(path.to_owned(), Box::new(reason))));
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            fs::remove_dir_all(&self.0).unwrap();
        }
    }

    fn allow(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    #[cfg_attr(miri, ignore = "Miri knows no opening that does not block")]
    fn a_regular_file_is_read_also_through_a_link() {
        let folder = Folder::new("regular");
        let (file, link) = (folder.file("file", "labels = ja"), folder.path("link"));
        symlink(&file, &link).unwrap();
        for path in [&file, &link] {
            assert_eq!(folder.read(path), Ok("labels = ja".into()), "{}", path.display());
        }
        assert_eq!(folder.read(&folder.file("empty", "")), Ok(String::new()));
        assert_eq!(folder.read(Path::new("/dev/null")), Ok(String::new()), "stands for no settings");
    }

    #[test]
    #[cfg_attr(miri, ignore = "Miri knows no opening that does not block")]
    fn what_is_no_regular_file_is_refused_without_waiting() {
        let folder = Folder::new("kinds");
        let [fifo, socket] = ["fifo", "socket"].map(|name| folder.path(name));
        assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
        let _listener = UnixListener::bind(&socket).unwrap();
        for path in [&fifo, &socket, &folder.0] {
            folder.refuses(path, Error::NotRegular);
        }
        // With a writer that says nothing.
        let _writer = OpenOptions::new().read(true).write(true).open(&fifo).unwrap();
        folder.refuses(&fifo, Error::NotRegular);
        // Root's, so another user's to who is not root.
        let zero = read(Path::new("/dev/zero"), &[fs::metadata("/dev/zero").unwrap().uid()]);
        assert_eq!(zero, Err(Error::InFile("/dev/zero".into(), Box::new(Error::NotRegular))));
    }

    #[test]
    #[cfg_attr(miri, ignore = "Miri knows no opening that does not block")]
    fn the_size_is_bounded() {
        let folder = Folder::new("size");
        let comments = "#".repeat(SIZE_MAX as usize);
        let file = folder.file("file", &comments);
        assert_eq!(folder.read(&file), Ok(comments), "64 kB");
        for size in [SIZE_MAX + 1, 8 << 30] {
            File::options().write(true).open(&file).unwrap().set_len(size).unwrap();
            folder.refuses(&file, Error::TooLarge);
        }
        assert_eq!(bounded(File::open("/dev/zero").unwrap()).unwrap(), None, "whatever size it says");
    }

    #[test]
    #[cfg_attr(miri, ignore = "Miri knows no opening that does not block")]
    fn a_file_of_somebody_else_is_refused_whatever_it_is() {
        let folder = Folder::new("owner");
        let (file, other) = (folder.file("file", ""), folder.owner() + 1);
        allow(&file, 0o666);
        for path in [&file, &folder.0] {
            let refused = Error::InFile(path.clone(), Box::new(Error::OtherOwner(folder.owner())));
            assert_eq!(read(path, &[other]), Err(refused));
        }
        allow(&file, 0o600);
        assert_eq!(read(&file, &[other, folder.owner()]), Ok(String::new()));
    }

    #[test]
    #[cfg_attr(miri, ignore = "Miri knows no opening that does not block")]
    fn a_file_that_others_may_write_is_refused() {
        let folder = Folder::new("mode");
        let file = folder.file("file", "");
        for mode in [0o620, 0o602, 0o666] {
            allow(&file, mode);
            folder.refuses(&file, Error::WritableByOthers);
        }
        allow(&file, 0o444);
        assert_eq!(folder.read(&file), Ok(String::new()));
    }

    #[test]
    #[cfg_attr(miri, ignore = "Miri knows no opening that does not block")]
    fn what_cannot_be_read_is_said() {
        let folder = Folder::new("unreadable");
        let missing = folder.path("missing");
        assert_eq!(folder.read(&missing), Err(Error::Unreadable(missing, ErrorKind::NotFound)));
        let file = folder.path("bytes");
        fs::write(&file, b"readers = \xFF").unwrap();
        allow(&file, 0o600);
        assert_eq!(folder.read(&file), Err(Error::Unreadable(file, ErrorKind::InvalidData)));
    }
}
