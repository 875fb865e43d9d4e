//! The state of the process: whether C_Initialize was called, and by which process.

use std::panic::catch_unwind;
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Once};
use std::time::Duration;

use cryptoki_sys::CK_SESSION_HANDLE;
use once_cell::sync::Lazy;
use parking_lot::Mutex;

use super::environment::effective_user;
use super::thread::{Uncancelled, write_without_signal};
use crate::core::{Call, Error, Module};
use crate::settings::Settings;
use crate::token::Readers;

/// How long C_Initialize waits for the lock in the child of a fork, in which perhaps nobody will ever release it.
const LOCK_TIMEOUT: Duration = Duration::from_secs(1);

/// How long the end of the program waits for a lock. Other threads hold a lock for no more than a moment, unless they are in
/// C_Initialize.
const EXIT_TIMEOUT: Duration = Duration::from_millis(100);

/// The module between C_Initialize and C_Finalize.
static RUNNING: Lazy<Mutex<Option<Arc<Module>>>> = Lazy::new(Mutex::default);

/// The process that has called C_Initialize, or is about to; 0 for none. Read before any lock is taken.
static OWNER: AtomicU32 = AtomicU32::new(0);

/// Registers [`at_exit`] once.
static EXIT: Once = Once::new();

/// Leaves the cards locked, if the program ends, or unloads the module, without C_Finalize: a card that works for another
/// thread, and one that a login at a PIN pad keeps. pcscd would reset them, which does not lock them (card-facts §4.5). Waits
/// for a bounded time, so the program ends.
extern "C" fn at_exit() {
    let _uncancelled = Uncancelled::new();
    let _ = catch_unwind(|| {
        // Not in the child of a fork.
        if OWNER.load(Ordering::Acquire) != process::id() {
            return;
        }
        if let Some(module) = RUNNING.try_lock_for(EXIT_TIMEOUT).as_deref().and_then(Option::as_ref) {
            module.give_up_cards(EXIT_TIMEOUT);
        }
    });
}

/// The running module.
///
/// # Errors
/// [`Error::NotInitialized`], also in the child of a fork, which has to initialize for itself (no
/// CKF_INTERFACE_FORK_SAFE, PKCS#11 3.2 §3.6.7): the parent's connections are not the child's to use.
pub(super) fn module() -> Result<Arc<Module>, Error> {
    if OWNER.load(Ordering::Acquire) != process::id() {
        return Err(Error::NotInitialized);
    }
    RUNNING.lock().clone().ok_or(Error::NotInitialized)
}

/// A call in a session of the running module.
///
/// # Errors
/// Those of [`module`], and [`Error::SessionHandleInvalid`].
pub(super) fn call(session: CK_SESSION_HANDLE) -> Result<Call, Error> {
    module()?.call(session)
}

/// Starts the module with the settings that `settings` finds.
///
/// # Errors
/// [`Error::AlreadyInitialized`], and those of `settings`.
pub(super) fn start(settings: impl FnOnce() -> Result<Settings, Error>) -> Result<(), Error> {
    let _ = OWNER.compare_exchange(0, process::id(), Ordering::AcqRel, Ordering::Acquire);
    let mut running = if OWNER.load(Ordering::Acquire) == process::id() {
        // Another thread may be at it, and PC/SC slow.
        RUNNING.lock()
    } else {
        RUNNING.try_lock_for(LOCK_TIMEOUT).ok_or(Error::GeneralError)?
    };
    if running.is_some() && OWNER.load(Ordering::Acquire) == process::id() {
        return Err(Error::AlreadyInitialized);
    }
    if let Some(inherited) = running.take() {
        // The parent's: to drop it here would end connections and contexts that the parent still uses.
        std::mem::forget(inherited);
    }
    crate::logging::prepare(write_without_signal);
    let settings = settings()?;
    crate::logging::start(settings.log, settings.log_file.as_deref(), effective_user());
    EXIT.call_once(|| {
        // SAFETY: the function exists as long as the module is loaded; glibc calls it before that ends. If it cannot be
        // registered, the program goes on without.
        unsafe { libc::atexit(at_exit) };
    });
    *running = Some(Arc::new(Module::new(settings, Readers::of_this_machine)));
    OWNER.store(process::id(), Ordering::Release);
    Ok(())
}

/// Ends the module. Calls that are under way in other threads end by themselves.
///
/// # Errors
/// [`Error::NotInitialized`].
pub(super) fn stop() -> Result<(), Error> {
    module()?;
    // Taken out first: of two threads that finalize at once only one ends it, and it ends what it has taken out, whatever
    // a third has started meanwhile.
    let ended = RUNNING.lock().take().ok_or(Error::NotInitialized)?;
    ended.finalize();
    // Unless another thread has started the module anew meanwhile.
    let running = RUNNING.lock();
    if running.is_none() {
        crate::logging::stop();
    }
    Ok(())
}
