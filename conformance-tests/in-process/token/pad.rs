//! Logins at a PIN pad: from login to logout the card stays unlocked, and no other program reaches it.

use std::sync::Arc;

use jpki_pkcs11::token::PinEntry::{OnPad, Typed};
use jpki_pkcs11::token::{Error, KeyPair, PinPad, Scheme, Token, Tries};
use jpki_virtual_card::{LeaveBehaviour, Options, Phone};

use crate::machine::{Machine, Plastic, User};
use crate::support::{
    AUTH, READER, SIGN, assert_locked, kind, pin, pins_sent, reader, sparing_token, token, wrong_pin,
};

/// A card in a reader whose PIN pad has letters, and both tokens.
pub(crate) fn at_pad(options: Options) -> (Machine, Plastic, [Arc<Token>; 2]) {
    let card = crate::support::plastic(options);
    let machine = crate::support::machine_with(&card);
    machine.give_pad(READER, true);
    let reader = reader(&machine);
    (machine, card, KeyPair::ALL.map(|key_pair| token(&reader, key_pair)))
}

/// The same with only one of the tokens.
pub(super) fn one_at_pad(options: Options, key_pair: KeyPair) -> (Machine, Plastic, Arc<Token>) {
    let (machine, card, tokens) = at_pad(options);
    let token = tokens.into_iter().find(|token| token.key_pair() == key_pair).expect("both are there");
    (machine, card, token)
}

pub(super) fn right(key_pair: KeyPair) -> User {
    User::Types(std::str::from_utf8(pin(key_pair)).expect("text"))
}

pub(super) fn wrong(key_pair: KeyPair) -> User {
    User::Types(std::str::from_utf8(wrong_pin(key_pair)).expect("text"))
}

/// The user types the right PIN.
pub(super) fn log_in(machine: &Machine, token: &Token) {
    machine.at_pad(READER, &[right(token.key_pair())]);
    assert_eq!(token.login(OnPad), Ok(()));
}

pub(super) fn signs(token: &Token) -> Result<(), Error> {
    token.sign(Scheme::Pkcs1, b"x").map(|_| ())
}

/// The card is free, and no program can use a key.
#[track_caller]
pub(super) fn assert_given_back(machine: &Machine, when: &str) {
    assert!(machine.others_can_connect(READER), "the card is kept {when}");
    assert_locked(machine, when);
}

#[test]
fn from_login_to_logout() {
    let cards = [
        Options::default(),
        Options { leave: LeaveBehaviour::Refused, ..Options::default() },
        Options { leave: LeaveBehaviour::RefusedAll, ..Options::default() },
        Options { leave: LeaveBehaviour::Lies, ..Options::default() },
        Options { reselect_clears: true, ..Options::default() },
        Options { short_identifiers: false, ..Options::default() },
        Options { phone: Some(Phone::Android), ..Options::default() },
    ];
    for options in cards {
        for key_pair in KeyPair::ALL {
            let (machine, card, token) = one_at_pad(options.clone(), key_pair);
            for _ in 0..2 {
                log_in(&machine, &token);
                assert!(token.is_logged_in());
                assert_eq!(token.login(OnPad), Err(Error::AlreadyLoggedIn));
                assert_eq!(token.login(Typed(pin(key_pair))), Err(Error::AlreadyLoggedIn));
                assert!(!machine.others_can_connect(READER), "no other program reaches the card");
                assert!(token.certificate().is_ok_and(|certificate| certificate.is_some()), "{options:?}");
                card.card().clear_exchanges();
                for scheme in [Scheme::Pkcs1, Scheme::PssSha256, Scheme::Pkcs1] {
                    assert!(token.sign(scheme, &[1; 32]).is_ok(), "{options:?}");
                }
                assert_eq!(token.random(8).map(|bytes| bytes.len()), Ok(8));
                assert!(token.ca_certificate().is_ok_and(|certificate| certificate.is_some()));
                let by_name = |command: &[u8]| command.starts_with(&[0x00, 0xA4, 0x04]);
                assert!(
                    !card.card().exchanges().iter().any(|exchange| by_name(&exchange.command)),
                    "no SELECT by name"
                );
                assert_eq!(pins_sent(&card), 0, "the PIN was typed once");
                assert_eq!(token.logout(), Ok(()));
                assert_eq!(signs(&token), Err(Error::NotLoggedIn));
                assert_given_back(&machine, &format!("after logout, {options:?}"));
            }
            assert_eq!(machine.asked_at_pad(READER), 2);
        }
    }
}

#[test]
fn a_signature_is_one_command() {
    let (machine, _card, token) = one_at_pad(Options::default(), AUTH);
    log_in(&machine, &token);
    assert_eq!(signs(&token), Ok(()));
    let (answer, cost) = machine.cost_of(|| signs(&token));
    assert_eq!((answer, cost.apdus), (Ok(()), 1));
}

