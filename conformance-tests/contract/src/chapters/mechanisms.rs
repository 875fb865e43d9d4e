//! Each signature mechanism by itself: the suite's own check finds the token's signature right, and so does the module.
//! The digests have a table of known answers of their own.

use cryptoki_sys::*;

use super::digest::ABC;
use crate::case::Case;
use crate::check::{is, ok, supported, that};
use crate::context::Context;
use crate::rsa::{Signed, sha256};
use crate::verdict::Outcome;

/// Name, mechanism, and the kind of its signatures.
const SIGNATURES: [(&str, CK_MECHANISM_TYPE, Signed); 7] = [
    ("CKM_SHA1_RSA_PKCS", CKM_SHA1_RSA_PKCS, Signed::Sha1),
    ("CKM_SHA224_RSA_PKCS", CKM_SHA224_RSA_PKCS, Signed::Sha224),
    ("CKM_SHA256_RSA_PKCS", CKM_SHA256_RSA_PKCS, Signed::Sha256),
    ("CKM_SHA384_RSA_PKCS", CKM_SHA384_RSA_PKCS, Signed::Sha384),
    ("CKM_SHA512_RSA_PKCS", CKM_SHA512_RSA_PKCS, Signed::Sha512),
    ("CKM_SHA256_RSA_PKCS_PSS", CKM_SHA256_RSA_PKCS_PSS, Signed::Pss),
    ("CKM_RSA_PKCS_PSS", CKM_RSA_PKCS_PSS, Signed::Pss),
];

pub(super) fn cases() -> Vec<Case> {
    let signatures = SIGNATURES.into_iter().map(|(name, kind, signed)| {
        let clause = format!("§5.13 C_Sign, §5.15 C_Verify, §6.1 {name}");
        Case::new(format!("mechanism/{name}"), clause, move |c| signs_and_verifies(c, kind, signed))
    });
    signatures.collect()
}

fn signs_and_verifies(c: &mut Context, kind: CK_MECHANISM_TYPE, signed: Signed) -> Outcome {
    let (session, keys) = c.ready()?;
    let mut pss = CK_RSA_PKCS_PSS_PARAMS { hashAlg: CKM_SHA256, mgf: CKG_MGF1_SHA256, sLen: 32 };
    let mut mechanism = CK_MECHANISM { mechanism: kind, pParameter: std::ptr::null_mut(), ulParameterLen: 0 };
    if signed == Signed::Pss {
        mechanism.pParameter = (&raw mut pss).cast();
        mechanism.ulParameterLen = size_of::<CK_RSA_PKCS_PSS_PARAMS>() as CK_ULONG;
    }
    // If the mechanism does not hash, the program does.
    let mut data = if kind == CKM_RSA_PKCS_PSS { sha256(ABC) } else { ABC.to_vec() };
    let (data, size) = (data.as_mut_ptr(), data.len() as CK_ULONG);
    supported("C_SignInit", c.m.C_SignInit(session, &raw mut mechanism, keys.private))?;
    c.pin_again(session)?;
    let (mut signature, mut length) = (vec![0; keys.size()], keys.size() as CK_ULONG);
    ok("C_Sign", c.m.C_Sign(session, data, size, signature.as_mut_ptr(), &raw mut length))?;
    that("the signature is right", keys.key.signed(signed, ABC, &signature))?;
    let verify = |signature: &mut [u8], mechanism: &mut CK_MECHANISM| {
        supported("C_VerifyInit", c.m.C_VerifyInit(session, mechanism, keys.public()?))?;
        Ok(c.m.C_Verify(session, data, size, signature.as_mut_ptr(), signature.len() as CK_ULONG))
    };
    ok("C_Verify", verify(&mut signature, &mut mechanism)?)?;
    if let Some(byte) = signature.last_mut() {
        *byte ^= 1;
    }
    is("C_Verify of another signature", verify(&mut signature, &mut mechanism)?, CKR_SIGNATURE_INVALID)
}
