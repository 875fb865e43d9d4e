//! Cards that differ from the ordinary one: each works as far as it can, and one key never hides the other.

use std::thread;
use std::time::{Duration, Instant};

use cryptoki::error::RvError;
use cryptoki::mechanism::rsa::{PkcsMgfType, PkcsPssParams};
use cryptoki::mechanism::{Mechanism, MechanismType};
use cryptoki::object::ObjectClass;
use cryptoki::session::UserType;
use jpki_end_to_end::{Key, Objects, Reader, Stand, is, pin, verifies};

fn pss() -> PkcsPssParams {
    PkcsPssParams { hash_alg: MechanismType::SHA256, mgf: PkcsMgfType::MGF1_SHA256, s_len: 32.into() }
}

/// Checks that both tokens sign.
#[track_caller]
fn both_tokens_sign(stand: &Stand, what: &str) {
    for key in Key::ALL {
        let session = stand.module.logged_in(key);
        session.sign_well().unwrap_or_else(|error| panic!("{what}, {key:?}: {error}"));
        let signature = session.sign_with_key(&Mechanism::Sha256RsaPkcsPss(pss()), b"data").unwrap();
        let options = ["-sha256", "-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:32"];
        assert!(verifies(&session.certificate(), &options, b"data", &signature), "{what}, {key:?}: PSS");
    }
}

#[test]
fn cards_that_make_no_difference() {
    for options in [
        &["--first-command-6f00"][..],
        &["--no-short-identifiers"],
        &["--no-common-ap"],
        &["--contactless", "--speed", "20000"],
        &["--expired"],
        &["--ef-size", "2048"],
        &["--token-label", "SOMETHINGNEW"],
        &["--atr", "3B00"],
        &["--phone", "iphone"],
    ] {
        let stand = Stand::with(options);
        both_tokens_sign(&stand, &format!("{options:?}"));
    }
}

#[test]
fn a_card_without_pss_loses_the_mechanism_at_the_first_refusal() {
    for key in Key::ALL {
        let stand = Stand::with(&["--no-pss"]);
        let slot = stand.module.slot(Reader::First, key);
        let lists = |kind| stand.module.client.get_mechanism_list(slot).unwrap().contains(&kind);
        let session = stand.module.logged_in(key);
        assert!(lists(MechanismType::RSA_PKCS_PSS), "not known yet");
        is(session.sign_with_key(&Mechanism::Sha256RsaPkcsPss(pss()), b"data"), RvError::FunctionFailed);
        assert!(!lists(MechanismType::RSA_PKCS_PSS) && !lists(MechanismType::SHA256_RSA_PKCS_PSS));
        assert!(lists(MechanismType::RSA_PKCS) && lists(MechanismType::SHA256_RSA_PKCS));
        is(session.sign_with_key(&Mechanism::Sha256RsaPkcsPss(pss()), b"data"), RvError::MechanismInvalid);
        session.sign_well().expect("PKCS#1 goes on");
        assert_eq!(stand.card.state().verified, "");
    }
}

#[test]
fn other_pss_parameters_are_refused_before_the_card_is_asked() {
    let stand = Stand::new();
    let session = stand.module.logged_in(Key::Auth);
    session.sign_well().unwrap();
    stand.card.clear();
    for other in [
        PkcsPssParams { s_len: 20.into(), ..pss() },
        PkcsPssParams { hash_alg: MechanismType::SHA384, ..pss() },
        PkcsPssParams { mgf: PkcsMgfType::MGF1_SHA1, ..pss() },
    ] {
        is(session.sign_with_key(&Mechanism::RsaPkcsPss(other), &[0; 32]), RvError::MechanismParamInvalid);
    }
    assert_eq!(stand.card.stats().apdus, 0);
}

#[test]
fn a_foreign_card_is_no_token() {
    let stand = Stand::with(&["--foreign"]);
    for key in Key::ALL {
        let slot = stand.module.slot(Reader::First, key);
        assert!(!stand.module.client.get_slot_info(slot).unwrap().token_present());
        is(stand.module.client.get_token_info(slot), RvError::TokenNotPresent);
        is(stand.module.client.open_ro_session(slot), RvError::TokenNotPresent);
    }
}

