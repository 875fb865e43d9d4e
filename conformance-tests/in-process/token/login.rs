//! PINs: what costs a try, and what never does.

use jpki_pkcs11::token::PinEntry::Typed;
use jpki_pkcs11::token::{Error, KeyPair, Scheme, Tries};
use jpki_virtual_card::Options;

use crate::machine::Cost;
use crate::support::{AUTH, READER, SIGN, kind, pin, pins_sent, sparing_token, token_of, wrong_pin};

/// A PIN that can be set.
fn new_pin(key_pair: KeyPair) -> &'static [u8] {
    match key_pair {
        AUTH => b"4321",
        SIGN => b"NEW5678",
    }
}

#[test]
fn login_logout_and_login_again() {
    for key_pair in KeyPair::ALL {
        let (_machine, _card, token) = token_of(Options::default(), key_pair);
        assert_eq!(token.logout(), Err(Error::NotLoggedIn));
        assert!(token.sign(Scheme::Pkcs1, b"x").is_err(), "not before login");
        for _ in 0..2 {
            assert_eq!(token.login(Typed(pin(key_pair))), Ok(()));
            assert!(token.is_logged_in());
            assert_eq!(token.login(Typed(pin(key_pair))), Err(Error::AlreadyLoggedIn));
            assert_eq!(token.logout(), Ok(()));
            assert!(!token.is_logged_in());
        }
    }
}

#[test]
fn a_pin_of_a_wrong_form_is_never_sent() {
    let wrong: [(KeyPair, &[&[u8]]); 2] = [
        (AUTH, &[b"", b"123", b"12345", b"12a4", b"ABC123", b"12 4", "１２３４".as_bytes(), b"123\0", &[0xFF; 4]]),
        (
            SIGN,
            &[b"", b"ABC12", b"ABC-123", b"ABCDEFGH123456789", "署名用".as_bytes(), b"ABC 123", &[0; 8], &[b'A'; 5000]],
        ),
    ];
    for (key_pair, pins) in wrong {
        let (machine, card, token) = token_of(Options::default(), key_pair);
        for pin in pins {
            let (answer, cost) = machine.cost_of(|| token.login(Typed(pin)));
            assert_eq!(answer, Err(Error::PinIncorrect), "{pin:?}");
            assert_eq!(cost, Cost::default(), "{pin:?}");
            assert_eq!(token.change_pin(Typed(pin), Typed(new_pin(key_pair))), Err(Error::PinIncorrect), "{pin:?}");
        }
        assert_eq!(pins_sent(&card), 0);
        assert_eq!(token.tries(), Ok(Tries::Left(key_pair.tries())));
        assert_eq!(card.card().tries_left(kind(key_pair)), key_pair.tries());
    }
}

#[test]
fn a_refused_pin_is_not_sent_twice() {
    for key_pair in KeyPair::ALL {
        let (_machine, card, token) = token_of(Options::default(), key_pair);
        for _ in 0..20 {
            assert_eq!(token.login(Typed(wrong_pin(key_pair))), Err(Error::PinIncorrect));
            assert_eq!(
                token.change_pin(Typed(wrong_pin(key_pair)), Typed(new_pin(key_pair))),
                Err(Error::PinIncorrect)
            );
        }
        assert_eq!(pins_sent(&card), 1);
        assert_eq!(card.card().tries_left(kind(key_pair)), key_pair.tries() - 1);
        assert_eq!(token.tries(), Ok(Tries::Left(key_pair.tries() - 1)), "the token knows the count");
        // The right PIN still works, and after it the card may refuse the wrong one again.
        assert_eq!(token.login(Typed(pin(key_pair))), Ok(()));
        assert_eq!(token.logout(), Ok(()));
        assert_eq!(token.login(Typed(wrong_pin(key_pair))), Err(Error::PinIncorrect));
        assert_eq!(pins_sent(&card), 3, "after a right PIN the card decides again");
        assert_eq!(token.login(Typed(wrong_pin(key_pair))), Err(Error::PinIncorrect));
        assert_eq!(pins_sent(&card), 3);
    }
}

#[test]
fn a_signing_pin_in_lower_case_is_the_same_pin() {
    let (_machine, card, token) = token_of(Options::default(), SIGN);
    assert_eq!(token.login(Typed(b"abc123")), Ok(()));
    assert!(token.sign(Scheme::Pkcs1, b"x").is_ok(), "the held PIN is in the card's form");
    assert_eq!(token.logout(), Ok(()));
    assert_eq!(token.login(Typed(b"wrong9")), Err(Error::PinIncorrect));
    card.card().clear_exchanges();
    assert_eq!(token.login(Typed(b"WRONG9")), Err(Error::PinIncorrect));
    assert_eq!(pins_sent(&card), 0, "it is the same wrong PIN");
}

