//! Slot events (PKCS#11 3.2 §5.5.4), and the threads that wait for them.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::sleep;
use std::time::Duration;

use cryptoki_sys::CK_SLOT_ID;
use parking_lot::Mutex;

use super::error::Error;
use super::slot::SlotList;
use crate::token::Snapshot;

/// How long a thread sleeps if there is no PC/SC service to wait at.
const NO_SERVICE_PAUSE: Duration = Duration::from_millis(50);
/// The shortest time between two comparisons of the readers.
const PAUSE: Duration = Duration::from_millis(5);
/// How long C_Finalize pauses between two tries to wake the waiting threads.
const WAKE_PAUSE: Duration = Duration::from_millis(2);
/// How many times it tries: for two seconds.
const WAKE_TRIES: u32 = 1000;

/// The events of all slots.
pub(super) struct Events {
    watch: Mutex<Watch>,
    /// Threads in C_WaitForSlotEvent.
    waiters: AtomicUsize,
    finalized: AtomicBool,
}

/// What was seen of the readers so far, and which slots have events that nobody has fetched yet.
struct Watch {
    seen: Snapshot,
    pending: VecDeque<CK_SLOT_ID>,
}

impl Events {
    /// Begins with the readers as they are, so only later changes are events. Sends no APDU.
    pub(super) fn new(slots: &SlotList) -> Self {
        Events {
            watch: Mutex::new(Watch { seen: slots.readers().snapshot(), pending: VecDeque::new() }),
            waiters: AtomicUsize::new(0),
            finalized: AtomicBool::new(false),
        }
    }

    /// C_WaitForSlotEvent: a slot whose card, or whose reader, has come or gone since the last event.
    ///
    /// # Errors
    /// [`Error::NoEvent`] if nothing has happened and `block` is not set; [`Error::NotInitialized`] if the module is
    /// finalized meanwhile.
    pub(super) fn wait(&self, slots: &SlotList, block: bool) -> Result<CK_SLOT_ID, Error> {
        self.waiters.fetch_add(1, Ordering::SeqCst);
        let answer = self.next(slots, block);
        self.waiters.fetch_sub(1, Ordering::SeqCst);
        answer
    }

    fn next(&self, slots: &SlotList, block: bool) -> Result<CK_SLOT_ID, Error> {
        while !self.is_finalized() {
            // A thread that may wait compares the readers only after the wait: with a card that does not answer to power a
            // comparison takes a while, and C_Finalize would wait for it.
            if !block {
                self.compare(slots);
            }
            let known = {
                let mut watch = self.watch.lock();
                if let Some(id) = watch.pending.pop_front() {
                    return Ok(id);
                }
                watch.seen.clone()
            };
            if !block {
                return Err(Error::NoEvent);
            }
            // Whatever may make the wait return at once, this loop does not take a processor for itself.
            sleep(if slots.readers().wait(&known).is_err() { NO_SERVICE_PAUSE } else { PAUSE });
            if !self.is_finalized() {
                self.compare(slots);
            }
        }
        Err(Error::NotInitialized)
    }

    /// Compares the readers with what was seen, and adds the slots that have changed to the pending ones.
    fn compare(&self, slots: &SlotList) {
        let Some(now) = slots.readers().look() else { return };
        let mut watch = self.watch.lock();
        let changed = now.changes(&watch.seen);
        if changed.is_empty() {
            return;
        }
        for slot in slots.refresh().into_iter().filter(|slot| slot.reader.is_among(&changed)) {
            // One flag for each slot, however often it was set (PKCS#11 3.2 §5.5.4).
            if !watch.pending.contains(&slot.id) {
                watch.pending.push_back(slot.id);
            }
        }
        watch.seen = now;
    }

    fn is_finalized(&self) -> bool {
        self.finalized.load(Ordering::SeqCst)
    }

    /// Ends all waits, now and in future.
    pub(super) fn finalize(&self, slots: &SlotList) {
        // In one order with `waiters`, for all threads: a thread that is about to wait sees this, or is counted below.
        self.finalized.store(true, Ordering::SeqCst);
        // Again and again, because a thread may be just about to fall asleep.
        for _ in 0..WAKE_TRIES {
            if self.waiters.load(Ordering::SeqCst) == 0 {
                break;
            }
            slots.readers().cancel_waits();
            sleep(WAKE_PAUSE);
        }
    }
}
