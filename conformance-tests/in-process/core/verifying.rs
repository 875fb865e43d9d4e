//! Verification: it accepts what the card has signed, and nothing else.

use cryptoki_sys::*;
use jpki_pkcs11::core::{Error, Mechanism};
use jpki_pkcs11::token::KeyPair;

use super::{Program, plain, pss};
use crate::machine::Cost;
use crate::support::{AUTH, SIGN};

/// Every signature mechanism, with data of a length that it takes.
fn mechanisms() -> Vec<(Mechanism, Vec<u8>)> {
    let hashing =
        [CKM_SHA1_RSA_PKCS, CKM_SHA224_RSA_PKCS, CKM_SHA256_RSA_PKCS, CKM_SHA384_RSA_PKCS, CKM_SHA512_RSA_PKCS];
    let mut all: Vec<_> = hashing.into_iter().map(|kind| (plain(kind), vec![0x33; 1000])).collect();
    all.push((pss(CKM_SHA256_RSA_PKCS_PSS), vec![0x33; 1000]));
    all.push((plain(CKM_RSA_PKCS), vec![0x33; 51]));
    all.push((pss(CKM_RSA_PKCS_PSS), vec![0x33; 32]));
    all
}

#[test]
fn round_trips() {
    for key_pair in KeyPair::ALL {
        let program = Program::new();
        let session = program.open_logged_in(key_pair);
        let key = program.object(session, CKO_PUBLIC_KEY);
        for (mechanism, data) in mechanisms() {
            let signature = program.sign(session, mechanism, &data).expect("a signature");
            let verify = |data: &[u8], signature: &[u8]| {
                program.verify_init(session, mechanism, key).expect("a key");
                program.verify(session, data, signature)
            };
            let (answer, cost) = program.machine.cost_of(|| verify(&data, &signature));
            assert_eq!((answer, cost), (Ok(()), Cost::default()), "{mechanism:?}");
            // Also in parts.
            program.verify_init(session, mechanism, key).expect("a key");
            data.chunks(9).for_each(|part| program.verify_update(session, part).expect("an operation"));
            assert_eq!(program.verify_final(session, &signature), Ok(()), "{mechanism:?} in parts");

            let mut other = data.clone();
            other[0] ^= 1;
            assert_eq!(verify(&other, &signature), Err(Error::SignatureInvalid), "{mechanism:?}, other data");
            for at in [0, 100, 255] {
                let mut wrong = signature.clone();
                wrong[at] ^= 1;
                assert_eq!(verify(&data, &wrong), Err(Error::SignatureInvalid), "{mechanism:?}, bit at {at}");
            }
            for length in [0, 255, 257] {
                let mut wrong = signature.clone();
                wrong.resize(length, 0);
                assert_eq!(verify(&data, &wrong), Err(Error::SignatureLenRange), "{mechanism:?}, {length} bytes");
            }
            assert_eq!(verify(&data, &[0; 256]), Err(Error::SignatureInvalid), "{mechanism:?}, zeros");
            assert_eq!(
                verify(&data, &[0xFF; 256]),
                Err(Error::SignatureInvalid),
                "{mechanism:?}, more than the modulus"
            );
        }
    }
}

#[test]
fn the_key_of_the_other_pair_verifies_nothing() {
    let program = Program::new();
    let (auth, sign) = (program.open_logged_in(AUTH), program.open_logged_in(SIGN));
    let signature = program.sign(auth, plain(CKM_SHA256_RSA_PKCS), b"data").expect("a signature");
    program.verify_init(sign, plain(CKM_SHA256_RSA_PKCS), program.object(sign, CKO_PUBLIC_KEY)).expect("a key");
    assert_eq!(program.verify(sign, b"data", &signature), Err(Error::SignatureInvalid));
}

#[test]
fn only_a_public_key_verifies() {
    let program = Program::new();
    let session = program.open_logged_in(AUTH);
    let init = |object| program.verify_init(session, plain(CKM_RSA_PKCS), object);
    assert_eq!(init(program.object(session, CKO_PRIVATE_KEY)), Err(Error::KeyFunctionNotPermitted));
    assert_eq!(init(program.object(session, CKO_CERTIFICATE)), Err(Error::KeyHandleInvalid));
    assert_eq!(init(0), Err(Error::KeyHandleInvalid));
}

#[test]
fn operations_one_after_the_other() {
    let program = Program::new();
    let session = program.open(AUTH);
    let key = program.object(session, CKO_PUBLIC_KEY);
    let init = || program.verify_init(session, plain(CKM_SHA256_RSA_PKCS), key);
    assert_eq!(program.verify_update(session, b"x"), Err(Error::OperationNotInitialized));
    assert_eq!(program.verify_final(session, &[0; 256]), Err(Error::OperationNotInitialized));
    assert_eq!(init(), Ok(()), "without login");
    assert_eq!(init(), Err(Error::OperationActive));
    assert_eq!(program.verify_update(session, b"x"), Ok(()));
    assert_eq!(program.verify(session, b"x", &[0; 256]), Err(Error::OperationActive), "C_Verify after parts");
    assert_eq!(program.verify_final(session, &[0; 256]), Err(Error::SignatureInvalid));
    assert_eq!(program.verify_final(session, &[0; 256]), Err(Error::OperationNotInitialized));
    assert_eq!(init(), Ok(()));
    program.session_cancel(session, CKF_VERIFY).expect("open");
    assert_eq!(init(), Ok(()));
    assert_eq!(program.verify_init(session, plain(CKM_SHA256), key), Err(Error::OperationActive));
    program.session_cancel(session, CKF_VERIFY).expect("open");
    assert_eq!(program.verify_init(session, plain(CKM_SHA256), key), Err(Error::MechanismInvalid));
}

