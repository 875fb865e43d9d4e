//! The objects of the tokens, and when a session finds them.

use cryptoki_sys::*;
use jpki_pkcs11::core::Error;
use jpki_pkcs11::settings::Settings;
use jpki_pkcs11::token::KeyPair;
use jpki_virtual_card::{Options, Phone, Presence};

use super::{Filter, Program, class, of_number};
use crate::machine::Cost;
use crate::support::{AUTH, READER, SIGN, certificate};

/// The objects that a session always sees, even without the keys and the holder's certificate.
const ALWAYS: [CK_OBJECT_CLASS; 4] = [CKO_CERTIFICATE, CKO_PROFILE, CKO_PROFILE, CKO_PROFILE];

#[test]
fn the_authentication_token_before_and_after_login() {
    let program = Program::new();
    let session = program.open(AUTH);
    let public = [CKO_PUBLIC_KEY, CKO_CERTIFICATE, CKO_CERTIFICATE, CKO_PROFILE, CKO_PROFILE, CKO_PROFILE, CKO_PROFILE];
    assert_eq!(program.classes(session), public);
    program.login(session, CKU_USER, b"1234").expect("the right PIN");
    let all = [&[CKO_PRIVATE_KEY], &public[..]].concat();
    assert_eq!(program.classes(session), all);
    program.logout(session).expect("logged in");
    assert_eq!(program.classes(session), public);
}

#[test]
fn the_signature_token_before_and_after_login() {
    let program = Program::new();
    let session = program.open(SIGN);
    assert_eq!(program.classes(session), ALWAYS);
    program.login(session, CKU_USER, b"abc123").expect("the right PIN");
    let all = [&[CKO_PRIVATE_KEY, CKO_PUBLIC_KEY, CKO_CERTIFICATE], &ALWAYS[..]].concat();
    assert_eq!(program.classes(session), all);
    let certificate = program.object(session, CKO_CERTIFICATE);
    program.logout(session).expect("logged in");
    assert_eq!(program.classes(session), ALWAYS);
    assert_eq!(
        program.attributes(session, certificate).map(|_| ()),
        Err(Error::ObjectHandleInvalid),
        "no longer visible"
    );
}

#[test]
fn profiles() {
    let program = Program::new();
    let profiles = |session| {
        let found = program.find(session, &class(CKO_PROFILE));
        found.into_iter().map(|profile| program.number(session, profile, CKA_PROFILE_ID)).collect::<Vec<_>>()
    };
    let common = [CKP_BASELINE_PROVIDER, CKP_EXTENDED_PROVIDER, CKP_AUTHENTICATION_TOKEN];
    assert_eq!(profiles(program.open(AUTH)), [&common[..], &[CKP_PUBLIC_CERTIFICATES_TOKEN]].concat());
    assert_eq!(profiles(program.open(SIGN)), common, "its certificate is not public");
}

#[test]
fn an_android_phone_shows_its_certificate_after_login() {
    let program = Program::with_card(Options { phone: Some(Phone::Android), ..Options::default() });
    let session = program.open(AUTH);
    assert_eq!(program.classes(session), ALWAYS);
    program.login(session, CKU_USER, b"1234").expect("the right PIN");
    let found = program.object(session, CKO_CERTIFICATE);
    assert_eq!(program.value(session, found, CKA_VALUE), certificate(AUTH));
    assert_eq!(program.value(session, found, CKA_PRIVATE), [CK_TRUE]);
    assert_eq!(program.value(session, program.object(session, CKO_PUBLIC_KEY), CKA_PRIVATE), [CK_TRUE]);
    program.logout(session).expect("logged in");
    assert_eq!(program.classes(session), ALWAYS);
}

