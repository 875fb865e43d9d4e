//! The module's log: off unless the settings want one, and never with a PIN or anything of the signing certificate.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsFd, IntoRawFd};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;

use log::{LevelFilter, Log, Metadata, Record};
use parking_lot::Mutex;

/// How long we wait for another thread's line. In the child of a fork that thread may not exist.
const TIMEOUT: Duration = Duration::from_millis(200);

/// Writes all of a text to a file, without a signal if nobody reads it any more.
pub(crate) type Write = fn(&File, &[u8]) -> io::Result<()>;

/// What the process is like.
struct Process {
    write: Write,
    /// Whether it had standard error when it first called C_Initialize. If not, the number 2 is later that of some other
    /// file or socket, perhaps of our own connection to the PC/SC service.
    has_standard_error: bool,
}

static PROCESS: OnceLock<Process> = OnceLock::new();

/// A file that is open for the log. A program that becomes a daemon may close all descriptors, and open something else
/// under this number: then it is not the log's any more, neither to write to nor to close.
struct Opened {
    file: Option<File>,
    /// Which file it was when it was opened.
    identity: Option<(u64, u64)>,
}

impl Opened {
    fn new(file: File) -> Self {
        Opened { identity: identity(&file), file: Some(file) }
    }

    /// The file, if the number is still its own.
    fn file(&self) -> Option<&File> {
        self.file.as_ref().filter(|file| self.identity.is_some() && identity(file) == self.identity)
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        if self.file().is_none() {
            let _ = self.file.take().map(IntoRawFd::into_raw_fd);
        }
    }
}

/// The numbers by which the system knows an open file: device and inode.
fn identity(file: &File) -> Option<(u64, u64)> {
    file.metadata().ok().map(|known| (known.dev(), known.ino()))
}

/// Why a pipe, a device or a socket takes no log.
const NOT_REGULAR: &str = "not a regular file";

/// Where the log goes: one place for the process, which a later C_Initialize may change.
struct Destination(Mutex<Option<Opened>>);

static DESTINATION: Destination = Destination(Mutex::new(None));

/// Says how to write, and finds out whether there is standard error. To be called before anything opens a descriptor; the
/// first call counts.
pub(crate) fn prepare(write: Write) {
    PROCESS.get_or_init(|| {
        // No free number is another matter.
        let is_closed = duplicate_of_standard_error().is_err_and(|error| error.raw_os_error() == Some(libc::EBADF));
        Process { write, has_standard_error: !is_closed }
    });
}

/// Starts the log with this level, in this file or else on standard error. If the file cannot be had, there is a complaint
/// and no log. [`LevelFilter::Off`] ends the log. The `log` crate is linked into the module, so a host program's own logger
/// is another one and stays what it was.
///
/// `user` is the effective user of the process, to whom the file has to belong.
pub(crate) fn start(level: LevelFilter, path: Option<&Path>, user: u32) {
    let opened = match (level, path) {
        (LevelFilter::Off, _) => None,
        (_, Some(path)) => open(path, user),
        (_, None) => standard_error(),
    };
    // A log that was to go into a file does not go to standard error instead.
    let level = if opened.is_some() { level } else { LevelFilter::Off };
    if let Some(mut file) = DESTINATION.0.try_lock_for(TIMEOUT) {
        *file = opened.map(Opened::new);
    }
    // Fails when it was done before, by the last C_Initialize.
    let _ = log::set_logger(&DESTINATION);
    log::set_max_level(level);
}

/// Ends the log and closes its file, with C_Finalize.
pub(crate) fn stop() {
    log::set_max_level(LevelFilter::Off);
    if let Some(mut file) = DESTINATION.0.try_lock_for(TIMEOUT) {
        *file = None;
    }
}

