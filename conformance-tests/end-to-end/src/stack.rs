//! The PC/SC stack under the tests. It has to be there, and one test at a time uses it.

use std::env;
use std::ffi::CString;
use std::fs;
use std::io::{self, Write as _};
use std::panic::{self, AssertUnwindSafe};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use pcsc::{Context, Disposition, Protocols, Scope, ShareMode, State};

use crate::paths::scratch;
use crate::{Reader, wait_until};

/// How to run the tests.
const HOW: &str = "run them with: conformance-tests/stack cargo test -p jpki-end-to-end -- --test-threads=1";

/// No test takes this long unless it hangs.
const TIMEOUT: Duration = Duration::from_secs(180);

/// One test's turn at the readers and at the module, of which a process has only one.
pub struct Turn {
    _guard: MutexGuard<'static, ()>,
    /// The watchdog ends when this is dropped.
    _ended: Sender<()>,
}

impl Turn {
    /// Waits for the turn. If a test hangs in its turn, the whole process ends, so the run has an end.
    ///
    /// # Panics
    /// Without a PC/SC stack.
    #[must_use]
    pub fn take() -> Self {
        static TURN: Mutex<()> = Mutex::new(());
        assert!(env::var_os("JPKI_STACK").is_some(), "these tests need a PC/SC stack: {HOW}");
        // The mutex holds no data that a failed test could have left half-written.
        let guard = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let test = thread::current().name().unwrap_or("a test").to_owned();
        let (ended, end) = mpsc::channel::<()>();
        thread::spawn(move || {
            if let Err(RecvTimeoutError::Timeout) = end.recv_timeout(TIMEOUT) {
                say(&format!("{test} has hung for {} seconds; the tests are ended", TIMEOUT.as_secs()));
                std::process::abort();
            }
        });
        Turn { _guard: guard, _ended: ended }
    }
}

/// The state of a reader, and its count of insertions and removals. `None` if there is no such reader.
pub(crate) fn reader_state(reader: Reader) -> Option<(State, u32)> {
    let context = Context::establish(Scope::User).ok()?;
    let name = CString::new(reader.bytes()).expect("a reader's name");
    let mut states = [pcsc::ReaderState::new(name, State::UNAWARE)];
    context.get_status_change(Duration::ZERO, &mut states).ok()?;
    let [state] = states;
    let flags = state.event_state();
    if flags.intersects(State::UNKNOWN | State::IGNORE) {
        return None;
    }
    Some((flags, state.event_count()))
}

/// Waits until no program has a transaction with the card: then no command is on its way to the card. Leaves the card
/// as it is.
///
/// # Panics
/// If that takes too long.
#[track_caller]
pub fn wait_for_no_transaction(reader: Reader) {
    let name = CString::new(reader.bytes()).expect("a reader's name");
    let context = Context::establish(Scope::User).expect("a PC/SC service");
    wait_until("no program has a transaction", || {
        let Ok(mut card) = context.connect(&name, ShareMode::Shared, Protocols::ANY) else { return false };
        // Begins when no other program has one. Fails if pcscd has reset the card because a program died in its own.
        let had = card.transaction().is_ok_and(|transaction| transaction.end(Disposition::LeaveCard).is_ok());
        if let Err((card, _)) = card.disconnect(Disposition::LeaveCard) {
            // A drop would reset the card.
            std::mem::forget(card);
        }
        had
    });
}

/// Prints a line even if the test harness hides the output of tests.
fn say(line: &str) {
    // A closed standard error is no reason to fail.
    let _ = writeln!(io::stderr(), "\n{line}");
}

/// For a test that disturbs the stack, which it may do only to a private one. The names of these tests begin with
/// `in_a_private_stack_`.
///
/// # Panics
/// In the stack's modes other than `private`: a test that has tested nothing must not pass.
#[track_caller]
pub fn needs_private_stack() {
    let mode = env::var("JPKI_STACK").unwrap_or_default();
    assert!(
        mode == "private",
        "this test needs a private stack, and this one is: {mode}. If there can be none, leave such tests out: \
         cargo test ... -- --test-threads=1 --skip in_a_private_stack_"
    );
}