#[test]
fn a_card_without_a_signing_certificate() {
    for form in ["blank", "protected-blank", "missing", "empty"] {
        let stand = Stand::with(&["--sign-certificate", form]);
        stand.module.logged_in(Key::Auth).sign_well().unwrap_or_else(|error| panic!("{form}: {error}"));
        let session = stand.module.session(Key::Sign);
        for class in [ObjectClass::PRIVATE_KEY, ObjectClass::PUBLIC_KEY] {
            assert!(session.all(class).is_empty(), "{form}: {class}");
        }
        // The PIN exists, and is right. But the module shows no key that cannot sign, and leaves the card locked.
        session.login(UserType::User, Some(&pin(Key::Sign.pin()))).unwrap_or_else(|error| panic!("{form}: {error}"));
        assert!(session.all(ObjectClass::PRIVATE_KEY).is_empty(), "{form}: a key without a certificate");
        assert_eq!(stand.card.state().verified, "", "{form}");
    }
}

#[test]
fn a_card_without_an_authentication_certificate() {
    for form in ["blank", "protected-blank", "missing", "empty"] {
        let stand = Stand::with(&["--auth-certificate", form]);
        stand.module.logged_in(Key::Sign).sign_well().unwrap_or_else(|error| panic!("{form}: {error}"));
        assert!(stand.module.session(Key::Auth).all(ObjectClass::PUBLIC_KEY).is_empty(), "{form}");
    }
}

#[test]
fn a_card_without_ca_certificates() {
    for form in ["blank", "protected-blank", "missing", "empty"] {
        let stand = Stand::with(&["--auth-ca-certificate", form, "--sign-ca-certificate", form]);
        for key in Key::ALL {
            let session = stand.module.logged_in(key);
            session.sign_well().unwrap_or_else(|error| panic!("{form}, {key:?}: {error}"));
            // Only the attempt to read a CA certificate shows that there is none.
            let readable = session.all(ObjectClass::CERTIFICATE).into_iter();
            let value = [cryptoki::object::AttributeType::Value];
            let readable = readable.filter(|object| session.get_attributes(*object, &value).is_ok());
            assert_eq!(readable.count(), 1, "{form}, {key:?}: only the holder's certificate");
        }
    }
}

#[test]
fn an_android_phone_shows_its_certificate_after_login() {
    let stand = Stand::with(&["--phone", "android"]);
    for key in Key::ALL {
        let session = stand.module.session(key);
        assert!(session.all(ObjectClass::PUBLIC_KEY).is_empty(), "{key:?}: nothing to see before login");
        session.login(UserType::User, Some(&pin(key.pin()))).unwrap();
        session.sign_well().unwrap();
    }
}

#[test]
fn a_card_that_signs_wrongly_gives_no_signature() {
    for key in Key::ALL {
        let stand = Stand::new();
        let session = stand.module.logged_in(key);
        stand.card.control("corrupt on");
        is(session.sign_well(), RvError::DeviceError);
        stand.card.control("corrupt off");
        session.sign_well().expect("the next one is right");
    }
}

#[test]
fn a_slow_signature_keeps_nobody_waiting_who_only_looks() {
    // Longer than any delay of a slow machine.
    const SLOW: Duration = Duration::from_secs(4);
    let stand = Stand::with(&["--sign-delay-ms", &SLOW.as_millis().to_string()]);
    let slot = stand.module.slot(Reader::First, Key::Auth);
    let session = stand.module.logged_in(Key::Auth);
    let watching = stand.module.session(Key::Auth);
    session.one(ObjectClass::PUBLIC_KEY);
    stand.card.clear();
    thread::scope(|scope| {
        let signing = scope.spawn(move || {
            let start = Instant::now();
            session.sign_with_key(&Mechanism::Sha256RsaPkcs, b"data").unwrap();
            start.elapsed()
        });
        let mut calls = Vec::new();
        while !signing.is_finished() {
            let start = Instant::now();
            assert!(stand.module.client.get_slot_info(slot).unwrap().token_present());
            watching.get_session_info().unwrap();
            stand.module.client.get_token_info(slot).unwrap();
            calls.push(start.elapsed());
            thread::sleep(Duration::from_millis(5));
        }
        let signing = signing.join().unwrap();
        assert!(signing >= SLOW, "the card was not slow: {signing:?}");
        // The loop never pauses for long, so a call that waited for the signature would take nearly as long.
        calls.sort_unstable();
        let (usual, longest) = (calls[calls.len() / 2], calls[calls.len() - 1]);
        assert!(longest < SLOW / 4, "three calls took {longest:?}");
        // Nor do the calls wait a little each time. The median allows for a busy machine.
        assert!(usual < Duration::from_millis(100), "three calls usually took {usual:?}");
    });
    assert_eq!(stand.card.stats().apdus, 4, "the calls sent commands to the card: {:#?}", stand.card.log());
}
