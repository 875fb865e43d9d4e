//! Logins at a PIN pad: the card is kept, unlocked, from login to logout, and for nobody else.

use std::sync::Arc;

use jpki_pkcs11::token::{Error, KeyPair, PinPad, Scheme, Token, Tries};
use jpki_pkcs11::transport;
use jpki_virtual_card::{LeaveBehaviour, Options, Phone};

use crate::machine::{Fate, Machine, Plastic, User};
use crate::support::{
    AUTH, READER, SIGN, assert_locked, kind, other_plastic, pin, pins_sent, reader, token, wrong_pin,
};

/// A card in a reader with a PIN pad that has letters, and both tokens.
fn at_pad(options: Options) -> (Machine, Plastic, [Arc<Token>; 2]) {
    let card = crate::support::plastic(options);
    let machine = crate::support::machine_with(&card);
    machine.give_pad(READER, true);
    let reader = reader(&machine);
    (machine, card, KeyPair::ALL.map(|key_pair| token(&reader, key_pair)))
}

/// The same with one of the tokens.
fn one_at_pad(options: Options, key_pair: KeyPair) -> (Machine, Plastic, Arc<Token>) {
    let (machine, card, tokens) = at_pad(options);
    let token = tokens.into_iter().find(|token| token.key_pair() == key_pair).expect("both are there");
    (machine, card, token)
}

fn right(key_pair: KeyPair) -> User {
    User::Types(std::str::from_utf8(pin(key_pair)).expect("text"))
}

fn wrong(key_pair: KeyPair) -> User {
    User::Types(std::str::from_utf8(wrong_pin(key_pair)).expect("text"))
}

/// The user types the right PIN.
fn log_in(machine: &Machine, token: &Token) {
    machine.at_pad(READER, &[right(token.key_pair())]);
    assert_eq!(token.login_on_pad(false), Ok(()));
}

fn signs(token: &Token) -> Result<(), Error> {
    token.sign(Scheme::Pkcs1, b"x").map(|_| ())
}

/// The card is free, and no program can use a key.
#[track_caller]
fn assert_given_back(machine: &Machine, when: &str) {
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
                assert_eq!(token.login_on_pad(false), Err(Error::AlreadyLoggedIn));
                assert_eq!(token.login(pin(key_pair), false), Err(Error::AlreadyLoggedIn));
                assert!(!machine.others_can_connect(READER), "nobody else reaches the card");
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
            assert_eq!(token.login_on_pad(false), Err(expected), "{user:?}");
            assert!(!token.is_logged_in());
            assert_eq!(pins_sent(&card), 0);
            let (tries, cost) = machine.cost_of(|| token.tries());
            assert_eq!((tries, cost.apdus), (Ok(Tries::Left(key_pair.tries())), 0), "not taken for an attempt");
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
            assert_eq!(token.login_on_pad(false), Err(Error::PinIncorrect));
            assert_eq!(token.tries(), Ok(Tries::Left(left)));
            assert_eq!(card.card().tries_left(kind(key_pair)), left);
            assert_given_back(&machine, "after a wrong PIN");
        }
        machine.at_pad(READER, &[User::Types("0000")]);
        let asked = machine.asked_at_pad(READER);
        assert_eq!(token.login_on_pad(true), Err(Error::LastTry));
        assert_eq!(machine.asked_at_pad(READER), asked, "the user is not asked in vain");
        machine.at_pad(READER, &[wrong(key_pair)]);
        assert_eq!(token.login_on_pad(false), Err(Error::PinLocked));
        assert_eq!(token.tries(), Ok(Tries::Left(0)));
        machine.at_pad(READER, &[right(key_pair)]);
        assert_eq!(token.login_on_pad(false), Err(Error::PinLocked));
        assert_given_back(&machine, "after the PIN was locked");
    }
}

#[test]
fn a_right_pin_at_the_pad_makes_the_card_the_judge_of_refused_ones() {
    let (machine, card, token) = one_at_pad(Options::default(), AUTH);
    assert_eq!(token.login(wrong_pin(AUTH), false), Err(Error::PinIncorrect));
    assert_eq!(token.login(wrong_pin(AUTH), false), Err(Error::PinIncorrect));
    assert_eq!(card.card().tries_left(kind(AUTH)), 2, "sent once");
    log_in(&machine, &token);
    assert_eq!(token.tries(), Ok(Tries::Left(3)));
    assert_eq!(token.logout(), Ok(()));
    assert_eq!(token.login(wrong_pin(AUTH), false), Err(Error::PinIncorrect));
    assert_eq!(card.card().tries_left(kind(AUTH)), 2, "and once more");
}

