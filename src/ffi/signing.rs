//! Signing functions (PKCS#11 3.2 §5.13), and the reading of mechanisms.

use cryptoki_sys::*;

use super::library::module;
use super::pointers::{answer, bytes, read};
use crate::core::{Error, Mechanism, Parameter, PssParameters};

/// Reads a mechanism with its parameter. `None` for NULL, which ends the operation that is under way (since PKCS#11 3.0,
/// in all functions that start one).
///
/// # Safety
/// `mechanism` is NULL or points to a CK_MECHANISM, whose parameter is NULL or has the length it says.
pub(super) unsafe fn mechanism(mechanism: *const CK_MECHANISM) -> Option<Mechanism> {
    // SAFETY: by this function's contract.
    let CK_MECHANISM { mechanism: kind, pParameter: parameter, ulParameterLen: length } =
        unsafe { read(mechanism) }.ok()?;
    let takes_pss = matches!(kind, CKM_RSA_PKCS_PSS | CKM_SHA256_RSA_PKCS_PSS);
    let parameter = if length == 0 {
        Parameter::None
    } else if takes_pss && length == size_of::<CK_RSA_PKCS_PSS_PARAMS>() as CK_ULONG {
        // SAFETY: NULL, or of the length of what is read.
        match unsafe { read(parameter.cast()) } {
            Ok(CK_RSA_PKCS_PSS_PARAMS { hashAlg: hash, mgf: mask, sLen: salt }) => {
                Parameter::Pss(PssParameters { hash, mask, salt })
            }
            Err(_) => Parameter::Other,
        }
    } else {
        Parameter::Other
    };
    Some(Mechanism { kind, parameter })
}

/// C_SignInit.
///
/// # Safety
/// `wanted` is NULL or points to a CK_MECHANISM with its parameter.
pub(super) unsafe fn sign_init(
    session: CK_SESSION_HANDLE,
    wanted: *const CK_MECHANISM,
    key: CK_OBJECT_HANDLE,
) -> Result<(), Error> {
    let module = module()?;
    module.session_info(session)?;
    // SAFETY: by this function's contract.
    match unsafe { mechanism(wanted) } {
        Some(wanted) => module.sign_init(session, wanted, key),
        None => module.session_cancel(session, CKF_SIGN),
    }
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
    let module = module()?;
    let needed = module.signature_length(session, true)?;
    // SAFETY: by this function's contract.
    let outcome = unsafe {
        bytes(data, data_length)
            .and_then(|data| answer(signature, length, needed, || Ok(module.sign_final(session, data)?.to_vec())))
    };
    if let Err(Error::ArgumentsBad) = outcome {
        module.sign_cancel(session);
    }
    outcome
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
    let module = module()?;
    module.signature_length(session, false)?;
    // SAFETY: by this function's contract.
    match unsafe { bytes(part, length) } {
        Ok(part) => module.sign_update(session, part),
        Err(error) => {
            module.sign_cancel(session);
            Err(error)
        }
    }
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
    let module = module()?;
    let needed = module.signature_length(session, false)?;
    // SAFETY: by this function's contract.
    let outcome = unsafe { answer(signature, length, needed, || Ok(module.sign_final(session, &[])?.to_vec())) };
    if let Err(Error::ArgumentsBad) = outcome {
        module.sign_cancel(session);
    }
    outcome
}