#[test]
fn tries_are_told_after_each_attempt() {
    for key_pair in KeyPair::ALL {
        let (machine, card, token) = token_of(Options::default(), key_pair);
        let limit = key_pair.tries();
        for attempt in 1..limit {
            let mut wrong = wrong_pin(key_pair).to_vec();
            *wrong.last_mut().expect("a character") = b'0' + attempt;
            assert_eq!(token.login(Typed(&wrong)), Err(Error::PinIncorrect));
            let (tries, cost) = machine.cost_of(|| token.tries());
            assert_eq!(tries, Ok(Tries::Left(limit - attempt)));
            assert_eq!(cost.apdus, 0, "the answer to VERIFY had the count");
        }
        assert_eq!(token.login(Typed(pin(key_pair))), Ok(()));
        assert_eq!(token.tries(), Ok(Tries::Left(limit)), "asked anew, because a right PIN brings tries back");
        let (_, cost) = machine.cost_of(|| token.tries());
        assert_eq!(cost.apdus, 0, "asked once");
        assert_eq!(card.card().tries_left(kind(key_pair)), limit);
    }
}

#[test]
fn the_last_wrong_try_locks_and_says_so() {
    for key_pair in KeyPair::ALL {
        let (_machine, card, token) =
            token_of(Options { auth_tries_left: 1, sign_tries_left: 1, ..Options::default() }, key_pair);
        // The card answers the attempt that locks it with 63C0, all others with 6984 (card-facts §4.1).
        assert_eq!(token.login(Typed(wrong_pin(key_pair))), Err(Error::PinLocked));
        assert_eq!(token.tries(), Ok(Tries::Left(0)));
        assert_eq!(token.login(Typed(pin(key_pair))), Err(Error::PinLocked));
        assert_eq!(token.login(Typed(wrong_pin(key_pair))), Err(Error::PinLocked));
        assert_eq!(token.change_pin(Typed(pin(key_pair)), Typed(new_pin(key_pair))), Err(Error::PinLocked));
        assert!(!token.is_logged_in());
        assert_eq!(card.card().tries_left(kind(key_pair)), 0);
    }
}

#[test]
fn the_last_try_can_be_spared() {
    let (machine, card, token) = token_of(Options { auth_tries_left: 2, ..Options::default() }, AUTH);
    let sparing = sparing_token(&machine, AUTH);
    assert_eq!(sparing.login(Typed(wrong_pin(AUTH))), Err(Error::PinIncorrect), "one of two tries is not the last");
    assert_eq!(sparing.login(Typed(pin(AUTH))), Err(Error::LastTry), "not even the right one");
    assert_eq!(sparing.change_pin(Typed(pin(AUTH)), Typed(b"4321")), Err(Error::LastTry));
    assert_eq!(card.card().tries_left(kind(AUTH)), 1);
    assert_eq!(token.login(Typed(pin(AUTH))), Ok(()), "if the settings allow it");
    assert_eq!(token.logout(), Ok(()));
    // Another program may have spent tries meanwhile.
    card.card().set_tries_left(kind(AUTH), 1);
    assert_eq!(sparing.login(Typed(pin(AUTH))), Err(Error::LastTry));
}

/// Another program changes the PIN while the user is logged in.
fn changed_behind_our_back(key_pair: KeyPair) {
    let (machine, card, token) = token_of(Options::default(), key_pair);
    assert_eq!(token.login(Typed(pin(key_pair))), Ok(()));
    assert!(token.certificate().is_ok());
    card.card().set_pin(kind(key_pair), if key_pair == AUTH { "8888" } else { "CHANGED8" });
    card.card().clear_exchanges();

    assert_eq!(token.sign(Scheme::Pkcs1, b"x").map(|_| ()), Err(Error::NotLoggedIn));
    assert!(!token.is_logged_in(), "the held PIN is gone");
    for _ in 0..5 {
        assert_eq!(token.sign(Scheme::Pkcs1, b"x").map(|_| ()), Err(Error::NotLoggedIn));
        assert_eq!(token.login(Typed(pin(key_pair))), Err(Error::PinIncorrect));
    }
    assert_eq!(pins_sent(&card), 1, "the held PIN was sent only once");
    assert_eq!(card.card().tries_left(kind(key_pair)), key_pair.tries() - 1);
    assert_eq!(token.tries(), Ok(Tries::Left(key_pair.tries() - 1)));
    crate::support::assert_locked(&machine, "after the held PIN was refused");
}

