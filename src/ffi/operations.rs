//! What the functions of all operations have in common: how one starts, and how bad arguments end it.

use cryptoki_sys::*;

use super::library::module;
use super::pointers::read;
use crate::core::{Error, Mechanism, Module, Parameter, PssParameters};

/// Starts an operation of a `kind` (a flag of C_SessionCancel) with a mechanism. NULL in its place ends the operation
/// that is under way (since PKCS#11 3.0, in all functions that start one).
///
/// # Safety
/// `wanted` is NULL or points to a CK_MECHANISM, whose parameter is NULL or has the length it says.
pub(super) unsafe fn begin(
    session: CK_SESSION_HANDLE,
    kind: CK_FLAGS,
    wanted: *const CK_MECHANISM,
    start: impl FnOnce(&Module, Mechanism) -> Result<(), Error>,
) -> Result<(), Error> {
    let module = module()?;
    module.session_info(session)?;
    // SAFETY: by this function's contract.
    match unsafe { mechanism(wanted) } {
        Some(wanted) => start(&module, wanted),
        None => module.session_cancel(session, kind),
    }
}

/// Hands on what came of a call. The core ends an operation that has failed; where the arguments were bad, it has not
/// heard of the call, and the operation ends here (PKCS#11 3.2 §5.2: only a question for the length and a buffer that is
/// too small leave it open).
pub(super) fn settle(
    module: &Module,
    session: CK_SESSION_HANDLE,
    kind: CK_FLAGS,
    outcome: Result<(), Error>,
) -> Result<(), Error> {
    if let Err(Error::ArgumentsBad) = outcome {
        module.session_cancel(session, kind)?;
    }
    outcome
}

/// Reads a mechanism with its parameter; `None` for NULL.
///
/// # Safety
/// As for [`begin`].
unsafe fn mechanism(mechanism: *const CK_MECHANISM) -> Option<Mechanism> {
    // SAFETY: by this function's contract.
    let wanted = unsafe { read(mechanism) }.ok()?;
    let CK_MECHANISM { mechanism: kind, pParameter: parameter, ulParameterLen: length } = wanted;
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
