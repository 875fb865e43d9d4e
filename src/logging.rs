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

/// Starts the log with this level, in this file or else on standard error; [`LevelFilter::Off`] ends it. The `log` crate
/// is linked into the module, so a host program's own logger is another one and stays what it was.
pub(crate) fn start(level: LevelFilter, path: Option<&Path>) {
    if let Some(mut file) = DESTINATION.0.try_lock_for(TIMEOUT) {
        *file = match (level, path) {
            (LevelFilter::Off, _) => None,
            (_, Some(path)) => open(path),
            (_, None) => standard_error(),
        }
        .map(Opened::new);
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

/// Opens the log file for its owner alone. A link in its place is not followed: it could lead into another file.
fn open(path: &Path) -> Option<File> {
    let opened = OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .custom_flags(libc::O_NOFOLLOW | libc::O_CLOEXEC)
        .open(path);
    opened.inspect_err(|error| complain(&format!("{}: {error}", path.display()))).ok()
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
    use std::path::PathBuf;

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
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            fs::remove_dir_all(&self.0).unwrap();
        }
    }

    #[test]
    fn a_log_file_is_made_for_its_owner_alone() {
        let folder = Folder::new("mode");
        assert!(open(&folder.file()).is_some());
        assert_eq!(fs::metadata(folder.file()).unwrap().permissions().mode() & 0o7777, 0o600);
    }

    #[test]
    fn a_log_file_that_is_there_is_added_to() {
        let folder = Folder::new("append");
        fs::write(folder.file(), "before\n").unwrap();
        open(&folder.file()).unwrap().write_all(b"after\n").unwrap();
        assert_eq!(fs::read_to_string(folder.file()).unwrap(), "before\nafter\n");
    }

    #[test]
    fn a_link_is_not_followed() {
        let folder = Folder::new("link");
        let [target, missing] = ["target", "missing"].map(|name| folder.0.join(name));
        fs::write(&target, "").unwrap();
        for leads_to in [&target, &missing] {
            symlink(leads_to, folder.file()).unwrap();
            assert!(open(&folder.file()).is_none(), "{}", leads_to.display());
            fs::remove_file(folder.file()).unwrap();
        }
        assert!(!missing.exists());
    }

    #[test]
    fn a_log_file_that_cannot_be_had_is_none() {
        let folder = Folder::new("none");
        assert!(open(&folder.0).is_none(), "a folder");
        assert!(open(&folder.0.join("missing/log")).is_none(), "in a folder that is not there");
    }

    /// The one test of the state of the process. Those that run beside it may write into its file as well.
    #[test]
    fn the_settings_say_how_much_is_written_and_where() {
        let folder = Folder::new("levels");
        prepare(|mut file, text| file.write_all(text));
        let written = || fs::read_to_string(folder.file()).unwrap_or_default();
        let with = |level, path: Option<PathBuf>| start(level, path.as_deref());
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
