//! The life of the module: from C_Initialize to C_Finalize.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::sleep;
use std::time::Duration;

use cryptoki_sys::*;
use parking_lot::Mutex;

use super::events::Watch;
use super::session::Sessions;
use super::text::{MANUFACTURER, padded};
use crate::settings::Settings;
use crate::token::Readers;

/// The version of PKCS#11 that the module is written to.
pub(super) const CRYPTOKI_VERSION: CK_VERSION = CK_VERSION { major: 3, minor: 2 };

/// How long C_Finalize pauses between two tries to wake the threads in C_WaitForSlotEvent.
const WAKE_PAUSE: Duration = Duration::from_millis(2);
/// How many times it tries: for two seconds.
const WAKE_TRIES: u32 = 1000;

/// What one C_Initialize starts and one C_Finalize ends.
pub struct Module {
    settings: Settings,
    readers: Readers,
    pub(super) sessions: Mutex<Sessions>,
    pub(super) watch: Mutex<Watch>,
    /// How many readers C_GetSlotList shows: as many as there were when it last looked for them.
    pub(super) listed: Mutex<Option<usize>>,
    /// Threads in C_WaitForSlotEvent.
    pub(super) waiters: AtomicUsize,
    finalized: AtomicBool,
}

impl Module {
    /// Starts the module. Looks which readers have cards, so that only later changes are events; sends no APDU.
    #[must_use]
    pub fn new(settings: Settings, readers: Readers) -> Self {
        let watch = Mutex::new(Watch::new(readers.snapshot()));
        Module {
            settings,
            readers,
            sessions: Mutex::default(),
            watch,
            listed: Mutex::default(),
            waiters: AtomicUsize::new(0),
            finalized: AtomicBool::new(false),
        }
    }

    pub(super) fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(super) fn readers(&self) -> &Readers {
        &self.readers
    }

    pub(super) fn is_finalized(&self) -> bool {
        self.finalized.load(Ordering::SeqCst)
    }

    /// C_GetInfo.
    #[must_use]
    pub fn info() -> CK_INFO {
        let number = |text: &str| text.parse().unwrap_or(0);
        CK_INFO {
            cryptokiVersion: CRYPTOKI_VERSION,
            manufacturerID: padded(MANUFACTURER),
            flags: 0,
            libraryDescription: padded("JPKI (My Number Card) module"),
            libraryVersion: CK_VERSION {
                major: number(env!("CARGO_PKG_VERSION_MAJOR")),
                minor: number(env!("CARGO_PKG_VERSION_MINOR")),
            },
        }
    }

    /// C_Finalize: wakes whoever waits for a slot event, and ends all sessions, which leaves every card locked.
    pub fn finalize(&self) {
        // In one order with `waiters`, for all threads: a thread that is about to wait sees this, or is seen below.
        self.finalized.store(true, Ordering::SeqCst);
        // Before the sessions, because to lock a card may take as long as another program keeps it.
        self.wake_waiters();
        self.close_sessions(|_, _| true);
    }

    /// For a program that ends without C_Finalize: gives up the cards that a login at a PIN pad keeps.
    /// No lock is waited for longer than `patience`.
    pub fn give_up_cards(&self, patience: Duration) {
        self.readers.give_up_cards(patience);
    }

    fn wake_waiters(&self) {
        // Again and again: a thread may be just about to fall asleep.
        for _ in 0..WAKE_TRIES {
            if self.waiters.load(Ordering::SeqCst) == 0 {
                break;
            }
            self.readers.cancel_waits();
            sleep(WAKE_PAUSE);
        }
    }
}
