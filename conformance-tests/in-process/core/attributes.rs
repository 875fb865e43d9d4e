//! Attributes: all readable except the secret ones, and correct.

use cryptoki_sys::*;
use jpki_pkcs11::core::{ATTRIBUTES, Error};
use jpki_pkcs11::token::KeyPair;
use jpki_virtual_card::{Options, test_identity};
use rsa::traits::PublicKeyParts;
use sha1::{Digest, Sha1};

use super::{Filter, Program, of_number};
use crate::machine::Cost;
use crate::support::{AUTH, SIGN, certificate, key_in};

/// What all objects have (PKCS#11 3.2 §4.2, §4.4).
const STORAGE: [CK_ATTRIBUTE_TYPE; 8] =
    [CKA_CLASS, CKA_TOKEN, CKA_PRIVATE, CKA_MODIFIABLE, CKA_COPYABLE, CKA_DESTROYABLE, CKA_LABEL, CKA_UNIQUE_ID];
const CERTIFICATE: [CK_ATTRIBUTE_TYPE; 13] = [
    CKA_CERTIFICATE_TYPE,
    CKA_TRUSTED,
    CKA_CERTIFICATE_CATEGORY,
    CKA_CHECK_VALUE,
    CKA_START_DATE,
    CKA_END_DATE,
    CKA_PUBLIC_KEY_INFO,
    CKA_SUBJECT,
    CKA_ID,
    CKA_ISSUER,
    CKA_SERIAL_NUMBER,
    CKA_VALUE,
    CKA_HASH_OF_SUBJECT_PUBLIC_KEY,
];
const KEY: [CK_ATTRIBUTE_TYPE; 12] = [
    CKA_KEY_TYPE,
    CKA_ID,
    CKA_START_DATE,
    CKA_END_DATE,
    CKA_DERIVE,
    CKA_LOCAL,
    CKA_KEY_GEN_MECHANISM,
    CKA_ALLOWED_MECHANISMS,
    CKA_SUBJECT,
    CKA_PUBLIC_KEY_INFO,
    CKA_MODULUS,
    CKA_PUBLIC_EXPONENT,
];
const PUBLIC_KEY: [CK_ATTRIBUTE_TYPE; 7] =
    [CKA_ENCRYPT, CKA_VERIFY, CKA_VERIFY_RECOVER, CKA_WRAP, CKA_ENCAPSULATE, CKA_TRUSTED, CKA_MODULUS_BITS];
const PRIVATE_KEY: [CK_ATTRIBUTE_TYPE; 11] = [
    CKA_SENSITIVE,
    CKA_DECRYPT,
    CKA_SIGN,
    CKA_SIGN_RECOVER,
    CKA_UNWRAP,
    CKA_DECAPSULATE,
    CKA_EXTRACTABLE,
    CKA_ALWAYS_SENSITIVE,
    CKA_NEVER_EXTRACTABLE,
    CKA_WRAP_WITH_TRUSTED,
    CKA_ALWAYS_AUTHENTICATE,
];
const SECRET: [CK_ATTRIBUTE_TYPE; 6] =
    [CKA_PRIVATE_EXPONENT, CKA_PRIME_1, CKA_PRIME_2, CKA_EXPONENT_1, CKA_EXPONENT_2, CKA_COEFFICIENT];

fn expected(class: CK_OBJECT_CLASS) -> Vec<CK_ATTRIBUTE_TYPE> {
    let own: Vec<_> = match class {
        CKO_CERTIFICATE => {
            let more = [CKA_HASH_OF_ISSUER_PUBLIC_KEY, CKA_NAME_HASH_ALGORITHM, CKA_URL, CKA_JAVA_MIDP_SECURITY_DOMAIN];
            [&CERTIFICATE[..], &more].concat()
        }
        CKO_PUBLIC_KEY => [&KEY[..], &PUBLIC_KEY].concat(),
        CKO_PRIVATE_KEY => [&KEY[..], &PRIVATE_KEY].concat(),
        CKO_PROFILE => vec![CKA_PROFILE_ID],
        class => panic!("class {class}"),
    };
    [&STORAGE[..], &own].concat()
}

