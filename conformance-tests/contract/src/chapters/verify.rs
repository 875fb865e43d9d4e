//! Verification (PKCS#11 3.2 §5.15), with the signature at the end, and with the signature first (3.2).

use std::ptr;

use cryptoki_sys::*;

use super::digest::ABC;
use super::sign::digest_info;
use crate::case::{Case, table};
use crate::check::{among, is, ok, skip, supported};
use crate::context::{Context, Keys, mechanism, pointer};
use crate::verdict::{Outcome, Verdict};

const KIND: CK_MECHANISM_TYPE = CKM_SHA256_RSA_PKCS;

/// A session, the public key, the key pair, and a right signature of `abc`; skips the case if there is no verification.
fn signed(c: &mut Context) -> Result<(CK_SESSION_HANDLE, CK_OBJECT_HANDLE, Keys, Vec<u8>), Verdict> {
    let (session, keys) = c.ready()?;
    let public = keys.public()?;
    let signature = c.sign(session, &keys, KIND, ABC)?;
    ok("C_Verify", c.verify(session, public, KIND, ABC, &signature)?)?;
    Ok((session, public, keys, signature))
}

fn init(c: &Context, session: CK_SESSION_HANDLE, key: CK_OBJECT_HANDLE) -> Outcome {
    supported("C_VerifyInit", c.m.C_VerifyInit(session, &mut mechanism(KIND), key))
}

/// No verification is under way.
fn none(c: &Context, session: CK_SESSION_HANDLE) -> Outcome {
    is("C_VerifyUpdate afterwards", c.m.C_VerifyUpdate(session, pointer(ABC).0, 3), CKR_OPERATION_NOT_INITIALIZED)
}

