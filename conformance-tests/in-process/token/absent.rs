//! Tokens whose certificate is private, or was never issued.

use jpki_pkcs11::token::PinEntry::Typed;
use jpki_pkcs11::token::{Error, KeyPair, Scheme, Tries};
use jpki_virtual_card::{LockedQuery, Options, Phone, Presence, test_identity};

use crate::machine::{Cost, Fate};
use crate::support::{AUTH, READER, SIGN, assert_locked, certificate, is_signature, pin, token_of};

fn der_of(token: &jpki_pkcs11::token::Token) -> Option<Vec<u8>> {
    token.certificate().expect("the card answers").map(|certificate| certificate.der().to_vec())
}

#[test]
fn a_public_certificate_is_read_once() {
    let (machine, _card, token) = token_of(Options::default(), AUTH);
    assert!(!token.certificate_is_private());
    let (der, cost) = machine.cost_of(|| der_of(&token));
    assert_eq!(der, Some(certificate(AUTH)));
    assert_eq!(cost.apdus, 8, "SELECT and seven READ BINARY: {cost:?}");
    let (_, again) = machine.cost_of(|| der_of(&token));
    assert_eq!(again, Cost::default());
}

#[test]
fn the_signing_certificate_comes_with_the_login() {
    let (machine, _card, token) = token_of(Options::default(), SIGN);
    assert!(token.certificate_is_private());
    let (before, cost) = machine.cost_of(|| der_of(&token));
    assert_eq!((before, cost), (None, Cost::default()), "no command to the card");
    assert_eq!(token.login(Typed(pin(SIGN))), Ok(()));
    let (after, cost) = machine.cost_of(|| der_of(&token));
    assert_eq!((after, cost), (Some(certificate(SIGN)), Cost::default()), "the login has read it");
}

#[test]
fn on_an_android_phone_both_certificates_are_private() {
    let (machine, _card, token) = token_of(Options { phone: Some(Phone::Android), ..Options::default() }, AUTH);
    assert_eq!(der_of(&token), None, "before login");
    assert!(token.certificate_is_private(), "the card has refused to give it");
    assert_eq!(token.login(Typed(pin(AUTH))), Ok(()));
    assert_eq!(der_of(&token), Some(certificate(AUTH)));
    let signature = token.sign(Scheme::Pkcs1, b"phone").expect("a signature");
    assert!(is_signature(AUTH, Scheme::Pkcs1, b"phone", &signature));
    assert_locked(&machine, "a phone, after a signature");
    assert_eq!(token.logout(), Ok(()));
    assert_locked(&machine, "a phone, after logout");
}

#[test]
fn an_iphone_is_like_a_card() {
    let (_machine, _card, token) = token_of(Options { phone: Some(Phone::Iphone), ..Options::default() }, AUTH);
    assert!(der_of(&token).is_some());
    assert!(!token.certificate_is_private());
}

#[test]
fn ca_certificates_need_no_pin_and_are_read_when_asked_for() {
    for (key_pair, expected) in
        [(AUTH, test_identity().auth_ca_certificate()), (SIGN, test_identity().sign_ca_certificate())]
    {
        let (machine, _card, token) = token_of(Options::default(), key_pair);
        assert!(!token.lacks_ca_certificate());
        let certificate = token.ca_certificate().expect("the card answers").expect("a certificate");
        assert_eq!(certificate.der(), expected);
        let (_, again) = machine.cost_of(|| token.ca_certificate().map(|_| ()));
        assert_eq!(again, Cost::default());
    }
}

#[test]
fn a_missing_ca_certificate_is_no_error() {
    for presence in [Presence::Blank, Presence::ProtectedBlank, Presence::Missing, Presence::Empty] {
        for key_pair in KeyPair::ALL {
            let options =
                Options { auth_ca_certificate: presence, sign_ca_certificate: presence, ..Options::default() };
            let (_machine, _card, token) = token_of(options, key_pair);
            assert!(token.ca_certificate().is_ok_and(|certificate| certificate.is_none()), "{presence:?}");
            assert!(token.lacks_ca_certificate(), "{presence:?}");
            assert_eq!(token.login(Typed(pin(key_pair))), Ok(()));
            assert!(token.sign(Scheme::Pkcs1, b"x").is_ok(), "{presence:?}");
        }
    }
}

