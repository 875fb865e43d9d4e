//! The memory that functions get: a module reads and writes nothing beyond its end, and does not write to what it only
//! reads (PKCS#11 3.2 §5.2). Strings have a terminator only if the standard says so.
//!
//! Everything ends where the process's memory ends, and what is only read is write-protected: a module that goes a byte
//! too far crashes.

use std::fmt::Debug;
use std::ptr;

use cryptoki_sys::*;

use super::digest::{ABC, ABC_SHA256};
use super::sign::digest_info;
use crate::case::{Case, table};
use crate::check::{UNSUPPORTED, among, equal, is, ok, skip, supported, that};
use crate::context::{Context, mechanism, number, to_number};
use crate::memory::{Given, Room};
use crate::rsa::Signed;
use crate::verdict::{Outcome, Verdict};

pub(super) fn cases() -> Vec<Case> {
    table! {
        "memory/initialize-arguments", "§5.4 C_Initialize, CK_C_INITIALIZE_ARGS" => |c| {
            let arguments = CK_C_INITIALIZE_ARGS { flags: CKF_OS_LOCKING_OK, ..Default::default() };
            ok("C_Initialize", c.m.C_Initialize(Given::values(&[arguments]).pointer().cast()))
        };
        "memory/initialize-reserved", "§5.4 C_Initialize, pReserved" => |c| {
            // Not in the standard, but if a module takes a string there, the string ends at its terminator.
            for text in [&b"\0"[..], b"contract\0"] {
                let reserved = Given::of(text);
                let arguments =
                    CK_C_INITIALIZE_ARGS { pReserved: reserved.pointer().cast(), ..Default::default() };
                let rv = c.m.C_Initialize(Given::values(&[arguments]).pointer().cast());
                among("C_Initialize", rv, &[CKR_OK, CKR_ARGUMENTS_BAD])?;
                if rv == CKR_OK {
                    ok("C_Finalize", c.m.C_Finalize(ptr::null_mut()))?;
                }
            }
            Ok(())
        };
        "memory/interface", "§5.4 C_GetFunctionList, C_GetInterface, C_GetInterfaceList" => interfaces;
        "memory/structures", "§5.4 C_GetInfo, §5.5 C_GetSlotInfo, C_GetTokenInfo, C_GetMechanismInfo, §5.6 C_GetSessionInfo" => |c| {
            structures(c, Room::at_the_end)
        };
        "memory/lists", "§5.5 C_GetSlotList, C_GetMechanismList" => |c| {
            let slot = c.slot()?;
            list("C_GetSlotList", &|ids, count| c.m.C_GetSlotList(CK_FALSE, ids, count))?;
            list("C_GetSlotList with a token", &|ids, count| c.m.C_GetSlotList(CK_TRUE, ids, count))?;
            list("C_GetMechanismList", &|kinds, count| c.m.C_GetMechanismList(slot, kinds, count))
        };
        "memory/slot-event", "§5.5 C_WaitForSlotEvent" => |c| {
            c.slot()?;
            let mut slot = Room::at_the_end(size_of::<CK_SLOT_ID>());
            let rv = c.m.C_WaitForSlotEvent(CKF_DONT_BLOCK, slot.pointer().cast(), ptr::null_mut());
            among("C_WaitForSlotEvent", rv, &[CKR_OK, CKR_NO_EVENT, CKR_FUNCTION_NOT_SUPPORTED])?;
            that("a slot is written only with an event", rv == CKR_OK || slot.untouched_after(0))
        };
        "memory/session-handle", "§5.6 C_OpenSession, phSession" => |c| {
            let (slot, mut handle) = (c.slot()?, Room::at_the_end(size_of::<CK_SESSION_HANDLE>()));
            let rv = c.m.C_OpenSession(slot, CKF_SERIAL_SESSION, ptr::null_mut(), None, handle.pointer().cast());
            ok("C_OpenSession", rv)?;
            c.still_there(handle.value())
        };
        "memory/login-pin", "§5.6 C_Login, ulPinLen" => |c| {
            let (session, pin) = (c.session()?, Given::of(&c.pin()?));
            ok("C_Login", c.m.C_Login(session, CKU_USER, pin.pointer(), pin.length()))?;
            equal("state", c.state(session)?, CKS_RO_USER_FUNCTIONS)
        };
        "memory/login-user", "§5.6 C_LoginUser, ulPinLen, ulUsernameLen" => |c| {
            c.since(3, 0)?;
            c.may_risk_tries()?;
            let (session, pin, name) = (c.session()?, Given::of(&c.pin()?), Given::of(b"nobody"));
            let login = |name: *mut CK_UTF8CHAR, size| {
                c.m.C_LoginUser(session, CKU_USER, pin.pointer(), pin.length(), name, size)
            };
            let refused = [CKR_ARGUMENTS_BAD, CKR_USER_TYPE_INVALID, CKR_PIN_INCORRECT, CKR_FUNCTION_NOT_SUPPORTED];
            among("a name that nobody has", login(name.pointer(), name.length()), &refused)?;
            supported("no name", login(ptr::null_mut(), 0))
        };
        "memory/set-pin", "§5.5 C_SetPIN, ulOldLen, ulNewLen" => |c| {
            c.may_risk_tries()?;
            // The new PIN is the old one, so it stays the same.
            let (session, old, new) = (c.open(CKF_RW_SESSION)?, Given::of(&c.pin()?), Given::of(&c.pin()?));
            let rv = c.m.C_SetPIN(session, old.pointer(), old.length(), new.pointer(), new.length());
            among("C_SetPIN", rv, &[CKR_OK, CKR_FUNCTION_NOT_SUPPORTED])?;
            ok("C_Login with that PIN", c.login(session, CKU_USER)?)
        };
        "memory/get-template", "§5.7 C_GetAttributeValue, ulValueLen" => |c| get_template(c, Room::with, Room::at_the_end);
        "memory/search-template", "§5.7 C_FindObjectsInit, C_FindObjects" => |c| search(c, Given::values, Room::at_the_end);
        "memory/object-size", "§5.7 C_GetObjectSize" => |c| {
            let (session, keys) = c.ready()?;
            let mut size = Room::at_the_end(size_of::<CK_ULONG>());
            let rv = c.m.C_GetObjectSize(session, keys.private, size.pointer().cast());
            supported("C_GetObjectSize", rv)?;
            that("a size above 0", size.value::<CK_ULONG>() > 0)
        };
        "memory/digest", "§5.12 C_DigestInit, C_Digest, C_DigestUpdate, C_DigestFinal" => |c| {
            let session = c.session()?;
            let (kind, data) = (Given::values(&[mechanism(CKM_SHA256)]), Given::of(ABC));
            let init = || supported("C_DigestInit", c.m.C_DigestInit(session, kind.pointer().cast()));
            init()?;
            result("C_Digest", &ABC_SHA256, &|room, size| {
                c.m.C_Digest(session, data.pointer(), data.length(), room, size)
            })?;
            init()?;
            ok("C_DigestUpdate", c.m.C_DigestUpdate(session, data.pointer(), data.length()))?;
            result("C_DigestFinal", &ABC_SHA256, &|room, size| c.m.C_DigestFinal(session, room, size))
        };
        "memory/sign", "§5.13 C_SignInit, C_Sign, C_SignUpdate, C_SignFinal" => |c| {
            let (session, keys) = c.ready()?;
            let wanted = c.sign(session, &keys, CKM_SHA256_RSA_PKCS, ABC)?;
            let (kind, data) = (Given::values(&[mechanism(CKM_SHA256_RSA_PKCS)]), Given::of(ABC));
            let init = || {
                ok("C_SignInit", c.m.C_SignInit(session, kind.pointer().cast(), keys.private))?;
                c.pin_again(session)
            };
            init()?;
            result("C_Sign", &wanted, &|room, size| c.m.C_Sign(session, data.pointer(), data.length(), room, size))?;
            init()?;
            ok("C_SignUpdate", c.m.C_SignUpdate(session, data.pointer(), data.length()))?;
            result("C_SignFinal", &wanted, &|room, size| c.m.C_SignFinal(session, room, size))
        };
        "memory/sign-raw", "§5.13 C_Sign, §6.1 CKM_RSA_PKCS" => |c| {
            let (session, keys) = c.ready()?;
            let (wanted, data) = (c.sign(session, &keys, CKM_RSA_PKCS, &digest_info())?, Given::of(&digest_info()));
            c.sign_init(session, &keys, CKM_RSA_PKCS)?;
            result("C_Sign", &wanted, &|room, size| c.m.C_Sign(session, data.pointer(), data.length(), room, size))
        };
        "memory/sign-parameter", "§5.13 C_SignInit, ulParameterLen, §6.1 CKM_SHA256_RSA_PKCS_PSS" => |c| {
            sign_with_parameter(c, Given::values)
        };
        "memory/verify", "§5.15 C_VerifyInit, C_Verify, C_VerifyUpdate, C_VerifyFinal" => |c| {
            let (session, keys) = c.ready()?;
            let signature = Given::of(&c.sign(session, &keys, CKM_SHA256_RSA_PKCS, ABC)?);
            let (kind, data, key) = (Given::values(&[mechanism(CKM_SHA256_RSA_PKCS)]), Given::of(ABC), keys.public()?);
            let init = || supported("C_VerifyInit", c.m.C_VerifyInit(session, kind.pointer().cast(), key));
            let ((from, size), (end, end_size)) = ((data.pointer(), data.length()), (signature.pointer(), signature.length()));
            init()?;
            ok("C_Verify", c.m.C_Verify(session, from, size, end, end_size))?;
            init()?;
            ok("C_VerifyUpdate", c.m.C_VerifyUpdate(session, from, size))?;
            ok("C_VerifyFinal", c.m.C_VerifyFinal(session, end, end_size))
        };
        "memory/verify-signature-first", "§5.15 C_VerifySignatureInit, C_VerifySignature, C_VerifySignatureUpdate" => |c| {
            c.since(3, 2)?;
            let (session, keys) = c.ready()?;
            let made = c.sign(session, &keys, CKM_SHA256_RSA_PKCS, ABC)?;
            let (kind, data, key) = (Given::values(&[mechanism(CKM_SHA256_RSA_PKCS)]), Given::of(ABC), keys.public()?);
            let init = || {
                // The signature is gone before the data come: the module cannot read it later.
                let signature = Given::of(&made);
                let (from, size) = (signature.pointer(), signature.length());
                let rv = c.m.C_VerifySignatureInit(session, kind.pointer().cast(), key, from, size);
                supported("C_VerifySignatureInit", rv)
            };
            init()?;
            ok("C_VerifySignature", c.m.C_VerifySignature(session, data.pointer(), data.length()))?;
            init()?;
            ok("C_VerifySignatureUpdate", c.m.C_VerifySignatureUpdate(session, data.pointer(), data.length()))?;
            ok("C_VerifySignatureFinal", c.m.C_VerifySignatureFinal(session))
        };
        "memory/recover", "§5.13 C_SignRecover, §5.15 C_VerifyRecover" => |c| {
            let (session, keys) = c.ready()?;
            let (kind, data) = (Given::values(&[mechanism(CKM_RSA_PKCS)]), Given::of(&digest_info()));
            let wanted = c.sign(session, &keys, CKM_RSA_PKCS, &digest_info())?;
            let rv = c.m.C_SignRecoverInit(session, kind.pointer().cast(), keys.private);
            if rv == CKR_KEY_FUNCTION_NOT_PERMITTED {
                return skip("the key does not sign with recovery");
            }
            supported("C_SignRecoverInit", rv)?;
            c.pin_again(session)?;
            result("C_SignRecover", &wanted, &|room, size| {
                c.m.C_SignRecover(session, data.pointer(), data.length(), room, size)
            })?;
            let signature = Given::of(&wanted);
            let rv = c.m.C_VerifyRecoverInit(session, kind.pointer().cast(), keys.public()?);
            supported("C_VerifyRecoverInit", rv)?;
            result("C_VerifyRecover", &digest_info(), &|room, size| {
                c.m.C_VerifyRecover(session, signature.pointer(), signature.length(), room, size)
            })
        };
        "memory/random", "§5.19 C_GenerateRandom, C_SeedRandom" => |c| {
            let (session, seed) = (c.session()?, Given::of(b"a seed"));
            let may = [CKR_OK, CKR_RANDOM_SEED_NOT_SUPPORTED, CKR_RANDOM_NO_RNG, CKR_FUNCTION_NOT_SUPPORTED];
            among("C_SeedRandom", c.m.C_SeedRandom(session, seed.pointer(), seed.length()), &may)?;
            let mut room = Room::at_the_end(33);
            let rv = c.m.C_GenerateRandom(session, room.pointer(), 33);
            among("C_GenerateRandom", rv, &[CKR_OK, CKR_RANDOM_NO_RNG, CKR_FUNCTION_NOT_SUPPORTED])?;
            that("the first and the last bytes were written", rv != CKR_OK || !room.first(33).windows(16).any(|part| part == [0xA5; 16]))
        };
    }
}

