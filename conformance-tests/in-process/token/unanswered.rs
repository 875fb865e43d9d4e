//! PINs whose answer was lost. The card may have compared such a PIN, so it is not sent again before the tries left
//! show what happened.

use jpki_pkcs11::token::PinEntry::Typed;
use jpki_pkcs11::token::{Error, KeyPair, Scheme, Tries};
use jpki_pkcs11::transport;
use jpki_virtual_card::Options;

use crate::machine::{Fate, Machine};
use crate::support::{AUTH, READER, kind, machine_with, pin, pins_sent, plastic, reader, token, token_of, wrong_pin};

/// The card executes each VERIFY with a PIN, and its answer is lost.
fn lose_answers(machine: &Machine) {
    machine.intercept(READER, |command| match command {
        [_, 0x20, _, _, _, ..] => Fate::AnswerLost(transport::Error::Io("SCARD_E_NOT_TRANSACTED")),
        _ => Fate::Arrives,
    });
}

#[test]
fn a_wrong_pin_that_is_typed_again_and_again_costs_one_try() {
    for key_pair in KeyPair::ALL {
        let (machine, card, token) = token_of(Options::default(), key_pair);
        lose_answers(&machine);
        assert!(matches!(token.login(Typed(wrong_pin(key_pair))), Err(Error::Card(_))));
        for _ in 0..5 {
            assert_eq!(token.login(Typed(wrong_pin(key_pair))), Err(Error::PinIncorrect), "{key_pair:?}");
        }
        assert_eq!((pins_sent(&card), card.card().tries_left(kind(key_pair))), (1, key_pair.tries() - 1));
        machine.intercept_no_more(READER);
        assert_eq!(token.tries(), Ok(Tries::Left(key_pair.tries() - 1)));
        assert_eq!(token.login(Typed(pin(key_pair))), Ok(()), "the right PIN is another PIN");
    }
}

#[test]
fn a_held_pin_that_was_changed_meanwhile_costs_one_try() {
    for asks_between in [false, true] {
        let (machine, card, token) = token_of(Options::default(), AUTH);
        let _session = token.hold_connection();
        assert!(token.certificate().is_ok());
        assert_eq!(token.login(Typed(pin(AUTH))), Ok(()));
        card.card().set_pin(kind(AUTH), "8888");
        card.card().clear_exchanges();
        lose_answers(&machine);
        let sign = || token.sign(Scheme::Pkcs1, b"x").map(|_| ());
        assert!(matches!(sign(), Err(Error::Card(_))));
        if asks_between {
            assert_eq!(token.tries(), Ok(Tries::Left(2)));
        }
        for _ in 0..5 {
            assert_eq!(sign(), Err(Error::NotLoggedIn));
        }
        assert_eq!((pins_sent(&card), card.card().tries_left(kind(AUTH))), (1, 2));
    }
}

#[test]
fn a_right_pin_is_sent_again() {
    let (machine, card, token) = token_of(Options { auth_tries_left: 2, ..Options::default() }, AUTH);
    let _session = token.hold_connection();
    lose_answers(&machine);
    for sent in 1..=3 {
        // The card has accepted the PIN and given all tries back.
        assert!(matches!(token.login(Typed(pin(AUTH))), Err(Error::Card(_))));
        assert_eq!((pins_sent(&card), card.card().tries_left(kind(AUTH))), (sent, 3));
    }
    machine.intercept_no_more(READER);
    assert_eq!(token.login(Typed(pin(AUTH))), Ok(()));
    assert!(token.sign(Scheme::Pkcs1, b"x").is_ok());
}