/// Opens the log file for its owner alone, or complains. It is a regular file of `user` with an absolute path: a pipe or a
/// device would make us wait, and another user's file is not ours to write. A link in its place is not followed, because it
/// could lead into another file.
fn open(path: &Path, user: u32) -> Option<File> {
    let refuse = |why: &str| {
        complain(&format!("log-file {}: {why}; there is no log", path.display()));
        None
    };
    if !path.is_absolute() {
        return refuse("not an absolute path, so it depends on where the program was started");
    }
    let opened = OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_NOCTTY | libc::O_CLOEXEC)
        .open(path)
        .and_then(|file| Ok((file.metadata()?, file)));
    match opened {
        Ok((metadata, _)) if !metadata.is_file() => refuse(NOT_REGULAR),
        Ok((metadata, _)) if metadata.uid() != user => {
            refuse(&format!("it belongs to user {}, not to the program's own user", metadata.uid()))
        }
        Ok((_, file)) => Some(file),
        // A pipe that nobody reads, or a socket.
        Err(error) if error.raw_os_error() == Some(libc::ENXIO) => refuse(NOT_REGULAR),
        Err(error) => refuse(&error.to_string()),
    }
}

/// Standard error under a number of our own: the program may close it, and open something else under the number 2.
fn standard_error() -> Option<File> {
    PROCESS.get().filter(|process| process.has_standard_error).and_then(|_| duplicate_of_standard_error().ok())
}

fn duplicate_of_standard_error() -> io::Result<File> {
    io::stderr().as_fd().try_clone_to_owned().map(File::from)
}

/// Writes to standard error what there is no log for yet: a mistake in the settings.
pub(crate) fn complain(what: &str) {
    if let Some(file) = standard_error() {
        write(&file, &format!("jpki-pkcs11: {what}\n"));
    }
}

/// A line that cannot be written is no reason to fail.
fn write(file: &File, line: &str) {
    if let Some(process) = PROCESS.get() {
        let _ = (process.write)(file, line.as_bytes());
    }
}

