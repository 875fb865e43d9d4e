//! Additions of versions 3.0 and 3.2 (PKCS#11 3.2 §5.6 and others), but for verification with the signature first.

use std::ptr;

use cryptoki_sys::*;

use super::digest::ABC;
use crate::case::{Case, table};
use crate::check::{among, equal, is, ok, supported, that};
use crate::context::{Context, mechanism};
use crate::verdict::Outcome;

/// The flags of operations that a signing token may have.
const ALL: CK_FLAGS = CKF_FIND_OBJECTS | CKF_DIGEST | CKF_SIGN | CKF_SIGN_RECOVER | CKF_VERIFY | CKF_VERIFY_RECOVER;

pub(super) fn cases() -> Vec<Case> {
    table! {
        "additions/cancel-nothing", "§5.6 C_SessionCancel" => |c| {
            c.since(3, 0)?;
            let session = c.session()?;
            for flags in [0, CKF_DIGEST, ALL] {
                supported("C_SessionCancel", c.m.C_SessionCancel(session, flags))?;
            }
            Ok(())
        };
        "additions/cancel-search", "§5.6 C_SessionCancel, CKF_FIND_OBJECTS" => |c| {
            c.since(3, 0)?;
            let session = c.session()?;
            ok("C_FindObjectsInit", c.m.C_FindObjectsInit(session, ptr::null_mut(), 0))?;
            cancel(c, session, CKF_FIND_OBJECTS)?;
            is("C_FindObjectsFinal", c.m.C_FindObjectsFinal(session), CKR_OPERATION_NOT_INITIALIZED)
        };
        "additions/cancel-digest", "§5.6 C_SessionCancel, CKF_DIGEST" => |c| {
            c.since(3, 0)?;
            let session = c.session()?;
            supported("C_DigestInit", c.m.C_DigestInit(session, &mut mechanism(CKM_SHA256)))?;
            cancel(c, session, CKF_SIGN)?;
            ok("another kind goes on", c.m.C_DigestUpdate(session, ABC.as_ptr().cast_mut(), 3))?;
            cancel(c, session, CKF_DIGEST)?;
            c.no_digest(session)
        };
        "additions/cancel-sign", "§5.6 C_SessionCancel, CKF_SIGN" => |c| {
            c.since(3, 0)?;
            let (session, keys) = c.ready()?;
            c.sign_init(session, &keys, CKM_SHA256_RSA_PKCS)?;
            cancel(c, session, CKF_SIGN)?;
            c.no_signature(session)?;
            c.sign(session, &keys, CKM_SHA256_RSA_PKCS, ABC).map(|_| ())
        };
        "additions/cancel-verify", "§5.6 C_SessionCancel, CKF_VERIFY" => |c| {
            c.since(3, 0)?;
            let (session, keys) = c.ready()?;
            let rv = c.m.C_VerifyInit(session, &mut mechanism(CKM_SHA256_RSA_PKCS), keys.public()?);
            supported("C_VerifyInit", rv)?;
            cancel(c, session, CKF_VERIFY)?;
            let rv = c.m.C_VerifyUpdate(session, ABC.as_ptr().cast_mut(), 3);
            is("C_VerifyUpdate", rv, CKR_OPERATION_NOT_INITIALIZED)
        };
        "additions/cancel-of-one-session", "§5.6 C_SessionCancel" => |c| {
            c.since(3, 0)?;
            let (session, other) = (c.session()?, c.session()?);
            ok("C_FindObjectsInit", c.m.C_FindObjectsInit(other, ptr::null_mut(), 0))?;
            cancel(c, session, ALL)?;
            ok("C_FindObjectsFinal in another session", c.m.C_FindObjectsFinal(other))
        };
        "additions/login-user", "§5.6 C_LoginUser" => |c| {
            c.since(3, 0)?;
            let (session, mut pin) = (c.session()?, c.pin()?);
            let (from, size) = (pin.as_mut_ptr(), pin.len() as CK_ULONG);
            // Without a name it is the user of C_Login.
            let rv = c.m.C_LoginUser(session, CKU_USER, from, size, ptr::null_mut(), 0);
            supported("C_LoginUser without a name", rv)?;
            equal("state", c.state(session)?, CKS_RO_USER_FUNCTIONS)?;
            let rv = c.m.C_LoginUser(session, CKU_USER, from, size, ptr::null_mut(), 0);
            is("again", rv, CKR_USER_ALREADY_LOGGED_IN)
        };
        "additions/login-user-wrong-pin", "§5.6 C_LoginUser" => |c| {
            c.since(3, 0)?;
            c.may_risk_tries()?;
            let (session, mut wrong) = (c.session()?, c.pin()?);
            if let Some(last) = wrong.last_mut() {
                *last = if *last == b'7' { b'8' } else { b'7' };
            }
            let rv = c.m.C_LoginUser(session, CKU_USER, wrong.as_mut_ptr(), wrong.len() as CK_ULONG, ptr::null_mut(), 0);
            among("the wrong PIN", rv, &[CKR_PIN_INCORRECT, CKR_FUNCTION_NOT_SUPPORTED])?;
            ok("C_Login with the right one", c.login(session, CKU_USER)?)
        };
        "additions/login-user-context-specific", "§5.6 C_LoginUser, CKU_CONTEXT_SPECIFIC" => |c| {
            c.since(3, 0)?;
            let (session, mut pin) = (c.logged_in()?, c.pin()?);
            let (from, size) = (pin.as_mut_ptr(), pin.len() as CK_ULONG);
            let rv = c.m.C_LoginUser(session, CKU_CONTEXT_SPECIFIC, from, size, ptr::null_mut(), 0);
            let refused = [CKR_OPERATION_NOT_INITIALIZED, CKR_USER_TYPE_INVALID, CKR_FUNCTION_NOT_SUPPORTED];
            among("without an operation", rv, &refused)
        };
        "additions/login-user-security-officer", "§5.6 C_LoginUser, CKU_SO" => |c| {
            c.since(3, 0)?;
            let (session, mut pin) = (c.session()?, c.pin()?);
            let (from, size) = (pin.as_mut_ptr(), pin.len() as CK_ULONG);
            let login = || c.m.C_LoginUser(session, CKU_SO, from, size, ptr::null_mut(), 0);
            let refused = [CKR_SESSION_READ_ONLY_EXISTS, CKR_USER_TYPE_INVALID, CKR_FUNCTION_NOT_SUPPORTED];
            among("with a R/O session", login(), &refused)?;
            ok("C_Login", c.login(session, CKU_USER)?)?;
            among("beside a user", login(), &[&refused[..], &[CKR_USER_ANOTHER_ALREADY_LOGGED_IN]].concat())
        };
        "additions/login-user-arguments", "§5.6 C_LoginUser" => |c| {
            c.since(3, 0)?;
            let (session, mut pin, mut name) = (c.session()?, c.pin()?, *b"nobody");
            let (from, size) = (pin.as_mut_ptr(), pin.len() as CK_ULONG);
            let refused = [CKR_ARGUMENTS_BAD, CKR_USER_TYPE_INVALID, CKR_PIN_INCORRECT, CKR_FUNCTION_NOT_SUPPORTED];
            let rv = c.m.C_LoginUser(session, 99, from, size, ptr::null_mut(), 0);
            among("no such user type", rv, &[CKR_USER_TYPE_INVALID, CKR_FUNCTION_NOT_SUPPORTED])?;
            let rv = c.m.C_LoginUser(session, CKU_USER, from, size, ptr::null_mut(), 6);
            among("NULL for a name", rv, &[CKR_ARGUMENTS_BAD, CKR_FUNCTION_NOT_SUPPORTED])?;
            let rv = c.m.C_LoginUser(session, CKU_USER, from, size, name.as_mut_ptr(), 6);
            among("a name that nobody has", rv, &refused)?;
            equal("state", c.state(session)?, CKS_RO_PUBLIC_SESSION)
        };
        "additions/validation-flags", "§5.6 C_GetSessionValidationFlags" => |c| {
            c.since(3, 2)?;
            let (session, mut flags) = (c.session()?, 0);
            let rv = c.m.C_GetSessionValidationFlags(session, CKS_LAST_VALIDATION_OK, &raw mut flags);
            among("C_GetSessionValidationFlags", rv, &[CKR_OK, CKR_FUNCTION_NOT_SUPPORTED])
        };
        "additions/profiles", "§4.14 CKO_PROFILE" => |c| {
            // A token must claim each profile once, and with a number.
            let session = c.session()?;
            let filter = vec![(CKA_CLASS, crate::context::number(CKO_PROFILE))];
            let profiles = c.find(session, &filter)?;
            let mut seen = std::collections::BTreeSet::new();
            for profile in &profiles {
                let id = c.must_get(session, *profile, CKA_PROFILE_ID)?;
                equal("the length of CKA_PROFILE_ID", id.len(), size_of::<CK_ULONG>())?;
                // §4.14 does not require CKA_TOKEN, but programs search by it.
                let token = c.get(session, *profile, CKA_TOKEN);
                that("CKA_TOKEN", matches!(token.as_deref(), Ok([CK_TRUE]) | Err(&CKR_ATTRIBUTE_TYPE_INVALID)))?;
                seen.insert(id);
            }
            equal("each profile once", seen.len(), profiles.len())
        };
    }
}

pub(super) fn cancel(c: &Context, session: CK_SESSION_HANDLE, flags: CK_FLAGS) -> Outcome {
    let rv = c.m.C_SessionCancel(session, flags);
    if rv == CKR_OPERATION_CANCEL_FAILED {
        return crate::check::skip("the operation cannot be cancelled, which the standard allows");
    }
    supported("C_SessionCancel", rv)
}
