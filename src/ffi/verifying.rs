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
    match unsafe { mechanism(wanted) } {
        Some(wanted) => module.verify_init(session, wanted, key),
        None => module.session_cancel(session, CKF_VERIFY),
    }
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
        (Ok(data), Ok(signature)) => module.verify_final(session, Some(data), Some(signature)),
        _ => {
            module.verify_cancel(session);
            Err(Error::ArgumentsBad)
        }
    }
}

/// C_VerifyUpdate, and C_VerifySignatureUpdate where the signature was `given_first`.
///
/// # Safety
/// `part` is NULL or points to `length` bytes.
pub(super) unsafe fn verify_update(
    session: CK_SESSION_HANDLE,
    given_first: bool,
    part: *const CK_BYTE,
    length: CK_ULONG,
) -> Result<(), Error> {
    let module = module()?;
    module.session_info(session)?;
    // SAFETY: by this function's contract.
    match unsafe { bytes(part, length) } {
        Ok(part) => module.verify_update(session, given_first, part),
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
        Ok(signature) => module.verify_final(session, None, Some(signature)),
        Err(error) => {
            module.verify_cancel(session);
            Err(error)
        }
    }
}

/// C_VerifySignatureInit (PKCS#11 3.2).
///
/// # Safety
/// `wanted` is NULL or points to a CK_MECHANISM with its parameter, `signature` is NULL or points to `length` bytes.
pub(super) unsafe fn verify_signature_init(
    session: CK_SESSION_HANDLE,
    wanted: *const CK_MECHANISM,
    key: CK_OBJECT_HANDLE,
    signature: *const CK_BYTE,
    length: CK_ULONG,
) -> Result<(), Error> {
    let module = module()?;
    module.session_info(session)?;
    // SAFETY: by this function's contract.
    match unsafe { mechanism(wanted) } {
        // SAFETY: by this function's contract.
        Some(wanted) => module.verify_signature_init(session, wanted, key, unsafe { bytes(signature, length) }?),
        None => module.session_cancel(session, CKF_VERIFY),
    }
}

/// C_VerifySignature with the whole message.
///
/// # Safety
/// `data` is NULL or points to `length` bytes.
pub(super) unsafe fn verify_signature(
    session: CK_SESSION_HANDLE,
    data: *const CK_BYTE,
    length: CK_ULONG,
) -> Result<(), Error> {
    let module = module()?;
    module.session_info(session)?;
    // SAFETY: by this function's contract.
    match unsafe { bytes(data, length) } {
        Ok(data) => module.verify_final(session, Some(data), None),
        Err(error) => {
            module.verify_cancel(session);
            Err(error)
        }
    }
}

/// C_VerifySignatureFinal.
pub(super) fn verify_signature_final(session: CK_SESSION_HANDLE) -> Result<(), Error> {
    module()?.verify_final(session, None, None)
}
