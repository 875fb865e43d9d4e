//! A PIN that a card has refused is not sent to it again, not even after another insertion or another start of the
//! module in the same process.

use jpki_pkcs11::token::PinEntry::Typed;
use jpki_pkcs11::token::{Error, KeyPair, Scheme, Tries};
use jpki_virtual_card::{Options, Phone};

use crate::machine::{Fate, Machine};
use crate::support::{
    AUTH, READER, assert_locked, kind, machine_with, nameless, other_plastic, pin, pins_sent, plastic, reader,
    sparing_token, token, token_of, wrong_pin,
};

fn reinsert(machine: &Machine) {
    let card = machine.remove(READER);
    machine.insert(READER, &card);
}

#[test]
fn a_program_that_starts_anew_after_each_failure_locks_no_card() {
    for key_pair in KeyPair::ALL {
        let card = plastic(Options::default());
        let machine = machine_with(&card);
        for start in 0..10 {
            // A new reader list each time, as after C_Finalize and C_Initialize.
            let token = token(&reader(&machine), key_pair);
            assert_eq!(token.login(Typed(wrong_pin(key_pair))), Err(Error::PinIncorrect));
            if start % 2 == 0 {
                reinsert(&machine);
            }
        }
        assert_eq!(pins_sent(&card), 1, "{key_pair:?}");
        assert_eq!(card.card().tries_left(kind(key_pair)), key_pair.tries() - 1);
        assert_eq!(token(&reader(&machine), key_pair).login(Typed(pin(key_pair))), Ok(()), "the right PIN works");
    }
}

#[test]
fn a_pin_that_was_reset_at_the_counter_is_sent_again() {
    let card = plastic(Options::default());
    let machine = machine_with(&card);
    let reader = reader(&machine);
    assert_eq!(token(&reader, AUTH).login(Typed(b"8888")), Err(Error::PinIncorrect));
    let card = machine.remove(READER);
    card.card().set_pin(kind(AUTH), "8888");
    card.card().set_tries_left(kind(AUTH), 3);
    machine.insert(READER, &card);
    assert_eq!(token(&reader, AUTH).login(Typed(b"8888")), Ok(()), "more tries than before: the PIN was reset");
}

#[test]
fn a_refused_pin_that_another_program_has_set_meanwhile_is_sent_again() {
    for key_pair in KeyPair::ALL {
        let (_machine, card, token) = token_of(Options::default(), key_pair);
        assert_eq!(token.login(Typed(wrong_pin(key_pair))), Err(Error::PinIncorrect));
        card.card().clear_exchanges();
        assert_eq!(token.login(Typed(wrong_pin(key_pair))), Err(Error::PinIncorrect));
        assert_eq!(pins_sent(&card), 0, "nothing has happened to the card");
        let text = std::str::from_utf8(wrong_pin(key_pair)).expect("digits and letters");
        card.card().set_pin(kind(key_pair), text);
        card.card().set_tries_left(kind(key_pair), key_pair.tries());
        assert_eq!(token.login(Typed(wrong_pin(key_pair))), Ok(()), "more tries than before: the PIN was changed");
    }
}

#[test]
fn a_pin_that_was_refused_without_a_number_is_not_sent_again() {
    for key_pair in KeyPair::ALL {
        let (_machine, card, token) = token_of(Options::default(), key_pair);
        card.card().answer_matching(0x20, 1, vec![0x63, 0x00]);
        assert_eq!(token.login(Typed(wrong_pin(key_pair))), Err(Error::PinIncorrect));
        card.card().clear_exchanges();
        for _ in 0..3 {
            assert_eq!(token.login(Typed(wrong_pin(key_pair))), Err(Error::PinIncorrect));
        }
        assert_eq!(pins_sent(&card), 0, "the card gives the tries now: no more than before");
    }
}

#[test]
fn a_refusal_is_one_cards_and_one_key_pairs() {
    let machine = machine_with(&plastic(Options::default()));
    let reader = reader(&machine);
    assert_eq!(token(&reader, AUTH).login(Typed(wrong_pin(AUTH))), Err(Error::PinIncorrect));
    let other = other_plastic();
    other.card().set_pin(kind(AUTH), "9999");
    machine.swap(READER, &other);
    assert_eq!(token(&reader, AUTH).login(Typed(wrong_pin(AUTH))), Ok(()));
}

