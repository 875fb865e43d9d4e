//! Signatures with message recovery (PKCS#11 3.2 §5.13, §5.15).

use std::ptr;

use cryptoki_sys::*;

use super::sign::digest_info;
use crate::case::{Case, table};
use crate::check::{among, equal, is, ok, skip, supported, that};
use crate::context::{Context, Keys, mechanism, pointer};
use crate::memory::Room;
use crate::verdict::{Outcome, Verdict};

fn begin(c: &Context, session: CK_SESSION_HANDLE, keys: &Keys) -> Outcome {
    let rv = c.m.C_SignRecoverInit(session, &mut mechanism(CKM_RSA_PKCS), keys.private);
    if rv == CKR_KEY_FUNCTION_NOT_PERMITTED {
        return skip("the key does not sign with recovery");
    }
    supported("C_SignRecoverInit", rv)?;
    c.pin_again(session)
}

fn sign(c: &Context, session: CK_SESSION_HANDLE, keys: &Keys, data: &[u8]) -> Result<Vec<u8>, Verdict> {
    begin(c, session, keys)?;
    let (mut room, mut length, (from, size)) = (vec![0; keys.size()], keys.size() as CK_ULONG, pointer(data));
    ok("C_SignRecover", c.m.C_SignRecover(session, from, size, room.as_mut_ptr(), &raw mut length))?;
    equal("the length of the signature", length, keys.size() as CK_ULONG)?;
    Ok(room)
}

fn begin_verification(c: &Context, session: CK_SESSION_HANDLE, keys: &Keys) -> Outcome {
    let rv = c.m.C_VerifyRecoverInit(session, &mut mechanism(CKM_RSA_PKCS), keys.public()?);
    supported("C_VerifyRecoverInit", rv)
}

/// No signature with recovery is under way.
fn no_signature(c: &Context, session: CK_SESSION_HANDLE, keys: &Keys) -> Outcome {
    let (mut room, mut length, (from, size)) = (vec![0; keys.size()], keys.size() as CK_ULONG, pointer(b"abc"));
    let rv = c.m.C_SignRecover(session, from, size, room.as_mut_ptr(), &raw mut length);
    is("C_SignRecover afterwards", rv, CKR_OPERATION_NOT_INITIALIZED)
}

/// No verification with recovery is under way.
fn no_verification(c: &Context, session: CK_SESSION_HANDLE) -> Outcome {
    let (mut room, mut length, (from, size)) = ([0; 512], 512, pointer(&[7; 256]));
    let rv = c.m.C_VerifyRecover(session, from, size, room.as_mut_ptr(), &raw mut length);
    is("C_VerifyRecover afterwards", rv, CKR_OPERATION_NOT_INITIALIZED)
}