#[test]
fn what_costs_no_try() {
    for key_pair in KeyPair::ALL {
        let cases = [
            (User::Cancels, Error::Cancelled),
            (User::Sleeps, Error::Cancelled),
            (User::Types("12"), Error::PinIncorrect),
            (User::Types("ABCDEFGH123456789"), Error::PinIncorrect),
        ];
        for (user, expected) in cases {
            let (machine, card, token) = one_at_pad(Options::default(), key_pair);
            machine.at_pad(READER, &[user]);
            assert_eq!(token.login(OnPad), Err(expected), "{user:?}");
            assert!(!token.is_logged_in());
            assert_eq!(pins_sent(&card), 0);
            let (tries, cost) = machine.cost_of(|| token.tries());
            assert_eq!((tries, cost.apdus), (Ok(Tries::Left(key_pair.tries())), 0), "not counted as an attempt");
            assert_given_back(&machine, "after an entry that reached no card");
            log_in(&machine, &token);
        }
    }
}

#[test]
fn a_wrong_pin_costs_a_try() {
    for key_pair in KeyPair::ALL {
        let (machine, card, token) = one_at_pad(Options::default(), key_pair);
        for left in (1..key_pair.tries()).rev() {
            machine.at_pad(READER, &[wrong(key_pair)]);
            assert_eq!(token.login(OnPad), Err(Error::PinIncorrect));
            assert_eq!(token.tries(), Ok(Tries::Left(left)));
            assert_eq!(card.card().tries_left(kind(key_pair)), left);
            assert_given_back(&machine, "after a wrong PIN");
        }
        machine.at_pad(READER, &[User::Types("0000")]);
        let asked = machine.asked_at_pad(READER);
        assert_eq!(sparing_token(&machine, key_pair).login(OnPad), Err(Error::LastTry));
        assert_eq!(machine.asked_at_pad(READER), asked, "the pad does not ask");
        machine.at_pad(READER, &[wrong(key_pair)]);
        assert_eq!(token.login(OnPad), Err(Error::PinLocked));
        assert_eq!(token.tries(), Ok(Tries::Left(0)));
        machine.at_pad(READER, &[right(key_pair)]);
        assert_eq!(token.login(OnPad), Err(Error::PinLocked));
        assert_given_back(&machine, "after the PIN was locked");
    }
}

#[test]
fn a_right_pin_at_the_pad_makes_the_card_the_judge_of_refused_ones() {
    let (machine, card, token) = one_at_pad(Options::default(), AUTH);
    assert_eq!(token.login(Typed(wrong_pin(AUTH))), Err(Error::PinIncorrect));
    assert_eq!(token.login(Typed(wrong_pin(AUTH))), Err(Error::PinIncorrect));
    assert_eq!(card.card().tries_left(kind(AUTH)), 2, "sent once");
    log_in(&machine, &token);
    assert_eq!(token.tries(), Ok(Tries::Left(3)));
    assert_eq!(token.logout(), Ok(()));
    assert_eq!(token.login(Typed(wrong_pin(AUTH))), Err(Error::PinIncorrect));
    assert_eq!(card.card().tries_left(kind(AUTH)), 2, "sent once more");
}

#[test]
fn a_typed_pin_works_as_ever() {
    for key_pair in KeyPair::ALL {
        let (machine, _card, token) = one_at_pad(Options::default(), key_pair);
        assert_eq!(token.login(Typed(pin(key_pair))), Ok(()));
        assert_given_back(&machine, "after a login with a typed PIN");
        assert_eq!(signs(&token), Ok(()));
        assert_given_back(&machine, "after a signature");
        assert_eq!(token.login(OnPad), Err(Error::AlreadyLoggedIn));
        assert_eq!(token.logout(), Ok(()));
        assert_eq!(machine.asked_at_pad(READER), 0);
    }
}

#[test]
fn a_reader_without_a_pad_asks_nobody() {
    let (machine, card, token) = crate::support::token_of(Options::default(), AUTH);
    assert_eq!(token.pin_pad(), PinPad::default());
    card.card().clear_exchanges();
    assert_eq!(token.login(OnPad), Err(Error::NoPinPad));
    assert_eq!(token.reauthenticate(OnPad), Err(Error::NotLoggedIn));
    assert_eq!(token.change_pin(OnPad, OnPad), Err(Error::NoPinPad));
    assert_eq!(pins_sent(&card), 0);
    assert_eq!(token.login(Typed(pin(AUTH))), Ok(()));
    assert_eq!(token.reauthenticate(OnPad), Err(Error::NoPinPad));
    assert_eq!(token.tries(), Ok(Tries::Left(3)));
    assert_eq!(signs(&token), Ok(()));
    assert_given_back(&machine, "after all that");
}

#[test]
fn a_card_that_another_program_uses_cannot_be_kept() {
    let (machine, card, token) = one_at_pad(Options::default(), AUTH);
    machine.set_shared(READER, true);
    machine.at_pad(READER, &[right(AUTH)]);
    assert_eq!(token.login(OnPad), Err(Error::Busy));
    assert!(!token.is_logged_in());
    assert_eq!((pins_sent(&card), machine.asked_at_pad(READER)), (0, 0));
    assert_eq!(token.login(Typed(pin(AUTH))), Ok(()), "a typed PIN needs no exclusive card");
    assert_eq!(token.logout(), Ok(()));
    machine.set_shared(READER, false);
    assert_eq!(token.login(OnPad), Ok(()));
}

