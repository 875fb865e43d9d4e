//! One bad answer spoils its own call, and nothing else.

use jpki_pkcs11::token::PinEntry::Typed;
use jpki_pkcs11::token::{Error, Scheme};
use jpki_virtual_card::Options;

use crate::machine::Fate;
use crate::support::{AUTH, READER, SIGN, certificate, pin, token_of};

#[test]
fn a_certificate_that_could_not_be_read_is_read_the_next_time() {
    for at in 0..8 {
        let (machine, _card, token) = token_of(Options::default(), AUTH);
        let mut count = 0;
        machine.intercept(READER, move |_| {
            count += 1;
            let error = jpki_pkcs11::transport::Error::Io("a hair on the contacts");
            if count - 1 == at { Fate::Fails(error) } else { Fate::Arrives }
        });
        assert!(token.certificate().is_err(), "a failure at command {at}");
        machine.intercept_no_more(READER);
        let read = token.certificate().expect("the card answers").expect("a certificate");
        assert_eq!(read.der(), certificate(AUTH), "after a failure at command {at}");
    }
}

#[test]
fn a_signing_certificate_that_login_could_not_read_is_read_the_next_time() {
    for at in 2..9 {
        let (machine, _card, token) = token_of(Options::default(), SIGN);
        let mut count = 0;
        machine.intercept(READER, move |_| {
            count += 1;
            let error = jpki_pkcs11::transport::Error::Io("a hair on the contacts");
            if count - 1 == at { Fate::Fails(error) } else { Fate::Arrives }
        });
        assert_eq!(token.login(Typed(pin(SIGN))), Ok(()), "the PIN was right, though command {at} failed");
        machine.intercept_no_more(READER);
        let read = token.certificate().expect("the card answers").expect("a certificate");
        assert_eq!(read.der(), certificate(SIGN), "after a failure at command {at}");
        assert!(token.sign(Scheme::Pkcs1, b"x").is_ok());
    }
}

#[test]
fn a_card_kept_by_another_program_is_no_card_that_went() {
    let (machine, _card, token) = token_of(Options::default(), AUTH);
    machine.set_busy(READER, true);
    assert_eq!(token.login(Typed(pin(AUTH))), Err(Error::Busy));
    assert_eq!(token.certificate().map(|_| ()), Err(Error::Busy));
    assert!(!token.is_gone());
    machine.set_busy(READER, false);
    assert_eq!(token.login(Typed(pin(AUTH))), Ok(()));
    machine.set_busy(READER, true);
    assert_eq!(token.sign(Scheme::Pkcs1, b"x").map(|_| ()), Err(Error::Busy));
    machine.set_busy(READER, false);
    assert!(token.sign(Scheme::Pkcs1, b"x").is_ok(), "the login lasts");
}

#[test]
fn an_answer_that_is_lost_after_verify_costs_no_login_of_the_next_time() {
    let (machine, _card, token) = token_of(Options::default(), AUTH);
    machine.intercept(READER, |command| match command[1] {
        0x20 => Fate::AnswerLost(jpki_pkcs11::transport::Error::Io("a hair on the contacts")),
        _ => Fate::Arrives,
    });
    assert!(matches!(token.login(Typed(pin(AUTH))), Err(Error::Card(_))));
    assert!(!token.is_logged_in());
    machine.intercept_no_more(READER);
    assert_eq!(token.login(Typed(pin(AUTH))), Ok(()), "a lost answer is no refusal");
}

#[test]
fn a_card_that_answers_to_verify_with_nonsense_refuses_no_pin() {
    for answer in [vec![0x6F, 0x00], vec![0x67, 0x00], vec![0x69, 0x82], vec![0x90], vec![]] {
        let (_machine, card, token) = token_of(Options::default(), AUTH);
        card.card().answer_matching(0x20, 1, answer.clone());
        assert!(matches!(token.login(Typed(pin(AUTH))), Err(Error::Card(_))), "{answer:02X?}");
        assert_eq!(token.login(Typed(pin(AUTH))), Ok(()), "after {answer:02X?}");
    }
}
