//! The module's log: off unless the settings want one, and never with a PIN or anything of the signing certificate.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use log::{LevelFilter, Log, Metadata, Record};
use parking_lot::Mutex;

use crate::settings::Settings;

/// How long is waited for another thread's line. In the child of a fork that thread may be one that is not there.
const PATIENCE: Duration = Duration::from_millis(200);

/// Where the log goes: one place for the process, which a later C_Initialize may change.
struct Destination(Mutex<Option<File>>);

static DESTINATION: Destination = Destination(Mutex::new(None));

/// Turns the log on or off as the settings say. The `log` crate is linked into the module, so that a host program's
/// own logger is another one and stays what it was.
pub(crate) fn start(settings: &Settings) {
    if let Some(mut file) = DESTINATION.0.try_lock_for(PATIENCE) {
        *file = settings.log_file.as_deref().filter(|_| settings.log != LevelFilter::Off).and_then(open);
    }
    // Fails when it was done before, by the last C_Initialize.
    let _ = log::set_logger(&DESTINATION);
    log::set_max_level(settings.log);
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

/// Tells on standard error what there is no log for: a mistake in the settings.
pub(crate) fn complain(what: &str) {
    // Not eprintln, which panics where standard error is closed.
    let _ = writeln!(io::stderr(), "jpki-pkcs11: {what}");
}

impl Log for Destination {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= log::max_level()
    }

    fn log(&self, record: &Record<'_>) {
        let line = format!("jpki-pkcs11 {} {}\n", record.level(), record.args());
        let Some(mut file) = self.0.try_lock_for(PATIENCE) else { return };
        // A log that cannot be written is no reason to fail.
        let _ = match file.as_mut() {
            Some(file) => file.write_all(line.as_bytes()),
            None => io::stderr().write_all(line.as_bytes()),
        };
    }

    fn flush(&self) {}
}
