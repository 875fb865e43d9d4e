//! PINs: what costs a try and what does not, and what programs learn about it.

use cryptoki::error::RvError;
use cryptoki::object::ObjectClass;
use cryptoki::session::UserType;
use jpki_end_to_end::{Key, Module, Objects, Reader, Stand, VirtualCard, is, pin};

/// The tries left, from the card itself.
fn tries(card: &VirtualCard, key: Key) -> u32 {
    let state = card.state();
    match key {
        Key::Auth => state.auth_tries,
        Key::Sign => state.sign_tries,
    }
}

/// The flags COUNT_LOW, FINAL_TRY and LOCKED.
fn flags(module: &Module, key: Key) -> [bool; 3] {
    let info = module.token_info(key);
    [info.user_pin_count_low(), info.user_pin_final_try(), info.user_pin_locked()]
}

#[test]
fn a_pin_of_the_wrong_form_costs_no_try() {
    let stand = Stand::new();
    for (key, wrong) in [
        (Key::Auth, ["", "123", "12345", "12a4", "ABC123", "12 4"]),
        (Key::Sign, ["", "1234", "ABC12", "ABCDEFGH123456789", "ABC-123", "ABC 123"]),
    ] {
        let session = stand.module.session(key);
        stand.card.clear();
        for wrong in wrong {
            is(session.login(UserType::User, Some(&pin(wrong))), RvError::PinIncorrect);
        }
        assert_eq!(stand.card.stats().apdus, 0, "PINs of a wrong form reached the card: {:?}", stand.card.log());
        assert_eq!(tries(&stand.card, key), key.tries());
        assert_eq!(flags(&stand.module, key), [false, false, false]);
    }
}

#[test]
fn one_pin_given_to_every_token_locks_none() {
    // ssh-add -s does this with the PIN that the user typed.
    let stand = Stand::new();
    for (typed, fits) in [(Key::Auth.pin(), Key::Auth), (Key::Sign.pin(), Key::Sign)] {
        for key in Key::ALL {
            let session = stand.module.session(key);
            let answer = session.login(UserType::User, Some(&pin(typed)));
            if key == fits { answer.unwrap() } else { is(answer, RvError::PinIncorrect) }
        }
    }
    for key in Key::ALL {
        assert_eq!(tries(&stand.card, key), key.tries());
    }
}

#[test]
fn a_signing_pin_may_be_typed_in_lower_case() {
    let stand = Stand::new();
    let session = stand.module.session(Key::Sign);
    session.login(UserType::User, Some(&pin("abc123"))).unwrap();
    session.sign_well().unwrap();
    assert_eq!(tries(&stand.card, Key::Sign), 5);
}

#[test]
fn the_same_wrong_pin_costs_one_try() {
    let stand = Stand::new();
    for key in Key::ALL {
        for _ in 0..3 {
            // A new session each time, like a program whose user tries again.
            let session = stand.module.session(key);
            is(session.login(UserType::User, Some(&pin(key.wrong_pins()[0]))), RvError::PinIncorrect);
        }
        assert_eq!(tries(&stand.card, key), key.tries() - 1);
        stand.module.logged_in(key).sign_well().expect("the right PIN still works");
        assert_eq!(tries(&stand.card, key), key.tries());
    }
}

#[test]
fn the_flags_say_how_many_tries_are_left() {
    let stand = Stand::new();
    for key in Key::ALL {
        let session = stand.module.session(key);
        for (spent, wrong) in key.wrong_pins().iter().take(key.tries() as usize).enumerate() {
            let left = key.tries() - spent as u32;
            assert_eq!(flags(&stand.module, key), [left < key.tries(), left == 1, false], "{key:?}, {left} tries");
            let wanted = if left == 1 { RvError::PinLocked } else { RvError::PinIncorrect };
            is(session.login(UserType::User, Some(&pin(wrong))), wanted);
            assert_eq!(tries(&stand.card, key), left - 1);
        }
        assert_eq!(flags(&stand.module, key), [true, false, true], "{key:?}, locked");
        // The right PIN comes too late.
        is(session.login(UserType::User, Some(&pin(key.pin()))), RvError::PinLocked);
        is(session.login(UserType::User, Some(&pin(key.wrong_pins()[0]))), RvError::PinLocked);
    }
}

#[test]
fn a_right_pin_brings_the_tries_back() {
    let stand = Stand::with(&["--auth-tries", "1", "--sign-tries", "1"]);
    for key in Key::ALL {
        assert_eq!(flags(&stand.module, key), [true, true, false]);
        let _session = stand.module.logged_in(key);
        assert_eq!(flags(&stand.module, key), [false, false, false]);
    }
}