#[test]
fn every_attribute_is_readable() {
    for key_pair in KeyPair::ALL {
        let program = Program::new();
        let session = program.open_logged_in(key_pair);
        for object in program.find(session, &Filter::new()) {
            let attribute = program.attributes(session, object).expect("the object");
            let class = program.number(session, object, CKA_CLASS);
            for kind in expected(class) {
                assert!(attribute(kind).is_ok(), "{key_pair:?}, class {class}, attribute {kind:X}");
            }
            for unknown in [0x8000_1234, CKA_VALUE_LEN, CKA_EC_POINT, CKA_APPLICATION, CK_ATTRIBUTE_TYPE::MAX] {
                assert_eq!(
                    attribute(unknown),
                    Err(Error::AttributeTypeInvalid),
                    "class {class}, attribute {unknown:X}"
                );
            }
        }
    }
}

#[test]
fn the_list_of_attributes_is_complete() {
    // C_GetObjectSize adds up these attributes, and the contract suite searches by each of them.
    let program = Program::new();
    let session = program.open_logged_in(AUTH);
    for object in program.find(session, &Filter::new()) {
        let class = program.number(session, object, CKA_CLASS);
        let attribute = program.attributes(session, object).expect("the object");
        // All numbers of the standard, and those of attributes with more than one value (CKF_ARRAY_ATTRIBUTE).
        for kind in (0..0x1000).chain(CKF_ARRAY_ATTRIBUTE..CKF_ARRAY_ATTRIBUTE + 0x1000) {
            assert_eq!(attribute(kind).is_ok(), expected(class).contains(&kind), "class {class}, attribute {kind:X}");
            assert!(attribute(kind).is_err() || ATTRIBUTES.contains(&kind), "{kind:X}");
        }
    }
    for attribute in ATTRIBUTES {
        assert!(pkcs11_contract::ATTRIBUTES.contains(&attribute), "{attribute:X}");
    }
}

#[test]
fn what_is_secret_is_refused() {
    for key_pair in KeyPair::ALL {
        let program = Program::new();
        let session = program.open_logged_in(key_pair);
        for object in program.find(session, &Filter::new()) {
            let attribute = program.attributes(session, object).expect("the object");
            let refusal = match program.number(session, object, CKA_CLASS) {
                CKO_PRIVATE_KEY => Error::AttributeSensitive,
                _ => Error::AttributeTypeInvalid,
            };
            for kind in SECRET {
                assert_eq!(attribute(kind), Err(refusal), "{kind:X}");
            }
        }
    }
}

#[test]
fn keys_and_certificate_belong_together() {
    for key_pair in KeyPair::ALL {
        let program = Program::new();
        let session = program.open_logged_in(key_pair);
        let objects = [CKO_PRIVATE_KEY, CKO_PUBLIC_KEY, CKO_CERTIFICATE].map(|class| program.object(session, class));
        let same = |attribute| {
            let values = objects.map(|object| program.value(session, object, attribute));
            assert!(values.iter().all(|value| *value == values[0]), "{key_pair:?} {attribute:X}");
            values[0].clone()
        };
        let id = same(CKA_ID);
        assert_eq!(id.len(), 20);
        same(CKA_LABEL);
        same(CKA_SUBJECT);
        same(CKA_PUBLIC_KEY_INFO);
        same(CKA_START_DATE);
        same(CKA_END_DATE);
        let unique = objects.map(|object| program.value(session, object, CKA_UNIQUE_ID));
        assert!(unique[0] != unique[1] && unique[1] != unique[2] && unique[0] != unique[2]);
        let key = key_in(&certificate(key_pair));
        for object in &objects[..2] {
            assert_eq!(program.value(session, *object, CKA_MODULUS), key.n().to_bytes_be());
            assert_eq!(program.value(session, *object, CKA_PUBLIC_EXPONENT), [1, 0, 1]);
            assert_eq!(program.number(session, *object, CKA_KEY_TYPE), CKK_RSA);
        }
        assert_eq!(program.number(session, objects[1], CKA_MODULUS_BITS), 2048);
    }
}