pub(super) fn cases() -> Vec<Case> {
    table! {
        "verify/wrong-signature", "§5.15 C_Verify" => |c| {
            let (session, public, _, mut signature) = signed(c)?;
            signature[10] ^= 1;
            is("C_Verify", c.verify(session, public, KIND, ABC, &signature)?, CKR_SIGNATURE_INVALID)?;
            none(c, session)?;
            signature[10] ^= 1;
            is("other data", c.verify(session, public, KIND, b"abd", &signature)?, CKR_SIGNATURE_INVALID)?;
            none(c, session)
        };
        "verify/wrong-length", "§5.15 C_Verify" => |c| {
            let (session, public, _, signature) = signed(c)?;
            let long = [&signature[..], &[0]].concat();
            for wrong in [&signature[..signature.len() - 1], &signature[..1], &long] {
                let rv = c.verify(session, public, KIND, ABC, wrong)?;
                is(&format!("{} bytes", wrong.len()), rv, CKR_SIGNATURE_LEN_RANGE)?;
                none(c, session)?;
            }
            Ok(())
        };
        "verify/final-wrong-length", "§5.15 C_VerifyFinal" => |c| {
            let (session, public, _, signature) = signed(c)?;
            init(c, session, public)?;
            ok("C_VerifyUpdate", c.m.C_VerifyUpdate(session, pointer(ABC).0, 3))?;
            let (from, size) = pointer(&signature);
            is("C_VerifyFinal", c.m.C_VerifyFinal(session, from, size - 1), CKR_SIGNATURE_LEN_RANGE)?;
            none(c, session)
        };
        "verify/raw-parts-too-long", "§5.15 C_VerifyUpdate, C_VerifyFinal, §6.1 CKM_RSA_PKCS" => |c| {
            let (session, public, keys, signature) = signed(c)?;
            supported("C_VerifyInit", c.m.C_VerifyInit(session, &mut mechanism(CKM_RSA_PKCS), public))?;
            // In parts only if the module takes parts with this mechanism.
            let (data, (from, length)) = (vec![1; keys.size()], pointer(&signature));
            let mut rv = c.m.C_VerifyUpdate(session, pointer(&data).0, keys.size() as CK_ULONG);
            if rv == CKR_OK {
                rv = c.m.C_VerifyFinal(session, from, length);
            }
            let refused = [CKR_DATA_LEN_RANGE, CKR_SIGNATURE_INVALID, CKR_FUNCTION_NOT_SUPPORTED, CKR_FUNCTION_FAILED];
            among("C_VerifyUpdate, C_VerifyFinal", rv, &[&refused[..], &[CKR_OPERATION_NOT_INITIALIZED]].concat())?;
            none(c, session)
        };
        "verify/raw-nothing", "§5.15 C_VerifyFinal, §6.1 CKM_RSA_PKCS" => |c| {
            let (session, public, _, signature) = signed(c)?;
            supported("C_VerifyInit", c.m.C_VerifyInit(session, &mut mechanism(CKM_RSA_PKCS), public))?;
            let (from, length) = pointer(&signature);
            let rv = c.m.C_VerifyFinal(session, from, length);
            // The mechanism is for single-part operations (§6.1).
            if [CKR_OPERATION_NOT_INITIALIZED, CKR_FUNCTION_NOT_SUPPORTED, CKR_ARGUMENTS_BAD].contains(&rv) {
                return skip("no parts with CKM_RSA_PKCS");
            }
            among("C_VerifyFinal", rv, &[CKR_DATA_LEN_RANGE, CKR_SIGNATURE_INVALID, CKR_DATA_INVALID])?;
            none(c, session)
        };
        "verify/parameter", "§5.15 C_VerifyInit, CKR_MECHANISM_PARAM_INVALID" => |c| {
            let (session, public, _, _) = signed(c)?;
            c.refuses_parameter("C_VerifyInit", KIND, |kind| c.m.C_VerifyInit(session, kind, public))?;
            none(c, session)
        };
        "verify/parts", "§5.15 C_VerifyUpdate, C_VerifyFinal" => |c| {
            let (session, public, _, signature) = signed(c)?;
            let (from, size) = pointer(&signature);
            init(c, session, public)?;
            for byte in ABC {
                ok("C_VerifyUpdate", c.m.C_VerifyUpdate(session, pointer(&[*byte]).0, 1))?;
                ok("C_VerifyUpdate with nothing", c.m.C_VerifyUpdate(session, pointer(b"").0, 0))?;
            }
            ok("C_VerifyFinal", c.m.C_VerifyFinal(session, from, size))?;
            none(c, session)?;
            init(c, session, public)?;
            is("C_VerifyFinal without data", c.m.C_VerifyFinal(session, from, size), CKR_SIGNATURE_INVALID)?;
            none(c, session)
        };
        "verify/raw", "§5.15 C_Verify, §6.1 CKM_RSA_PKCS" => |c| {
            let (session, public, keys, signature) = signed(c)?;
            // The DigestInfo has the same signature.
            ok("C_Verify", c.verify(session, public, CKM_RSA_PKCS, &digest_info(), &signature)?)?;
            let long = vec![1; keys.size()];
            let refused = [CKR_DATA_LEN_RANGE, CKR_SIGNATURE_INVALID];
            among("data too long", c.verify(session, public, CKM_RSA_PKCS, &long, &signature)?, &refused)
        };
        "verify/null", "§5.15 C_Verify, C_VerifyUpdate, C_VerifyFinal" => |c| {
            let (session, public, _, signature) = signed(c)?;
            let ((data, data_size), (from, size)) = (pointer(ABC), pointer(&signature));
            init(c, session, public)?;
            let rv = c.m.C_Verify(session, ptr::null_mut(), data_size, from, size);
            is("C_Verify without data", rv, CKR_ARGUMENTS_BAD)?;
            none(c, session)?;
            init(c, session, public)?;
            let rv = c.m.C_Verify(session, data, data_size, ptr::null_mut(), size);
            is("C_Verify without signature", rv, CKR_ARGUMENTS_BAD)?;
            none(c, session)?;
            init(c, session, public)?;
            is("C_VerifyUpdate", c.m.C_VerifyUpdate(session, ptr::null_mut(), 3), CKR_ARGUMENTS_BAD)?;
            none(c, session)?;
            init(c, session, public)?;
            is("C_VerifyFinal", c.m.C_VerifyFinal(session, ptr::null_mut(), size), CKR_ARGUMENTS_BAD)?;
            none(c, session)
        };
        "verify/active-twice", "§5.15 C_VerifyInit" => |c| {
            let (session, public, _, _) = signed(c)?;
            init(c, session, public)?;
            let rv = c.m.C_VerifyInit(session, &mut mechanism(KIND), public);
            is("C_VerifyInit", rv, CKR_OPERATION_ACTIVE)
        };
        "verify/not-started", "§5.15 C_Verify, C_VerifyFinal" => |c| {
            let session = c.session()?;
            let ((data, size), signature) = (pointer(ABC), [0; 256]);
            let (from, length) = pointer(&signature);
            let wanted = [CKR_OPERATION_NOT_INITIALIZED, CKR_FUNCTION_NOT_SUPPORTED];
            among("C_Verify", c.m.C_Verify(session, data, size, from, length), &wanted)?;
            among("C_VerifyFinal", c.m.C_VerifyFinal(session, from, length), &wanted)?;
            among("C_VerifyUpdate", c.m.C_VerifyUpdate(session, data, size), &wanted)
        };
        "verify/one-shot-after-parts", "§5.15 C_Verify" => |c| {
            let (session, public, _, signature) = signed(c)?;
            let ((data, size), (from, length)) = (pointer(ABC), pointer(&signature));
            init(c, session, public)?;
            ok("C_VerifyUpdate", c.m.C_VerifyUpdate(session, data, size))?;
            let refused = [CKR_OPERATION_ACTIVE, CKR_OPERATION_NOT_INITIALIZED, CKR_FUNCTION_FAILED];
            among("C_Verify", c.m.C_Verify(session, data, size, from, length), &refused)
        };
        "verify/bad-key", "§5.15 C_VerifyInit" => |c| {
            let (session, _, keys, _) = signed(c)?;
            let init = |key| c.m.C_VerifyInit(session, &mut mechanism(KIND), key);
            for key in [CK_INVALID_HANDLE, 0x7FFF_FFFF, CK_ULONG::MAX] {
                is(&format!("key {key:#x}"), init(key), CKR_KEY_HANDLE_INVALID)?;
            }
            let wrong = [
                CKR_KEY_HANDLE_INVALID,
                CKR_KEY_FUNCTION_NOT_PERMITTED,
                CKR_KEY_TYPE_INCONSISTENT,
                CKR_OBJECT_HANDLE_INVALID,
            ];
            among("a private key", init(keys.private), &wrong)?;
            if let Some(certificate) = keys.certificate {
                among("a certificate", init(certificate), &wrong)?;
            }
            none(c, session)
        };
        "verify/bad-mechanism", "§5.15 C_VerifyInit" => |c| {
            let (session, public, _, _) = signed(c)?;
            for kind in [CKM_SHA256, CKM_RSA_PKCS_KEY_PAIR_GEN, 0x7FFF_FFFE] {
                let rv = c.m.C_VerifyInit(session, &mut mechanism(kind), public);
                is(&format!("mechanism {kind:#x}"), rv, CKR_MECHANISM_INVALID)?;
            }
            none(c, session)
        };
        "verify/beside-sign", "§5.1 CKR_OPERATION_ACTIVE, operations of a session" => |c| {
            let (session, public, keys, signature) = signed(c)?;
            c.sign_init(session, &keys, KIND)?;
            let rv = c.m.C_VerifyInit(session, &mut mechanism(KIND), public);
            among("C_VerifyInit", rv, &[CKR_OK, CKR_OPERATION_ACTIVE])?;
            if rv == CKR_OK {
                let ((data, size), (from, length)) = (pointer(ABC), pointer(&signature));
                ok("C_Verify", c.m.C_Verify(session, data, size, from, length))?;
                ok("C_SignUpdate", c.m.C_SignUpdate(session, data, size))?;
            }
            Ok(())
        };
        "verify/null-mechanism", "§5.15 C_VerifyInit, NULL ends the operation (3.0)" => |c| {
            c.since(3, 0)?;
            let (session, public, _, _) = signed(c)?;
            init(c, session, public)?;
            let rv = c.m.C_VerifyInit(session, ptr::null_mut(), public);
            among("C_VerifyInit with NULL", rv, &[CKR_OK, CKR_OPERATION_CANCEL_FAILED])?;
            if rv == CKR_OK { none(c, session) } else { Ok(()) }
        };
        "verify/signature-first", "§5.15 C_VerifySignatureInit, C_VerifySignature" => |c| {
            c.since(3, 2)?;
            let (session, public, _, signature) = signed(c)?;
            let (data, size) = pointer(ABC);
            first_init(c, session, public, &signature)?;
            ok("C_VerifySignature", c.m.C_VerifySignature(session, data, size))?;
            none_first(c, session)?;
            first_init(c, session, public, &signature)?;
            let rv = c.m.C_VerifySignature(session, pointer(b"abd").0, 3);
            is("C_VerifySignature of other data", rv, CKR_SIGNATURE_INVALID)?;
            none_first(c, session)?;
            first_init(c, session, public, &signature)?;
            for byte in ABC {
                ok("C_VerifySignatureUpdate", c.m.C_VerifySignatureUpdate(session, pointer(&[*byte]).0, 1))?;
            }
            ok("C_VerifySignatureFinal", c.m.C_VerifySignatureFinal(session))?;
            none_first(c, session)?;
            first_init(c, session, public, &signature)?;
            let rv = c.m.C_VerifySignatureFinal(session);
            is("C_VerifySignatureFinal without data", rv, CKR_SIGNATURE_INVALID)?;
            none_first(c, session)
        };
        "verify/signature-first-arguments", "§5.15 C_VerifySignatureInit" => |c| {
            c.since(3, 2)?;
            let (session, public, keys, signature) = signed(c)?;
            let (from, length) = pointer(&signature);
            let kind = &mut mechanism(KIND);
            first_init(c, session, public, &signature)?;
            let rv = c.m.C_VerifySignatureInit(session, kind, public, from, length);
            is("active twice", rv, CKR_OPERATION_ACTIVE)?;
            let session = c.session()?;
            let rv = c.m.C_VerifySignatureInit(session, kind, public, ptr::null_mut(), length);
            is("NULL signature", rv, CKR_ARGUMENTS_BAD)?;
            let rv = c.m.C_VerifySignatureInit(session, kind, 0x7FFF_FFFF, from, length);
            is("no key", rv, CKR_KEY_HANDLE_INVALID)?;
            let wrong = [CKR_KEY_HANDLE_INVALID, CKR_KEY_FUNCTION_NOT_PERMITTED, CKR_KEY_TYPE_INCONSISTENT];
            let rv = c.m.C_VerifySignatureInit(session, kind, keys.private, from, length);
            among("a private key", rv, &wrong)?;
            let mut unknown = mechanism(CKM_SHA256);
            let rv = c.m.C_VerifySignatureInit(session, &raw mut unknown, public, from, length);
            is("a mechanism for something else", rv, CKR_MECHANISM_INVALID)?;
            none_first(c, session)
        };
        "verify/signature-first-parameter", "§5.15 C_VerifySignatureInit, CKR_MECHANISM_PARAM_INVALID" => |c| {
            c.since(3, 2)?;
            let (session, public, _, signature) = signed(c)?;
            first_init(c, session, public, &signature)?;
            let (session, (from, length)) = (c.session()?, pointer(&signature));
            c.refuses_parameter("C_VerifySignatureInit", KIND, |kind| {
                c.m.C_VerifySignatureInit(session, kind, public, from, length)
            })?;
            none_first(c, session)
        };
        "verify/signature-first-wrong-length", "§5.15 C_VerifySignature, C_VerifySignatureFinal" => |c| {
            c.since(3, 2)?;
            let (session, public, _, signature) = signed(c)?;
            let ((data, size), short) = (pointer(ABC), &signature[1..]);
            first_init(c, session, public, short)?;
            is("C_VerifySignature", c.m.C_VerifySignature(session, data, size), CKR_SIGNATURE_LEN_RANGE)?;
            none_first(c, session)?;
            first_init(c, session, public, short)?;
            ok("C_VerifySignatureUpdate", c.m.C_VerifySignatureUpdate(session, data, size))?;
            is("C_VerifySignatureFinal", c.m.C_VerifySignatureFinal(session), CKR_SIGNATURE_LEN_RANGE)?;
            none_first(c, session)
        };
        "verify/signature-first-one-shot-after-parts", "§5.15 C_VerifySignature" => |c| {
            c.since(3, 2)?;
            let (session, public, _, signature) = signed(c)?;
            let (data, size) = pointer(ABC);
            first_init(c, session, public, &signature)?;
            ok("C_VerifySignatureUpdate", c.m.C_VerifySignatureUpdate(session, data, size))?;
            let refused = [CKR_OPERATION_ACTIVE, CKR_OPERATION_NOT_INITIALIZED, CKR_FUNCTION_FAILED];
            among("C_VerifySignature", c.m.C_VerifySignature(session, data, size), &refused)
        };
        "verify/signature-first-null-mechanism", "§5.15 C_VerifySignatureInit, NULL ends the operation" => |c| {
            c.since(3, 2)?;
            let (session, public, _, signature) = signed(c)?;
            first_init(c, session, public, &signature)?;
            let (from, length) = pointer(&signature);
            let rv = c.m.C_VerifySignatureInit(session, ptr::null_mut(), public, from, length);
            among("C_VerifySignatureInit with NULL", rv, &[CKR_OK, CKR_OPERATION_CANCEL_FAILED])?;
            if rv == CKR_OK { none_first(c, session) } else { Ok(()) }
        };
        "verify/signature-first-not-started", "§5.15 C_VerifySignature, C_VerifySignatureFinal" => |c| {
            c.since(3, 2)?;
            let (session, (data, size)) = (c.session()?, pointer(ABC));
            let none = [CKR_OPERATION_NOT_INITIALIZED, CKR_FUNCTION_NOT_SUPPORTED];
            among("C_VerifySignature", c.m.C_VerifySignature(session, data, size), &none)?;
            among("C_VerifySignatureUpdate", c.m.C_VerifySignatureUpdate(session, data, size), &none)?;
            among("C_VerifySignatureFinal", c.m.C_VerifySignatureFinal(session), &none)
        };
        "verify/signature-first-raw", "§5.15 C_VerifySignature, C_VerifySignatureUpdate, C_VerifySignatureFinal, §6.1 CKM_RSA_PKCS" => |c| {
            c.since(3, 2)?;
            let (session, public, keys, signature) = signed(c)?;
            let (from, length) = pointer(&signature);
            let init = || c.m.C_VerifySignatureInit(session, &mut mechanism(CKM_RSA_PKCS), public, from, length);
            let (info, long) = (digest_info(), vec![1; keys.size()]);
            supported("C_VerifySignatureInit", init())?;
            ok("C_VerifySignature", c.m.C_VerifySignature(session, pointer(&info).0, info.len() as CK_ULONG))?;
            let refused = [CKR_DATA_LEN_RANGE, CKR_SIGNATURE_INVALID, CKR_DATA_INVALID];
            ok("C_VerifySignatureInit", init())?;
            let rv = c.m.C_VerifySignature(session, pointer(&long).0, long.len() as CK_ULONG);
            among("data too long", rv, &refused)?;
            none_first(c, session)?;
            ok("C_VerifySignatureInit", init())?;
            let mut rv = c.m.C_VerifySignatureUpdate(session, pointer(&long).0, long.len() as CK_ULONG);
            if rv == CKR_OK {
                rv = c.m.C_VerifySignatureFinal(session);
            }
            among("a part that is too long", rv, &refused)?;
            none_first(c, session)?;
            ok("C_VerifySignatureInit", init())?;
            among("no data", c.m.C_VerifySignatureFinal(session), &refused)?;
            none_first(c, session)
        };
        "verify/signature-first-and-last-mixed", "§5.15 C_VerifyUpdate, C_VerifySignatureUpdate" => |c| {
            c.since(3, 2)?;
            let (session, public, _, signature) = signed(c)?;
            first_init(c, session, public, &signature)?;
            none(c, session)?;
            let session = c.session()?;
            init(c, session, public)?;
            none_first(c, session)
        };
    }
}

fn first_init(c: &Context, session: CK_SESSION_HANDLE, key: CK_OBJECT_HANDLE, signature: &[u8]) -> Outcome {
    let (from, length) = pointer(signature);
    let rv = c.m.C_VerifySignatureInit(session, &mut mechanism(KIND), key, from, length);
    supported("C_VerifySignatureInit", rv)
}

fn none_first(c: &Context, session: CK_SESSION_HANDLE) -> Outcome {
    let rv = c.m.C_VerifySignatureUpdate(session, pointer(ABC).0, 3);
    is("C_VerifySignatureUpdate afterwards", rv, CKR_OPERATION_NOT_INITIALIZED)
}
