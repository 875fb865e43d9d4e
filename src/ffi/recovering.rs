//! Signatures that give their data back (PKCS#11 3.2 §5.13.5 and §5.13.6, §5.15.5 and §5.15.6).

use cryptoki_sys::*;

use super::library::call;
use super::operations::{begin, end_if_bad_arguments};
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
    unsafe { begin(session, CKF_SIGN_RECOVER, wanted, |call, wanted| call.sign_recover_init(wanted, key)) }
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
    let call = call(session)?;
    let needed = call.sign_recover_length()?;
    // SAFETY: by this function's contract.
    let outcome = unsafe {
        answer_from(data, data_length, signature, length, needed, |data| Ok(call.sign_recover(data)?.to_vec()))
    };
    end_if_bad_arguments(&call, CKF_SIGN_RECOVER, outcome)
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
    unsafe { begin(session, CKF_VERIFY_RECOVER, wanted, |call, wanted| call.verify_recover_init(wanted, key)) }
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
    let call = call(session)?;
    let most = call.verify_recover_length()?;
    // SAFETY: by this function's contract.
    let outcome = unsafe {
        if data.is_null() {
            answer(data, length, most, || Ok(Vec::new()))
        } else {
            // The data may be written over the signature: nothing refers to it any more by then.
            read(length)
                .and_then(|_| call.verify_recover(bytes(signature, signature_length)?))
                .and_then(|recovered| answer(data, length, recovered.len(), || Ok(recovered)))
        }
    };
    // Ended by everything but a question for the length and a buffer that is too small.
    if !matches!((&outcome, data.is_null()), (Ok(()), true) | (Err(Error::BufferTooSmall), _)) {
        call.session_cancel(CKF_VERIFY_RECOVER);
    }
    outcome
}
