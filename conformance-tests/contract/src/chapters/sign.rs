//! Signatures (PKCS#11 3.2 §5.13).

use std::ptr;

use cryptoki_sys::*;

use super::digest::{ABC, ABC_SHA256};
use crate::case::{Case, table};
use crate::check::{UNSUPPORTED, among, equal, is, ok, skip, supported, that};
use crate::context::{Context, Keys, mechanism, pointer};
use crate::memory::Room;
use crate::rsa::Signed;
use crate::verdict::{Outcome, Verdict};

/// What stands before a SHA-256 digest in a DigestInfo (RFC 8017 §9.2).
const SHA256_PREFIX: &[u8] = b"\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20";

/// The mechanisms with a hash of their own, and PKCS#1 1.5.
const HASHING: [CK_MECHANISM_TYPE; 5] =
    [CKM_SHA1_RSA_PKCS, CKM_SHA224_RSA_PKCS, CKM_SHA256_RSA_PKCS, CKM_SHA384_RSA_PKCS, CKM_SHA512_RSA_PKCS];

/// The DigestInfo of `abc`.
pub(crate) fn digest_info() -> Vec<u8> {
    [SHA256_PREFIX, &ABC_SHA256].concat()
}

/// A session in which a signature has begun.
fn begun(c: &mut Context, kind: CK_MECHANISM_TYPE) -> Result<(CK_SESSION_HANDLE, Keys), Verdict> {
    let (session, keys) = c.ready()?;
    c.sign_init(session, &keys, kind)?;
    Ok((session, keys))
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = table! {
        "sign/sha256-is-right", "§5.13 C_Sign, §6.1 CKM_SHA256_RSA_PKCS" => |c| {
            let (session, keys) = c.ready()?;
            let signature = c.sign(session, &keys, CKM_SHA256_RSA_PKCS, ABC)?;
            that("the signature is right", keys.key.accepts(&digest_info(), &signature))
        };
        "sign/raw-is-right", "§5.13 C_Sign, §6.1 CKM_RSA_PKCS" => |c| {
            let (session, keys) = c.ready()?;
            let signature = c.sign(session, &keys, CKM_RSA_PKCS, &digest_info())?;
            that("the signature is right", keys.key.accepts(&digest_info(), &signature))
        };
        "sign/parts-and-whole-agree", "§5.13 C_SignUpdate, C_SignFinal" => |c| {
            let (session, keys) = c.ready()?;
            for kind in HASHING {
                if UNSUPPORTED.contains(&c.m.C_SignInit(session, &mut mechanism(kind), keys.private)) {
                    continue;
                }
                c.pin_again(session)?;
                for byte in ABC {
                    ok("C_SignUpdate", c.m.C_SignUpdate(session, pointer(&[*byte]).0, 1))?;
                    ok("C_SignUpdate with nothing", c.m.C_SignUpdate(session, pointer(b"").0, 0))?;
                }
                let signature = finish(c, session, &keys)?;
                equal(&format!("mechanism {kind:#x}"), signature, c.sign(session, &keys, kind, ABC)?)?;
            }
            Ok(())
        };
        "sign/short-buffers", "§5.13 C_Sign, §5.2" => |c| {
            let (session, keys) = c.ready()?;
            let wanted = c.sign(session, &keys, CKM_SHA256_RSA_PKCS, ABC)?;
            c.sign_init(session, &keys, CKM_SHA256_RSA_PKCS)?;
            let (data, size) = pointer(ABC);
            super::digest::buffer_rules(&|room, length| c.m.C_Sign(session, data, size, room, length), &wanted)?;
            c.no_signature(session)
        };
        "sign/final-short-buffers", "§5.13 C_SignFinal, §5.2" => |c| {
            let (session, keys) = c.ready()?;
            let wanted = c.sign(session, &keys, CKM_SHA256_RSA_PKCS, ABC)?;
            c.sign_init(session, &keys, CKM_SHA256_RSA_PKCS)?;
            let (data, size) = pointer(ABC);
            ok("C_SignUpdate", c.m.C_SignUpdate(session, data, size))?;
            super::digest::buffer_rules(&|room, length| c.m.C_SignFinal(session, room, length), &wanted)?;
            c.no_signature(session)
        };
        "sign/exact-buffer", "§5.13 C_Sign" => |c| {
            let (session, keys) = begun(c, CKM_SHA256_RSA_PKCS)?;
            let (mut room, mut length, (data, size)) = (Room::new(keys.size()), keys.size() as CK_ULONG, pointer(ABC));
            ok("C_Sign", c.m.C_Sign(session, data, size, room.pointer(), &raw mut length))?;
            that("no more was written", room.untouched_after(keys.size()))?;
            that("the signature is right", keys.key.accepts(&digest_info(), room.first(keys.size())))
        };
        "robust/sign-overlap", "§5.13 C_Sign" => |c| {
            // The standard mentions it only for CKM_RSA_PKCS and the same place (§6.1.6).
            let (session, keys) = begun(c, CKM_SHA256_RSA_PKCS)?;
            let (mut memory, mut length) = (vec![0; keys.size()], keys.size() as CK_ULONG);
            memory[1..4].copy_from_slice(ABC);
            let place = memory.as_mut_ptr();
            ok("C_Sign onto its data", c.m.C_Sign(session, place.wrapping_add(1), 3, place, &raw mut length))?;
            that("the signature is right", keys.key.accepts(&digest_info(), &memory))
        };
        "sign/empty-data", "§5.13 C_Sign" => |c| {
            let (session, keys) = begun(c, CKM_SHA256_RSA_PKCS)?;
            let (mut room, mut length) = (vec![0; keys.size()], keys.size() as CK_ULONG);
            // Most modules accept NULL for no bytes, but the standard does not require it.
            let rv = c.m.C_Sign(session, ptr::null_mut(), 0, room.as_mut_ptr(), &raw mut length);
            among("C_Sign of NULL, 0", rv, &[CKR_OK, CKR_ARGUMENTS_BAD])?;
            c.no_signature(session)?;
            let empty = c.sign(session, &keys, CKM_SHA256_RSA_PKCS, b"")?;
            that("C_Sign of NULL, 0 signs no bytes", rv != CKR_OK || room == empty)?;
            c.sign_init(session, &keys, CKM_SHA256_RSA_PKCS)?;
            equal("C_SignFinal without data", finish(c, session, &keys)?, empty)
        };
        "sign/null-data-with-length", "§5.13 C_Sign, C_SignUpdate" => |c| {
            let (session, keys) = begun(c, CKM_SHA256_RSA_PKCS)?;
            let (mut room, mut length) = (vec![0; keys.size()], keys.size() as CK_ULONG);
            let rv = c.m.C_Sign(session, ptr::null_mut(), 3, room.as_mut_ptr(), &raw mut length);
            is("C_Sign", rv, CKR_ARGUMENTS_BAD)?;
            c.no_signature(session)?;
            c.sign_init(session, &keys, CKM_SHA256_RSA_PKCS)?;
            is("C_SignUpdate", c.m.C_SignUpdate(session, ptr::null_mut(), 3), CKR_ARGUMENTS_BAD)?;
            c.no_signature(session)
        };
        "sign/null-length", "§5.13 C_Sign, C_SignFinal" => |c| {
            let (session, keys) = begun(c, CKM_SHA256_RSA_PKCS)?;
            let (mut room, (data, size)) = (vec![0; keys.size()], pointer(ABC));
            let rv = c.m.C_Sign(session, data, size, room.as_mut_ptr(), ptr::null_mut());
            is("C_Sign", rv, CKR_ARGUMENTS_BAD)?;
            c.no_signature(session)?;
            let other = c.session()?;
            c.sign_init(other, &keys, CKM_SHA256_RSA_PKCS)?;
            is("C_SignFinal", c.m.C_SignFinal(other, room.as_mut_ptr(), ptr::null_mut()), CKR_ARGUMENTS_BAD)?;
            c.no_signature(other)
        };
        "robust/sign-huge-length", "§5.13 C_Sign" => |c| {
            let (session, keys) = begun(c, CKM_SHA256_RSA_PKCS)?;
            let (mut room, mut length) = (vec![0; keys.size()], keys.size() as CK_ULONG);
            let refused = [CKR_ARGUMENTS_BAD, CKR_DATA_LEN_RANGE, CKR_HOST_MEMORY];
            let rv = c.m.C_Sign(session, pointer(ABC).0, CK_ULONG::MAX, room.as_mut_ptr(), &raw mut length);
            among("C_Sign", rv, &refused)
        };
        "sign/active-twice", "§5.13 C_SignInit" => |c| {
            let (session, keys) = begun(c, CKM_SHA256_RSA_PKCS)?;
            let rv = c.m.C_SignInit(session, &mut mechanism(CKM_SHA256_RSA_PKCS), keys.private);
            is("C_SignInit", rv, CKR_OPERATION_ACTIVE)?;
            ok("the first one goes on", c.m.C_SignUpdate(session, pointer(ABC).0, 3))
        };
        "sign/not-started", "§5.13 C_Sign, C_SignUpdate, C_SignFinal" => |c| {
            let (session, mut room, mut length) = (c.session()?, [0; 512], 512);
            let (data, size) = pointer(ABC);
            let none = CKR_OPERATION_NOT_INITIALIZED;
            is("C_Sign", c.m.C_Sign(session, data, size, room.as_mut_ptr(), &raw mut length), none)?;
            c.no_signature(session)?;
            is("C_SignFinal", c.m.C_SignFinal(session, room.as_mut_ptr(), &raw mut length), none)
        };
        "sign/one-shot-after-parts", "§5.13 C_Sign" => |c| {
            let (session, keys) = begun(c, CKM_SHA256_RSA_PKCS)?;
            let (mut room, mut length, (data, size)) = (vec![0; keys.size()], keys.size() as CK_ULONG, pointer(ABC));
            ok("C_SignUpdate", c.m.C_SignUpdate(session, data, size))?;
            let rv = c.m.C_Sign(session, data, size, room.as_mut_ptr(), &raw mut length);
            let refused = [CKR_OPERATION_ACTIVE, CKR_OPERATION_NOT_INITIALIZED, CKR_FUNCTION_FAILED];
            among("C_Sign", rv, &refused)
        };
        "sign/bad-mechanism", "§5.13 C_SignInit" => |c| {
            let (session, keys) = c.ready()?;
            for kind in [CKM_SHA256, CKM_RSA_PKCS_KEY_PAIR_GEN, 0x7FFF_FFFE, CK_ULONG::MAX] {
                let rv = c.m.C_SignInit(session, &mut mechanism(kind), keys.private);
                is(&format!("mechanism {kind:#x}"), rv, CKR_MECHANISM_INVALID)?;
            }
            c.no_signature(session)
        };
        "sign/mechanism-of-another-key-type", "§5.13 C_SignInit" => |c| {
            let (session, keys) = c.ready()?;
            let refused = [CKR_MECHANISM_INVALID, CKR_KEY_TYPE_INCONSISTENT, CKR_KEY_FUNCTION_NOT_PERMITTED];
            let rv = c.m.C_SignInit(session, &mut mechanism(CKM_ECDSA), keys.private);
            among("CKM_ECDSA with a RSA key", rv, &refused)
        };
        "sign/parameter", "§5.13 C_SignInit, CKR_MECHANISM_PARAM_INVALID" => |c| {
            let (session, keys) = c.ready()?;
            c.refuses_parameter("C_SignInit", CKM_SHA256_RSA_PKCS, |kind| c.m.C_SignInit(session, kind, keys.private))
        };
        "sign/pss-parameters", "§5.13 C_SignInit, §6.1 CKM_SHA256_RSA_PKCS_PSS" => pss_parameters;
        "sign/pss-digest-lengths", "§5.13 C_Sign, §6.1 CKM_RSA_PKCS_PSS" => |c| {
            let (session, keys) = c.ready()?;
            let mut value = CK_RSA_PKCS_PSS_PARAMS { hashAlg: CKM_SHA256, mgf: CKG_MGF1_SHA256, sLen: 32 };
            let mut kind = mechanism(CKM_RSA_PKCS_PSS);
            kind.pParameter = (&raw mut value).cast();
            kind.ulParameterLen = size_of::<CK_RSA_PKCS_PSS_PARAMS>() as CK_ULONG;
            for size in [1, 20, 31, 33, 64] {
                supported("C_SignInit", c.m.C_SignInit(session, &raw mut kind, keys.private))?;
                c.pin_again(session)?;
                let (data, mut room, mut length) = (vec![7; size], vec![0; keys.size()], keys.size() as CK_ULONG);
                let rv = c.m.C_Sign(session, pointer(&data).0, size as CK_ULONG, room.as_mut_ptr(), &raw mut length);
                is(&format!("a digest of {size} bytes"), rv, CKR_DATA_LEN_RANGE)?;
                c.no_signature(session)?;
            }
            Ok(())
        };
        "sign/bad-key", "§5.13 C_SignInit" => |c| {
            let (session, keys) = c.ready()?;
            let init = |key| c.m.C_SignInit(session, &mut mechanism(CKM_SHA256_RSA_PKCS), key);
            for key in [CK_INVALID_HANDLE, 0x7FFF_FFFF, CK_ULONG::MAX] {
                is(&format!("key {key:#x}"), init(key), CKR_KEY_HANDLE_INVALID)?;
            }
            let wrong = [
                CKR_KEY_HANDLE_INVALID,
                CKR_KEY_FUNCTION_NOT_PERMITTED,
                CKR_KEY_TYPE_INCONSISTENT,
                CKR_OBJECT_HANDLE_INVALID,
            ];
            if let Some(public) = keys.public {
                among("a public key", init(public), &wrong)?;
            }
            if let Some(certificate) = keys.certificate {
                among("a certificate", init(certificate), &wrong)?;
            }
            c.no_signature(session)
        };
        "sign/key-of-another-session", "§5.13 C_SignInit" => |c| {
            let (_, keys) = c.ready()?;
            let other = c.session()?;
            let signature = c.sign(other, &keys, CKM_SHA256_RSA_PKCS, ABC)?;
            that("the signature is right", keys.key.accepts(&digest_info(), &signature))
        };
        "sign/raw-lengths", "§6.1 CKM_RSA_PKCS" => |c| {
            let (session, keys) = c.ready()?;
            let longest = vec![1; keys.size() - 11];
            let signature = c.sign(session, &keys, CKM_RSA_PKCS, &longest);
            match signature {
                Ok(signature) => that("the longest data", keys.key.accepts(&longest, &signature))?,
                // Keys in a card may take only a DigestInfo.
                Err(Verdict::Fail(why)) if why.contains("DATA_LEN_RANGE") || why.contains("DATA_INVALID") => {}
                Err(other) => return Err(other),
            }
            for size in [keys.size() - 10, keys.size(), keys.size() + 1] {
                too_long(c, session, &keys, CKM_RSA_PKCS, size)?;
            }
            Ok(())
        };
        "sign/raw-nothing", "§5.13 C_SignFinal, §6.1 CKM_RSA_PKCS" => |c| {
            let (session, keys) = begun(c, CKM_RSA_PKCS)?;
            let (mut room, mut length) = (vec![0; keys.size()], keys.size() as CK_ULONG);
            let rv = c.m.C_SignFinal(session, room.as_mut_ptr(), &raw mut length);
            // The mechanism is for single-part operations (§6.1), and a key in a card may refuse to sign no data.
            let may = [CKR_OK, CKR_DATA_LEN_RANGE, CKR_DATA_INVALID];
            if [CKR_OPERATION_NOT_INITIALIZED, CKR_FUNCTION_NOT_SUPPORTED, CKR_ARGUMENTS_BAD].contains(&rv) {
                return skip("no parts with CKM_RSA_PKCS");
            }
            among("C_SignFinal", rv, &may)?;
            c.no_signature(session)
        };
        "sign/raw-parts-too-long", "§5.13 C_SignUpdate, §6.1 CKM_RSA_PKCS" => |c| {
            let (session, keys) = begun(c, CKM_RSA_PKCS)?;
            let data = vec![1; keys.size()];
            // In parts only if the module takes parts with this mechanism.
            let mut rv = c.m.C_SignUpdate(session, pointer(&data).0, keys.size() as CK_ULONG);
            if rv == CKR_OK {
                let (mut room, mut length) = (vec![0; keys.size()], keys.size() as CK_ULONG);
                rv = c.m.C_SignFinal(session, room.as_mut_ptr(), &raw mut length);
            }
            let refused = [CKR_DATA_LEN_RANGE, CKR_FUNCTION_NOT_SUPPORTED, CKR_OPERATION_NOT_INITIALIZED];
            among("C_SignUpdate, C_SignFinal", rv, &[&refused[..], &[CKR_FUNCTION_FAILED, CKR_MECHANISM_INVALID]].concat())?;
            c.no_signature(session)
        };
        "sign/digest-beside-it", "§5.1 CKR_OPERATION_ACTIVE, operations of a session" => |c| {
            let (session, keys) = begun(c, CKM_SHA256_RSA_PKCS)?;
            let rv = c.m.C_DigestInit(session, &mut mechanism(CKM_SHA256));
            let may = [CKR_OK, CKR_OPERATION_ACTIVE, CKR_FUNCTION_NOT_SUPPORTED, CKR_MECHANISM_INVALID];
            among("C_DigestInit", rv, &may)?;
            if rv != CKR_OK {
                return skip("one operation of any kind at a time, which the standard allows");
            }
            let (mut digest, mut length, (data, size)) = ([0; 32], 32, pointer(ABC));
            ok("C_SignUpdate", c.m.C_SignUpdate(session, data, size))?;
            ok("C_Digest", c.m.C_Digest(session, data, size, digest.as_mut_ptr(), &raw mut length))?;
            equal("the digest", digest, ABC_SHA256)?;
            that("the signature is right", keys.key.accepts(&digest_info(), &finish(c, session, &keys)?))
        };
        "sign/logout-in-the-middle", "§5.6 C_Logout" => |c| {
            let (session, keys) = begun(c, CKM_SHA256_RSA_PKCS)?;
            ok("C_Logout", c.m.C_Logout(session))?;
            let (mut room, mut length, (data, size)) = (vec![0; keys.size()], keys.size() as CK_ULONG, pointer(ABC));
            let rv = c.m.C_Sign(session, data, size, room.as_mut_ptr(), &raw mut length);
            // The standard does not say whether an operation outlives a logout.
            let may = [CKR_OK, CKR_OPERATION_NOT_INITIALIZED, CKR_USER_NOT_LOGGED_IN, CKR_KEY_HANDLE_INVALID];
            among("C_Sign", rv, &may)?;
            ok("C_Login", c.login(session, CKU_USER)?)?;
            // In either case a new operation works.
            let session = c.session()?;
            let keys = c.keys(session)?;
            that("a new one", keys.key.accepts(&digest_info(), &c.sign(session, &keys, CKM_SHA256_RSA_PKCS, ABC)?))
        };
        "sign/two-sessions", "§5.13 C_SignUpdate" => |c| {
            let (first, keys) = begun(c, CKM_SHA256_RSA_PKCS)?;
            let second = c.session()?;
            c.sign_init(second, &keys, CKM_SHA256_RSA_PKCS)?;
            for byte in ABC {
                ok("C_SignUpdate", c.m.C_SignUpdate(first, pointer(&[*byte]).0, 1))?;
                ok("C_SignUpdate", c.m.C_SignUpdate(second, pointer(&[*byte]).0, 1))?;
            }
            that("the second", keys.key.accepts(&digest_info(), &finish(c, second, &keys)?))?;
            that("the first", keys.key.accepts(&digest_info(), &finish(c, first, &keys)?))
        };
        "sign/null-mechanism", "§5.13 C_SignInit, NULL ends the operation (3.0)" => |c| {
            c.since(3, 0)?;
            let (session, keys) = begun(c, CKM_SHA256_RSA_PKCS)?;
            let rv = c.m.C_SignInit(session, ptr::null_mut(), keys.private);
            among("C_SignInit with NULL", rv, &[CKR_OK, CKR_OPERATION_CANCEL_FAILED])?;
            if rv == CKR_OK { c.no_signature(session) } else { Ok(()) }
        };
        "sign/context-specific", "§5.6 C_Login, CKA_ALWAYS_AUTHENTICATE" => |c| {
            let (session, keys) = c.ready()?;
            if c.get(session, keys.private, CKA_ALWAYS_AUTHENTICATE) != Ok(vec![CK_TRUE]) {
                return skip("the key does not ask for the PIN anew");
            }
            let (mut room, mut length, (data, size)) = (vec![0; keys.size()], keys.size() as CK_ULONG, pointer(ABC));
            ok("C_SignInit", c.m.C_SignInit(session, &mut mechanism(CKM_SHA256_RSA_PKCS), keys.private))?;
            let rv = c.m.C_Sign(session, data, size, room.as_mut_ptr(), &raw mut length);
            is("C_Sign without the PIN", rv, CKR_USER_NOT_LOGGED_IN)?;
            ok("C_SignInit", c.m.C_SignInit(session, &mut mechanism(CKM_SHA256_RSA_PKCS), keys.private))?;
            let rv = c.m.C_SignUpdate(session, data, size);
            among("C_SignUpdate", rv, &[CKR_OK, CKR_USER_NOT_LOGGED_IN])?;
            if rv == CKR_OK {
                let rv = c.m.C_SignFinal(session, room.as_mut_ptr(), &raw mut length);
                is("C_SignFinal without the PIN", rv, CKR_USER_NOT_LOGGED_IN)?;
            }
            c.sign_init(session, &keys, CKM_SHA256_RSA_PKCS)?;
            let rv = c.m.C_Sign(session, data, size, room.as_mut_ptr(), &raw mut length);
            ok("C_Sign with it", rv)?;
            that("the signature is right", keys.key.accepts(&digest_info(), &room))
        };
    };
    for kind in HASHING {
        let name = format!("sign/verifies-{kind:#x}");
        cases.push(Case::new(name, "§5.13 C_Sign, §5.15 C_Verify", move |c| {
            let (session, keys) = c.ready()?;
            let signature = c.sign(session, &keys, kind, ABC)?;
            ok("C_Verify", c.verify(session, keys.public()?, kind, ABC, &signature)?)
        }));
    }
    cases
}