#[test]
fn a_typed_pin_works_as_ever() {
    for key_pair in KeyPair::ALL {
        let (machine, _card, token) = one_at_pad(Options::default(), key_pair);
        assert_eq!(token.login(pin(key_pair), false), Ok(()));
        assert_given_back(&machine, "after a login with a typed PIN");
        assert_eq!(signs(&token), Ok(()));
        assert_given_back(&machine, "after a signature");
        assert_eq!(token.login_on_pad(false), Err(Error::AlreadyLoggedIn));
        assert_eq!(token.logout(), Ok(()));
        assert_eq!(machine.asked_at_pad(READER), 0);
    }
}

#[test]
fn a_reader_without_a_pad_asks_nobody() {
    let (machine, card, token) = crate::support::token_of(Options::default(), AUTH);
    assert_eq!(token.pin_pad(), PinPad::default());
    card.card().clear_exchanges();
    assert_eq!(token.login_on_pad(false), Err(Error::NoPinPad));
    assert_eq!(token.confirm_on_pad(false), Err(Error::NotLoggedIn));
    assert_eq!(token.change_pin_on_pad(false), Err(Error::NoPinPad));
    assert_eq!(pins_sent(&card), 0);
    assert_eq!(token.login(pin(AUTH), false), Ok(()));
    assert_eq!(token.confirm_on_pad(false), Err(Error::NoPinPad));
    assert_eq!(token.tries(), Ok(Tries::Left(3)));
    assert_eq!(signs(&token), Ok(()));
    assert_given_back(&machine, "after all that");
}

#[test]
fn a_card_that_another_program_uses_cannot_be_kept() {
    let (machine, card, token) = one_at_pad(Options::default(), AUTH);
    machine.set_shared(READER, true);
    machine.at_pad(READER, &[right(AUTH)]);
    assert_eq!(token.login_on_pad(false), Err(Error::Busy));
    assert!(!token.is_logged_in());
    assert_eq!((pins_sent(&card), machine.asked_at_pad(READER)), (0, 0));
    assert_eq!(token.login(pin(AUTH), false), Ok(()), "with a typed PIN it can be shared");
    assert_eq!(token.logout(), Ok(()));
    machine.set_shared(READER, false);
    assert_eq!(token.login_on_pad(false), Ok(()));
}

#[test]
fn the_pin_is_changed_at_the_pad() {
    for (key_pair, new) in [(AUTH, "4321"), (SIGN, "NEW5678")] {
        let (machine, card, token) = one_at_pad(Options::default(), key_pair);
        for user in [User::Cancels, User::Sleeps] {
            machine.at_pad(READER, &[user]);
            assert_eq!(token.change_pin_on_pad(false), Err(Error::Cancelled));
        }
        let cases: [(&[User], Error); 5] = [
            (&[User::Cancels], Error::Cancelled),
            (&[User::Types("1")], Error::NewPinLength),
            (&[User::Types(new), User::Cancels], Error::Cancelled),
            (&[User::Types(new), User::Types("777777777777")], Error::NewPinMismatch),
            (&[User::Types("ABCDEFGH123456789")], Error::NewPinLength),
        ];
        for (after, expected) in cases {
            // Four digits that differ are too many for the one and too few for nobody.
            let expected =
                if key_pair == AUTH && expected == Error::NewPinMismatch { Error::NewPinLength } else { expected };
            machine.at_pad(READER, &[&[right(key_pair)], after].concat());
            assert_eq!(token.change_pin_on_pad(false), Err(expected), "{after:?}");
            assert_given_back(&machine, "after a change that did not come about");
        }
        machine.at_pad(READER, &[wrong(key_pair)]);
        assert_eq!(token.change_pin_on_pad(false), Err(Error::PinIncorrect));
        assert_eq!(card.card().tries_left(kind(key_pair)), key_pair.tries() - 1);
        machine.at_pad(READER, &[right(key_pair), User::Types(new), User::Types(new)]);
        assert_eq!(token.change_pin_on_pad(false), Ok(()));
        assert!(!token.is_logged_in());
        assert_given_back(&machine, "after the change");
        assert_eq!(token.login(pin(key_pair), false), Err(Error::PinIncorrect), "the old PIN");
        assert_eq!(token.login(new.as_bytes(), false), Ok(()), "the new PIN");
    }
}

