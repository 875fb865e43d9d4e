//! Signatures with every mechanism, checked independently of the module.

use cryptoki_sys::*;
use jpki_pkcs11::core::{Data, Error, Mechanism, Parameter, PssParameters};
use jpki_pkcs11::token::KeyPair;
use jpki_virtual_card::Options;
use rsa::Pkcs1v15Sign;
use sha1::Sha1;
use sha2::{Digest, Sha224, Sha256, Sha384, Sha512};

use super::{AUTH_SLOT, Program, plain, pss};
use crate::support::{AUTH, SIGN, assert_locked, certificate, is_signature, key_in, sha256};

/// The mechanisms that hash and pad by PKCS#1 v1.5, with the check of their signatures.
type Check = fn(&rsa::RsaPublicKey, &[u8], &[u8]) -> bool;

const HASHING: [(CK_MECHANISM_TYPE, Check); 5] = [
    (CKM_SHA1_RSA_PKCS, |key, data, signature| {
        key.verify(Pkcs1v15Sign::new::<Sha1>(), &Sha1::digest(data), signature).is_ok()
    }),
    (CKM_SHA224_RSA_PKCS, |key, data, signature| {
        key.verify(Pkcs1v15Sign::new::<Sha224>(), &Sha224::digest(data), signature).is_ok()
    }),
    (CKM_SHA256_RSA_PKCS, |key, data, signature| {
        key.verify(Pkcs1v15Sign::new::<Sha256>(), &Sha256::digest(data), signature).is_ok()
    }),
    (CKM_SHA384_RSA_PKCS, |key, data, signature| {
        key.verify(Pkcs1v15Sign::new::<Sha384>(), &Sha384::digest(data), signature).is_ok()
    }),
    (CKM_SHA512_RSA_PKCS, |key, data, signature| {
        key.verify(Pkcs1v15Sign::new::<Sha512>(), &Sha512::digest(data), signature).is_ok()
    }),
];

/// Signs in parts.
fn sign_parts(
    program: &Program,
    session: CK_SESSION_HANDLE,
    mechanism: Mechanism,
    data: &[u8],
) -> Result<Vec<u8>, Error> {
    program.sign_init(session, mechanism, program.object(session, CKO_PRIVATE_KEY))?;
    for part in data.chunks(7) {
        program.sign_update(session, part)?;
    }
    program.sign_final(session, &[]).map(|signature| signature.to_vec())
}

#[test]
fn mechanisms_that_hash() {
    let data = vec![0x61; 10_000];
    for key_pair in KeyPair::ALL {
        let program = Program::new();
        let session = program.open_logged_in(key_pair);
        let key = key_in(&certificate(key_pair));
        for (kind, is_right) in HASHING {
            for data in [&data[..], b"abc", b""] {
                let whole = program.sign(session, plain(kind), data).expect("a signature");
                assert!(is_right(&key, data, &whole), "{kind:X} over {} bytes", data.len());
                let parts = sign_parts(&program, session, plain(kind), data).expect("a signature");
                assert_eq!(whole, parts, "{kind:X} over {} bytes in parts", data.len());
            }
        }
        let signature = program.sign(session, pss(CKM_SHA256_RSA_PKCS_PSS), &data).expect("a signature");
        assert!(is_signature(key_pair, jpki_pkcs11::token::Scheme::PssSha256, &sha256(&data), &signature));
        let parts = sign_parts(&program, session, pss(CKM_SHA256_RSA_PKCS_PSS), &data).expect("a signature");
        assert!(is_signature(key_pair, jpki_pkcs11::token::Scheme::PssSha256, &sha256(&data), &parts));
        assert_ne!(signature, parts, "each has its own salt");
        assert_locked(&program.machine, "after all mechanisms");
    }
}

#[test]
fn mechanisms_that_take_a_hash() {
    let hash = sha256(b"message");
    for key_pair in KeyPair::ALL {
        let program = Program::new();
        let session = program.open_logged_in(key_pair);
        for length in [1, 20, 51, 245] {
            let data = vec![0x42; length];
            let signature = program.sign(session, plain(CKM_RSA_PKCS), &data).expect("a signature");
            assert!(is_signature(key_pair, jpki_pkcs11::token::Scheme::Pkcs1, &data, &signature), "{length} bytes");
            assert_eq!(sign_parts(&program, session, plain(CKM_RSA_PKCS), &data), Ok(signature), "in parts");
        }
        for length in [0, 246, 1000] {
            let signed = program.sign(session, plain(CKM_RSA_PKCS), &vec![0x42; length]);
            assert_eq!(signed, Err(Error::DataLenRange), "{length} bytes");
        }
        let signature = program.sign(session, pss(CKM_RSA_PKCS_PSS), &hash).expect("a signature");
        assert!(is_signature(key_pair, jpki_pkcs11::token::Scheme::PssSha256, &hash, &signature));
        for length in [0, 20, 31, 33, 64] {
            let signed = program.sign(session, pss(CKM_RSA_PKCS_PSS), &vec![0x42; length]);
            assert_eq!(signed, Err(Error::DataLenRange), "PSS over {length} bytes");
        }
    }
}