/// A function writes exactly these bytes, into a room of exactly their length.
fn result(what: &str, wanted: &[u8], call: &dyn Fn(*mut CK_BYTE, *mut CK_ULONG) -> CK_RV) -> Outcome {
    let mut room = Room::at_the_end(wanted.len());
    let mut length = Room::with(&number(room.length()));
    ok(what, call(room.pointer(), length.pointer().cast()))?;
    equal(&format!("{what}: the length"), length.value::<CK_ULONG>(), room.length())?;
    equal(&format!("{what}: the result"), room.first(wanted.len()), wanted)
}

/// A function writes the same list of numbers into a room of exactly their length.
fn list(what: &str, call: &dyn Fn(*mut CK_ULONG, *mut CK_ULONG) -> CK_RV) -> Outcome {
    let mut count = Room::with(&number(0));
    ok(&format!("{what}: size query"), call(ptr::null_mut(), count.pointer().cast()))?;
    let size = count.value::<CK_ULONG>();
    let mut wanted = vec![0; size as usize];
    let mut usual = size;
    ok(what, call(wanted.as_mut_ptr(), &raw mut usual))?;
    let bytes: Vec<u8> = wanted.iter().flat_map(|value| value.to_ne_bytes()).collect();
    let mut room = Room::at_the_end(bytes.len());
    ok(&format!("{what}: room for {size}"), call(room.pointer().cast(), count.pointer().cast()))?;
    equal(&format!("{what}: the list"), room.first(bytes.len()), &bytes)?;
    if size > 0 {
        let (mut short, mut less) =
            (Room::at_the_end(bytes.len() - size_of::<CK_ULONG>()), Room::with(&number(size - 1)));
        let rv = call(short.pointer().cast(), less.pointer().cast());
        is(&format!("{what}: room for one less"), rv, CKR_BUFFER_TOO_SMALL)?;
    }
    Ok(())
}