/// C_SignFinal, with enough room.
fn finish(c: &Context, session: CK_SESSION_HANDLE, keys: &Keys) -> Result<Vec<u8>, Verdict> {
    let (mut signature, mut length) = (vec![0; keys.size()], keys.size() as CK_ULONG);
    ok("C_SignFinal", c.m.C_SignFinal(session, signature.as_mut_ptr(), &raw mut length))?;
    signature.truncate(length as usize);
    Ok(signature)
}

fn too_long(c: &Context, session: CK_SESSION_HANDLE, keys: &Keys, kind: CK_MECHANISM_TYPE, size: usize) -> Outcome {
    c.sign_init(session, keys, kind)?;
    let (data, mut room, mut length) = (vec![1; size], vec![0; keys.size()], keys.size() as CK_ULONG);
    let rv = c.m.C_Sign(session, pointer(&data).0, size as CK_ULONG, room.as_mut_ptr(), &raw mut length);
    is(&format!("{size} bytes"), rv, CKR_DATA_LEN_RANGE)?;
    c.no_signature(session)
}

/// PSS: parameters that do not fit, and none at all.
fn pss_parameters(c: &mut Context) -> Outcome {
    let (session, keys) = c.ready()?;
    let init = |parameters: Option<(CK_MECHANISM_TYPE, CK_ULONG)>| {
        let (hash, mask) = parameters.unwrap_or((CKM_SHA256, CKG_MGF1_SHA256));
        let mut value = CK_RSA_PKCS_PSS_PARAMS { hashAlg: hash, mgf: mask, sLen: 32 };
        let mut kind = mechanism(CKM_SHA256_RSA_PKCS_PSS);
        if parameters.is_some() {
            kind.pParameter = (&raw mut value).cast();
            kind.ulParameterLen = size_of::<CK_RSA_PKCS_PSS_PARAMS>() as CK_ULONG;
        }
        c.m.C_SignInit(session, &raw mut kind, keys.private)
    };
    let refused = [CKR_MECHANISM_PARAM_INVALID, CKR_ARGUMENTS_BAD];
    let rv = init(None);
    if rv == CKR_MECHANISM_INVALID {
        return skip("no PSS");
    }
    among("no parameters", rv, &refused)?;
    among("another hash than the mechanism's", init(Some((CKM_SHA_1, CKG_MGF1_SHA1))), &refused)?;
    among("a mechanism that is no hash", init(Some((CKM_RSA_PKCS, CKG_MGF1_SHA256))), &refused)?;
    among("an unknown mask", init(Some((CKM_SHA256, 0x7FFF_FFFF))), &refused)?;
    ok("the right ones", init(Some((CKM_SHA256, CKG_MGF1_SHA256))))?;
    c.pin_again(session)?;
    let (mut room, mut length, (data, size)) = (vec![0; keys.size()], keys.size() as CK_ULONG, pointer(ABC));
    ok("C_Sign", c.m.C_Sign(session, data, size, room.as_mut_ptr(), &raw mut length))?;
    that("the signature is right", keys.key.signed(Signed::Pss, ABC, &room))
}
