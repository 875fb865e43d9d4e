//! Digests, in software.

use cryptoki_sys::*;
use jpki_pkcs11::core::{Data, Error, Mechanism, Parameter};
use sha1::Sha1;
use sha2::{Digest, Sha224, Sha256, Sha384, Sha512};

use super::{Program, plain};
use crate::machine::Cost;
use crate::support::AUTH;

#[test]
fn digests_are_right_whole_and_in_parts() {
    let program = Program::new();
    let session = program.open(AUTH);
    program.machine.take_cost();
    for data in [&b""[..], b"abc", &[0x61; 10_000]] {
        for (kind, expected) in [
            (CKM_SHA_1, Sha1::digest(data).to_vec()),
            (CKM_SHA224, Sha224::digest(data).to_vec()),
            (CKM_SHA256, Sha256::digest(data).to_vec()),
            (CKM_SHA384, Sha384::digest(data).to_vec()),
            (CKM_SHA512, Sha512::digest(data).to_vec()),
        ] {
            program.digest_init(session, plain(kind)).expect("a mechanism");
            assert_eq!(program.digest_length(session, Data::Whole), Ok(expected.len()));
            assert_eq!(program.digest_final(session, data), Ok(expected.clone()), "{kind:X}");
            program.digest_init(session, plain(kind)).expect("a mechanism");
            data.chunks(13).for_each(|part| program.digest_update(session, part).expect("an operation"));
            assert_eq!(program.digest_final(session, b""), Ok(expected), "{kind:X} in parts");
        }
    }
    assert_eq!(program.machine.take_cost(), Cost::default());
}

#[test]
fn operations_one_after_the_other() {
    let program = Program::new();
    let session = program.open(AUTH);
    let ended = Err(Error::OperationNotInitialized);
    assert_eq!(program.digest_update(session, b"x"), ended);
    assert_eq!(program.digest_final(session, b"x").map(|_| ()), ended);
    assert_eq!(program.digest_length(session, Data::Whole).map(|_| ()), ended);
    assert_eq!(program.digest_init(session, plain(CKM_RSA_PKCS)), Err(Error::MechanismInvalid));
    assert_eq!(program.digest_init(session, plain(CKM_MD5)), Err(Error::MechanismInvalid));
    let with_parameter = Mechanism { kind: CKM_SHA256, parameter: Parameter::Other };
    assert_eq!(program.digest_init(session, with_parameter), Err(Error::MechanismParamInvalid));
    assert_eq!(program.digest_init(session, plain(CKM_SHA256)), Ok(()));
    assert_eq!(program.digest_init(session, plain(CKM_SHA256)), Err(Error::OperationActive));
    assert_eq!(program.digest_update(session, b"x"), Ok(()));
    assert_eq!(program.digest_length(session, Data::Whole), Err(Error::OperationActive), "C_Digest after parts");
    assert_eq!(program.digest_length(session, Data::InParts), Ok(32));
    program.session_cancel(session, CKF_DIGEST).expect("open");
    assert_eq!(program.digest_update(session, b"x"), ended);
}

#[test]
fn no_key_is_digested() {
    let program = Program::new();
    let session = program.open_logged_in(AUTH);
    let key = program.object(session, CKO_PRIVATE_KEY);
    assert_eq!(program.digest_key(session, key), Err(Error::OperationNotInitialized));
    program.digest_init(session, plain(CKM_SHA256)).expect("a mechanism");
    assert_eq!(program.digest_key(session, key), Err(Error::KeyIndigestible));
    assert_eq!(program.digest_key(session, program.object(session, CKO_CERTIFICATE)), Err(Error::KeyHandleInvalid));
    assert_eq!(program.digest_key(session, 0), Err(Error::KeyHandleInvalid));
    assert!(program.digest_final(session, b"abc").is_ok(), "the digest goes on");
}