#[test]
fn a_phone_with_an_unknown_label_shows_its_certificate_after_login() {
    let options = Options { phone: Some(Phone::Android), token_label: Some("NEXTPHONE".into()), ..Options::default() };
    let program = Program::with_card(options);
    let session = program.open(AUTH);
    assert_eq!(program.classes(session)[0], CKO_CERTIFICATE, "no key");
    program.login(session, CKU_USER, b"1234").expect("the right PIN");
    let found = program.object(session, CKO_CERTIFICATE);
    assert_eq!(program.value(session, found, CKA_PRIVATE), [CK_TRUE]);
    program.logout(session).expect("logged in");
    assert_eq!(program.classes(session), ALWAYS);
}

#[test]
fn a_card_without_a_certificate_has_no_keys() {
    for presence in [Presence::Blank, Presence::ProtectedBlank, Presence::Missing, Presence::Empty] {
        for key_pair in KeyPair::ALL {
            let mut options = Options::default();
            match key_pair {
                AUTH => options.auth_certificate = presence,
                SIGN => options.sign_certificate = presence,
            }
            let program = Program::with_card(options);
            let session = program.open(key_pair);
            let before = program.classes(session);
            assert!(before.ends_with(&ALWAYS[1..]), "{key_pair:?} {presence:?}: {before:?}");
            assert!(program.find(session, &class(CKO_PRIVATE_KEY)).is_empty());
            program.login(session, CKU_USER, crate::support::pin(key_pair)).expect("the right PIN");
            assert!(program.find(session, &class(CKO_PRIVATE_KEY)).is_empty(), "{key_pair:?} {presence:?}");
            assert!(program.find(session, &class(CKO_PUBLIC_KEY)).is_empty(), "{key_pair:?} {presence:?}");
            assert_eq!(program.find(session, &class(CKO_CERTIFICATE)).len(), 1, "the CA's");
        }
    }
}

#[test]
fn ca_certificates_can_be_missing_or_left_out() {
    let program = Program::with(Options::default(), Settings { ca_certificates: false, ..Settings::default() });
    let session = program.open(AUTH);
    assert_eq!(program.find(session, &class(CKO_CERTIFICATE)).len(), 1);
    for presence in [Presence::Blank, Presence::Missing, Presence::Empty] {
        let program = Program::with_card(Options { auth_ca_certificate: presence, ..Options::default() });
        let session = program.open(AUTH);
        let authority = (CKA_CERTIFICATE_CATEGORY, of_number(CK_CERTIFICATE_CATEGORY_AUTHORITY));
        let subject = certificate(AUTH);
        // A search by a value makes the module read the CA certificate, and then the object disappears.
        assert!(program.find(session, &vec![authority.clone(), (CKA_VALUE, subject)]).is_empty(), "{presence:?}");
        assert!(program.find(session, &vec![authority]).is_empty(), "{presence:?}");
        assert_eq!(program.find(session, &class(CKO_CERTIFICATE)).len(), 1, "{presence:?}");
    }
}

#[test]
fn searches_by_what_is_in_an_object() {
    let program = Program::new();
    let session = program.open_logged_in(AUTH);
    let own = program.object(session, CKO_CERTIFICATE);
    let id = program.value(session, own, CKA_ID);
    let of_id = program.find(session, &vec![(CKA_ID, id.clone())]);
    assert_eq!(of_id.len(), 3, "private key, public key and certificate");
    assert_eq!(program.find(session, &vec![(CKA_VALUE, certificate(AUTH))]), [own]);
    assert_eq!(program.find(session, &vec![(CKA_SUBJECT, program.value(session, own, CKA_SUBJECT))]), of_id);
    let key = vec![(CKA_CLASS, of_number(CKO_PRIVATE_KEY)), (CKA_ID, id), (CKA_SIGN, vec![CK_TRUE])];
    assert_eq!(program.find(session, &key), [program.object(session, CKO_PRIVATE_KEY)]);
    for nothing in [
        vec![(CKA_VALUE, certificate(SIGN))],
        vec![(CKA_ID, vec![1, 2, 3])],
        vec![(CKA_TOKEN, vec![CK_FALSE])],
        vec![(CKA_LABEL, b"another label".to_vec())],
        vec![(CKA_CLASS, vec![])],
        vec![(CKA_PRIVATE_EXPONENT, vec![1])],
        vec![(0x8000_0000 | 4711, vec![])],
    ] {
        assert!(program.find(session, &nothing).is_empty(), "{nothing:?}");
    }
    // The issuer's name leads to the issuer's certificate.
    let issuer = program.value(session, own, CKA_ISSUER);
    let found = program.find(session, &vec![(CKA_CLASS, of_number(CKO_CERTIFICATE)), (CKA_SUBJECT, issuer)]);
    assert_eq!(found.len(), 1);
    assert_ne!(found, [own]);
}