#[test]
fn each_form_of_an_absent_certificate() {
    for presence in [Presence::Blank, Presence::ProtectedBlank, Presence::Missing, Presence::Empty] {
        for key_pair in KeyPair::ALL {
            let case = format!("{key_pair:?} {presence:?}");
            let mut options = Options::default();
            match key_pair {
                AUTH => options.auth_certificate = presence,
                SIGN => options.sign_certificate = presence,
            }
            let (machine, _card, token) = token_of(options, key_pair);
            assert_eq!(der_of(&token), None, "{case}, before login");
            assert_eq!(token.login(Typed(pin(key_pair))), Ok(()), "{case}");
            assert_eq!(der_of(&token), None, "{case}, after login");
            let (_, again) = machine.cost_of(|| der_of(&token));
            assert_eq!(again, Cost::default(), "{case}: it is read once");
            assert_eq!(token.sign(Scheme::Pkcs1, b"x").map(|_| ()), Err(Error::NoKey), "{case}");
            assert_eq!(token.tries(), Ok(Tries::Left(key_pair.tries())), "{case}");
            assert_eq!(token.logout(), Ok(()), "{case}");
            assert_locked(&machine, &case);
            // The other token works.
            let other = if key_pair == AUTH { SIGN } else { AUTH };
            let token = crate::support::token(&crate::support::reader(&machine), other);
            assert_eq!(token.login(Typed(pin(other))), Ok(()), "{case}");
            assert!(token.sign(Scheme::Pkcs1, b"x").is_ok(), "{case}");
        }
    }
}

#[test]
fn a_key_pair_that_was_never_issued() {
    // No certificate, and a PIN that was never set: a child's card (card-facts §7).
    let options = Options { sign_certificate: Presence::Blank, sign_tries_left: 0, ..Options::default() };
    let (machine, _card, token) = token_of(options, SIGN);
    assert!(!token.is_issued());
    let other = crate::support::token(&crate::support::reader(&machine), AUTH);
    assert!(other.is_issued());
    // A locked PIN alone does not mean that there is no certificate.
    let (_machine, _card, locked) = token_of(Options { sign_tries_left: 0, ..Options::default() }, SIGN);
    assert!(locked.is_issued());
}

/// It is not known how a card answers for a PIN that was never set (card-facts §7): this token copes with each form,
/// and the other token is not affected.
#[test]
fn each_form_of_a_pin_that_was_never_set() {
    for (query, tries, refusal) in [
        (LockedQuery::NoTries, Tries::Left(0), Error::PinLocked),
        (LockedQuery::Blocked, Tries::Left(0), Error::PinLocked),
        (LockedQuery::NotSet, Tries::Unsaid, Error::NoPin),
    ] {
        for short_identifiers in [true, false] {
            for key_pair in KeyPair::ALL {
                let case = format!("{key_pair:?} {query:?}, short identifiers {short_identifiers}");
                let mut options = Options { short_identifiers, ..Options::default() };
                match key_pair {
                    AUTH => (options.auth_tries_left, options.auth_pin_query) = (0, query),
                    SIGN => (options.sign_tries_left, options.sign_pin_query) = (0, query),
                }
                let (machine, _card, token) = token_of(options, key_pair);
                assert_eq!(token.tries(), Ok(tries), "{case}");
                for _ in 0..2 {
                    assert_eq!(token.login(Typed(pin(key_pair))), Err(refusal), "{case}");
                    assert_eq!(token.tries(), Ok(tries), "{case}, after a login");
                }
                assert!(!token.is_logged_in(), "{case}");
                assert_eq!(token.change_pin(Typed(pin(key_pair)), Typed(pin(key_pair))), Err(refusal), "{case}");
                assert_locked(&machine, &case);
                let other = if key_pair == AUTH { SIGN } else { AUTH };
                let token = crate::support::token(&crate::support::reader(&machine), other);
                assert_eq!(token.tries(), Ok(Tries::Left(other.tries())), "{case}");
                assert_eq!(token.login(Typed(pin(other))), Ok(()), "{case}");
                assert!(token.sign(Scheme::Pkcs1, b"x").is_ok(), "{case}");
            }
        }
    }
}

