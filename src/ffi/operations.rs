//! What the functions of all operations have in common: how one starts, and how bad arguments end it.

use cryptoki_sys::*;

use super::library::call;
use super::pointers::read;
use crate::core::{Call, Error, Mechanism, Parameter, PssParameters};

/// Starts an operation of a `kind` (a flag of C_SessionCancel) with a mechanism. NULL in its place ends the operation
/// that is under way (since PKCS#11 3.0, in all functions that start one).
///
/// # Safety
/// `wanted` is NULL or points to a CK_MECHANISM, whose parameter is NULL or has the length it says.
pub(super) unsafe fn begin(
    session: CK_SESSION_HANDLE,
    kind: CK_FLAGS,
    wanted: *const CK_MECHANISM,
    start: impl FnOnce(&Call, Mechanism) -> Result<(), Error>,
) -> Result<(), Error> {
    let call = call(session)?;
    // SAFETY: by this function's contract.
    match unsafe { mechanism(wanted) } {
        Some(wanted) => start(&call, wanted),
        None => {
            call.session_cancel(kind);
            Ok(())
        }
    }
}

/// Passes on what came of a call. The core ends an operation that has failed. If the arguments were bad, the core has not
/// heard of the call, and the operation ends here: only a question for the length and a buffer that is too small leave it
/// open (PKCS#11 3.2 §5.12.2, §5.13.2, §5.15.2, and so on for the others).
pub(super) fn end_if_bad_arguments(call: &Call, kind: CK_FLAGS, outcome: Result<(), Error>) -> Result<(), Error> {
    if let Err(Error::ArgumentsBad) = outcome {
        call.session_cancel(kind);
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::ptr;

    /// The mechanism that stands at any address.
    fn parsed(kind: CK_MECHANISM_TYPE, pointer: CK_VOID_PTR, length: CK_ULONG) -> Option<Parameter> {
        let wanted = CK_MECHANISM { mechanism: kind, pParameter: pointer, ulParameterLen: length };
        let mut memory = [0_u8; size_of::<CK_MECHANISM>() + 1];
        let odd = memory.as_mut_ptr().wrapping_add(1).cast::<CK_MECHANISM>();
        // SAFETY: the array has room for it behind its first byte; the tests give no parameter that is not there.
        let found = unsafe {
            odd.write_unaligned(wanted);
            mechanism(odd)
        };
        found.map(|found| {
            assert_eq!(found.kind, kind);
            found.parameter
        })
    }

    #[test]
    fn mechanisms_at_any_address() {
        // SAFETY: NULL is allowed.
        assert!(unsafe { mechanism(ptr::null()) }.is_none());
        let size = size_of::<CK_RSA_PKCS_PSS_PARAMS>() as CK_ULONG;
        let mut memory = [0_u8; size_of::<CK_RSA_PKCS_PSS_PARAMS>() + 1];
        let odd = memory.as_mut_ptr().wrapping_add(1).cast::<CK_RSA_PKCS_PSS_PARAMS>();
        let value = CK_RSA_PKCS_PSS_PARAMS { hashAlg: CKM_SHA256, mgf: CKG_MGF1_SHA256, sLen: 32 };
        // SAFETY: the array has room for it behind its first byte.
        unsafe { odd.write_unaligned(value) };
        let pss = Parameter::Pss(PssParameters { hash: CKM_SHA256, mask: CKG_MGF1_SHA256, salt: 32 });
        assert_eq!(parsed(CKM_RSA_PKCS_PSS, odd.cast(), size), Some(pss));
        assert_eq!(parsed(CKM_RSA_PKCS_PSS, ptr::null_mut(), size), Some(Parameter::Other));
        assert_eq!(parsed(CKM_RSA_PKCS_PSS, ptr::null_mut(), 0), Some(Parameter::None));
    }

    #[test]
    fn parameters_of_other_lengths_are_not_read() {
        // Nothing is there to be read.
        let nowhere = ptr::dangling_mut::<u64>().cast();
        let size = size_of::<CK_RSA_PKCS_PSS_PARAMS>() as CK_ULONG;
        for length in [1, size - 1, size + 1, CK_ULONG::MAX] {
            assert_eq!(parsed(CKM_SHA256_RSA_PKCS_PSS, nowhere, length), Some(Parameter::Other), "{length}");
        }
        assert_eq!(parsed(CKM_SHA256_RSA_PKCS_PSS, nowhere, 0), Some(Parameter::None));
        for kind in [CKM_RSA_PKCS, CKM_SHA256, CKM_AES_GCM] {
            assert_eq!(parsed(kind, nowhere, size), Some(Parameter::Other), "{kind:#x}");
        }
    }
}
