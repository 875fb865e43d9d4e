//! Signatures, and cards that sign wrongly or not at all.

use jpki_pkcs11::token::PinEntry::Typed;
use jpki_pkcs11::token::{Error, KeyPair, RAW_INPUT_MAX, Scheme};
use jpki_virtual_card::Options;

use crate::support::{AUTH, SIGN, assert_locked, is_signature, pin, token_of};

#[test]
fn signatures_are_right() {
    for key_pair in KeyPair::ALL {
        let (_machine, _card, token) = token_of(Options::default(), key_pair);
        assert_eq!(token.login(Typed(pin(key_pair))), Ok(()));
        for length in [1, 20, 32, 51, RAW_INPUT_MAX] {
            let input = vec![0x5A; length];
            let signature = token.sign(Scheme::Pkcs1, &input).expect("a signature");
            assert!(is_signature(key_pair, Scheme::Pkcs1, &input, &signature), "{length} bytes");
        }
        let signature = token.sign(Scheme::PssSha256, &[3; 32]).expect("a signature");
        assert!(is_signature(key_pair, Scheme::PssSha256, &[3; 32], &signature));
    }
}

#[test]
fn a_wrong_signature_is_not_given_out() {
    for key_pair in KeyPair::ALL {
        let (machine, card, token) = token_of(Options::default(), key_pair);
        assert_eq!(token.login(Typed(pin(key_pair))), Ok(()));
        card.card().corrupt_signatures(true);
        for scheme in [Scheme::Pkcs1, Scheme::PssSha256] {
            assert_eq!(token.sign(scheme, &[1; 32]).map(|_| ()), Err(Error::WrongSignature));
            assert_locked(&machine, "after a wrong signature");
        }
        card.card().corrupt_signatures(false);
        assert!(token.sign(Scheme::Pkcs1, &[1; 32]).is_ok());
    }
}

#[test]
fn what_is_no_signature_at_all() {
    let (machine, card, token) = token_of(Options::default(), AUTH);
    assert_eq!(token.login(Typed(pin(AUTH))), Ok(()));
    assert!(token.certificate().is_ok());
    for data in [vec![], vec![0; 1], vec![0; 255], vec![0; 256], vec![0xFF; 256]] {
        card.card().answer_matching(0x2A, 1, [data.as_slice(), &[0x90, 0x00]].concat());
        let answer = token.sign(Scheme::Pkcs1, b"x").map(|_| ());
        assert_eq!(answer, Err(Error::WrongSignature), "{} bytes", data.len());
        assert_locked(&machine, "after no signature");
    }
    for answer in [vec![0x69, 0x82], vec![0x69, 0x85], vec![0x67, 0x00], vec![0x6F, 0x00], vec![0x90], vec![]] {
        card.card().answer_matching(0x2A, 1, answer.clone());
        assert!(token.sign(Scheme::Pkcs1, b"x").is_err(), "{answer:02X?}");
        assert_locked(&machine, "after a refused signature");
    }
    assert!(token.sign(Scheme::Pkcs1, b"x").is_ok(), "the next signature succeeds");
    assert!(token.is_logged_in(), "the login lasts");
}

#[test]
fn a_card_without_pss_loses_it_when_that_is_found() {
    let (machine, _card, token) = token_of(Options { pss: false, ..Options::default() }, SIGN);
    assert_eq!(token.login(Typed(pin(SIGN))), Ok(()));
    assert!(token.knows_pss(), "not known yet");
    assert_eq!(token.sign(Scheme::PssSha256, &[1; 32]).map(|_| ()), Err(Error::UnknownScheme));
    assert!(!token.knows_pss());
    assert_locked(&machine, "after an unknown scheme");
    assert!(token.sign(Scheme::Pkcs1, &[1; 32]).is_ok());
}

#[test]
fn random_bytes_of_any_length() {
    let (_machine, _card, token) = token_of(Options::default(), AUTH);
    for length in [0, 1, 255, 256, 257, 1000] {
        assert_eq!(token.random(length).map(|bytes| bytes.len()), Ok(length));
    }
    let (first, second) = (token.random(32).expect("bytes"), token.random(32).expect("bytes"));
    assert_ne!(*first, *second);
}
