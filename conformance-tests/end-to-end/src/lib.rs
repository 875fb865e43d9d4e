//! What the tests of the built module share: the PC/SC stack, virtual cards, the loaded module, a second program at the
//! same card, and standard programs.
//!
//! Run the tests with `conformance-tests/stack cargo test -p jpki-end-to-end -- --test-threads=1`. They use
//! - `JPKI_PKCS11_MODULE`: the module; by default `release/libjpki_pkcs11.so` in cargo's target folder,
//! - `JPKI_VIRTUAL_CARD`: the virtual card; by default the `release` or `debug` build in cargo's target folder,
//! - `JPKI_STACK`: set by the stack script; if it is missing, every test fails and says what to do.
//!
//! A test that cannot run fails: no test passes without a check. The name of a test says what the test needs of the
//! machine. If the machine does not have it, leave these tests out: `--skip in_a_private_stack_` those that need the
//! stack's mode `private`, `--skip as_root_` those that need root.

mod card;
mod helper;
mod module;
mod paths;
mod programs;
mod raw;
mod stack;

pub use self::card::{Reader, State, Stats, VirtualCard};
pub use self::helper::{Helper, LOCKED, RawAnswers, bystander, raw_apdu, raw_apdu_exclusively, raw_signature};
pub use self::module::{Key, Module, Objects, is, outcome, pin};
pub use self::paths::{lasting, module_path, program, scratch, virtual_card_path};
pub use self::programs::{Output, Pkcs11Tool, certificate_key, run, slot_name, verifies};
pub use self::raw::Raw;
pub use self::stack::{OtherReaders, Turn, needs_private_stack, restart_pcscd, wait_for_no_transaction};

use std::time::{Duration, Instant};

/// A card in the first reader, and the module, initialized after the card was inserted.
pub struct Stand {
    /// The module. It is the first field, because it has to be finalized before the card goes.
    pub module: Module,
    /// The card.
    pub card: VirtualCard,
    _turn: Turn,
}

impl Stand {
    /// With an ordinary card.
    #[must_use]
    pub fn new() -> Self {
        Self::with(&[])
    }

    /// With a card started with these options of the virtual card.
    #[must_use]
    pub fn with(options: &[&str]) -> Self {
        let turn = Turn::take();
        let card = VirtualCard::start(Reader::First, options);
        Stand { module: Module::start(), card, _turn: turn }
    }
}

impl Default for Stand {
    fn default() -> Self {
        Self::new()
    }
}

/// The kernel's number for this thread.
#[must_use]
pub fn thread_id() -> libc::pid_t {
    // SAFETY: asks the kernel for one number.
    unsafe { libc::gettid() }
}

/// Whether a thread of this process sleeps in the kernel, for a thread that has announced a call: then it waits in that
/// call. False if the thread has ended.
#[must_use]
pub fn is_asleep(thread: libc::pid_t) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/self/task/{thread}/stat")).unwrap_or_default();
    // The program's name stands before the state, in parentheses, and can contain anything.
    stat.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('S'))
}

/// Waits until `is_so` returns true. Panics with `what` after 15 seconds, which is long for anything in these tests.
#[track_caller]
pub fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < Duration::from_secs(15), "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}
