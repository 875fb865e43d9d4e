//! For how long we are certain that the card in the reader is the same one.

use std::time::{Duration, Instant, SystemTime};

use parking_lot::Mutex;

/// Within this time nobody unplugs a reader, changes the card in it, and has the reader up again.
const CONTINUITY: Duration = Duration::from_secs(1);

/// A moment by two clocks: one that nobody sets and that stands still while the machine sleeps, and one that goes on.
#[derive(Clone, Copy)]
struct Moment(Instant, SystemTime);

impl Moment {
    fn now() -> Self {
        Moment(Instant::now(), SystemTime::now())
    }

    /// Less than [`CONTINUITY`] ago.
    fn is_recent(self) -> bool {
        self.0.elapsed() < CONTINUITY && self.1.elapsed().is_ok_and(|time| time < CONTINUITY)
    }
}

/// When it was last certain that the card in the reader is the one of this insertion.
#[derive(Default)]
pub(super) struct Certainty(Mutex<Option<Moment>>);

impl Certainty {
    /// It was certain a moment ago.
    pub(super) fn is_recent(&self) -> bool {
        self.0.lock().is_some_and(Moment::is_recent)
    }

    /// It is certain now: the card has answered over a connection that leads to it.
    pub(super) fn begin(&self) {
        *self.0.lock() = Some(Moment::now());
    }

    /// It still is, if it was certain a moment ago: the reader says that nothing has happened.
    pub(super) fn go_on(&self) {
        let mut last = self.0.lock();
        *last = last.filter(|last| last.is_recent()).map(|_| Moment::now());
    }
}