#[test]
fn only_the_pss_that_the_card_knows() {
    let program = Program::new();
    let session = program.open_logged_in(AUTH);
    let key = program.object(session, CKO_PRIVATE_KEY);
    let right = PssParameters { hash: CKM_SHA256, mask: CKG_MGF1_SHA256, salt: 32 };
    for wrong in [
        PssParameters { hash: CKM_SHA384, ..right },
        PssParameters { hash: CKM_SHA_1, ..right },
        PssParameters { mask: CKG_MGF1_SHA384, ..right },
        PssParameters { mask: CKG_MGF1_SHA1, ..right },
        PssParameters { salt: 0, ..right },
        PssParameters { salt: 20, ..right },
        PssParameters { salt: 33, ..right },
        PssParameters { salt: CK_ULONG::MAX, ..right },
        PssParameters { hash: CKM_SHA512, mask: CKG_MGF1_SHA512, salt: 64 },
    ] {
        for kind in [CKM_RSA_PKCS_PSS, CKM_SHA256_RSA_PKCS_PSS] {
            let mechanism = Mechanism { kind, parameter: Parameter::Pss(wrong) };
            assert_eq!(program.sign_init(session, mechanism, key), Err(Error::MechanismParamInvalid), "{wrong:?}");
        }
    }
    for kind in [CKM_RSA_PKCS_PSS, CKM_SHA256_RSA_PKCS_PSS] {
        for parameter in [Parameter::None, Parameter::Other] {
            let answer = program.sign_init(session, Mechanism { kind, parameter }, key);
            assert_eq!(answer, Err(Error::MechanismParamInvalid), "{parameter:?}");
        }
    }
    for parameter in [Parameter::Pss(right), Parameter::Other] {
        let answer = program.sign_init(session, Mechanism { kind: CKM_RSA_PKCS, parameter }, key);
        assert_eq!(answer, Err(Error::MechanismParamInvalid), "{parameter:?}");
    }
    assert_eq!(program.sign_init(session, plain(CKM_RSA_PKCS), key), Ok(()), "none of them has begun an operation");
}

#[test]
fn mechanisms_that_are_none() {
    let program = Program::new();
    let session = program.open_logged_in(AUTH);
    let key = program.object(session, CKO_PRIVATE_KEY);
    for kind in [CKM_SHA256, CKM_RSA_X_509, CKM_ECDSA, CKM_SHA512_RSA_PKCS_PSS, CKM_MD5_RSA_PKCS, CKM_VENDOR_DEFINED] {
        assert_eq!(program.sign_init(session, plain(kind), key), Err(Error::MechanismInvalid), "{kind:X}");
    }
}

#[test]
fn only_a_private_key_signs() {
    let program = Program::new();
    let session = program.open_logged_in(AUTH);
    let mechanism = plain(CKM_RSA_PKCS);
    let init = |object| program.sign_init(session, mechanism, object);
    assert_eq!(init(program.object(session, CKO_PUBLIC_KEY)), Err(Error::KeyFunctionNotPermitted));
    assert_eq!(init(program.object(session, CKO_CERTIFICATE)), Err(Error::KeyHandleInvalid));
    assert_eq!(init(program.find(session, &super::class(CKO_PROFILE))[0]), Err(Error::KeyHandleInvalid));
    assert_eq!(init(0), Err(Error::KeyHandleInvalid));
    let other = program.open_logged_in(SIGN);
    assert_eq!(init(program.object(other, CKO_PRIVATE_KEY)), Err(Error::KeyHandleInvalid), "another token's key");
}

#[test]
fn a_key_needs_a_login() {
    let program = Program::new();
    let session = program.open_logged_in(AUTH);
    let key = program.object(session, CKO_PRIVATE_KEY);
    program.logout(session).expect("logged in");
    assert_eq!(program.sign_init(session, plain(CKM_RSA_PKCS), key), Err(Error::UserNotLoggedIn));
}

