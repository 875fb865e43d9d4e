//! Signing functions (PKCS#11 3.2 §5.13).

use cryptoki_sys::*;

use super::library::call;
use super::operations::{begin, end_if_bad_arguments};
use super::pointers::{answer, answer_from, bytes};
use crate::core::{Data, Error};

/// C_SignInit.
///
/// # Safety
/// `wanted` is NULL or points to a CK_MECHANISM with its parameter.
pub(super) unsafe fn sign_init(
    session: CK_SESSION_HANDLE,
    wanted: *const CK_MECHANISM,
    key: CK_OBJECT_HANDLE,
) -> Result<(), Error> {
    // SAFETY: by this function's contract.
    unsafe { begin(session, CKF_SIGN, wanted, |call, wanted| call.sign_init(wanted, key)) }
}

/// C_Sign. Asked for the length, or with too small a buffer, it leaves the card alone and the operation open.
///
/// # Safety
/// As the lengths say; `length` may be read and written.
pub(super) unsafe fn sign(
    session: CK_SESSION_HANDLE,
    data: *const CK_BYTE,
    data_length: CK_ULONG,
    signature: *mut CK_BYTE,
    length: *mut CK_ULONG,
) -> Result<(), Error> {
    let call = call(session)?;
    let needed = call.signature_length(Data::Whole)?;
    // SAFETY: by this function's contract.
    let outcome = unsafe {
        answer_from(data, data_length, signature, length, needed, |data| Ok(call.sign_final(data)?.to_vec()))
    };
    end_if_bad_arguments(&call, CKF_SIGN, outcome)
}

/// C_SignUpdate.
///
/// # Safety
/// `part` is NULL or points to `length` bytes.
pub(super) unsafe fn sign_update(
    session: CK_SESSION_HANDLE,
    part: *const CK_BYTE,
    length: CK_ULONG,
) -> Result<(), Error> {
    let call = call(session)?;
    call.signature_length(Data::InParts)?;
    // SAFETY: by this function's contract.
    let outcome = unsafe { bytes(part, length) }.and_then(|part| call.sign_update(part));
    end_if_bad_arguments(&call, CKF_SIGN, outcome)
}

/// C_SignFinal.
///
/// # Safety
/// `length` is NULL or may be read and written; `signature` is NULL or has the room that stands there.
pub(super) unsafe fn sign_final(
    session: CK_SESSION_HANDLE,
    signature: *mut CK_BYTE,
    length: *mut CK_ULONG,
) -> Result<(), Error> {
    let call = call(session)?;
    let needed = call.signature_length(Data::InParts)?;
    // SAFETY: by this function's contract.
    let outcome = unsafe { answer(signature, length, needed, || Ok(call.sign_final(&[])?.to_vec())) };
    end_if_bad_arguments(&call, CKF_SIGN, outcome)
}