#[test]
fn a_certificate_says_what_is_in_it() {
    for key_pair in KeyPair::ALL {
        let program = Program::new();
        let session = program.open_logged_in(key_pair);
        let object = program.object(session, CKO_CERTIFICATE);
        let der = certificate(key_pair);
        let value = |attribute| program.value(session, object, attribute);
        assert_eq!(value(CKA_VALUE), der);
        assert_eq!(value(CKA_CHECK_VALUE), Sha1::digest(&der)[..3]);
        for part in [CKA_SUBJECT, CKA_ISSUER, CKA_SERIAL_NUMBER, CKA_PUBLIC_KEY_INFO] {
            let part = value(part);
            assert!(der.windows(part.len()).any(|window| window == part), "a part of the certificate");
        }
        assert_eq!(value(CKA_SERIAL_NUMBER)[..2], [0x02, 0x03], "an INTEGER with its header");
        assert_eq!(value(CKA_SUBJECT)[0], 0x30, "a SEQUENCE with its header");
        for date in [CKA_START_DATE, CKA_END_DATE].map(value) {
            assert_eq!(date.len(), 8);
            assert!(date.iter().all(u8::is_ascii_digit));
        }
        assert!(value(CKA_START_DATE) < value(CKA_END_DATE));
        assert_eq!(program.number(session, object, CKA_CERTIFICATE_TYPE), CKC_X_509);
        assert_eq!(value(CKA_TRUSTED), [CK_FALSE], "the module vouches for nobody");
    }
}

#[test]
fn ca_certificates() {
    for (key_pair, der) in
        [(AUTH, test_identity().auth_ca_certificate()), (SIGN, test_identity().sign_ca_certificate())]
    {
        let program = Program::new();
        let session = program.open_logged_in(key_pair);
        let authority = vec![(CKA_CERTIFICATE_CATEGORY, of_number(CK_CERTIFICATE_CATEGORY_AUTHORITY))];
        let [object] = program.find(session, &authority)[..] else { panic!("one CA certificate") };
        // The id comes from the holder's certificate; it must equal the id in the CA's own certificate.
        let (id, cost) = program.machine.cost_of(|| program.value(session, object, CKA_ID));
        assert!(cost.apdus <= 8, "the CA's certificate is not read for its id: {cost:?}");
        assert_eq!(program.value(session, object, CKA_VALUE), der);
        assert_eq!(program.value(session, object, CKA_HASH_OF_SUBJECT_PUBLIC_KEY), id);
        let own = program.object(session, CKO_CERTIFICATE);
        assert_eq!(program.value(session, own, CKA_ISSUER), program.value(session, object, CKA_SUBJECT));
        assert_eq!(program.value(session, own, CKA_HASH_OF_ISSUER_PUBLIC_KEY), id);
        assert_ne!(program.value(session, own, CKA_ID), id);
        assert_eq!(program.value(session, object, CKA_PRIVATE), [CK_FALSE]);
    }
}

