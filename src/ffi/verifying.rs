//! Functions for verifying signatures (PKCS#11 3.2 §5.15).

use cryptoki_sys::*;

use super::library::call;
use super::operations::{begin, end_if_bad_arguments};
use super::pointers::bytes;
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
    // SAFETY: by this function's contract.
    unsafe { begin(session, CKF_VERIFY, wanted, |call, wanted| call.verify_init(wanted, key)) }
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
    let call = call(session)?;
    // SAFETY: by this function's contract.
    let outcome = unsafe { bytes(data, data_length).and_then(|data| Ok((data, bytes(signature, length)?))) }
        .and_then(|(data, signature)| call.verify(data, signature));
    end_if_bad_arguments(&call, CKF_VERIFY, outcome)
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
    let call = call(session)?;
    // SAFETY: by this function's contract.
    let outcome = unsafe { bytes(part, length) }.and_then(|part| call.verify_update(part));
    end_if_bad_arguments(&call, CKF_VERIFY, outcome)
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
    let call = call(session)?;
    // SAFETY: by this function's contract.
    let signature = unsafe { bytes(signature, length) };
    let outcome = signature.and_then(|signature| call.verify_final(signature));
    end_if_bad_arguments(&call, CKF_VERIFY, outcome)
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
    // SAFETY: by this function's contract.
    unsafe {
        begin(session, CKF_VERIFY, wanted, |call, wanted| {
            call.verify_signature_init(wanted, key, bytes(signature, length)?)
        })
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
    let call = call(session)?;
    // SAFETY: by this function's contract.
    let outcome = unsafe { bytes(data, length) }.and_then(|data| call.verify_signature(data));
    end_if_bad_arguments(&call, CKF_VERIFY, outcome)
}

/// C_VerifySignatureUpdate.
///
/// # Safety
/// `part` is NULL or points to `length` bytes.
pub(super) unsafe fn verify_signature_update(
    session: CK_SESSION_HANDLE,
    part: *const CK_BYTE,
    length: CK_ULONG,
) -> Result<(), Error> {
    let call = call(session)?;
    // SAFETY: by this function's contract.
    let outcome = unsafe { bytes(part, length) }.and_then(|part| call.verify_signature_update(part));
    end_if_bad_arguments(&call, CKF_VERIFY, outcome)
}

/// C_VerifySignatureFinal.
pub(super) fn verify_signature_final(session: CK_SESSION_HANDLE) -> Result<(), Error> {
    call(session)?.verify_signature_final()
}
