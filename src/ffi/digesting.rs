//! Message digesting functions (PKCS#11 3.2 §5.12).

use cryptoki_sys::*;

use super::library::module;
use super::operations::{begin, settle};
use super::pointers::{answer, answer_from, bytes};
use crate::core::Error;

/// C_DigestInit.
///
/// # Safety
/// `wanted` is NULL or points to a CK_MECHANISM with its parameter.
pub(super) unsafe fn digest_init(session: CK_SESSION_HANDLE, wanted: *const CK_MECHANISM) -> Result<(), Error> {
    // SAFETY: by this function's contract.
    unsafe { begin(session, CKF_DIGEST, wanted, |module, wanted| module.digest_init(session, wanted)) }
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
    let module = module()?;
    let needed = module.digest_length(session, true)?;
    // SAFETY: by this function's contract.
    let outcome =
        unsafe { answer_from(data, data_length, digest, length, needed, |data| module.digest_final(session, data)) };
    settle(&module, session, CKF_DIGEST, outcome)
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
    let module = module()?;
    module.digest_length(session, false)?;
    // SAFETY: by this function's contract.
    let outcome = unsafe { bytes(part, length) }.and_then(|part| module.digest_update(session, part));
    settle(&module, session, CKF_DIGEST, outcome)
}

/// C_DigestKey.
pub(super) fn digest_key(session: CK_SESSION_HANDLE, key: CK_OBJECT_HANDLE) -> Result<(), Error> {
    module()?.digest_key(session, key)
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
    let module = module()?;
    let needed = module.digest_length(session, false)?;
    // SAFETY: by this function's contract.
    let outcome = unsafe { answer(digest, length, needed, || module.digest_final(session, &[])) };
    settle(&module, session, CKF_DIGEST, outcome)
}