#[test]
fn a_change_at_the_pad_during_a_login() {
    let change = |machine: &Machine, token: &Token, to: &'static str| {
        machine.at_pad(READER, &[right(AUTH), User::Types(to), User::Types(to)]);
        token.change_pin_on_pad(false)
    };
    let (machine, card, token) = one_at_pad(Options::default(), AUTH);
    log_in(&machine, &token);
    assert_eq!(change(&machine, &token, "4321"), Ok(()));
    assert_eq!(signs(&token), Ok(()), "the login lasts");
    assert_eq!(token.logout(), Ok(()));
    assert_given_back(&machine, "after logout");
    assert_eq!(card.card().tries_left(kind(AUTH)), 3);
    // With a held PIN there is no way to know the new one.
    let (machine, card, token) = one_at_pad(Options::default(), AUTH);
    assert_eq!(token.login(pin(AUTH), false), Ok(()));
    machine.at_pad(READER, &[right(AUTH), User::Types("4321"), User::Types("1234")]);
    assert_eq!(token.change_pin_on_pad(false), Err(Error::NewPinMismatch));
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
    assert_eq!(token.change_pin(pin(AUTH), b"4321", false), Ok(()));
    assert_eq!(signs(&token), Ok(()));
    assert!(!machine.others_can_connect(READER));
    assert_eq!(token.logout(), Ok(()));
    assert_given_back(&machine, "after logout");
}

#[test]
fn the_user_pulls_the_card_out() {
    let (machine, _card, token) = one_at_pad(Options::default(), AUTH);
    machine.at_pad(READER, &[User::PullsTheCard]);
    assert_eq!(token.login_on_pad(false), Err(Error::Removed));
    assert!(token.is_gone() && !token.is_logged_in());
    // During the login, and another card comes.
    let machine = crate::support::machine_with(&crate::support::plastic(Options::default()));
    machine.give_pad(READER, true);
    let reader = reader(&machine);
    let one = crate::support::token(&reader, AUTH);
    log_in(&machine, &one);
    machine.swap(READER, &other_plastic());
    let other = crate::support::token(&reader, AUTH);
    assert_eq!(signs(&other), Err(Error::NotLoggedIn));
    assert_eq!(signs(&one), Err(Error::Removed));
    assert!(!one.is_logged_in());
    assert_given_back(&machine, "after another card came");
}

#[test]
fn the_next_card_is_not_kept_from_anybody() {
    let (machine, _card, token) = one_at_pad(Options::default(), AUTH);
    let session = token.keep();
    log_in(&machine, &token);
    machine.remove(READER);
    assert_eq!(token.look(), Err(Error::Removed));
    machine.insert(READER, &other_plastic());
    assert_given_back(&machine, "with the next card");
    drop(session);
}

#[test]
fn a_card_that_lost_its_state_is_no_login() {
    // The reader says so.
    let (machine, _card, token) = one_at_pad(Options::default(), AUTH);
    log_in(&machine, &token);
    machine.reset_behind_our_back(READER);
    assert_eq!(signs(&token), Err(Error::from(transport::Error::Reset)));
    assert!(!token.is_logged_in());
    assert_given_back(&machine, "after a reset");
    log_in(&machine, &token);
    assert_eq!(signs(&token), Ok(()));
    // Nobody says so: the card refuses.
    for key_pair in KeyPair::ALL {
        let (machine, card, token) = one_at_pad(Options::default(), key_pair);
        log_in(&machine, &token);
        card.card().power_off();
        card.card().power_on();
        assert_eq!(signs(&token), Err(Error::NotLoggedIn));
        assert!(!token.is_logged_in());
        assert_given_back(&machine, "after the refusal");
        assert_eq!(token.tries(), Ok(Tries::Left(key_pair.tries())));
        log_in(&machine, &token);
        assert_eq!(signs(&token), Ok(()));
    }
}

#[test]
fn files_that_only_seem_to_be_missing_are_read_again() {
    let (machine, card, [auth, sign]) = at_pad(Options::default());
    log_in(&machine, &sign);
    card.card().power_off();
    card.card().power_on();
    assert!(auth.certificate().is_ok_and(|certificate| certificate.is_none()));
    assert!(auth.ca_certificate().is_ok_and(|certificate| certificate.is_none()));
    assert_eq!(signs(&sign), Err(Error::NotLoggedIn));
    assert!(auth.certificate().is_ok_and(|certificate| certificate.is_some()));
    assert!(auth.ca_certificate().is_ok_and(|certificate| certificate.is_some()));
}

