//! The state of the process: whether C_Initialize was called, and by which process.

use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use once_cell::sync::Lazy;
use parking_lot::RwLock;

use crate::core::{Error, Module};
use crate::settings::Settings;
use crate::token::Readers;

/// How long C_Initialize waits for the lock. In the child of a fork, the lock may be one that nobody will ever release.
const LOCK_PATIENCE: Duration = Duration::from_secs(1);

/// The module between C_Initialize and C_Finalize.
static RUNNING: Lazy<RwLock<Option<Arc<Module>>>> = Lazy::new(RwLock::default);

/// The process that has called C_Initialize; 0 for none. Read before any lock is taken.
static OWNER: AtomicU32 = AtomicU32::new(0);

/// The running module.
///
/// # Errors
/// [`Error::NotInitialized`], also in the child of a fork, which has to initialize for itself (no
/// CKF_INTERFACE_FORK_SAFE, PKCS#11 3.2 §3.6.7): the parent's connections are not the child's to use.
pub(super) fn module() -> Result<Arc<Module>, Error> {
    if OWNER.load(Ordering::Acquire) != process::id() {
        return Err(Error::NotInitialized);
    }
    RUNNING.read().clone().ok_or(Error::NotInitialized)
}

/// Starts the module with the settings that `settings` finds.
///
/// # Errors
/// [`Error::AlreadyInitialized`], and those of `settings`.
pub(super) fn start(settings: impl FnOnce() -> Result<Settings, Error>) -> Result<(), Error> {
    let mut running = RUNNING.try_write_for(LOCK_PATIENCE).ok_or(Error::GeneralError)?;
    if running.is_some() && OWNER.load(Ordering::Acquire) == process::id() {
        return Err(Error::AlreadyInitialized);
    }
    if let Some(inherited) = running.take() {
        // The parent's: to drop it here would end connections and contexts that the parent still uses.
        std::mem::forget(inherited);
    }
    let settings = settings()?;
    crate::logging::start(&settings);
    *running = Some(Arc::new(Module::new(settings, Readers::of_this_machine())));
    OWNER.store(process::id(), Ordering::Release);
    Ok(())
}

/// Ends the module. Calls that are under way in other threads end by themselves.
///
/// # Errors
/// [`Error::NotInitialized`].
pub(super) fn stop() -> Result<(), Error> {
    let module = module()?;
    let ended = RUNNING.write().take();
    // Of two threads that finalize at once, only one has ended it.
    ended.ok_or(Error::NotInitialized)?;
    module.finalize();
    Ok(())
}