#[test]
fn a_pin_that_never_arrived_is_sent_again() {
    let (machine, card, token) = token_of(Options { auth_tries_left: 1, ..Options::default() }, AUTH);
    machine.intercept(READER, |command| match command {
        [_, 0x20, _, _, _, ..] => Fate::Fails(transport::Error::Io("SCARD_E_NOT_TRANSACTED")),
        _ => Fate::Arrives,
    });
    for _ in 0..2 {
        assert!(matches!(token.login(Typed(pin(AUTH))), Err(Error::Card(_))));
    }
    machine.intercept_no_more(READER);
    assert_eq!(token.login(Typed(pin(AUTH))), Ok(()), "the tries left show that the card did not compare it");
    assert_eq!(card.card().tries_left(kind(AUTH)), 3);
}

#[test]
fn a_card_that_does_not_tell_its_tries_gets_no_pin_twice() {
    let (machine, card, token) = token_of(Options::default(), AUTH);
    machine.intercept(READER, |command| match command {
        [_, 0x20, _, _, _, ..] => Fate::AnswerLost(transport::Error::Io("SCARD_E_NOT_TRANSACTED")),
        _ => Fate::Arrives,
    });
    assert!(matches!(token.login(Typed(wrong_pin(AUTH))), Err(Error::Card(_))));
    // The question for the tries fails, as at a reader that does not pass on a command of four bytes.
    card.card().answer_matching(0x20, 1, vec![0x67, 0x00]);
    assert_eq!(token.login(Typed(wrong_pin(AUTH))), Err(Error::PinIncorrect));
    assert_eq!(pins_sent(&card), 1);
}

#[test]
fn another_wrong_pin_in_between_does_not_make_the_right_one_wrong() {
    let lost = transport::Error::Io("SCARD_E_NOT_TRANSACTED");
    for fate in [Fate::Fails(lost), Fate::AnswerLost(lost)] {
        let (machine, card, token) = token_of(Options::default(), AUTH);
        machine.intercept(READER, move |command| match command {
            [_, 0x20, _, _, _, ..] => fate,
            _ => Fate::Arrives,
        });
        assert!(matches!(token.login(Typed(pin(AUTH))), Err(Error::Card(_))));
        machine.intercept_no_more(READER);
        assert_eq!(token.login(Typed(b"4444")), Err(Error::PinIncorrect), "a typing error");
        assert_eq!(token.login(Typed(pin(AUTH))), Ok(()), "{fate:?}");
        assert_eq!(card.card().tries_left(kind(AUTH)), 3);
    }
}

#[test]
fn two_pins_that_never_arrived() {
    let (machine, _card, token) = token_of(Options { auth_tries_left: 2, ..Options::default() }, AUTH);
    machine.intercept(READER, |command| match command {
        [_, 0x20, _, _, _, ..] => Fate::Fails(transport::Error::Io("SCARD_E_NOT_TRANSACTED")),
        _ => Fate::Arrives,
    });
    assert!(matches!(token.login(Typed(b"4444")), Err(Error::Card(_))));
    assert!(matches!(token.login(Typed(pin(AUTH))), Err(Error::Card(_))));
    machine.intercept_no_more(READER);
    assert_eq!(token.login(Typed(pin(AUTH))), Ok(()));
}

#[test]
fn an_odd_answer_to_the_question_for_the_tries_forgets_nothing() {
    let card = plastic(Options::default());
    let machine = machine_with(&card);
    let reader = reader(&machine);
    lose_answers(&machine);
    assert!(matches!(token(&reader, AUTH).login(Typed(wrong_pin(AUTH))), Err(Error::Card(_))));
    machine.intercept_no_more(READER);
    card.card().answer_matching(0x20, 1, vec![0x6F, 0x00]);
    assert_eq!(token(&reader, AUTH).login(Typed(wrong_pin(AUTH))), Err(Error::PinIncorrect));
    let taken_out = machine.remove(READER);
    machine.insert(READER, &taken_out);
    assert_eq!(token(&reader, AUTH).login(Typed(wrong_pin(AUTH))), Err(Error::PinIncorrect));
    assert_eq!((pins_sent(&card), card.card().tries_left(kind(AUTH))), (1, 2));
}
