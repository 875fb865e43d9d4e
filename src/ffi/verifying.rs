//! Functions for verifying signatures (PKCS#11 3.2 §5.15).

use cryptoki_sys::*;

use super::library::module;
use super::pointers::bytes;
use super::signing::mechanism;
use crate::core::Error;

/// C_VerifyInit.
///
/// # Safety
/// `wanted` is NULL or points to a CK_MECHANISM with its parameter.
pub(super) unsafe fn verify_init(
    session: CK_SESSION_HANDLE,
    wanted: *const CK_MECHANISM,
    key: CK_OBJECT_HANDLE,
) -> Result<(), Error> {
    let module = module()?;
    module.session_info(session)?;
    // SAFETY: by this function's contract.
    module.verify_init(session, unsafe { mechanism(wanted) }?, key)
}

/// C_Verify.
///
/// # Safety
/// As the lengths say.
pub(super) unsafe fn verify(
    session: CK_SESSION_HANDLE,
    data: *const CK_BYTE,
    data_length: CK_ULONG,
    signature: *const CK_BYTE,
    length: CK_ULONG,
) -> Result<(), Error> {
    let module = module()?;
    module.session_info(session)?;
    // SAFETY: by this function's contract.
    match unsafe { (bytes(data, data_length), bytes(signature, length)) } {
        (Ok(data), Ok(signature)) => module.verify_final(session, Some(data), signature),
        _ => {
            module.verify_cancel(session);
            Err(Error::ArgumentsBad)
        }
    }
}

/// C_VerifyUpdate.
///
/// # Safety
/// `part` is NULL or points to `length` bytes.
pub(super) unsafe fn verify_update(
    session: CK_SESSION_HANDLE,
    part: *const CK_BYTE,
    length: CK_ULONG,
) -> Result<(), Error> {
    let module = module()?;
    module.session_info(session)?;
    // SAFETY: by this function's contract.
    match unsafe { bytes(part, length) } {
        Ok(part) => module.verify_update(session, part),
        Err(error) => {
            module.verify_cancel(session);
            Err(error)
        }
    }
}

/// C_VerifyFinal.
///
/// # Safety
/// `signature` is NULL or points to `length` bytes.
pub(super) unsafe fn verify_final(
    session: CK_SESSION_HANDLE,
    signature: *const CK_BYTE,
    length: CK_ULONG,
) -> Result<(), Error> {
    let module = module()?;
    module.session_info(session)?;
    // SAFETY: by this function's contract.
    match unsafe { bytes(signature, length) } {
        Ok(signature) => module.verify_final(session, None, signature),
        Err(error) => {
            module.verify_cancel(session);
            Err(error)
        }
    }
}