pub(super) fn cases() -> Vec<Case> {
    table! {
        "recover/sign", "§5.13 C_SignRecover" => |c| {
            let (session, keys) = c.ready()?;
            let signature = sign(c, session, &keys, &digest_info())?;
            that("the signature is right", keys.key.accepts(&digest_info(), &signature))
        };
        "recover/sign-short-buffers", "§5.13 C_SignRecover, §5.2" => |c| {
            let (session, keys) = c.ready()?;
            let (data, wanted) = (digest_info(), sign(c, session, &keys, &digest_info())?);
            let (from, size) = pointer(&data);
            begin(c, session, &keys)?;
            super::digest::buffer_rules(&|room, length| c.m.C_SignRecover(session, from, size, room, length), &wanted)?;
            let mut length = 0;
            let rv = c.m.C_SignRecover(session, from, size, ptr::null_mut(), &raw mut length);
            is("C_SignRecover afterwards", rv, CKR_OPERATION_NOT_INITIALIZED)
        };
        "recover/sign-arguments", "§5.13 C_SignRecoverInit, C_SignRecover" => |c| {
            let (session, keys) = c.ready()?;
            begin(c, session, &keys)?;
            let init = |session, kind, key| c.m.C_SignRecoverInit(session, &mut mechanism(kind), key);
            is("active twice", init(session, CKM_RSA_PKCS, keys.private), CKR_OPERATION_ACTIVE)?;
            let (mut room, mut length) = (vec![0; keys.size()], keys.size() as CK_ULONG);
            let rv = c.m.C_SignRecover(session, ptr::null_mut(), 3, room.as_mut_ptr(), &raw mut length);
            is("NULL data", rv, CKR_ARGUMENTS_BAD)?;
            no_signature(c, session, &keys)?;
            let other = c.session()?;
            is("no key", init(other, CKM_RSA_PKCS, 0x7FFF_FFFF), CKR_KEY_HANDLE_INVALID)?;
            is("a digest", init(other, CKM_SHA256, keys.private), CKR_MECHANISM_INVALID)?;
            // The data cannot be recovered from a hash.
            is("with a hash", init(other, CKM_SHA256_RSA_PKCS, keys.private), CKR_MECHANISM_INVALID)
        };
        "recover/sign-parameter", "§5.13 C_SignRecoverInit, CKR_MECHANISM_PARAM_INVALID" => |c| {
            let (session, keys) = c.ready()?;
            begin(c, session, &keys)?;
            let other = c.session()?;
            c.refuses_parameter("C_SignRecoverInit", CKM_RSA_PKCS, |kind| {
                c.m.C_SignRecoverInit(other, kind, keys.private)
            })
        };
        "recover/sign-bad-key", "§5.13 C_SignRecoverInit" => |c| {
            let (session, keys) = c.ready()?;
            begin(c, session, &keys)?;
            let other = c.session()?;
            let init = |key| c.m.C_SignRecoverInit(other, &mut mechanism(CKM_RSA_PKCS), key);
            let wrong = [CKR_KEY_HANDLE_INVALID, CKR_KEY_FUNCTION_NOT_PERMITTED, CKR_KEY_TYPE_INCONSISTENT];
            among("a public key", init(keys.public()?), &wrong)?;
            ok("C_Logout", c.m.C_Logout(session))?;
            let gone = [CKR_USER_NOT_LOGGED_IN, CKR_KEY_HANDLE_INVALID];
            among("a private key after logout", init(keys.private), &gone)
        };
        "recover/sign-null-mechanism", "§5.13 C_SignRecoverInit, NULL ends the operation (3.0)" => |c| {
            c.since(3, 0)?;
            let (session, keys) = c.ready()?;
            begin(c, session, &keys)?;
            let rv = c.m.C_SignRecoverInit(session, ptr::null_mut(), keys.private);
            among("C_SignRecoverInit with NULL", rv, &[CKR_OK, CKR_OPERATION_CANCEL_FAILED])?;
            if rv == CKR_OK { no_signature(c, session, &keys) } else { Ok(()) }
        };
        "recover/sign-context-specific", "§5.6 C_Login, CKA_ALWAYS_AUTHENTICATE" => |c| {
            let (session, keys) = c.ready()?;
            if c.get(session, keys.private, CKA_ALWAYS_AUTHENTICATE) != Ok(vec![CK_TRUE]) {
                return skip("the key does not ask for the PIN anew");
            }
            let rv = c.m.C_SignRecoverInit(session, &mut mechanism(CKM_RSA_PKCS), keys.private);
            supported("C_SignRecoverInit", rv)?;
            let (mut room, mut length, (from, size)) = (vec![0; keys.size()], keys.size() as CK_ULONG, pointer(b"abc"));
            let rv = c.m.C_SignRecover(session, from, size, room.as_mut_ptr(), &raw mut length);
            is("C_SignRecover without the PIN", rv, CKR_USER_NOT_LOGGED_IN)
        };
        "recover/sign-too-long", "§5.13 C_SignRecover, §6.1 CKM_RSA_PKCS" => |c| {
            let (session, keys) = c.ready()?;
            begin(c, session, &keys)?;
            let (data, mut room, mut length) = (vec![1; keys.size()], vec![0; keys.size()], keys.size() as CK_ULONG);
            let (from, size) = pointer(&data);
            let rv = c.m.C_SignRecover(session, from, size, room.as_mut_ptr(), &raw mut length);
            is("C_SignRecover", rv, CKR_DATA_LEN_RANGE)
        };
        "recover/not-started", "§5.13 C_SignRecover, §5.15 C_VerifyRecover" => |c| {
            let (session, mut room, mut length, (from, size)) = (c.session()?, [0; 512], 512, pointer(b"abc"));
            let none = [CKR_OPERATION_NOT_INITIALIZED, CKR_FUNCTION_NOT_SUPPORTED];
            let rv = c.m.C_SignRecover(session, from, size, room.as_mut_ptr(), &raw mut length);
            among("C_SignRecover", rv, &none)?;
            let rv = c.m.C_VerifyRecover(session, from, size, room.as_mut_ptr(), &raw mut length);
            among("C_VerifyRecover", rv, &none)
        };
        "recover/verify", "§5.15 C_VerifyRecover" => |c| {
            let (session, keys) = c.ready()?;
            let data = digest_info();
            let signature = c.sign(session, &keys, CKM_RSA_PKCS, &data)?;
            let (from, size) = pointer(&signature);
            begin_verification(c, session, &keys)?;
            let (mut short, mut length) = (Room::new(data.len() - 1), data.len() as CK_ULONG - 1);
            let rv = c.m.C_VerifyRecover(session, from, size, short.pointer(), &raw mut length);
            is("a short buffer", rv, CKR_BUFFER_TOO_SMALL)?;
            that("nothing was written", short.untouched_after(0))?;
            let mut length = 0;
            ok("size query", c.m.C_VerifyRecover(session, from, size, ptr::null_mut(), &raw mut length))?;
            that("the length is enough", length as usize >= data.len())?;
            let (mut room, mut length) = (Room::new(keys.size()), keys.size() as CK_ULONG);
            ok("C_VerifyRecover", c.m.C_VerifyRecover(session, from, size, room.pointer(), &raw mut length))?;
            equal("the data", room.first(length as usize), &data)?;
            that("no more was written", room.untouched_after(data.len()))
        };
        "recover/verify-wrong", "§5.15 C_VerifyRecover" => |c| {
            let (session, keys) = c.ready()?;
            let mut signature = c.sign(session, &keys, CKM_RSA_PKCS, &digest_info())?;
            signature[9] ^= 1;
            let (mut room, mut length, (from, size)) = (Room::new(keys.size()), keys.size() as CK_ULONG, pointer(&signature));
            begin_verification(c, session, &keys)?;
            let rv = c.m.C_VerifyRecover(session, from, size, room.pointer(), &raw mut length);
            is("a wrong signature", rv, CKR_SIGNATURE_INVALID)?;
            begin_verification(c, session, &keys)?;
            let rv = c.m.C_VerifyRecover(session, from, size - 1, room.pointer(), &raw mut length);
            is("a short signature", rv, CKR_SIGNATURE_LEN_RANGE)?;
            begin_verification(c, session, &keys)?;
            let rv = c.m.C_VerifyRecover(session, ptr::null_mut(), size, room.pointer(), &raw mut length);
            is("NULL", rv, CKR_ARGUMENTS_BAD)
        };
        "recover/verify-arguments", "§5.15 C_VerifyRecoverInit" => |c| {
            let (session, keys) = c.ready()?;
            begin_verification(c, session, &keys)?;
            let rv = c.m.C_VerifyRecoverInit(session, &mut mechanism(CKM_RSA_PKCS), keys.public()?);
            is("active twice", rv, CKR_OPERATION_ACTIVE)?;
            let (other, public) = (c.session()?, keys.public()?);
            for kind in [CKM_SHA256, CKM_SHA256_RSA_PKCS, 0x7FFF_FFFE] {
                let rv = c.m.C_VerifyRecoverInit(other, &mut mechanism(kind), public);
                is(&format!("mechanism {kind:#x}"), rv, CKR_MECHANISM_INVALID)?;
            }
            c.refuses_parameter("C_VerifyRecoverInit", CKM_RSA_PKCS, |kind| c.m.C_VerifyRecoverInit(other, kind, public))
        };
        "recover/verify-null-mechanism", "§5.15 C_VerifyRecoverInit, NULL ends the operation (3.0)" => |c| {
            c.since(3, 0)?;
            let (session, keys) = c.ready()?;
            begin_verification(c, session, &keys)?;
            let rv = c.m.C_VerifyRecoverInit(session, ptr::null_mut(), keys.public()?);
            among("C_VerifyRecoverInit with NULL", rv, &[CKR_OK, CKR_OPERATION_CANCEL_FAILED])?;
            if rv == CKR_OK { no_verification(c, session) } else { Ok(()) }
        };
        "recover/cancel", "§5.6 C_SessionCancel, CKF_SIGN_RECOVER, CKF_VERIFY_RECOVER" => |c| {
            c.since(3, 0)?;
            let (session, keys) = c.ready()?;
            begin(c, session, &keys)?;
            super::additions::cancel(c, session, CKF_SIGN_RECOVER)?;
            no_signature(c, session, &keys)?;
            begin_verification(c, session, &keys)?;
            super::additions::cancel(c, session, CKF_VERIFY_RECOVER)?;
            no_verification(c, session)
        };
        "recover/verify-bad-key", "§5.15 C_VerifyRecoverInit" => |c| {
            let (session, keys) = c.ready()?;
            begin_verification(c, session, &keys)?;
            let session = c.session()?;
            let init = |key| c.m.C_VerifyRecoverInit(session, &mut mechanism(CKM_RSA_PKCS), key);
            is("no key", init(0x7FFF_FFFF), CKR_KEY_HANDLE_INVALID)?;
            let wrong = [CKR_KEY_HANDLE_INVALID, CKR_KEY_FUNCTION_NOT_PERMITTED, CKR_KEY_TYPE_INCONSISTENT];
            among("a private key", init(keys.private), &wrong)
        };
    }
}
