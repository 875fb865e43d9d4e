//! Signatures that give their data back (PKCS#11 3.2 §5.13.5 and §5.13.6, §5.15.5 and §5.15.6).

use cryptoki_sys::*;

use super::library::module;
use super::operations::{begin, settle};
use super::pointers::{answer, answer_from, bytes, read};
use crate::core::Error;

/// C_SignRecoverInit.
///
/// # Safety
/// `wanted` is NULL or points to a CK_MECHANISM with its parameter.
pub(super) unsafe fn sign_recover_init(
    session: CK_SESSION_HANDLE,
    wanted: *const CK_MECHANISM,
    key: CK_OBJECT_HANDLE,
) -> Result<(), Error> {
    // SAFETY: by this function's contract.
    unsafe { begin(session, CKF_SIGN_RECOVER, wanted, |module, wanted| module.sign_recover_init(session, wanted, key)) }
}

/// C_SignRecover.
///
/// # Safety
/// As the lengths say; `length` may be read and written.
pub(super) unsafe fn sign_recover(
    session: CK_SESSION_HANDLE,
    data: *const CK_BYTE,
    data_length: CK_ULONG,
    signature: *mut CK_BYTE,
    length: *mut CK_ULONG,
) -> Result<(), Error> {
    let module = module()?;
    let needed = module.sign_recover_length(session)?;
    // SAFETY: by this function's contract.
    let outcome = unsafe {
        answer_from(data, data_length, signature, length, needed, |data| {
            Ok(module.sign_recover(session, data)?.to_vec())
        })
    };
    settle(&module, session, CKF_SIGN_RECOVER, outcome)
}

/// C_VerifyRecoverInit.
///
/// # Safety
/// `wanted` is NULL or points to a CK_MECHANISM with its parameter.
pub(super) unsafe fn verify_recover_init(
    session: CK_SESSION_HANDLE,
    wanted: *const CK_MECHANISM,
    key: CK_OBJECT_HANDLE,
) -> Result<(), Error> {
    // SAFETY: by this function's contract.
    unsafe {
        begin(session, CKF_VERIFY_RECOVER, wanted, |module, wanted| module.verify_recover_init(session, wanted, key))
    }
}

/// C_VerifyRecover. How long the data are shows only when they are recovered; a call that asks for the length gets the
/// most that there can be, as the standard allows (PKCS#11 3.2 §5.2).
///
/// # Safety
/// As the lengths say; `length` may be read and written.
pub(super) unsafe fn verify_recover(
    session: CK_SESSION_HANDLE,
    signature: *const CK_BYTE,
    signature_length: CK_ULONG,
    data: *mut CK_BYTE,
    length: *mut CK_ULONG,
) -> Result<(), Error> {
    let module = module()?;
    let most = module.verify_recover_length(session)?;
    // SAFETY: by this function's contract.
    let outcome = unsafe {
        if data.is_null() {
            answer(data, length, most, || Ok(Vec::new()))
        } else {
            // The signature may lie where the data are written to: nothing refers to it any more by then.
            read(length)
                .and_then(|_| module.verify_recover(session, bytes(signature, signature_length)?))
                .and_then(|recovered| answer(data, length, recovered.len(), || Ok(recovered)))
        }
    };
    // Ended by everything but a question for the length and a buffer that is too small.
    if !matches!((&outcome, data.is_null()), (Ok(()), true) | (Err(Error::BufferTooSmall), _)) {
        module.session_cancel(session, CKF_VERIFY_RECOVER)?;
    }
    outcome
}
