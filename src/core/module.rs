//! The life of the module: from C_Initialize to C_Finalize.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::sleep;
use std::time::Duration;

use cryptoki_sys::*;
use parking_lot::{Mutex, RwLock};

use super::events::Watch;
use super::session::Sessions;
use super::slot::padded;
use crate::settings::Settings;
use crate::token::Readers;

/// The version of PKCS#11 that the module is written to.
pub(super) const CRYPTOKI_VERSION: CK_VERSION = CK_VERSION { major: 3, minor: 2 };

/// How long C_Finalize pauses between two tries to wake the threads in C_WaitForSlotEvent.
const WAKE_PAUSE: Duration = Duration::from_millis(2);
/// How often it tries: for two seconds.
const WAKE_TRIES: u32 = 1000;

/// What one C_Initialize starts and one C_Finalize ends.
pub struct Module {
    settings: Settings,
    readers: Readers,
    pub(super) sessions: RwLock<Sessions>,
    pub(super) watch: Mutex<Watch>,
    /// How many readers C_GetSlotList shows: as many as there were when it last looked for them.
    pub(super) listed: AtomicUsize,
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
            sessions: RwLock::default(),
            watch,
            listed: AtomicUsize::new(0),
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
        self.finalized.load(Ordering::Acquire)
    }

    /// C_GetInfo.
    #[must_use]
    pub fn info() -> CK_INFO {
        let number = |text: &str| text.parse().unwrap_or(0);
        CK_INFO {
            cryptokiVersion: CRYPTOKI_VERSION,
            manufacturerID: padded(crate::MANUFACTURER),
            flags: 0,
            libraryDescription: padded("JPKI (My Number Card) module"),
            libraryVersion: CK_VERSION {
                major: number(env!("CARGO_PKG_VERSION_MAJOR")),
                minor: number(env!("CARGO_PKG_VERSION_MINOR")),
            },
        }
    }

    /// C_Finalize: ends all sessions, which leaves every card locked, and wakes whoever waits for a slot event.
    pub fn finalize(&self) {
        self.finalized.store(true, Ordering::Release);
        self.close_sessions(|_, _| true);
        // Again and again: a thread may be just about to fall asleep.
        for _ in 0..WAKE_TRIES {
            if self.waiters.load(Ordering::Acquire) == 0 {
                break;
            }
            self.readers.cancel_waits();
            sleep(WAKE_PAUSE);
        }
    }
}