#[test]
fn operations_one_after_the_other() {
    let program = Program::new();
    let session = program.open_logged_in(AUTH);
    let key = program.object(session, CKO_PRIVATE_KEY);
    let init = || program.sign_init(session, plain(CKM_SHA256_RSA_PKCS), key);
    let ended = Err(Error::OperationNotInitialized);
    assert_eq!(program.sign_update(session, b"x"), ended);
    assert_eq!(program.sign_final(session, b"x").map(|_| ()), ended);
    assert_eq!(program.signature_length(session, Data::Whole), Err(Error::OperationNotInitialized));
    assert_eq!(init(), Ok(()));
    assert_eq!(init(), Err(Error::OperationActive));
    assert_eq!(program.signature_length(session, Data::Whole), Ok(256));
    assert_eq!(program.sign_update(session, b"part"), Ok(()));
    assert_eq!(program.signature_length(session, Data::Whole), Err(Error::OperationActive), "C_Sign after parts");
    assert_eq!(program.signature_length(session, Data::InParts), Ok(256));
    assert!(program.sign_final(session, b"").is_ok());
    assert_eq!(program.sign_final(session, b"").map(|_| ()), ended);
    assert_eq!(init(), Ok(()));
    program.session_cancel(session, CKF_SIGN).expect("open");
    assert_eq!(program.sign_update(session, b"x"), ended);
    // Too much data ends the operation, as PKCS#11 requires.
    program.sign_init(session, plain(CKM_RSA_PKCS), key).expect("a key");
    assert_eq!(program.sign_update(session, &[0; 245]), Ok(()));
    assert_eq!(program.sign_update(session, &[0; 1]), Err(Error::DataLenRange));
    assert_eq!(program.sign_update(session, &[0; 1]), ended);
    // Another session has its own operation.
    let other = program.open(AUTH);
    assert_eq!(init(), Ok(()));
    assert_eq!(program.sign_init(other, plain(CKM_RSA_PKCS), key), Ok(()));
    assert!(program.sign_final(other, b"x").is_ok());
    assert!(program.sign_final(session, b"x").is_ok());
}

#[test]
fn a_card_without_pss() {
    let program = Program::with_card(Options { pss: false, ..Options::default() });
    let session = program.open_logged_in(AUTH);
    assert!(program.mechanisms(AUTH_SLOT).expect("a token").contains(&CKM_RSA_PKCS_PSS));
    assert_eq!(program.sign(session, pss(CKM_RSA_PKCS_PSS), &[1; 32]), Err(Error::FunctionFailed));
    let mechanisms = program.mechanisms(AUTH_SLOT).expect("a token");
    assert!(!mechanisms.contains(&CKM_RSA_PKCS_PSS) && !mechanisms.contains(&CKM_SHA256_RSA_PKCS_PSS));
    assert_eq!(program.mechanism_info(AUTH_SLOT, CKM_RSA_PKCS_PSS).map(|_| ()), Err(Error::MechanismInvalid));
    let key = program.object(session, CKO_PRIVATE_KEY);
    assert_eq!(program.sign_init(session, pss(CKM_RSA_PKCS_PSS), key), Err(Error::MechanismInvalid));
    assert!(program.sign(session, plain(CKM_SHA256_RSA_PKCS), b"data").is_ok());
}

#[test]
fn a_wrong_signature_is_a_broken_card() {
    let program = Program::new();
    let session = program.open_logged_in(SIGN);
    program.card.card().corrupt_signatures(true);
    assert_eq!(program.sign(session, plain(CKM_SHA256_RSA_PKCS), b"data"), Err(Error::DeviceError));
    assert_locked(&program.machine, "after a wrong signature");
}

#[test]
fn every_mechanism_is_listed_with_what_it_is_for() {
    let program = Program::new();
    let kinds = program.mechanisms(AUTH_SLOT).expect("a token");
    assert_eq!(kinds.len(), 13);
    for kind in kinds {
        let info = program.mechanism_info(AUTH_SLOT, kind).expect("a mechanism");
        if info.flags & CKF_SIGN != 0 {
            assert_eq!((info.ulMinKeySize, info.ulMaxKeySize), (2048, 2048));
            let recover = if kind == CKM_RSA_PKCS { CKF_SIGN_RECOVER | CKF_VERIFY_RECOVER } else { 0 };
            assert_eq!(info.flags, CKF_HW | CKF_SIGN | CKF_VERIFY | recover);
        } else {
            assert_eq!(info.flags, CKF_DIGEST);
        }
    }
    assert_eq!(program.mechanism_info(AUTH_SLOT, CKM_RSA_X_509).map(|_| ()), Err(Error::MechanismInvalid));
}