#[test]
fn a_held_pin_does_not_take_the_last_try_where_that_is_forbidden() {
    for key_pair in KeyPair::ALL {
        let (machine, card, _) = token_of(Options::default(), key_pair);
        let token = sparing_token(&machine, key_pair);
        assert_eq!(token.login(Typed(pin(key_pair))), Ok(()));
        assert!(token.sign(Scheme::Pkcs1, b"x").is_ok());
        // Another program spends all tries but one, and changes the PIN.
        card.card().set_pin(kind(key_pair), if key_pair == AUTH { "8888" } else { "CHANGED8" });
        card.card().set_tries_left(kind(key_pair), 1);
        card.card().clear_exchanges();
        assert!(token.sign(Scheme::Pkcs1, b"x").is_err());
        assert_eq!(pins_sent(&card), 0, "{key_pair:?}");
        assert!(!token.is_logged_in());
        assert_eq!(token.tries(), Ok(Tries::Left(1)));
        assert_locked(&machine, "after the last try was spared");
    }
}

#[test]
fn a_change_whose_answer_is_lost_leaves_no_doubtful_pin_behind() {
    let (machine, card, token) = token_of(Options::default(), AUTH);
    assert_eq!(token.login(Typed(pin(AUTH))), Ok(()));
    machine.intercept(READER, |command| match command[1] {
        0x24 => Fate::AnswerLost(jpki_pkcs11::transport::Error::Io("a hair on the contacts")),
        _ => Fate::Arrives,
    });
    assert!(token.change_pin(Typed(pin(AUTH)), Typed(b"4321")).is_err());
    machine.intercept_no_more(READER);
    card.card().clear_exchanges();
    assert_eq!(token.sign(Scheme::Pkcs1, b"x").map(|_| ()), Err(Error::NotLoggedIn));
    assert_eq!(pins_sent(&card), 0, "only the user can know which PIN the card has now");
    assert_eq!(token.login(Typed(b"4321")), Ok(()));
}

#[test]
fn a_card_without_a_serial_number_is_known_by_its_tries() {
    let _turn = nameless();
    // Nothing identifies an Android phone before login if it lacks the common application.
    let options = Options { common_ap: false, phone: Some(Phone::Android), ..Options::default() };
    let card = plastic(options.clone());
    let machine = machine_with(&card);
    for start in 0..6 {
        let token = token(&reader(&machine), AUTH);
        assert_eq!(token.serial(), "");
        assert_eq!(token.login(Typed(wrong_pin(AUTH))), Err(Error::PinIncorrect));
        if start % 2 == 0 {
            reinsert(&machine);
        }
    }
    assert_eq!((pins_sent(&card), card.card().tries_left(kind(AUTH))), (1, 2));
    // The PIN may belong to another card without a number.
    let other = plastic(options);
    other.card().set_pin(kind(AUTH), std::str::from_utf8(wrong_pin(AUTH)).expect("digits"));
    machine.swap(READER, &other);
    assert_eq!(token(&reader(&machine), AUTH).login(Typed(wrong_pin(AUTH))), Ok(()));
}

#[test]
fn the_last_try_is_spared_where_the_card_does_not_tell_its_tries() {
    let (machine, card, _) = token_of(Options { auth_tries_left: 2, ..Options::default() }, AUTH);
    let token = sparing_token(&machine, AUTH);
    let quiet = || card.card().answer_matching(0x20, 1, vec![0x67, 0x00]);
    quiet();
    assert_eq!(token.login(Typed(b"9999")), Err(Error::PinIncorrect));
    assert_eq!(token.tries(), Ok(Tries::Left(1)), "the refusal had the count");
    quiet();
    assert_eq!(token.login(Typed(b"9998")), Err(Error::LastTry));
    assert_eq!(card.card().tries_left(kind(AUTH)), 1);
}

#[test]
fn a_pin_that_a_failed_change_may_have_changed_is_not_sent_again() {
    let (_machine, card, token) = token_of(Options::default(), AUTH);
    assert_eq!(token.login(Typed(pin(AUTH))), Ok(()));
    assert!(token.certificate().is_ok());
    // A memory error after the card has written the new PIN.
    card.card().answer_matching(0x24, 1, vec![0x65, 0x81]);
    assert!(token.change_pin(Typed(pin(AUTH)), Typed(b"4321")).is_err());
    card.card().set_pin(kind(AUTH), "4321");
    assert!(!token.is_logged_in());
    assert_eq!(token.sign(Scheme::Pkcs1, b"x").map(|_| ()), Err(Error::NotLoggedIn));
    assert_eq!(card.card().tries_left(kind(AUTH)), 3);
}