/// The functions that fill a structure give the same result in this room.
pub(super) fn structures(c: &mut Context, room: fn(usize) -> Room) -> Outcome {
    fn same<T: Default + Copy + Debug>(what: &str, room: fn(usize) -> Room, call: &dyn Fn(*mut T) -> CK_RV) -> Outcome {
        let (mut usual, mut room) = (T::default(), room(size_of::<T>()));
        ok(what, call(&raw mut usual))?;
        ok(what, call(room.pointer().cast()))?;
        that(&format!("{what}: no more was written"), room.untouched_after(size_of::<T>()))?;
        equal(what, format!("{:?}", room.value::<T>()), format!("{usual:?}"))
    }
    let (slot, session) = (c.slot()?, c.session()?);
    same::<CK_INFO>("C_GetInfo", room, &|info| c.m.C_GetInfo(info))?;
    same::<CK_SLOT_INFO>("C_GetSlotInfo", room, &|info| c.m.C_GetSlotInfo(slot, info))?;
    same::<CK_TOKEN_INFO>("C_GetTokenInfo", room, &|info| c.m.C_GetTokenInfo(slot, info))?;
    same::<CK_SESSION_INFO>("C_GetSessionInfo", room, &|info| c.m.C_GetSessionInfo(session, info))?;
    let (mut kind, mut count) = ([0; 256], 256);
    ok("C_GetMechanismList", c.m.C_GetMechanismList(slot, kind.as_mut_ptr(), &raw mut count))?;
    for kind in &kind[..count as usize] {
        let (mut usual, mut room) = (CK_MECHANISM_INFO::default(), room(size_of::<CK_MECHANISM_INFO>()));
        ok("C_GetMechanismInfo", c.m.C_GetMechanismInfo(slot, *kind, &raw mut usual))?;
        ok("C_GetMechanismInfo", c.m.C_GetMechanismInfo(slot, *kind, room.pointer().cast()))?;
        that("C_GetMechanismInfo: no more was written", room.untouched_after(size_of::<CK_MECHANISM_INFO>()))?;
        // The sizes of keys mean nothing if a mechanism has no key.
        equal("C_GetMechanismInfo: flags", room.value::<CK_MECHANISM_INFO>().flags, usual.flags)?;
    }
    Ok(())
}

