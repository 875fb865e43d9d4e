//! Logins at a PIN pad that do not end with a logout: the card is locked and given back in every case.

use jpki_pkcs11::token::PinEntry::OnPad;
use jpki_pkcs11::token::{Error, KeyPair, Tries};
use jpki_pkcs11::transport;
use jpki_virtual_card::{LeaveBehaviour, Options};

use super::pad::{assert_given_back, at_pad, log_in, one_at_pad, right, signs, wrong};
use crate::machine::{Fate, User};
use crate::support::{AUTH, READER, kind, other_plastic, reader};

#[test]
fn the_user_pulls_the_card_out() {
    let (machine, _card, token) = one_at_pad(Options::default(), AUTH);
    machine.at_pad(READER, &[User::PullsTheCard]);
    assert_eq!(token.login(OnPad), Err(Error::Removed));
    assert!(token.is_gone() && !token.is_logged_in());
    // The card is swapped during the login.
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
    let session = token.hold_connection();
    log_in(&machine, &token);
    machine.remove(READER);
    assert_eq!(token.check_present(), Err(Error::Removed));
    machine.insert(READER, &other_plastic());
    assert_given_back(&machine, "with the next card");
    drop(session);
}

#[test]
fn a_card_that_lost_its_state_is_no_login() {
    // The reader reports the reset.
    let (machine, _card, token) = one_at_pad(Options::default(), AUTH);
    log_in(&machine, &token);
    machine.reset_behind_our_back(READER);
    assert_eq!(signs(&token), Err(Error::from(transport::Error::Reset)));
    assert!(!token.is_logged_in());
    assert_given_back(&machine, "after a reset");
    log_in(&machine, &token);
    assert_eq!(signs(&token), Ok(()));
    // The reader reports nothing, but the card refuses.
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
                let answer = token.login(OnPad);
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
fn a_pin_that_is_locked_meanwhile_ends_the_login() {
    let (machine, card, token) = one_at_pad(Options { auth_tries_left: 1, ..Options::default() }, AUTH);
    log_in(&machine, &token);
    card.card().set_tries_left(kind(AUTH), 1);
    machine.at_pad(READER, &[wrong(AUTH)]);
    assert_eq!(token.reauthenticate(OnPad), Err(Error::PinLocked));
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