#[test]
fn a_fault_at_any_command() {
    let faults = [Fate::Fails(transport::Error::Io("a hair")), Fate::AnswerLost(transport::Error::Reset)];
    for (fault, at) in faults.into_iter().flat_map(|fault| (0..8).map(move |at| (fault, at))) {
        for key_pair in KeyPair::ALL {
            for leave in [LeaveBehaviour::Clears, LeaveBehaviour::Lies] {
                let (machine, _card, token) = one_at_pad(Options { leave, ..Options::default() }, key_pair);
                let fail = || {
                    let mut count = 0;
                    machine.intercept(READER, move |_| {
                        count += 1;
                        if count - 1 == at { fault } else { Fate::Arrives }
                    });
                };
                let when = format!("with {fault:?} at {at}, {key_pair:?}, {leave:?}");
                machine.at_pad(READER, &[right(key_pair)]);
                fail();
                let answer = token.login_on_pad(false);
                machine.intercept_no_more(READER);
                assert_eq!(token.is_logged_in(), answer.is_ok(), "{when}");
                if answer.is_err() {
                    assert_given_back(&machine, &format!("after login {when}"));
                    log_in(&machine, &token);
                }
                fail();
                let answer = signs(&token);
                machine.intercept_no_more(READER);
                if answer.is_err() {
                    assert!(!token.is_logged_in(), "{when}");
                    assert_given_back(&machine, &format!("after a signature {when}"));
                    log_in(&machine, &token);
                }
                fail();
                assert_eq!(token.logout(), Ok(()), "{when}");
                machine.intercept_no_more(READER);
                assert_given_back(&machine, &format!("after logout {when}"));
            }
        }
    }
}

#[test]
fn both_tokens_at_the_pad() {
    for first_out in [0, 1] {
        let (machine, _card, tokens) = at_pad(Options::default());
        tokens.iter().for_each(|token| log_in(&machine, token));
        assert!(tokens.iter().all(|token| signs(token) == Ok(())));
        let (leaving, staying) = (&tokens[first_out], &tokens[1 - first_out]);
        assert_eq!(leaving.logout(), Ok(()));
        assert_eq!(signs(leaving), Err(Error::NotLoggedIn), "though the card has its PIN verified still");
        assert!(!machine.others_can_connect(READER), "the other login lasts");
        assert_eq!(signs(staying), Ok(()));
        log_in(&machine, leaving);
        assert_eq!(signs(leaving), Ok(()));
        assert_eq!(leaving.logout(), Ok(()));
        assert_eq!(staying.logout(), Ok(()));
        assert_given_back(&machine, "after both logouts");
    }
}

#[test]
fn one_token_at_the_pad_and_one_with_a_typed_pin() {
    for leave in [LeaveBehaviour::Clears, LeaveBehaviour::RefusedAll, LeaveBehaviour::Lies] {
        for typed_first in [true, false] {
            for typed_out_first in [true, false] {
                let (machine, card, [auth, sign]) = at_pad(Options { leave, ..Options::default() });
                if typed_first {
                    assert_eq!(sign.login(pin(SIGN), false), Ok(()));
                }
                log_in(&machine, &auth);
                if !typed_first {
                    assert_eq!(sign.login(wrong_pin(SIGN), false), Err(Error::PinIncorrect));
                    assert_eq!(sign.login(pin(SIGN), false), Ok(()));
                }
                assert_eq!((signs(&auth), signs(&sign), signs(&auth)), (Ok(()), Ok(()), Ok(())));
                if typed_out_first {
                    card.card().clear_exchanges();
                    assert_eq!(sign.logout(), Ok(()));
                    assert_eq!(card.card().exchanges().len(), 0, "an unlocked card shows nothing now");
                    assert_eq!(signs(&sign), Err(Error::NotLoggedIn));
                    assert_eq!(signs(&auth), Ok(()), "nothing wrong was concluded");
                    assert_eq!(auth.logout(), Ok(()));
                } else {
                    assert_eq!(auth.logout(), Ok(()));
                    assert_given_back(&machine, "after the login at the pad");
                    assert_eq!(signs(&sign), Ok(()), "a held PIN does not need the card to be kept");
                    assert_eq!(sign.logout(), Ok(()));
                }
                assert_given_back(&machine, &format!("after both logouts, {leave:?}"));
            }
        }
    }
}

#[test]
fn a_pin_that_is_locked_meanwhile_ends_the_login() {
    let (machine, card, token) = one_at_pad(Options { auth_tries_left: 1, ..Options::default() }, AUTH);
    log_in(&machine, &token);
    card.card().set_tries_left(kind(AUTH), 1);
    machine.at_pad(READER, &[wrong(AUTH)]);
    assert_eq!(token.confirm_on_pad(false), Err(Error::PinLocked));
    assert!(!token.is_logged_in());
    assert_given_back(&machine, "after the PIN was locked");
}

#[test]
fn a_card_that_nobody_logs_out_of_is_locked_when_the_module_goes() {
    let (machine, _card, tokens) = at_pad(Options::default());
    log_in(&machine, &tokens[0]);
    drop(tokens);
    assert_given_back(&machine, "after the tokens were dropped");
    assert_eq!(machine.connections(), 0);
}