#[test]
fn the_signature_comes_first() {
    let program = Program::new();
    let session = program.open_logged_in(AUTH);
    let key = program.object(session, CKO_PUBLIC_KEY);
    for (mechanism, data) in mechanisms() {
        let signature = program.sign(session, mechanism, &data).expect("a signature");
        let init = |signature: &[u8]| program.verify_signature_init(session, mechanism, key, signature);
        assert_eq!(init(&signature), Ok(()), "{mechanism:?}");
        assert_eq!(program.verify_signature(session, &data), Ok(()), "{mechanism:?}");
        assert_eq!(init(&signature), Ok(()), "{mechanism:?}");
        data.chunks(9).for_each(|part| program.verify_signature_update(session, part).expect("an operation"));
        assert_eq!(program.verify_signature_final(session), Ok(()), "{mechanism:?} in parts");
        assert_eq!(init(&[1; 256]), Ok(()), "{mechanism:?}");
        assert_eq!(program.verify_signature(session, &data), Err(Error::SignatureInvalid), "{mechanism:?}");
        for length in [0, 255, 257] {
            assert_eq!(init(&vec![1; length]), Ok(()), "{mechanism:?}, {length} bytes");
            let end = program.verify_signature(session, &data);
            assert_eq!(end, Err(Error::SignatureLenRange), "{mechanism:?}, {length} bytes");
        }
    }
}

#[test]
fn the_two_ways_to_verify_are_not_mixed() {
    let program = Program::new();
    let session = program.open(AUTH);
    let key = program.object(session, CKO_PUBLIC_KEY);
    let mechanism = plain(CKM_SHA256_RSA_PKCS);
    program.verify_init(session, mechanism, key).expect("a key");
    assert_eq!(program.verify_signature_update(session, b"x"), Err(Error::OperationNotInitialized));
    assert_eq!(program.verify_signature_final(session), Err(Error::OperationNotInitialized));
    program.session_cancel(session, CKF_VERIFY).expect("open");
    program.verify_signature_init(session, mechanism, key, &[0; 256]).expect("a key");
    assert_eq!(program.verify_init(session, mechanism, key), Err(Error::OperationActive));
    assert_eq!(program.verify_update(session, b"x"), Err(Error::OperationNotInitialized));
    assert_eq!(program.verify_final(session, &[0; 256]), Err(Error::OperationNotInitialized));
    assert_eq!(program.verify_signature(session, b"x"), Err(Error::SignatureInvalid));
}

#[test]
fn signatures_that_give_their_data_back() {
    for key_pair in KeyPair::ALL {
        let program = Program::new();
        let session = program.open_logged_in(key_pair);
        let (private, public) = (program.object(session, CKO_PRIVATE_KEY), program.object(session, CKO_PUBLIC_KEY));
        for length in [1, 51, 245] {
            let data = vec![0x77; length];
            program.sign_recover_init(session, plain(CKM_RSA_PKCS), private).expect("a key");
            assert_eq!(program.sign_recover_length(session), Ok(256));
            let signature = program.sign_recover(session, &data).expect("a signature");
            program.verify_recover_init(session, plain(CKM_RSA_PKCS), public).expect("a key");
            assert!(program.verify_recover_length(session).is_ok_and(|room| room >= length));
            assert_eq!(program.verify_recover(session, &signature), Ok(data));
            assert_eq!(program.verify_recover(session, &signature[1..]), Err(Error::SignatureLenRange));
            for wrong in [[0; 256], [0xFF; 256], [1; 256]] {
                assert_eq!(program.verify_recover(session, &wrong), Err(Error::SignatureInvalid));
            }
            program.session_cancel(session, CKF_VERIFY_RECOVER).expect("open");
            assert_eq!(program.verify_recover(session, &signature), Err(Error::OperationNotInitialized));
        }
        // A PSS signature has no data to give back.
        let signature = program.sign(session, pss(CKM_RSA_PKCS_PSS), &[1; 32]).expect("a signature");
        program.verify_recover_init(session, plain(CKM_RSA_PKCS), public).expect("a key");
        assert_eq!(program.verify_recover(session, &signature), Err(Error::SignatureInvalid));
        assert_eq!(program.verify_recover_init(session, plain(CKM_RSA_PKCS), public), Err(Error::OperationActive));
        for kind in [CKM_SHA256_RSA_PKCS, CKM_RSA_PKCS_PSS, CKM_SHA256] {
            assert_eq!(
                program.sign_recover_init(session, plain(kind), private),
                Err(Error::MechanismInvalid),
                "{kind:X}"
            );
        }
        assert_eq!(program.sign_recover(session, b"x").map(|_| ()), Err(Error::OperationNotInitialized));
        crate::support::assert_locked(&program.machine, "after signatures with recovery");
    }
}
