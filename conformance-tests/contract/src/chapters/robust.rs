//! What a good module survives, but the standard does not require: structures at odd addresses, and lengths that no
//! memory has (PKCS#11 3.2 §5.1: CKR_ARGUMENTS_BAD, CKR_HOST_MEMORY). Other chapters have some more such cases.

use std::ptr;

use cryptoki_sys::*;

use super::digest::{ABC, ABC_SHA256};
use super::memory::{get_template, search, sign_with_parameter, structures};
use super::sign::digest_info;
use crate::case::{Case, table};
use crate::check::{among, equal, is, ok, skip, supported, that};
use crate::context::{Context, mechanism, number};
use crate::memory::{Given, Room};
use crate::verdict::Outcome;

/// Lengths that no memory has: the longest (CK_UNAVAILABLE_INFORMATION), almost the longest, and half of it.
const HUGE: [CK_ULONG; 3] = [CK_ULONG::MAX, CK_ULONG::MAX - 7, CK_ULONG::MAX / 2 + 1];

/// The return values for an impossible length.
const REFUSED: [CK_RV; 4] = [CKR_ARGUMENTS_BAD, CKR_DATA_LEN_RANGE, CKR_HOST_MEMORY, CKR_SIGNATURE_LEN_RANGE];

pub(super) fn cases() -> Vec<Case> {
    table! {
        "robust/unaligned-structures", "§5.4 C_GetInfo, §5.5 C_GetSlotInfo, C_GetTokenInfo, C_GetMechanismInfo, §5.6 C_GetSessionInfo" => |c| {
            structures(c, Room::new)
        };
        "robust/unaligned-initialize", "§5.4 C_Initialize" => |c| {
            let arguments = CK_C_INITIALIZE_ARGS { flags: CKF_OS_LOCKING_OK, ..Default::default() };
            ok("C_Initialize", c.m.C_Initialize(Given::odd_values(&[arguments]).pointer().cast()))
        };
        "robust/unaligned-get-template", "§5.7 C_GetAttributeValue" => |c| get_template(c, Room::odd_with, Room::new);
        "robust/unaligned-search", "§5.7 C_FindObjectsInit, C_FindObjects" => |c| search(c, Given::odd_values, Room::new);
        "robust/unaligned-mechanism", "§5.13 C_SignInit, §5.12 C_DigestInit" => |c| {
            let session = c.session()?;
            let kind = Given::odd_values(&[mechanism(CKM_SHA256)]);
            supported("C_DigestInit", c.m.C_DigestInit(session, kind.pointer().cast()))?;
            let (mut digest, mut length) = (Room::new(32), Room::odd_with(&number(32)));
            let (data, size) = (ABC.as_ptr().cast_mut(), ABC.len() as CK_ULONG);
            let rv = c.m.C_Digest(session, data, size, digest.pointer(), length.pointer().cast());
            ok("C_Digest", rv)?;
            equal("the digest", digest.first(32), &ABC_SHA256[..])?;
            sign_with_parameter(c, Given::odd_values)
        };
        "robust/unaligned-lists", "§5.5 C_GetSlotList, C_GetMechanismList, §5.6 C_OpenSession" => |c| {
            let slot = c.slot()?;
            let (mut list, mut count) = (Room::new(256 * size_of::<CK_ULONG>()), Room::odd_with(&number(256)));
            ok("C_GetSlotList", c.m.C_GetSlotList(CK_TRUE, list.pointer().cast(), count.pointer().cast()))?;
            let given = count.value::<CK_ULONG>() as usize * size_of::<CK_ULONG>();
            that("the slot is in the list", list.first(given).chunks(8).any(|id| id == number(slot)))?;
            that("no more was written", list.untouched_after(given))?;
            let (mut list, mut count) = (Room::new(256 * size_of::<CK_ULONG>()), Room::odd_with(&number(256)));
            ok("C_GetMechanismList", c.m.C_GetMechanismList(slot, list.pointer().cast(), count.pointer().cast()))?;
            that("no more was written", list.untouched_after(count.value::<CK_ULONG>() as usize * size_of::<CK_ULONG>()))?;
            let mut handle = Room::new(size_of::<CK_SESSION_HANDLE>());
            let rv = c.m.C_OpenSession(slot, CKF_SERIAL_SESSION, ptr::null_mut(), None, handle.pointer().cast());
            ok("C_OpenSession", rv)?;
            c.still_there(handle.value())
        };
        // Each entry is valid, and all point to the same bytes: no caller may decide how much memory a module takes.
        "robust/search-large-template", "§5.7 C_FindObjectsInit" => |c| {
            let session = c.session()?;
            let value = vec![0_u8; 1 << 16];
            let entry = CK_ATTRIBUTE {
                type_: CKA_LABEL,
                pValue: value.as_ptr().cast_mut().cast(),
                ulValueLen: value.len() as CK_ULONG,
            };
            let mut template = vec![entry; 4096];
            let before = memory_high_water();
            let rv = c.m.C_FindObjectsInit(session, template.as_mut_ptr(), template.len() as CK_ULONG);
            among("C_FindObjectsInit", rv, &[CKR_OK, CKR_ARGUMENTS_BAD, CKR_HOST_MEMORY])?;
            let grown = memory_high_water().saturating_sub(before);
            that(&format!("it takes less than 32 MB, not {grown} kB"), grown < 32 << 10)
        };
        "robust/list-huge-room", "§5.5 C_GetSlotList, C_GetMechanismList" => |c| {
            let slot = c.slot()?;
            // There is room for all that there is; only the number is wrong.
            for huge in HUGE {
                let (mut list, mut count) = (vec![0; 1024], huge);
                ok("C_GetSlotList", c.m.C_GetSlotList(CK_FALSE, list.as_mut_ptr(), &raw mut count))?;
                that("a possible count", count < 1024)?;
                count = huge;
                ok("C_GetMechanismList", c.m.C_GetMechanismList(slot, list.as_mut_ptr(), &raw mut count))?;
                that("a possible count", count < 1024)?;
            }
            Ok(())
        };
        "robust/login-huge-length", "§5.6 C_Login, C_LoginUser, ulPinLen" => |c| {
            c.may_risk_tries()?;
            let (session, mut pin) = (c.session()?, c.pin()?);
            let refused = [CKR_ARGUMENTS_BAD, CKR_PIN_LEN_RANGE, CKR_PIN_INCORRECT, CKR_HOST_MEMORY];
            for huge in HUGE {
                among("C_Login", c.m.C_Login(session, CKU_USER, pin.as_mut_ptr(), huge), &refused)?;
            }
            if c.m.version() >= (3, 0) {
                let rv = c.m.C_LoginUser(session, CKU_USER, pin.as_mut_ptr(), CK_ULONG::MAX, ptr::null_mut(), 0);
                among("C_LoginUser", rv, &[&refused[..], &[CKR_FUNCTION_NOT_SUPPORTED]].concat())?;
            }
            equal("state", c.state(session)?, CKS_RO_PUBLIC_SESSION)?;
            ok("C_Login with its length", c.login(session, CKU_USER)?)
        };
        "robust/set-pin-huge-length", "§5.5 C_SetPIN, ulOldLen, ulNewLen" => |c| {
            c.may_risk_tries()?;
            let (session, mut pin) = (c.open(CKF_RW_SESSION)?, c.pin()?);
            let (place, size) = (pin.as_mut_ptr(), pin.len() as CK_ULONG);
            let refused = [
                CKR_ARGUMENTS_BAD,
                CKR_PIN_LEN_RANGE,
                CKR_PIN_INVALID,
                CKR_PIN_INCORRECT,
                CKR_HOST_MEMORY,
                CKR_FUNCTION_NOT_SUPPORTED,
            ];
            for huge in HUGE {
                among("the new one", c.m.C_SetPIN(session, place, size, place, huge), &refused)?;
                among("the old one", c.m.C_SetPIN(session, place, huge, place, size), &refused)?;
            }
            ok("C_Login with the old one", c.login(session, CKU_USER)?)
        };
        "robust/sign-parts-huge-length", "§5.13 C_SignUpdate" => |c| {
            let (session, keys) = c.ready()?;
            for huge in HUGE {
                c.sign_init(session, &keys, CKM_SHA256_RSA_PKCS)?;
                among("C_SignUpdate", c.m.C_SignUpdate(session, ABC.as_ptr().cast_mut(), huge), &REFUSED)?;
                c.no_signature(session)?;
            }
            Ok(())
        };
        "robust/sign-raw-huge-length", "§5.13 C_Sign, §6.1 CKM_RSA_PKCS" => |c| {
            let (session, keys) = c.ready()?;
            for huge in HUGE {
                c.sign_init(session, &keys, CKM_RSA_PKCS)?;
                let (mut room, mut length) = (Room::new(keys.size()), keys.size() as CK_ULONG);
                let rv = c.m.C_Sign(session, ABC.as_ptr().cast_mut(), huge, room.pointer(), &raw mut length);
                among("C_Sign", rv, &REFUSED)?;
                c.no_signature(session)?;
            }
            Ok(())
        };
        "robust/verify-huge-length", "§5.15 C_Verify, C_VerifyUpdate, C_VerifyFinal" => |c| {
            let (session, keys) = c.ready()?;
            let (mut signature, public) = (c.sign(session, &keys, CKM_SHA256_RSA_PKCS, ABC)?, keys.public()?);
            let (end, end_size) = (signature.as_mut_ptr(), signature.len() as CK_ULONG);
            let (from, size) = (ABC.as_ptr().cast_mut(), ABC.len() as CK_ULONG);
            let init = || supported("C_VerifyInit", c.m.C_VerifyInit(session, &mut mechanism(CKM_SHA256_RSA_PKCS), public));
            for huge in HUGE {
                init()?;
                among("C_Verify, data", c.m.C_Verify(session, from, huge, end, end_size), &REFUSED)?;
                init()?;
                among("C_Verify, signature", c.m.C_Verify(session, from, size, end, huge), &REFUSED)?;
                init()?;
                among("C_VerifyUpdate", c.m.C_VerifyUpdate(session, from, huge), &REFUSED)?;
                init()?;
                among("C_VerifyFinal", c.m.C_VerifyFinal(session, end, huge), &REFUSED)?;
            }
            init()?;
            ok("C_Verify with its lengths", c.m.C_Verify(session, from, size, end, end_size))
        };
        "robust/verify-signature-first-huge-length", "§5.15 C_VerifySignatureInit, C_VerifySignature" => |c| {
            c.since(3, 2)?;
            let (session, keys) = c.ready()?;
            let (mut signature, public) = (c.sign(session, &keys, CKM_SHA256_RSA_PKCS, ABC)?, keys.public()?);
            let (end, size) = (signature.as_mut_ptr(), signature.len() as CK_ULONG);
            let init = |size| c.m.C_VerifySignatureInit(session, &mut mechanism(CKM_SHA256_RSA_PKCS), public, end, size);
            for huge in HUGE {
                let rv = init(huge);
                if rv == CKR_FUNCTION_NOT_SUPPORTED {
                    return skip("no such function");
                }
                among("C_VerifySignatureInit", rv, &REFUSED)?;
                ok("C_VerifySignatureInit with its length", init(size))?;
                among("C_VerifySignature", c.m.C_VerifySignature(session, ABC.as_ptr().cast_mut(), huge), &REFUSED)?;
            }
            Ok(())
        };
        "robust/recover-huge-length", "§5.13 C_SignRecover, §5.15 C_VerifyRecover" => |c| {
            let (session, keys) = c.ready()?;
            let (mut room, mut length) = (Room::new(keys.size()), keys.size() as CK_ULONG);
            let rv = c.m.C_SignRecoverInit(session, &mut mechanism(CKM_RSA_PKCS), keys.private);
            if rv == CKR_KEY_FUNCTION_NOT_PERMITTED {
                return skip("the key does not sign with recovery");
            }
            supported("C_SignRecoverInit", rv)?;
            c.pin_again(session)?;
            let (from, huge) = (ABC.as_ptr().cast_mut(), CK_ULONG::MAX);
            let rv = c.m.C_SignRecover(session, from, huge, room.pointer(), &raw mut length);
            among("C_SignRecover", rv, &REFUSED)?;
            let rv = c.m.C_VerifyRecoverInit(session, &mut mechanism(CKM_RSA_PKCS), keys.public()?);
            supported("C_VerifyRecoverInit", rv)?;
            let rv = c.m.C_VerifyRecover(session, from, huge, room.pointer(), &raw mut length);
            among("C_VerifyRecover", rv, &REFUSED)
        };
        "robust/parameter-huge-length", "§5.12 C_DigestInit, §5.13 C_SignInit, ulParameterLen" => |c| {
            let (session, keys) = c.ready()?;
            let pss = CK_RSA_PKCS_PSS_PARAMS { hashAlg: CKM_SHA256, mgf: CKG_MGF1_SHA256, sLen: 32 };
            let parameter = Given::values(&[pss]);
            let refused = [CKR_MECHANISM_PARAM_INVALID, CKR_ARGUMENTS_BAD, CKR_HOST_MEMORY];
            for huge in HUGE.into_iter().chain([parameter.length() - 1, parameter.length() + 1]) {
                for pointer in [parameter.pointer(), ptr::null_mut()] {
                    let kind = |mechanism| CK_MECHANISM {
                        mechanism,
                        pParameter: pointer.cast(),
                        ulParameterLen: huge,
                    };
                    let rv = c.m.C_SignInit(session, &mut kind(CKM_SHA256_RSA_PKCS_PSS), keys.private);
                    if rv == CKR_MECHANISM_INVALID {
                        return skip("no PSS");
                    }
                    among("C_SignInit, PSS", rv, &refused)?;
                    let rv = c.m.C_SignInit(session, &mut kind(CKM_SHA256_RSA_PKCS), keys.private);
                    among("C_SignInit of a mechanism without a parameter", rv, &refused)?;
                }
            }
            c.no_signature(session)
        };
        "robust/search-value-huge-length", "§5.7 C_FindObjectsInit, ulValueLen" => |c| {
            let session = c.session()?;
            for huge in HUGE {
                let value = Given::of(b"label");
                let mut entry =
                    CK_ATTRIBUTE { type_: CKA_LABEL, pValue: value.pointer().cast(), ulValueLen: huge };
                let rv = c.m.C_FindObjectsInit(session, &raw mut entry, 1);
                among("C_FindObjectsInit", rv, &[CKR_ARGUMENTS_BAD, CKR_ATTRIBUTE_VALUE_INVALID, CKR_HOST_MEMORY])?;
            }
            c.find(session, &Vec::new()).map(|_| ())
        };
        "robust/search-huge-room", "§5.7 C_FindObjects, ulMaxObjectCount" => |c| {
            let session = c.logged_in()?;
            let all = c.find(session, &Vec::new())?;
            for huge in HUGE {
                // There is room for all that there is; only the number is wrong.
                let mut found = Room::at_the_end(all.len() * size_of::<CK_OBJECT_HANDLE>());
                let mut count = 0;
                ok("C_FindObjectsInit", c.m.C_FindObjectsInit(session, ptr::null_mut(), 0))?;
                let rv = c.m.C_FindObjects(session, found.pointer().cast(), huge, &raw mut count);
                among("C_FindObjects", rv, &[CKR_OK, CKR_ARGUMENTS_BAD, CKR_HOST_MEMORY])?;
                that("no more objects than there are", rv != CKR_OK || count as usize <= all.len())?;
                ok("C_FindObjectsFinal", c.m.C_FindObjectsFinal(session))?;
            }
            Ok(())
        };
        "robust/attribute-unavailable-length", "§5.7 C_GetAttributeValue, CK_UNAVAILABLE_INFORMATION" => |c| {
            // A program passes the length that a failed call has left, so the size of the room is unknown.
            let (session, keys) = c.ready()?;
            let mut room = Room::at_the_end(2);
            let left = CK_UNAVAILABLE_INFORMATION;
            let mut entry = CK_ATTRIBUTE { type_: CKA_MODULUS, pValue: room.pointer().cast(), ulValueLen: left };
            let rv = c.m.C_GetAttributeValue(session, keys.private, &raw mut entry, 1);
            is("C_GetAttributeValue", rv, CKR_BUFFER_TOO_SMALL)?;
            equal("the length", entry.ulValueLen, CK_UNAVAILABLE_INFORMATION)?;
            that("nothing was written", room.untouched_after(0))
        };
        "robust/sign-recover-overlap", "§5.13 C_SignRecover" => |c| {
            let (session, keys) = c.ready()?;
            let rv = c.m.C_SignRecoverInit(session, &mut mechanism(CKM_RSA_PKCS), keys.private);
            if rv == CKR_KEY_FUNCTION_NOT_PERMITTED {
                return skip("the key does not sign with recovery");
            }
            supported("C_SignRecoverInit", rv)?;
            c.pin_again(session)?;
            let (mut memory, mut length, data) = (vec![0; keys.size()], keys.size() as CK_ULONG, digest_info());
            memory[..data.len()].copy_from_slice(&data);
            let place = memory.as_mut_ptr();
            let rv = c.m.C_SignRecover(session, place, data.len() as CK_ULONG, place, &raw mut length);
            ok("C_SignRecover onto its data", rv)?;
            that("the signature is right", keys.key.accepts(&data, &memory))
        };
        "robust/verify-recover-overlap", "§5.15 C_VerifyRecover" => |c| {
            let (session, keys) = c.ready()?;
            let mut memory = c.sign(session, &keys, CKM_RSA_PKCS, &digest_info())?;
            let rv = c.m.C_VerifyRecoverInit(session, &mut mechanism(CKM_RSA_PKCS), keys.public()?);
            supported("C_VerifyRecoverInit", rv)?;
            let (place, size, mut length) = (memory.as_mut_ptr(), memory.len() as CK_ULONG, memory.len() as CK_ULONG);
            let rv = c.m.C_VerifyRecover(session, place, size, place, &raw mut length);
            ok("C_VerifyRecover onto its signature", rv)?;
            equal("the data", &memory[..length as usize], &digest_info())
        };
        "robust/failure-writes-nothing", "§5.13 C_Sign, C_SignFinal, §5.12 C_Digest, §5.15 C_VerifyRecover" => failure;
    }
}