impl Log for Destination {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= log::max_level()
    }

    fn log(&self, record: &Record<'_>) {
        let line = format!("jpki-pkcs11 {} {}\n", record.level(), record.args());
        let Some(file) = self.0.try_lock_for(TIMEOUT) else { return };
        // The log may have ended meanwhile, and its file with it.
        if !self.enabled(record.metadata()) {
            return;
        }
        if let Some(file) = file.as_ref().and_then(Opened::file) {
            write(file, &line);
        }
    }

    fn flush(&self) {}
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write as _;
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::os::unix::net::UnixListener;
    use std::path::PathBuf;
    use std::process::Command;
    use std::sync::mpsc;
    use std::thread;

    use super::*;

    /// A folder of its own for one test, removed with this value.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let folder = std::env::temp_dir().join(format!("jpki-pkcs11-log-{name}-{}", std::process::id()));
            fs::create_dir_all(&folder).unwrap();
            Folder(folder)
        }

        fn file(&self) -> PathBuf {
            self.0.join("log")
        }

        /// Who makes files here.
        fn owner(&self) -> u32 {
            fs::metadata(&self.0).unwrap().uid()
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            fs::remove_dir_all(&self.0).unwrap();
        }
    }

    #[test]
    #[cfg_attr(miri, ignore = "Miri knows no opening that does not block")]
    fn a_log_file_is_made_for_its_owner_alone() {
        let folder = Folder::new("mode");
        assert!(open(&folder.file(), folder.owner()).is_some());
        assert_eq!(fs::metadata(folder.file()).unwrap().permissions().mode() & 0o7777, 0o600);
    }

    #[test]
    #[cfg_attr(miri, ignore = "Miri knows no opening that does not block")]
    fn a_log_file_that_is_there_is_added_to() {
        let folder = Folder::new("append");
        fs::write(folder.file(), "before\n").unwrap();
        open(&folder.file(), folder.owner()).unwrap().write_all(b"after\n").unwrap();
        assert_eq!(fs::read_to_string(folder.file()).unwrap(), "before\nafter\n");
    }

    #[test]
    #[cfg_attr(miri, ignore = "Miri knows no opening that does not block")]
    fn a_link_is_not_followed() {
        let folder = Folder::new("link");
        let [target, missing] = ["target", "missing"].map(|name| folder.0.join(name));
        fs::write(&target, "").unwrap();
        for leads_to in [&target, &missing] {
            symlink(leads_to, folder.file()).unwrap();
            assert!(open(&folder.file(), folder.owner()).is_none(), "{}", leads_to.display());
            fs::remove_file(folder.file()).unwrap();
        }
        assert!(!missing.exists());
    }

    #[test]
    #[cfg_attr(miri, ignore = "Miri knows no opening that does not block")]
    fn a_log_file_that_cannot_be_had_is_none() {
        let folder = Folder::new("none");
        assert!(open(&folder.0, folder.owner()).is_none(), "a folder");
        assert!(open(&folder.0.join("missing/log"), folder.owner()).is_none(), "in a folder that is not there");
    }

    #[test]
    #[cfg_attr(miri, ignore = "Miri knows no opening that does not block")]
    fn what_is_no_regular_file_takes_no_log_and_makes_nobody_wait() {
        let folder = Folder::new("kinds");
        assert!(Command::new("mkfifo").arg(folder.file()).status().unwrap().success());
        let attempt = || {
            let ((sender, receiver), file, owner) = (mpsc::channel(), folder.file(), folder.owner());
            thread::spawn(move || sender.send(open(&file, owner).is_some()));
            receiver.recv_timeout(Duration::from_secs(10)).expect("the opening ends")
        };
        assert!(!attempt(), "a pipe that nobody reads");
        let _reader = File::options().read(true).write(true).open(folder.file()).unwrap();
        assert!(!attempt(), "a pipe that somebody reads");
        fs::remove_file(folder.file()).unwrap();
        let _listener = UnixListener::bind(folder.file()).unwrap();
        assert!(!attempt(), "a socket");
        let device = Path::new("/dev/null");
        assert!(open(device, fs::metadata(device).unwrap().uid()).is_none(), "a device");
    }

    #[test]
    #[cfg_attr(miri, ignore = "Miri knows no opening that does not block")]
    fn a_file_of_another_user_takes_no_log() {
        let folder = Folder::new("owner");
        fs::write(folder.file(), "before\n").unwrap();
        assert!(open(&folder.file(), folder.owner() + 1).is_none());
        assert!(open(&folder.file(), folder.owner()).is_some());
        assert_eq!(fs::read_to_string(folder.file()).unwrap(), "before\n");
    }

    #[test]
    fn a_relative_path_takes_no_log() {
        let folder = Folder::new("relative");
        for path in ["jpki-pkcs11-test-log", "./jpki-pkcs11-test-log", ""] {
            assert!(open(Path::new(path), folder.owner()).is_none(), "{path:?}");
            assert!(!Path::new("jpki-pkcs11-test-log").exists(), "{path:?}");
        }
    }

    /// The one test of the state of the process. Those that run beside it may write into its file as well.
    #[test]
    #[cfg_attr(miri, ignore = "Miri knows no opening that does not block")]
    fn the_settings_say_how_much_is_written_and_where() {
        let folder = Folder::new("levels");
        prepare(|mut file, text| file.write_all(text));
        let written = || fs::read_to_string(folder.file()).unwrap_or_default();
        let with = |level, path: Option<PathBuf>| start(level, path.as_deref(), folder.owner());
        with(LevelFilter::Off, Some(folder.file()));
        log::error!("while it is off");
        assert!(!folder.file().exists(), "a file for nothing");

        with(LevelFilter::Info, Some(folder.file()));
        log::error!("of level error");
        log::info!("of level info");
        log::debug!("too much");
        with(LevelFilter::Trace, Some(folder.file()));
        log::trace!("of level trace");
        with(LevelFilter::Off, None);
        log::error!("after its end");
        with(LevelFilter::Error, Some(folder.0.clone()));
        assert_eq!(log::max_level(), LevelFilter::Off, "no log goes elsewhere than where it should");

        let log = written();
        for line in [
            "jpki-pkcs11 ERROR of level error\n",
            "jpki-pkcs11 INFO of level info\n",
            "jpki-pkcs11 TRACE of level trace\n",
        ] {
            assert!(log.contains(line), "{line:?} is not in:\n{log}");
        }
        for line in ["while it is off", "too much", "after its end"] {
            assert!(!log.contains(line), "{line:?} is in:\n{log}");
        }
    }
}
