//! Digests (PKCS#11 3.2 §5.12).

use std::ptr;

use cryptoki_sys::*;

use crate::case::{Case, table};
use crate::check::{among, equal, is, ok, supported, that};
use crate::context::{Context, mechanism, pointer};
use crate::memory::Room;
use crate::rsa::digest;
use crate::verdict::Outcome;

/// The data of the known digests.
pub(crate) const ABC: &[u8] = b"abc";

/// The SHA-256 digest of `abc` (FIPS 180-4, examples).
pub(crate) const ABC_SHA256: [u8; 32] = [
    0xBA, 0x78, 0x16, 0xBF, 0x8F, 0x01, 0xCF, 0xEA, 0x41, 0x41, 0x40, 0xDE, 0x5D, 0xAE, 0x22, 0x23, 0xB0, 0x03, 0x61,
    0xA3, 0x96, 0x17, 0x7A, 0x9C, 0xB4, 0x10, 0xFF, 0x61, 0xF2, 0x00, 0x15, 0xAD,
];

const KNOWN: [(&str, CK_MECHANISM_TYPE); 5] = [
    ("CKM_SHA_1", CKM_SHA_1),
    ("CKM_SHA224", CKM_SHA224),
    ("CKM_SHA256", CKM_SHA256),
    ("CKM_SHA384", CKM_SHA384),
    ("CKM_SHA512", CKM_SHA512),
];