#[test]
fn searches_come_in_portions_and_one_at_a_time() {
    let program = Program::new();
    let session = program.open(AUTH);
    assert_eq!(program.find_objects(session, 1), Err(Error::OperationNotInitialized));
    assert_eq!(program.find_objects_final(session), Err(Error::OperationNotInitialized));
    program.find_objects_init(session, &Filter::new()).expect("a search");
    assert_eq!(program.find_objects_init(session, &Filter::new()), Err(Error::OperationActive));
    let portions: Vec<_> = (0..5).map(|_| program.find_objects(session, 3).expect("objects").len()).collect();
    assert_eq!(portions, [3, 3, 1, 0, 0]);
    program.find_objects_final(session).expect("a search");
    assert_eq!(program.find_objects(session, 1), Err(Error::OperationNotInitialized));
}

#[test]
fn what_browsers_ask_for_costs_nothing() {
    // NSS searches every token for profiles and for its own kind of trust object.
    let netscape_trust = 0xCE53_4353;
    for key_pair in KeyPair::ALL {
        let program = Program::new();
        let session = program.open(key_pair);
        for filter in [
            vec![(CKA_CLASS, of_number(CKO_PROFILE)), (CKA_TOKEN, vec![CK_TRUE])],
            class(netscape_trust),
            vec![(CKA_CLASS, of_number(netscape_trust)), (CKA_TOKEN, vec![CK_TRUE]), (CKA_ISSUER, vec![1; 200])],
            class(CKO_SECRET_KEY),
            class(CKO_DATA),
            class(CKO_HW_FEATURE),
            // Before login, a search for private keys does not have to read a certificate.
            class(CKO_PRIVATE_KEY),
        ] {
            let (_, cost) = program.machine.cost_of(|| program.find(session, &filter));
            assert_eq!(cost, Cost::default(), "{key_pair:?}, {filter:X?}");
        }
    }
}

#[test]
fn a_search_that_fails_begins_nothing() {
    let program = Program::new();
    let session = program.open(AUTH);
    program.machine.set_busy(READER, true);
    assert_eq!(program.find_objects_init(session, &class(CKO_PUBLIC_KEY)), Err(Error::DeviceError));
    program.machine.set_busy(READER, false);
    assert_eq!(program.find(session, &class(CKO_PUBLIC_KEY)).len(), 1);
}

#[test]
fn handles_mean_one_object_for_ever() {
    let program = Program::new();
    let session = program.open(AUTH);
    let before = program.find(session, &Filter::new());
    let card = program.machine.remove(READER);
    program.machine.insert(READER, &card);
    let session = program.open(AUTH);
    let after = program.find(session, &Filter::new());
    assert!(after.iter().all(|handle| !before.contains(handle)));
    assert_eq!(before.len(), after.len());
    let other = program.open(SIGN);
    assert!(program.find(other, &Filter::new()).iter().all(|handle| !after.contains(handle)));
    assert_eq!(program.attributes(other, after[0]).map(|_| ()), Err(Error::ObjectHandleInvalid));
    assert_eq!(program.attributes(session, 0).map(|_| ()), Err(Error::ObjectHandleInvalid));
}
