//! Slot events (PKCS#11 3.2 §5.5.4).

use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::thread::sleep;
use std::time::Duration;

use cryptoki_sys::CK_SLOT_ID;

use super::error::Error;
use super::module::Module;
use super::slot::Slot;
use crate::token::Snapshot;

/// How long is slept where there is no PC/SC service to wait at.
const NO_SERVICE_PAUSE: Duration = Duration::from_millis(50);

/// The shortest time between two looks.
const PAUSE: Duration = Duration::from_millis(5);

/// What was seen of the readers so far, and which slots have events that nobody has fetched yet.
#[derive(Default)]
pub(super) struct Watch {
    seen: Snapshot,
    pending: VecDeque<CK_SLOT_ID>,
}

impl Watch {
    pub(super) fn new(seen: Snapshot) -> Self {
        Watch { seen, pending: VecDeque::new() }
    }
}

impl Module {
    /// C_WaitForSlotEvent: a slot whose card, or whose reader, has come or gone since the last event.
    ///
    /// # Errors
    /// [`Error::NoEvent`] where nothing has happened and `block` is not set; [`Error::NotInitialized`] where the
    /// module is finalized meanwhile.
    pub fn wait_for_slot_event(&self, block: bool) -> Result<CK_SLOT_ID, Error> {
        self.waiters.fetch_add(1, Ordering::SeqCst);
        let answer = self.next_event(block);
        self.waiters.fetch_sub(1, Ordering::SeqCst);
        answer
    }

    fn next_event(&self, block: bool) -> Result<CK_SLOT_ID, Error> {
        while !self.is_finalized() {
            // A thread that may wait leaves the looking to the wait, which looks no longer than it must: to look takes a
            // while where a card does not answer to power, and C_Finalize waits for it.
            if !block {
                self.look_for_events();
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
            sleep(if self.readers().wait(&known).is_err() { NO_SERVICE_PAUSE } else { PAUSE });
            if !self.is_finalized() {
                self.look_for_events();
            }
        }
        Err(Error::NotInitialized)
    }

    fn look_for_events(&self) {
        let now = self.readers().snapshot();
        let mut watch = self.watch.lock();
        let changed = now.changes(&watch.seen);
        if changed.is_empty() {
            return;
        }
        let slots = Slot::of_readers(self.look_for_readers());
        let fresh = slots
            .filter(|slot| self.shows(slot.key_pair))
            .filter(|slot| changed.iter().any(|name| name == slot.reader.name()));
        for slot in fresh {
            // One flag for each slot, however often it was set (PKCS#11 3.2 §5.5.4).
            if !watch.pending.contains(&slot.id) {
                watch.pending.push_back(slot.id);
            }
        }
        watch.seen = now;
    }
}
