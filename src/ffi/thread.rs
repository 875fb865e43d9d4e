//! What belongs to the thread of the program that calls: whether it can be cancelled, and the signal SIGPIPE.

use std::ffi::c_int;
use std::fs::File;
use std::io::{self, Write as _};
use std::mem::MaybeUninit;
use std::ptr;

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
            unsafe { pthread_setcancelstate(before, ptr::null_mut()) };
        }
    }
}

/// Writes all of a text to a file. If nobody reads it any more (a pipe, a socket), that is an error like any other: the
/// kernel's SIGPIPE, which would end the program, never gets to it.
///
/// The signal comes to the thread that writes, so this thread blocks it, and takes it away if the write has caused it. To
/// ask before whether there is a reader would not do, because the reader may go in between; MSG_NOSIGNAL is for sockets.
///
/// # Errors
/// Those of write.
pub(super) fn write_without_signal(mut file: &File, text: &[u8]) -> io::Result<()> {
    let Some(blocked) = BlockedPipeSignal::new() else { return Err(io::ErrorKind::Unsupported.into()) };
    let written = file.write_all(text);
    if written.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::BrokenPipe) {
        blocked.take_away();
    }
    written
}

/// SIGPIPE is blocked in this thread as long as this value lives.
struct BlockedPipeSignal {
    signal: libc::sigset_t,
    /// The signals that the thread itself has blocked.
    before: libc::sigset_t,
    /// A SIGPIPE that waits already is the program's own.
    waits: bool,
}

impl BlockedPipeSignal {
    fn new() -> Option<Self> {
        let [mut signal, mut before, mut waiting] = [MaybeUninit::<libc::sigset_t>::uninit(); 3];
        // SAFETY: room for three sets, each of which its function fills; the first one before it is used.
        unsafe {
            libc::sigemptyset(signal.as_mut_ptr());
            libc::sigaddset(signal.as_mut_ptr(), libc::SIGPIPE);
            if libc::sigpending(waiting.as_mut_ptr()) != 0 {
                return None;
            }
            let waits = libc::sigismember(waiting.as_ptr(), libc::SIGPIPE) == 1;
            if libc::pthread_sigmask(libc::SIG_BLOCK, signal.as_ptr(), before.as_mut_ptr()) != 0 {
                return None;
            }
            Some(BlockedPipeSignal { signal: signal.assume_init(), before: before.assume_init(), waits })
        }
    }

    /// Takes away the signal that a write has caused.
    fn take_away(&self) {
        if self.waits {
            // Two of the same signal are one.
            return;
        }
        let at_once = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: a set of signals, no room for what is known of the signal, and a time. If the program ignores SIGPIPE,
        // none waits, and this ends at once as well.
        unsafe { libc::sigtimedwait(&raw const self.signal, ptr::null_mut(), &raw const at_once) };
    }
}

impl Drop for BlockedPipeSignal {
    fn drop(&mut self) {
        // SAFETY: the thread's own set, and the old one is not wanted.
        unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &raw const self.before, ptr::null_mut()) };
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::OwnedFd;
    use std::os::unix::net::UnixStream;

    use super::*;

    /// Whether a SIGPIPE waits for this thread. A blocked one waits even in a process that ignores it, as this one does.
    fn waits() -> bool {
        BlockedPipeSignal::new().unwrap().waits
    }

    #[test]
    #[cfg_attr(miri, ignore = "Miri does not know signals")]
    fn nobody_to_read_is_an_error_and_no_signal() {
        let (reader, writer) = UnixStream::pair().unwrap();
        let file = File::from(OwnedFd::from(writer));
        // So that a signal would wait.
        let blocked = BlockedPipeSignal::new().unwrap();
        write_without_signal(&file, b"somebody reads").unwrap();
        drop(reader);
        let nobody_reads = || write_without_signal(&file, b"nobody reads").unwrap_err().kind();
        assert_eq!((nobody_reads(), waits()), (io::ErrorKind::BrokenPipe, false));
        // SAFETY: a signal that this thread has blocked.
        unsafe { libc::pthread_kill(libc::pthread_self(), libc::SIGPIPE) };
        assert_eq!((nobody_reads(), waits()), (io::ErrorKind::BrokenPipe, true), "the program's own is left to it");
        blocked.take_away();
        assert!(!waits());
    }

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
            assert_eq!(unsafe { pthread_setcancelstate(before, ptr::null_mut()) }, 0);
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