#[test]
fn the_pin_is_changed_at_the_pad() {
    for (key_pair, new) in [(AUTH, "4321"), (SIGN, "NEW5678")] {
        let (machine, card, token) = one_at_pad(Options::default(), key_pair);
        for user in [User::Cancels, User::Sleeps] {
            machine.at_pad(READER, &[user]);
            assert_eq!(token.change_pin(OnPad, OnPad), Err(Error::Cancelled));
        }
        let cases: [(&[User], Error); 5] = [
            (&[User::Cancels], Error::Cancelled),
            (&[User::Types("1")], Error::NewPinLength),
            (&[User::Types(new), User::Cancels], Error::Cancelled),
            (&[User::Types(new), User::Types("777777777777")], Error::NewPinMismatch),
            (&[User::Types("ABCDEFGH123456789")], Error::NewPinLength),
        ];
        for (after, expected) in cases {
            // This second entry is too long for the authentication PIN, so the pad refuses its length first.
            let expected =
                if key_pair == AUTH && expected == Error::NewPinMismatch { Error::NewPinLength } else { expected };
            machine.at_pad(READER, &[&[right(key_pair)], after].concat());
            assert_eq!(token.change_pin(OnPad, OnPad), Err(expected), "{after:?}");
            assert_given_back(&machine, "after a failed change");
        }
        machine.at_pad(READER, &[wrong(key_pair)]);
        assert_eq!(token.change_pin(OnPad, OnPad), Err(Error::PinIncorrect));
        assert_eq!(card.card().tries_left(kind(key_pair)), key_pair.tries() - 1);
        machine.at_pad(READER, &[right(key_pair), User::Types(new), User::Types(new)]);
        assert_eq!(token.change_pin(OnPad, OnPad), Ok(()));
        assert!(!token.is_logged_in());
        assert_given_back(&machine, "after the change");
        assert_eq!(token.login(Typed(pin(key_pair))), Err(Error::PinIncorrect), "the old PIN");
        assert_eq!(token.login(Typed(new.as_bytes())), Ok(()), "the new PIN");
    }
}

#[test]
fn a_change_at_the_pad_during_a_login() {
    let change = |machine: &Machine, token: &Token, to: &'static str| {
        machine.at_pad(READER, &[right(AUTH), User::Types(to), User::Types(to)]);
        token.change_pin(OnPad, OnPad)
    };
    let (machine, card, token) = one_at_pad(Options::default(), AUTH);
    log_in(&machine, &token);
    assert_eq!(change(&machine, &token, "4321"), Ok(()));
    assert_eq!(signs(&token), Ok(()), "the login lasts");
    assert_eq!(token.logout(), Ok(()));
    assert_given_back(&machine, "after logout");
    assert_eq!(card.card().tries_left(kind(AUTH)), 3);
    // With a held PIN the login ends: the module cannot know the new PIN.
    let (machine, card, token) = one_at_pad(Options::default(), AUTH);
    assert_eq!(token.login(Typed(pin(AUTH))), Ok(()));
    machine.at_pad(READER, &[right(AUTH), User::Types("4321"), User::Types("1234")]);
    assert_eq!(token.change_pin(OnPad, OnPad), Err(Error::NewPinMismatch));
    assert_eq!(signs(&token), Ok(()), "nothing was changed");
    assert_eq!(change(&machine, &token, "4321"), Ok(()));
    assert_eq!(signs(&token), Err(Error::NotLoggedIn));
    assert_eq!(card.card().tries_left(kind(AUTH)), 3, "the old PIN was not tried");
    assert_given_back(&machine, "after the change");
}

#[test]
fn a_typed_change_during_a_login_at_the_pad() {
    let (machine, _card, token) = one_at_pad(Options::default(), AUTH);
    log_in(&machine, &token);
    assert_eq!(token.change_pin(Typed(pin(AUTH)), Typed(b"4321")), Ok(()));
    assert_eq!(signs(&token), Ok(()));
    assert!(!machine.others_can_connect(READER));
    assert_eq!(token.logout(), Ok(()));
    assert_given_back(&machine, "after logout");
}

#[test]
fn a_change_whose_last_try_is_spared_asks_the_card_for_no_more_than_the_tries() {
    let (machine, card, _) = one_at_pad(Options { auth_tries_left: 1, ..Options::default() }, AUTH);
    let sparing = sparing_token(&machine, AUTH);
    let asked = machine.asked_at_pad(READER);
    let (answer, cost) = machine.cost_of(|| sparing.change_pin(OnPad, OnPad));
    assert_eq!(answer, Err(Error::LastTry));
    assert_eq!((cost.apdus, pins_sent(&card)), (2, 0), "SELECT and the question for the tries, but no PIN");
    assert_eq!(machine.asked_at_pad(READER), asked, "the pad does not ask");
    assert_given_back(&machine, "after a spared change");
}