#[test]
fn expired_certificates_are_certificates() {
    for key_pair in KeyPair::ALL {
        let (_machine, _card, token) = token_of(Options { expired: true, ..Options::default() }, key_pair);
        assert_eq!(token.login(Typed(pin(key_pair))), Ok(()));
        assert!(der_of(&token).is_some());
        assert!(token.sign(Scheme::Pkcs1, b"x").is_ok());
    }
}

#[test]
fn a_file_that_holds_no_certificate_is_none() {
    // A SEQUENCE of nonsense, another tag, and no DER at all.
    for start in [&[0x30, 0x82, 0x01, 0x00][..], &[0x31, 0x82, 0x06, 0x00], b"not DER at all"] {
        let (machine, card, token) = token_of(Options::default(), AUTH);
        let mut content = start.to_vec();
        content.resize(256, 0x05);
        content.extend([0x90, 0x00]);
        // Whenever somebody reads its start.
        machine.intercept(READER, move |command| {
            if command.starts_with(&[0x00, 0xB0, 0x8A]) {
                card.card().answer_matching(0xB0, 1, content.clone());
            }
            Fate::Arrives
        });
        assert_eq!(der_of(&token), None, "{start:02X?}");
        assert_eq!(token.login(Typed(pin(AUTH))), Ok(()), "nothing else is wrong with the token");
        assert_eq!(token.sign(Scheme::Pkcs1, b"x").map(|_| ()), Err(Error::NoKey));
    }
    let (machine, _card, token) = token_of(Options::default(), AUTH);
    assert!(der_of(&token).is_some());
    assert!(machine.remove(READER).card().verified().is_empty());
}

#[test]
fn one_odd_answer_hides_no_certificate() {
    for status in [0x6985, 0x6A82, 0x6986, 0x6A88, 0x6982, 0x6581] {
        // At the first READ BINARY, and at each of those behind it.
        for at in 0..7 {
            let case = format!("{status:04X} at READ BINARY {at}");
            let (machine, _card, token) = token_of(Options::default(), AUTH);
            let mut reads = 0;
            machine.intercept(READER, move |command| {
                reads += usize::from(command[1] == 0xB0);
                if command[1] == 0xB0 && reads - 1 == at { Fate::Answers(status) } else { Fate::Arrives }
            });
            let first = token.certificate().map(|certificate| certificate.is_some());
            assert_ne!(first, Ok(false), "{case}: an error of this call, or the certificate");
            assert_eq!(der_of(&token), Some(certificate(AUTH)), "{case}");
            assert!(!token.certificate_is_private(), "{case}");
            assert_eq!(token.login(Typed(pin(AUTH))), Ok(()), "{case}");
            assert!(token.sign(Scheme::Pkcs1, b"x").is_ok(), "{case}");
        }
    }
}

#[test]
fn an_absence_is_remembered_once_it_was_said_twice() {
    let (machine, _card, token) = token_of(Options { auth_certificate: Presence::Missing, ..Options::default() }, AUTH);
    let (der, cost) = machine.cost_of(|| der_of(&token));
    assert_eq!((der, cost.apdus), (None, 5), "SELECT, and twice: READ BINARY by short identifier, SELECT of the file");
    let (der, again) = machine.cost_of(|| der_of(&token));
    assert_eq!((der, again), (None, Cost::default()));
}
