//! General-purpose functions (PKCS#11 3.2 §5.4), and the two relics of parallel execution.

use cryptoki_sys::*;

use super::pointers::{read, write};
use super::{environment, library};
use crate::core::{Error, Module};

/// C_Initialize. The module starts no thread and uses the system's locks.
///
/// # Safety
/// `arguments` is NULL or points to a CK_C_INITIALIZE_ARGS.
pub(super) unsafe fn initialize(arguments: CK_VOID_PTR) -> Result<(), Error> {
    let mut reserved = std::ptr::null_mut();
    if !arguments.is_null() {
        // SAFETY: by this function's contract.
        let arguments = unsafe { read(arguments.cast::<CK_C_INITIALIZE_ARGS>()) }?;
        let callbacks = [
            arguments.CreateMutex.is_some(),
            arguments.DestroyMutex.is_some(),
            arguments.LockMutex.is_some(),
            arguments.UnlockMutex.is_some(),
        ];
        let given = callbacks.iter().filter(|given| **given).count();
        if given != 0 && given != callbacks.len() {
            return Err(Error::ArgumentsBad);
        }
        // The four cases of §5.4.1: only a program that has locks of its own and forbids the system's cannot be served.
        if given != 0 && arguments.flags & CKF_OS_LOCKING_OK == 0 {
            return Err(Error::CantLock);
        }
        reserved = arguments.pReserved;
    }
    library::start(|| environment::settings(reserved))
}

/// C_Finalize.
pub(super) fn finalize(reserved: CK_VOID_PTR) -> Result<(), Error> {
    library::module()?;
    if !reserved.is_null() {
        return Err(Error::ArgumentsBad);
    }
    library::stop()
}

/// C_GetInfo.
///
/// # Safety
/// `info` is NULL or points to a CK_INFO that may be written.
pub(super) unsafe fn get_info(info: *mut CK_INFO) -> Result<(), Error> {
    library::module()?;
    // SAFETY: by this function's contract.
    unsafe { write(info, Module::info()) }
}

/// C_GetFunctionStatus and C_CancelFunction (PKCS#11 3.2 §5.20): nothing ever runs in parallel.
pub(super) fn not_parallel(session: CK_SESSION_HANDLE) -> Result<(), Error> {
    library::call(session)?;
    Err(Error::FunctionNotParallel)
}
