//! Login and logout (PKCS#11 3.2 §5.6).

use std::ptr;

use cryptoki_sys::*;

use crate::case::{Case, table};
use crate::check::{among, equal, is, ok, skip, that};
use crate::context::number;

pub(super) fn cases() -> Vec<Case> {
    table! {
        "login/user", "§5.6 C_Login" => |c| {
            let (read_only, read_write) = (c.session()?, c.open(CKF_RW_SESSION)?);
            ok("C_Login", c.login(read_only, CKU_USER)?)?;
            equal("R/O state", c.state(read_only)?, CKS_RO_USER_FUNCTIONS)?;
            equal("R/W state", c.state(read_write)?, CKS_RW_USER_FUNCTIONS)?;
            let later = c.session()?;
            equal("state of a later session", c.state(later)?, CKS_RO_USER_FUNCTIONS)?;
            ok("C_Logout", c.m.C_Logout(read_write))?;
            equal("R/O state after logout", c.state(read_only)?, CKS_RO_PUBLIC_SESSION)?;
            equal("R/W state after logout", c.state(read_write)?, CKS_RW_PUBLIC_SESSION)
        };
        "login/twice", "§5.6 C_Login" => |c| {
            let session = c.logged_in()?;
            is("again", c.login(session, CKU_USER)?, CKR_USER_ALREADY_LOGGED_IN)?;
            let other = c.session()?;
            is("in another session", c.login(other, CKU_USER)?, CKR_USER_ALREADY_LOGGED_IN)
        };
        "login/logout-twice", "§5.6 C_Logout" => |c| {
            let session = c.session()?;
            is("before login", c.m.C_Logout(session), CKR_USER_NOT_LOGGED_IN)?;
            ok("C_Login", c.login(session, CKU_USER)?)?;
            ok("C_Logout", c.m.C_Logout(session))?;
            is("again", c.m.C_Logout(session), CKR_USER_NOT_LOGGED_IN)?;
            ok("C_Login once more", c.login(session, CKU_USER)?)
        };
        "login/no-such-session", "§5.6 C_Login" => |c| {
            let (session, closed) = (c.session()?, c.session()?);
            ok("C_CloseSession", c.m.C_CloseSession(closed))?;
            for handle in [CK_INVALID_HANDLE, closed, CK_ULONG::MAX] {
                is(&format!("session {handle:#x}"), c.login(handle, CKU_USER)?, CKR_SESSION_HANDLE_INVALID)?;
            }
            equal("state", c.state(session)?, CKS_RO_PUBLIC_SESSION)
        };
        "login/no-such-user", "§5.6 C_Login" => |c| {
            let session = c.session()?;
            for user in [3, 99, CK_ULONG::MAX] {
                is(&format!("user type {user}"), c.login(session, user)?, CKR_USER_TYPE_INVALID)?;
            }
            equal("state", c.state(session)?, CKS_RO_PUBLIC_SESSION)
        };
        "login/security-officer-read-only", "§5.6 C_Login, CKU_SO" => |c| {
            // Refused because of the R/O session, before the module checks any PIN.
            let session = c.session()?;
            let refused = [CKR_SESSION_READ_ONLY_EXISTS, CKR_USER_TYPE_INVALID];
            among("C_Login", c.login(session, CKU_SO)?, &refused)
        };
        "login/security-officer-beside-user", "§5.6 C_Login, CKU_SO" => |c| {
            let session = c.logged_in()?;
            let refused = [
                CKR_USER_ANOTHER_ALREADY_LOGGED_IN,
                CKR_USER_TYPE_INVALID,
                CKR_SESSION_READ_ONLY_EXISTS,
                CKR_USER_ALREADY_LOGGED_IN,
            ];
            among("C_Login", c.login(session, CKU_SO)?, &refused)?;
            equal("state", c.state(session)?, CKS_RO_USER_FUNCTIONS)
        };
        "login/context-specific-without-operation", "§5.6 C_Login, CKU_CONTEXT_SPECIFIC" => |c| {
            let session = c.session()?;
            let refused = [CKR_OPERATION_NOT_INITIALIZED, CKR_USER_NOT_LOGGED_IN];
            among("before login", c.login(session, CKU_CONTEXT_SPECIFIC)?, &refused)?;
            ok("C_Login", c.login(session, CKU_USER)?)?;
            let rv = c.login(session, CKU_CONTEXT_SPECIFIC)?;
            is("C_Login", rv, CKR_OPERATION_NOT_INITIALIZED)?;
            equal("state", c.state(session)?, CKS_RO_USER_FUNCTIONS)
        };
        "login/null-pin", "§5.6 C_Login" => |c| {
            let session = c.session()?;
            if c.token_info(c.slot()?)?.flags & CKF_PROTECTED_AUTHENTICATION_PATH != 0 {
                return skip("NULL means the PIN pad here");
            }
            let length = c.pin()?.len() as CK_ULONG;
            is("C_Login", c.m.C_Login(session, CKU_USER, ptr::null_mut(), length), CKR_ARGUMENTS_BAD)
        };
        "login/wrong-pin", "§5.6 C_Login" => |c| {
            c.may_risk_tries()?;
            let session = c.session()?;
            let mut wrong = c.pin()?;
            // Another PIN of the same form: its last character is another digit.
            if let Some(last) = wrong.last_mut() {
                *last = if *last == b'7' { b'8' } else { b'7' };
            }
            let rv = c.m.C_Login(session, CKU_USER, wrong.as_mut_ptr(), wrong.len() as CK_ULONG);
            is("the wrong PIN", rv, CKR_PIN_INCORRECT)?;
            equal("state", c.state(session)?, CKS_RO_PUBLIC_SESSION)?;
            ok("the right PIN", c.login(session, CKU_USER)?)
        };
        "login/private-objects", "§5.6 C_Login, C_Logout" => |c| {
            let session = c.session()?;
            let private = vec![(CKA_PRIVATE, vec![CK_TRUE])];
            equal("private objects before login", c.find(session, &private)?.len(), 0)?;
            let before = c.find(session, &Vec::new())?;
            ok("C_Login", c.login(session, CKU_USER)?)?;
            let found = c.find(session, &private)?;
            let all = c.find(session, &Vec::new())?;
            that("public objects are still there", before.iter().all(|object| all.contains(object)))?;
            ok("C_Logout", c.m.C_Logout(session))?;
            equal("private objects after logout", c.find(session, &private)?.len(), 0)?;
            for object in found {
                let rv = c.get(session, object, CKA_CLASS).err().unwrap_or(CKR_OK);
                is("a private object's handle after logout", rv, CKR_OBJECT_HANDLE_INVALID)?;
            }
            Ok(())
        };
        "login/handles-of-an-earlier-login", "§5.6 C_Logout" => |c| {
            let (session, keys) = c.ready()?;
            ok("C_Logout", c.m.C_Logout(session))?;
            ok("C_Login again", c.login(session, CKU_USER)?)?;
            // "even if a user is later logged back into the token, those handles remain invalid"
            let rv = c.get(session, keys.private, CKA_CLASS).err().unwrap_or(CKR_OK);
            is("C_GetAttributeValue", rv, CKR_OBJECT_HANDLE_INVALID)?;
            let mut kind = crate::context::mechanism(CKM_RSA_PKCS);
            let rv = c.m.C_SignInit(session, &raw mut kind, keys.private);
            among("C_SignInit", rv, &[CKR_KEY_HANDLE_INVALID, CKR_OBJECT_HANDLE_INVALID])?;
            let found = c.find(session, &vec![(CKA_CLASS, number(CKO_PRIVATE_KEY))])?;
            that("the key has another handle", !found.is_empty() && !found.contains(&keys.private))
        };
        "login/keys-before-login", "§5.13 C_SignInit" => |c| {
            // The handle of a private key from before a logout.
            let (session, keys) = c.ready()?;
            ok("C_Logout", c.m.C_Logout(session))?;
            let mut kind = crate::context::mechanism(CKM_RSA_PKCS);
            let refused = [CKR_USER_NOT_LOGGED_IN, CKR_KEY_HANDLE_INVALID, CKR_OBJECT_HANDLE_INVALID];
            let rv = c.m.C_SignInit(session, &raw mut kind, keys.private);
            if rv != CKR_OK {
                return among("C_SignInit", rv, &refused);
            }
            // The module may also refuse it only in C_Sign.
            let (mut room, mut length) = (vec![0; keys.size()], keys.size() as CK_ULONG);
            let rv = c.m.C_Sign(session, b"abc".as_ptr().cast_mut(), 3, room.as_mut_ptr(), &raw mut length);
            among("C_Sign", rv, &refused)
        };
        "login/private-key-is-private", "§4.4 CKA_PRIVATE" => |c| {
            let session = c.session()?;
            let keys = c.find(session, &vec![(CKA_CLASS, number(CKO_PRIVATE_KEY))])?;
            if c.token_info(c.slot()?)?.flags & CKF_LOGIN_REQUIRED == 0 {
                return skip("the token needs no login");
            }
            for key in &keys {
                equal("CKA_PRIVATE of a key seen without login", c.get(session, *key, CKA_PRIVATE), Ok(vec![CK_FALSE]))?;
            }
            ok("C_Login", c.login(session, CKU_USER)?)?;
            let all = c.find(session, &vec![(CKA_CLASS, number(CKO_PRIVATE_KEY))])?;
            that("there is a private key after login", !all.is_empty())?;
            for key in all.iter().filter(|key| !keys.contains(key)) {
                equal("CKA_PRIVATE of a key not seen before", c.get(session, *key, CKA_PRIVATE), Ok(vec![CK_TRUE]))?;
            }
            Ok(())
        };
    }
}