/// A session in which a SHA-256 digest has begun.
fn begun(c: &Context) -> Result<CK_SESSION_HANDLE, crate::verdict::Verdict> {
    let session = c.session()?;
    supported("C_DigestInit", c.m.C_DigestInit(session, &mut mechanism(CKM_SHA256)))?;
    Ok(session)
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = table! {
        "digest/short-buffers", "§5.12 C_Digest, §5.2" => |c| {
            let (session, (data, size)) = (begun(c)?, pointer(ABC));
            buffer_rules(&|room, length| c.m.C_Digest(session, data, size, room, length), &ABC_SHA256)?;
            c.no_digest(session)
        };
        "digest/final-short-buffers", "§5.12 C_DigestFinal, §5.2" => |c| {
            let (session, (data, size)) = (begun(c)?, pointer(ABC));
            ok("C_DigestUpdate", c.m.C_DigestUpdate(session, data, size))?;
            buffer_rules(&|room, length| c.m.C_DigestFinal(session, room, length), &ABC_SHA256)?;
            c.no_digest(session)
        };
        "digest/active-twice", "§5.12 C_DigestInit" => |c| {
            let session = begun(c)?;
            let rv = c.m.C_DigestInit(session, &mut mechanism(CKM_SHA256));
            is("C_DigestInit", rv, CKR_OPERATION_ACTIVE)?;
            let mut byte = 0;
            ok("the first one goes on", c.m.C_DigestUpdate(session, &raw mut byte, 1))
        };
        "digest/not-started", "§5.12 C_Digest, C_DigestUpdate, C_DigestKey, C_DigestFinal" => |c| {
            let (session, mut room, mut length) = (c.session()?, [0; 64], 64);
            let none = CKR_OPERATION_NOT_INITIALIZED;
            let (data, size) = pointer(ABC);
            is("C_Digest", c.m.C_Digest(session, data, size, room.as_mut_ptr(), &raw mut length), none)?;
            c.no_digest(session)?;
            is("C_DigestFinal", c.m.C_DigestFinal(session, room.as_mut_ptr(), &raw mut length), none)?;
            among("C_DigestKey", c.m.C_DigestKey(session, 1), &[none, CKR_FUNCTION_NOT_SUPPORTED])
        };
        "digest/bad-mechanism", "§5.12 C_DigestInit" => |c| {
            let session = c.session()?;
            for kind in [CKM_RSA_PKCS, CKM_SHA256_RSA_PKCS, CKM_RSA_PKCS_KEY_PAIR_GEN, 0x7FFF_FFFE] {
                let rv = c.m.C_DigestInit(session, &mut mechanism(kind));
                is(&format!("mechanism {kind:#x}"), rv, CKR_MECHANISM_INVALID)?;
            }
            c.no_digest(session)
        };
        "digest/parameter", "§5.12 C_DigestInit, CKR_MECHANISM_PARAM_INVALID" => |c| {
            let session = c.session()?;
            c.refuses_parameter("C_DigestInit", CKM_SHA256, |kind| c.m.C_DigestInit(session, kind))
        };
        "digest/null-data-with-length", "§5.12 C_Digest, C_DigestUpdate" => |c| {
            let (session, mut room, mut length) = (begun(c)?, [0; 64], 64);
            let rv = c.m.C_Digest(session, ptr::null_mut(), 3, room.as_mut_ptr(), &raw mut length);
            is("C_Digest", rv, CKR_ARGUMENTS_BAD)?;
            c.no_digest(session)?;
            let session = begun(c)?;
            is("C_DigestUpdate", c.m.C_DigestUpdate(session, ptr::null_mut(), 3), CKR_ARGUMENTS_BAD)?;
            c.no_digest(session)
        };
        "digest/null-length", "§5.12 C_Digest, C_DigestFinal" => |c| {
            let (session, mut room, (data, size)) = (begun(c)?, [0; 64], pointer(ABC));
            let rv = c.m.C_Digest(session, data, size, room.as_mut_ptr(), ptr::null_mut());
            is("C_Digest", rv, CKR_ARGUMENTS_BAD)?;
            c.no_digest(session)?;
            let session = begun(c)?;
            let rv = c.m.C_DigestFinal(session, room.as_mut_ptr(), ptr::null_mut());
            is("C_DigestFinal", rv, CKR_ARGUMENTS_BAD)?;
            c.no_digest(session)
        };
        "robust/digest-huge-length", "§5.12 C_DigestUpdate" => |c| {
            let (session, (data, _)) = (begun(c)?, pointer(ABC));
            let refused = [CKR_ARGUMENTS_BAD, CKR_DATA_LEN_RANGE, CKR_HOST_MEMORY];
            among("C_DigestUpdate", c.m.C_DigestUpdate(session, data, CK_ULONG::MAX), &refused)
        };
        "digest/one-shot-after-parts", "§5.12 C_Digest" => |c| {
            // The standard: C_Digest cannot end an operation in parts.
            let (session, mut room, mut length, (data, size)) = (begun(c)?, [0; 64], 64, pointer(ABC));
            ok("C_DigestUpdate", c.m.C_DigestUpdate(session, data, size))?;
            let rv = c.m.C_Digest(session, data, size, room.as_mut_ptr(), &raw mut length);
            let refused = [CKR_OPERATION_ACTIVE, CKR_OPERATION_NOT_INITIALIZED, CKR_FUNCTION_FAILED];
            among("C_Digest", rv, &refused)
        };
        "digest/overlap", "§5.12 C_Digest" => |c| {
            let (session, mut memory, mut length) = (begun(c)?, [0_u8; 64], 64);
            memory[..3].copy_from_slice(ABC);
            let place = memory.as_mut_ptr();
            ok("C_Digest onto its data", c.m.C_Digest(session, place, 3, place, &raw mut length))?;
            equal("the digest", &memory[..32], &ABC_SHA256[..])
        };
        "digest/key", "§5.12 C_DigestKey" => |c| {
            let (session, keys) = c.ready()?;
            supported("C_DigestInit", c.m.C_DigestInit(session, &mut mechanism(CKM_SHA256)))?;
            let refused = [CKR_KEY_INDIGESTIBLE, CKR_KEY_HANDLE_INVALID, CKR_FUNCTION_NOT_SUPPORTED];
            among("a private key", c.m.C_DigestKey(session, keys.private), &refused)?;
            let session = begun(c)?;
            among("no key", c.m.C_DigestKey(session, CK_INVALID_HANDLE), &refused[1..])
        };
        "digest/logout-in-the-middle", "§5.6 C_Logout" => |c| {
            // The standard does not say whether an operation outlives a logout.
            let (session, mut room, mut length, (data, size)) = (c.logged_in()?, [0; 64], 64, pointer(ABC));
            supported("C_DigestInit", c.m.C_DigestInit(session, &mut mechanism(CKM_SHA256)))?;
            ok("C_Logout", c.m.C_Logout(session))?;
            let rv = c.m.C_Digest(session, data, size, room.as_mut_ptr(), &raw mut length);
            among("C_Digest", rv, &[CKR_OK, CKR_OPERATION_NOT_INITIALIZED])?;
            if rv == CKR_OK { equal("the digest", &room[..32], &ABC_SHA256[..]) } else { Ok(()) }
        };
        "digest/null-mechanism", "§5.12 C_DigestInit, NULL ends the operation (3.0)" => |c| {
            c.since(3, 0)?;
            let session = begun(c)?;
            let rv = c.m.C_DigestInit(session, ptr::null_mut());
            among("C_DigestInit with NULL", rv, &[CKR_OK, CKR_OPERATION_CANCEL_FAILED])?;
            if rv == CKR_OK { c.no_digest(session) } else { Ok(()) }
        };
    };
    for (name, kind) in KNOWN {
        let clause = format!("§5.12 C_Digest, C_DigestUpdate, C_DigestFinal, §6.20 to §6.24 {name}");
        cases.push(Case::new(format!("digest/known-{name}"), clause, move |c| known(c, kind)));
    }
    cases
}