fn interfaces(c: &mut Context) -> Outcome {
    let mut list = Room::at_the_end(size_of::<*mut CK_FUNCTION_LIST>());
    ok("C_GetFunctionList", c.m.C_GetFunctionList(list.pointer().cast()))?;
    that("a list", list.first(8) != [0; 8])?;
    c.since(3, 0)?;
    let mut count = 0;
    ok("C_GetInterfaceList", c.m.C_GetInterfaceList(ptr::null_mut(), &raw mut count))?;
    let mut all = Room::at_the_end(count as usize * size_of::<CK_INTERFACE>());
    let mut room = Room::with(&number(count));
    ok("C_GetInterfaceList", c.m.C_GetInterfaceList(all.pointer().cast(), room.pointer().cast()))?;
    // The name has a terminator, which is the last byte that can be read.
    let (name, mut found) = (Given::of(b"PKCS 11\0"), Room::at_the_end(size_of::<*mut CK_INTERFACE>()));
    let (major, minor) = c.m.version();
    let version = Given::values(&[CK_VERSION { major, minor }]);
    let rv = c.m.C_GetInterface(name.pointer(), version.pointer().cast(), found.pointer().cast(), 0);
    ok("C_GetInterface", rv)?;
    for other in [&b"\0"[..], b"P\0", b"PKCS 1\0", b"PKCS 111\0", b"Another interface\0"] {
        let name = Given::of(other);
        let rv = c.m.C_GetInterface(name.pointer(), ptr::null_mut(), found.pointer().cast(), 0);
        among("C_GetInterface of another name", rv, &[CKR_ARGUMENTS_BAD, CKR_FUNCTION_FAILED])?;
    }
    Ok(())
}