#[test]
fn what_another_program_did_to_the_tries_shows_after_the_next_insertion() {
    let stand = Stand::new();
    assert_eq!(flags(&stand.module, Key::Auth), [false, false, false]);
    stand.card.remove();
    stand.card.control("set-tries auth 1");
    stand.card.insert();
    assert_eq!(flags(&stand.module, Key::Auth), [true, true, false]);
}

#[test]
fn a_locked_pin_leaves_the_other_token_alone() {
    for locked in Key::ALL {
        let option = format!("--{}-tries", locked.name());
        let stand = Stand::with(&[&option, "0"]);
        for key in Key::ALL {
            let session = stand.module.session(key);
            if key == locked {
                assert!(flags(&stand.module, key)[2]);
                is(session.login(UserType::User, Some(&pin(key.pin()))), RvError::PinLocked);
            } else {
                assert_eq!(flags(&stand.module, key), [false, false, false]);
                session.login(UserType::User, Some(&pin(key.pin()))).unwrap();
                session.sign_well().unwrap();
            }
        }
    }
}

#[test]
fn a_pin_that_was_changed_elsewhere_is_sent_once() {
    for key in Key::ALL {
        let stand = Stand::new();
        let session = stand.module.logged_in(key);
        let new = if key == Key::Auth { "9876" } else { "NEW123" };
        let known = session.one(ObjectClass::PRIVATE_KEY);
        stand.card.control(&format!("set-pin {} {new}", key.name()));
        is(session.sign_well(), RvError::UserNotLoggedIn);
        session.refuses_to_sign(known);
        is(session.login(UserType::User, Some(&pin(key.pin()))), RvError::PinIncorrect);
        assert_eq!(tries(&stand.card, key), key.tries() - 1, "the held PIN cost one try and no more");
        session.login(UserType::User, Some(&pin(new))).unwrap();
        session.sign_well().unwrap();
    }
}

#[test]
fn logging_in_and_out() {
    let stand = Stand::new();
    for key in Key::ALL {
        let session = stand.module.session(key);
        let other = stand.module.session(key);
        is(session.logout(), RvError::UserNotLoggedIn);
        session.login(UserType::User, Some(&pin(key.pin()))).unwrap();
        is(session.login(UserType::User, Some(&pin(key.pin()))), RvError::UserAlreadyLoggedIn);
        is(session.login(UserType::So, Some(&pin(key.pin()))), RvError::UserAnotherAlreadyLoggedIn);
        is(session.login(UserType::ContextSpecific, Some(&pin(key.pin()))), RvError::OperationNotInitialized);
        other.sign_well().expect("a login is for all sessions of the token");
        let known = session.one(ObjectClass::PRIVATE_KEY);
        other.logout().unwrap();
        session.refuses_to_sign(known);
    }
}

#[test]
fn changing_a_pin() {
    for (key, new, bad) in [
        (
            Key::Auth,
            "9876",
            [("123", RvError::PinLenRange), ("12345", RvError::PinLenRange), ("12a4", RvError::PinInvalid)],
        ),
        (
            Key::Sign,
            "new456",
            [("A1", RvError::PinLenRange), ("ABCDEF", RvError::PinInvalid), ("AB_123", RvError::PinInvalid)],
        ),
    ] {
        let stand = Stand::new();
        let slot = stand.module.slot(Reader::First, key);
        let read_only = stand.module.session(key);
        is(read_only.set_pin(&pin(key.pin()), &pin(new)), RvError::SessionReadOnly);
        let session = stand.module.client.open_rw_session(slot).unwrap();
        stand.card.clear();
        for (bad, wanted) in bad {
            is(session.set_pin(&pin(key.pin()), &pin(bad)), wanted);
        }
        assert_eq!(stand.card.stats().apdus, 0, "a new PIN of a wrong form reached the card");
        is(session.set_pin(&pin(key.wrong_pins()[0]), &pin(new)), RvError::PinIncorrect);
        assert_eq!(tries(&stand.card, key), key.tries() - 1);

        // First without a login, then during a login, which lasts.
        session.set_pin(&pin(key.pin()), &pin(new)).unwrap();
        is(session.login(UserType::User, Some(&pin(key.pin()))), RvError::PinIncorrect);
        session.login(UserType::User, Some(&pin(new))).unwrap();
        session.sign_well().unwrap();
        session.set_pin(&pin(new), &pin(key.pin())).unwrap();
        session.sign_well().unwrap();
        assert_eq!(stand.card.state().verified, "");
    }
}