/// Size query, no room, one byte too few, more room than needed: the operation goes on until the last one.
pub(super) fn buffer_rules(call: &dyn Fn(*mut CK_BYTE, *mut CK_ULONG) -> CK_RV, wanted: &[u8]) -> Outcome {
    let needed = wanted.len() as CK_ULONG;
    for _ in 0..2 {
        let mut length = 0;
        ok("size query", call(ptr::null_mut(), &raw mut length))?;
        that(&format!("size query: {length} is enough"), length >= needed)?;
    }
    for size in [0, 1, wanted.len() - 1] {
        let (mut room, mut length) = (Room::new(size), size as CK_ULONG);
        is(&format!("room for {size}"), call(room.pointer(), &raw mut length), CKR_BUFFER_TOO_SMALL)?;
        that(&format!("room for {size}: the length {length} is enough"), length >= needed)?;
        that("nothing was written", room.untouched_after(0))?;
    }
    let (mut room, mut length) = (Room::new(wanted.len() + 9), needed + 9);
    ok("more room than needed", call(room.pointer(), &raw mut length))?;
    equal("the length", length, needed)?;
    equal("the result", room.first(wanted.len()), wanted)?;
    that("no more was written", room.untouched_after(wanted.len()))
}

fn known(c: &Context, kind: CK_MECHANISM_TYPE) -> Outcome {
    let (of_abc, of_nothing) = (digest(kind, ABC), digest(kind, b""));
    let size = of_abc.len();
    let session = c.session()?;
    let init = || supported("C_DigestInit", c.m.C_DigestInit(session, &mut mechanism(kind)));
    let check = |what: &str, rv, room: &Room, length: CK_ULONG, wanted: &[u8]| {
        ok(what, rv)?;
        equal(&format!("{what}: length"), length, size as CK_ULONG)?;
        equal(&format!("{what}: digest"), room.first(size), wanted)?;
        that(&format!("{what}: no more was written"), room.untouched_after(size))
    };
    for (data, wanted) in [(ABC, &of_abc), (b"", &of_nothing)] {
        let (mut room, mut length, (data, data_size)) = (Room::new(size), size as CK_ULONG, pointer(data));
        init()?;
        let rv = c.m.C_Digest(session, data, data_size, room.pointer(), &raw mut length);
        check("C_Digest", rv, &room, length, wanted)?;
        c.no_digest(session)?;
    }
    let (mut room, mut length) = (Room::new(size), size as CK_ULONG);
    init()?;
    // Most modules accept NULL for no bytes, but the standard does not require it.
    match c.m.C_Digest(session, ptr::null_mut(), 0, room.pointer(), &raw mut length) {
        CKR_ARGUMENTS_BAD => c.no_digest(session)?,
        rv => check("C_Digest of NULL, 0", rv, &room, length, &of_nothing)?,
    }
    init()?;
    for byte in ABC {
        ok("C_DigestUpdate", c.m.C_DigestUpdate(session, pointer(&[*byte]).0, 1))?;
        ok("C_DigestUpdate with nothing", c.m.C_DigestUpdate(session, pointer(b"").0, 0))?;
    }
    let mut room = Room::new(size);
    let rv = c.m.C_DigestFinal(session, room.pointer(), &raw mut length);
    check("C_DigestFinal", rv, &room, length, &of_abc)?;
    init()?;
    let mut room = Room::new(size);
    let rv = c.m.C_DigestFinal(session, room.pointer(), &raw mut length);
    check("C_DigestFinal without data", rv, &room, length, &of_nothing)
}