/// Every value of an object, with a template and rooms that are exactly as long as needed.
pub(super) fn get_template(c: &mut Context, place: fn(&[u8]) -> Room, value: fn(usize) -> Room) -> Outcome {
    let (session, keys) = c.ready()?;
    let objects = [Some(keys.private), keys.public, keys.certificate];
    for object in objects.into_iter().flatten() {
        let mut wanted = Vec::new();
        for attribute in crate::chapters::ATTRIBUTES {
            match c.get(session, object, *attribute) {
                Ok(value) => wanted.push((*attribute, value)),
                Err(CKR_ATTRIBUTE_TYPE_INVALID | CKR_ATTRIBUTE_SENSITIVE) => {}
                Err(rv) => return ok("C_GetAttributeValue", rv),
            }
        }
        let mut rooms: Vec<_> = wanted.iter().map(|(_, bytes)| value(bytes.len())).collect();
        let entry = |((type_, _), room): (&(CK_ATTRIBUTE_TYPE, Vec<u8>), &mut Room)| CK_ATTRIBUTE {
            type_: *type_,
            pValue: room.pointer().cast(),
            ulValueLen: room.length(),
        };
        let entries: Vec<_> = wanted.iter().zip(&mut rooms).map(entry).collect();
        let mut template = place(&crate::pages::bytes_of(&entries));
        let rv = c.m.C_GetAttributeValue(session, object, template.pointer().cast(), entries.len() as CK_ULONG);
        ok("C_GetAttributeValue", rv)?;
        for ((attribute, bytes), room) in wanted.iter().zip(&rooms) {
            equal(&format!("attribute {attribute:#x}"), room.first(bytes.len()), bytes)?;
            that("no more was written", room.untouched_after(bytes.len()))?;
        }
        that("no more of the template was written", template.untouched_after(size_of_val(&entries[..])))?;
    }
    Ok(())
}

