//! What belongs to the thread of the program that calls: whether it can be cancelled.

use std::ffi::c_int;

unsafe extern "C" {
    // The `libc` crate does not have it for Linux.
    fn pthread_setcancelstate(state: c_int, old: *mut c_int) -> c_int;
}

/// PTHREAD_CANCEL_DISABLE of Linux's C libraries, glibc and musl.
const PTHREAD_CANCEL_DISABLE: c_int = 1;

/// As long as this value lives, pthread_cancel has no effect on the thread: the thread ends at its next cancellation point
/// after that.
///
/// A thread that is cancelled is unwound by the C library, from any read, write or wait. In here that would be in the
/// middle of a transaction, and [`catch_unwind`](std::panic::catch_unwind) must not meet it: the program would be aborted.
pub(super) struct Uncancelled {
    /// The thread's own state; `None` if it could not be changed.
    before: Option<c_int>,
}

impl Uncancelled {
    pub(super) fn new() -> Self {
        let mut before = 0;
        // Miri does not know the function.
        // SAFETY: a known state, and room for the old one.
        let changed = !cfg!(miri) && unsafe { pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &raw mut before) } == 0;
        Uncancelled { before: changed.then_some(before) }
    }
}

impl Drop for Uncancelled {
    fn drop(&mut self) {
        if let Some(before) = self.before {
            // This is no cancellation point, so a cancellation that came meanwhile does not unwind our frames. (It would
            // in a thread that can be cancelled at any instruction; POSIX lets such a thread call next to nothing.)
            // SAFETY: the state that the thread had, which is not wanted again.
            unsafe { pthread_setcancelstate(before, std::ptr::null_mut()) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The state of this thread, which is disabled afterwards.
    fn state() -> c_int {
        let mut before = -1;
        // SAFETY: a known state, and room for the old one.
        assert_eq!(unsafe { pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &raw mut before) }, 0);
        before
    }

    #[test]
    #[cfg_attr(miri, ignore = "Miri does not know cancellation")]
    fn a_thread_gets_back_the_state_that_it_had() {
        let enabled = state();
        assert_ne!(enabled, PTHREAD_CANCEL_DISABLE, "a new thread can be cancelled");
        for before in [enabled, PTHREAD_CANCEL_DISABLE] {
            // SAFETY: a state of a thread.
            assert_eq!(unsafe { pthread_setcancelstate(before, std::ptr::null_mut()) }, 0);
            let uncancelled = Uncancelled::new();
            let inner = Uncancelled::new();
            assert_eq!(inner.before, Some(PTHREAD_CANCEL_DISABLE));
            drop(inner);
            assert_eq!(state(), PTHREAD_CANCEL_DISABLE, "during the call");
            drop(uncancelled);
            assert_eq!(state(), before);
        }
    }
}