#[test]
fn flags_of_keys() {
    for key_pair in KeyPair::ALL {
        let program = Program::new();
        let session = program.open_logged_in(key_pair);
        let private = program.object(session, CKO_PRIVATE_KEY);
        for (attribute, value) in [
            (CKA_TOKEN, CK_TRUE),
            (CKA_PRIVATE, CK_TRUE),
            (CKA_SENSITIVE, CK_TRUE),
            (CKA_EXTRACTABLE, CK_FALSE),
            (CKA_SIGN, CK_TRUE),
            (CKA_DECRYPT, CK_FALSE),
            (CKA_UNWRAP, CK_FALSE),
            (CKA_DERIVE, CK_FALSE),
            (CKA_ALWAYS_AUTHENTICATE, CK_FALSE),
            (CKA_MODIFIABLE, CK_FALSE),
            // All three are false, because it is not certain where the keys were made.
            (CKA_LOCAL, CK_FALSE),
            (CKA_ALWAYS_SENSITIVE, CK_FALSE),
            (CKA_NEVER_EXTRACTABLE, CK_FALSE),
        ] {
            assert_eq!(program.value(session, private, attribute), [value], "{attribute:X}");
        }
        let public = program.object(session, CKO_PUBLIC_KEY);
        let only_after_login = if key_pair == SIGN { CK_TRUE } else { CK_FALSE };
        assert_eq!(program.value(session, public, CKA_PRIVATE), [only_after_login]);
        assert_eq!(program.value(session, public, CKA_VERIFY), [CK_TRUE]);
        assert_eq!(program.value(session, public, CKA_ENCRYPT), [CK_FALSE]);
    }
}

#[test]
fn attributes_that_were_read_cost_nothing() {
    for key_pair in KeyPair::ALL {
        let program = Program::new();
        let session = program.open_logged_in(key_pair);
        let read_all = || {
            for object in program.find(session, &Filter::new()) {
                let attribute = program.attributes(session, object).expect("the object");
                expected(program.number(session, object, CKA_CLASS)).into_iter().for_each(|kind| drop(attribute(kind)));
            }
        };
        read_all();
        let ((), cost) = program.machine.cost_of(read_all);
        assert_eq!(cost, Cost::default(), "{key_pair:?}");
    }
}

#[test]
fn unique_ids_outlive_an_insertion() {
    let program = Program::new();
    let unique_ids = || {
        let session = program.open(AUTH);
        let objects = program.find(session, &Filter::new());
        objects.into_iter().map(|object| program.value(session, object, CKA_UNIQUE_ID)).collect::<Vec<_>>()
    };
    let before = unique_ids();
    let card = program.machine.remove(crate::support::READER);
    program.machine.insert(crate::support::READER, &card);
    assert_eq!(unique_ids(), before);
}

#[test]
fn a_key_without_pss_says_so() {
    let program = Program::with_card(Options { pss: false, ..Options::default() });
    let session = program.open_logged_in(AUTH);
    let allowed = || {
        let key = program.object(session, CKO_PRIVATE_KEY);
        let value = program.value(session, key, CKA_ALLOWED_MECHANISMS);
        value.chunks_exact(size_of::<CK_MECHANISM_TYPE>()).any(|kind| kind == of_number(CKM_RSA_PKCS_PSS))
    };
    assert!(allowed(), "not known yet");
    program.sign(session, super::pss(CKM_RSA_PKCS_PSS), &[1; 32]).expect_err("no PSS");
    assert!(!allowed());
}

#[test]
fn objects_have_a_size_and_cannot_be_changed() {
    for key_pair in KeyPair::ALL {
        let program = Program::new();
        let session = program.open_logged_in(key_pair);
        for object in program.find(session, &Filter::new()) {
            let class = program.number(session, object, CKA_CLASS);
            let attribute = program.attributes(session, object).expect("the object");
            let known: usize =
                expected(class).into_iter().map(|kind| attribute(kind).map_or(0, |value| value.len())).sum();
            assert_eq!(program.object_size(session, object), Ok(known), "class {class}");
            assert_eq!(program.prohibited(session, object), Err(Error::ActionProhibited));
        }
        assert_eq!(program.object_size(session, 0), Err(Error::ObjectHandleInvalid));
        assert_eq!(program.prohibited(session, 0), Err(Error::ObjectHandleInvalid));
    }
}