/// Kills pcscd with SIGKILL, and starts it anew with the same arguments after `between`.
///
/// # Panics
/// Without a private stack, and if no pcscd is found or the new one does not come up.
#[track_caller]
pub fn restart_pcscd(between: impl FnOnce()) {
    needs_private_stack();
    let (process, arguments) = find_pcscd().expect("a private stack has a pcscd");
    // SAFETY: sends a signal; the process is the pcscd of this private stack's own process namespace.
    assert_eq!(unsafe { libc::kill(process, libc::SIGKILL) }, 0);
    wait_until("pcscd ends", || find_pcscd().is_none());
    // A process loses its command line before its sockets, and the new pcscd gets no reader if the port is still taken.
    let ports = [Reader::First, Reader::Second, Reader::Other].map(Reader::port);
    wait_until("the ports of the readers are free", || !ports.iter().any(|port| has_listener(port)));
    // Even if `between` panics, the later tests need a pcscd.
    let outcome = panic::catch_unwind(AssertUnwindSafe(between));
    let (program, options) = arguments.split_first().expect("a program has a name");
    // The killed pcscd has left these behind.
    for left in ["/run/pcscd/pcscd.comm", "/run/pcscd/pcscd.pid"] {
        let _ = fs::remove_file(left);
    }
    let mut command = Command::new(program);
    command.args(options).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    // This pcscd outlives the program, for the later tests, and ends with the stack.
    drop(command.spawn().expect("pcscd starts"));
    wait_until("pcscd shows its readers", || {
        reader_state(Reader::First).is_some() && reader_state(Reader::Second).is_some()
    });
    outcome.unwrap_or_else(|panic| panic::resume_unwind(panic));
}

/// Whether a program listens on a port.
fn has_listener(port: &str) -> bool {
    let local = format!(":{:04X}", port.parse::<u16>().expect("a port"));
    let listens = |line: &str| {
        let mut words = line.split_whitespace().skip(1);
        // The local address, the other one, and the state: 0A is LISTEN.
        words.next().is_some_and(|address| address.ends_with(&local)) && words.nth(1) == Some("0A")
    };
    ["/proc/net/tcp", "/proc/net/tcp6"]
        .iter()
        .any(|table| fs::read_to_string(table).is_ok_and(|text| text.lines().any(listens)))
}

/// Two more readers, of another driver than the stack's own two. pcsc-lite reads its files only at its start, so these
/// readers come and go with a restart of pcscd, and the others are then back as they were.
pub struct OtherReaders {
    reader: Reader,
    configuration: PathBuf,
    driver: PathBuf,
}

impl OtherReaders {
    /// Plugs them in.
    ///
    /// # Panics
    /// Without a private stack, and if the readers do not come.
    #[track_caller]
    #[must_use]
    pub fn plug() -> Self {
        Self::plug_as(Reader::Other)
    }

    /// Plugs them in with the name of `reader`.
    ///
    /// # Panics
    /// Without a private stack, and if the readers do not come.
    #[track_caller]
    #[must_use]
    pub fn plug_as(reader: Reader) -> Self {
        needs_private_stack();
        let (_, arguments) = find_pcscd().expect("a pcscd");
        let option = arguments.iter().position(|word| word == "--config");
        let folder = option.and_then(|place| arguments.get(place + 1)).map_or_else(PathBuf::new, PathBuf::from);
        let other = OtherReaders { reader, configuration: folder.join("other"), driver: scratch("libifdvpcd.so") };
        restart_pcscd(|| {
            let own = fs::read_to_string(folder.join("vpcd")).expect("the configuration of the stack's readers");
            let line = own.lines().find_map(|line| line.strip_prefix("LIBPATH")).expect("its driver");
            // The same file would be loaded as the same driver, and a driver keeps the readers of one device only.
            fs::copy(line.trim(), &other.driver).expect("a copy of the driver");
            let driver = other.driver.display();
            let port = reader.port();
            // pcscd adds the numbers.
            let name = reader.bytes().strip_suffix(b" 00 00").expect("the numbers of a reader");
            let rest = format!("\"\nDEVICENAME /dev/null:{port}\nLIBPATH {driver}\nCHANNELID {port}\n");
            let text = [b"FRIENDLYNAME \"", name, rest.as_bytes()].concat();
            fs::write(&other.configuration, text).expect("a file of the private stack");
        });
        wait_until("the other readers come", || reader_state(reader).is_some());
        other
    }

    /// Unplugs them.
    ///
    /// # Panics
    /// If the readers do not go.
    pub fn unplug(self) {
        let reader = self.reader;
        drop(self);
        wait_until("the other readers go", || reader_state(reader).is_none());
    }
}

impl Drop for OtherReaders {
    fn drop(&mut self) {
        if self.configuration.exists() {
            restart_pcscd(|| {
                let _ = fs::remove_file(&self.configuration);
            });
            let _ = fs::remove_file(&self.driver);
        }
    }
}

/// The process id of pcscd, and its command line.
fn find_pcscd() -> Option<(libc::pid_t, Vec<String>)> {
    let processes = fs::read_dir("/proc").expect("/proc").flatten();
    processes.into_iter().find_map(|entry| {
        let process = entry.file_name().to_string_lossy().parse().ok()?;
        let arguments = fs::read(entry.path().join("cmdline")).ok()?;
        let words: Vec<_> = arguments.split(|byte| *byte == 0).map(|word| String::from_utf8_lossy(word)).collect();
        let words: Vec<_> = words.into_iter().filter(|word| !word.is_empty()).map(String::from).collect();
        let program = PathBuf::from(words.first()?);
        // A zombie has no command line.
        (program.file_name()? == "pcscd").then_some((process, words))
    })
}