/// A search by several values; labels have no terminator.
pub(super) fn search(c: &mut Context, place: fn(&[CK_ATTRIBUTE]) -> Given, room: fn(usize) -> Room) -> Outcome {
    let (session, keys) = c.ready()?;
    let kinds = [CKA_LABEL, CKA_ID, CKA_CLASS, CKA_TOKEN];
    let own = |kind: &CK_ATTRIBUTE_TYPE| Ok((*kind, Given::of(&c.must_get(session, keys.private, *kind)?)));
    let values = kinds.iter().map(own).collect::<Result<Vec<_>, Verdict>>()?;
    let entry = |(type_, value): &(CK_ATTRIBUTE_TYPE, Given)| CK_ATTRIBUTE {
        type_: *type_,
        pValue: value.pointer().cast(),
        ulValueLen: value.length(),
    };
    let entries: Vec<_> = values.iter().map(entry).collect();
    let template = place(&entries);
    let rv = c.m.C_FindObjectsInit(session, template.pointer().cast(), entries.len() as CK_ULONG);
    ok("C_FindObjectsInit", rv)?;
    let (mut found, mut count) = (room(size_of::<CK_OBJECT_HANDLE>()), room(size_of::<CK_ULONG>()));
    let rv = c.m.C_FindObjects(session, found.pointer().cast(), 1, count.pointer().cast());
    ok("C_FindObjects", rv)?;
    equal("the count", count.value::<CK_ULONG>(), 1)?;
    equal("the object", found.value::<CK_OBJECT_HANDLE>(), keys.private)?;
    ok("C_FindObjectsFinal", c.m.C_FindObjectsFinal(session))?;
    let class = c.must_get(session, keys.private, CKA_CLASS)?;
    equal("its class", to_number(&class), Some(CKO_PRIVATE_KEY))
}

/// A mechanism and its parameter, which are gone after C_SignInit.
pub(super) fn sign_with_parameter(c: &mut Context, place: fn(&[CK_MECHANISM]) -> Given) -> Outcome {
    let (session, keys) = c.ready()?;
    let parameter = Given::values(&[CK_RSA_PKCS_PSS_PARAMS { hashAlg: CKM_SHA256, mgf: CKG_MGF1_SHA256, sLen: 32 }]);
    let kind = CK_MECHANISM {
        mechanism: CKM_SHA256_RSA_PKCS_PSS,
        pParameter: parameter.pointer().cast(),
        ulParameterLen: parameter.length(),
    };
    let rv = c.m.C_SignInit(session, place(&[kind]).pointer().cast(), keys.private);
    if UNSUPPORTED.contains(&rv) {
        return skip("no PSS");
    }
    ok("C_SignInit", rv)?;
    // Neither of them is needed any more.
    drop(parameter);
    c.pin_again(session)?;
    let (mut room, mut length, data) = (Room::at_the_end(keys.size()), keys.size() as CK_ULONG, Given::of(ABC));
    ok("C_Sign", c.m.C_Sign(session, data.pointer(), data.length(), room.pointer(), &raw mut length))?;
    that("the signature is right", keys.key.signed(Signed::Pss, ABC, room.first(keys.size())))
}
