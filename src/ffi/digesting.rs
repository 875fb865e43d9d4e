//! Message digesting functions (PKCS#11 3.2 §5.12).

use cryptoki_sys::*;

use super::library::call;
use super::operations::{begin, end_if_bad_arguments};
use super::pointers::{answer, answer_from, bytes};
use crate::core::{Data, Error};

/// C_DigestInit.
///
/// # Safety
/// `wanted` is NULL or points to a CK_MECHANISM with its parameter.
pub(super) unsafe fn digest_init(session: CK_SESSION_HANDLE, wanted: *const CK_MECHANISM) -> Result<(), Error> {
    // SAFETY: by this function's contract.
    unsafe { begin(session, CKF_DIGEST, wanted, |call, wanted| call.digest_init(wanted)) }
}

/// C_Digest.
///
/// # Safety
/// As the lengths say; `length` may be read and written.
pub(super) unsafe fn digest(
    session: CK_SESSION_HANDLE,
    data: *const CK_BYTE,
    data_length: CK_ULONG,
    digest: *mut CK_BYTE,
    length: *mut CK_ULONG,
) -> Result<(), Error> {
    let call = call(session)?;
    let needed = call.digest_length(Data::Whole)?;
    // SAFETY: by this function's contract.
    let outcome = unsafe { answer_from(data, data_length, digest, length, needed, |data| call.digest_final(data)) };
    end_if_bad_arguments(&call, CKF_DIGEST, outcome)
}

/// C_DigestUpdate.
///
/// # Safety
/// `part` is NULL or points to `length` bytes.
pub(super) unsafe fn digest_update(
    session: CK_SESSION_HANDLE,
    part: *const CK_BYTE,
    length: CK_ULONG,
) -> Result<(), Error> {
    let call = call(session)?;
    call.digest_length(Data::InParts)?;
    // SAFETY: by this function's contract.
    let outcome = unsafe { bytes(part, length) }.and_then(|part| call.digest_update(part));
    end_if_bad_arguments(&call, CKF_DIGEST, outcome)
}

/// C_DigestKey.
pub(super) fn digest_key(session: CK_SESSION_HANDLE, key: CK_OBJECT_HANDLE) -> Result<(), Error> {
    call(session)?.digest_key(key)
}

/// C_DigestFinal.
///
/// # Safety
/// `length` is NULL or may be read and written; `digest` is NULL or has the room that stands there.
pub(super) unsafe fn digest_final(
    session: CK_SESSION_HANDLE,
    digest: *mut CK_BYTE,
    length: *mut CK_ULONG,
) -> Result<(), Error> {
    let call = call(session)?;
    let needed = call.digest_length(Data::InParts)?;
    // SAFETY: by this function's contract.
    let outcome = unsafe { answer(digest, length, needed, || call.digest_final(&[])) };
    end_if_bad_arguments(&call, CKF_DIGEST, outcome)
}