/// A call that fails leaves the memory for its result unchanged.
fn failure(c: &mut Context) -> Outcome {
    let (session, keys) = c.ready()?;
    let data = vec![1; keys.size() + 1];
    let (from, size) = (data.as_ptr().cast_mut(), data.len() as CK_ULONG);
    let (mut room, mut length) = (Room::new(keys.size()), keys.size() as CK_ULONG);
    let untouched = |what: &str, rv, room: &Room| {
        that(&format!("{what} fails"), rv != CKR_OK)?;
        that(&format!("{what}: nothing was written"), room.untouched_after(0))
    };
    c.sign_init(session, &keys, CKM_RSA_PKCS)?;
    let rv = c.m.C_Sign(session, from, size, room.pointer(), &raw mut length);
    untouched("C_Sign of too much", rv, &room)?;
    let rv = c.m.C_SignFinal(session, room.pointer(), &raw mut length);
    untouched("C_SignFinal of nothing", rv, &room)?;
    let rv = c.m.C_Digest(session, from, size, room.pointer(), &raw mut length);
    untouched("C_Digest of nothing", rv, &room)?;
    supported("C_VerifyRecoverInit", c.m.C_VerifyRecoverInit(session, &mut mechanism(CKM_RSA_PKCS), keys.public()?))?;
    let (mut forged, mut length) = (vec![7; keys.size()], keys.size() as CK_ULONG);
    let rv = c.m.C_VerifyRecover(session, forged.as_mut_ptr(), length, room.pointer(), &raw mut length);
    untouched("C_VerifyRecover of no signature", rv, &room)
}

/// The most memory that this process has had so far, in kB (Linux; 0 elsewhere).
fn memory_high_water() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}