#[test]
fn a_held_pin_that_is_refused_is_destroyed() {
    KeyPair::ALL.into_iter().for_each(changed_behind_our_back);
}

#[test]
fn a_held_pin_that_meets_a_locked_card_is_destroyed() {
    let (_machine, card, token) = token_of(Options::default(), AUTH);
    assert_eq!(token.login(Typed(pin(AUTH))), Ok(()));
    card.card().set_tries_left(kind(AUTH), 0);
    assert_eq!(token.sign(Scheme::Pkcs1, b"x").map(|_| ()), Err(Error::NotLoggedIn));
    assert!(!token.is_logged_in());
    assert_eq!(token.tries(), Ok(Tries::Left(0)));
}

#[test]
fn a_changed_pin_is_the_one_that_counts() {
    for (key_pair, new) in [(AUTH, b"4321".as_slice()), (SIGN, b"new5678")] {
        for logged_in in [true, false] {
            let (machine, _card, token) = token_of(Options::default(), key_pair);
            if logged_in {
                assert_eq!(token.login(Typed(pin(key_pair))), Ok(()));
            }
            assert_eq!(token.change_pin(Typed(pin(key_pair)), Typed(new)), Ok(()));
            assert_eq!(token.is_logged_in(), logged_in, "as before");
            if logged_in {
                assert!(token.sign(Scheme::Pkcs1, b"x").is_ok(), "the new PIN is held");
                assert_eq!(token.logout(), Ok(()));
            }
            crate::support::assert_locked(&machine, "after the change");
            assert_eq!(token.login(Typed(pin(key_pair))), Err(Error::PinIncorrect), "the old PIN");
            assert_eq!(token.login(Typed(new)), Ok(()), "the new PIN");
        }
    }
}

#[test]
fn a_pin_that_cannot_be_set_is_refused_without_the_card() {
    let cases: [(KeyPair, &[u8], Error); 7] = [
        (AUTH, b"123", Error::NewPinLength),
        (AUTH, b"12345", Error::NewPinLength),
        (AUTH, b"12a4", Error::NewPinCharacters),
        (SIGN, b"AB12", Error::NewPinLength),
        (SIGN, b"ABCDEFGH123456789", Error::NewPinLength),
        (SIGN, b"ABCDEF", Error::NewPinCharacters),
        (SIGN, b"AB_123", Error::NewPinCharacters),
    ];
    for (key_pair, new, expected) in cases {
        let (machine, _card, token) = token_of(Options::default(), key_pair);
        let (answer, cost) = machine.cost_of(|| token.change_pin(Typed(pin(key_pair)), Typed(new)));
        assert_eq!((answer, cost), (Err(expected), Cost::default()), "{new:?}");
    }
}

#[test]
fn a_new_pin_that_the_card_does_not_take_changes_nothing() {
    let (machine, card, token) = token_of(Options::default(), AUTH);
    assert_eq!(token.login(Typed(pin(AUTH))), Ok(()));
    card.card().answer_matching(0x24, 1, vec![0x6A, 0x80]);
    assert!(matches!(token.change_pin(Typed(pin(AUTH)), Typed(b"4321")), Err(Error::Card(_))));
    crate::support::assert_locked(&machine, "after the refusal");
    assert!(token.sign(Scheme::Pkcs1, b"x").is_ok(), "the old PIN is still held");
    assert_eq!(token.tries(), Ok(Tries::Left(3)));
}

#[test]
fn two_tokens_of_a_card_are_two_logins() {
    let (machine, card, auth) = token_of(Options::default(), AUTH);
    let sign = crate::support::token(&crate::support::reader(&machine), SIGN);
    assert_eq!(auth.login(Typed(pin(AUTH))), Ok(()));
    assert!(!sign.is_logged_in());
    assert_eq!(sign.login(Typed(pin(AUTH))), Err(Error::PinIncorrect), "four digits are no signing PIN");
    assert_eq!(card.card().tries_left(kind(SIGN)), 5);
    assert_eq!(sign.login(Typed(pin(SIGN))), Ok(()));
    assert_eq!(auth.logout(), Ok(()));
    assert!(sign.is_logged_in());
    assert!(machine.other_program(READER).transmit(crate::support::SELECT_JPKI).ends_with(&[0x90, 0x00]));
    assert!(sign.sign(Scheme::Pkcs1, b"x").is_ok(), "another program's SELECT does not matter");
}
