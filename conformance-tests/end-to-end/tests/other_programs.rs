//! Other programs at the same card: what they do between our calls, and while we wait for them.

use std::time::{Duration, Instant};

use cryptoki::error::RvError;
use cryptoki::mechanism::Mechanism;
use cryptoki::object::ObjectClass;
use cryptoki::session::UserType;
use jpki_end_to_end::{Helper, Key, Objects, Reader, Stand, bystander, outcome, pin, raw_apdu};

const SELECT_JPKI: &str = "00A4040C0AD392F000260100000001";
const SELECT_OTHER: &str = "00A4040C0AD3921000310001010100";

/// Another program that has the card for itself, in one way or another, for a time or until it is ended.
fn holder(mode: &str, until: &str) -> Helper {
    let mut holder = Helper::start("raw-apdu", &[Reader::First.name(), mode, "say:holding", until]);
    holder.expect("holding");
    holder
}

#[test]
fn another_application_is_selected_between_our_calls() {
    let stand = Stand::new();
    for key in Key::ALL {
        let session = stand.module.logged_in(key);
        for _ in 0..3 {
            assert_eq!(raw_apdu(Reader::First, &[SELECT_OTHER]), ["9000"]);
            session.sign_well().expect("nothing is assumed of what is selected");
        }
        session.logout().unwrap();
        assert_eq!(raw_apdu(Reader::First, &[SELECT_OTHER]), ["9000"]);
        session.login(UserType::User, Some(&pin(key.pin()))).unwrap();
        session.sign_well().unwrap();
    }
}

#[test]
fn another_program_leaves_the_card_unlocked() {
    // What is not ours to use is not used: a signature needs our own login.
    let stand = Stand::new();
    let session = stand.module.logged_in(Key::Auth);
    let known = session.one(ObjectClass::PRIVATE_KEY);
    session.logout().unwrap();
    assert_eq!(raw_apdu(Reader::First, &[SELECT_JPKI, "002000980431323334"]), ["9000", "9000"]);
    session.refuses_to_sign(known);
}

#[test]
fn the_card_is_reset_between_our_calls() {
    let stand = Stand::new();
    let _bystander = bystander(Reader::First);
    for key in Key::ALL {
        let session = stand.module.logged_in(key);
        for mode in ["reset", "unpower", "reset"] {
            let mut other = Helper::start("raw-apdu", &[Reader::First.name(), mode, "say:done"]);
            other.expect("done");
            other.end();
            session.sign_well().unwrap_or_else(|error| panic!("{key:?} after {mode}: {error}"));
        }
        session.logout().unwrap();
        session.login(UserType::User, Some(&pin(key.pin()))).unwrap();
    }
}

#[test]
fn a_program_that_keeps_the_card_for_a_second_is_waited_for() {
    let stand = Stand::new();
    let start = Instant::now();
    let holder = holder("exclusive", "sleep:1000");
    let session = stand.module.logged_in(Key::Auth);
    session.sign_well().unwrap();
    assert!(start.elapsed() >= Duration::from_millis(900), "the other program did not keep it");
    holder.end();
}

#[test]
fn another_programs_transaction_is_waited_for() {
    let stand = Stand::new();
    let session = stand.module.logged_in(Key::Sign);
    session.sign_well().unwrap();
    let start = Instant::now();
    let holder = holder("transaction", "sleep:1000");
    session.sign_well().unwrap();
    assert!(start.elapsed() >= Duration::from_millis(900), "the other program had no transaction");
    holder.end();
}

#[test]
fn a_program_that_keeps_the_card_for_ever_is_no_hang() {
    let stand = Stand::new();
    // The card is known, but nobody's session keeps a connection to it.
    let slot = stand.module.slot(Reader::First, Key::Auth);
    stand.module.client.get_token_info(slot).unwrap();
    let holder = holder("exclusive", "wait");
    let start = Instant::now();
    let answer = stand.module.client.open_ro_session(slot).and_then(|session| {
        session.login(UserType::User, Some(&pin(Key::Auth.pin())))?;
        Ok(session)
    });
    let took = start.elapsed();
    assert!(outcome(answer).is_err(), "a login at a card that somebody else has for himself");
    assert!(took < Duration::from_secs(6), "it took {took:?}");
    assert!(stand.module.client.get_slot_info(slot).is_ok());
    holder.end();
    stand.module.logged_in(Key::Auth).sign_well().expect("the next call works");
}

#[test]
fn a_card_that_is_kept_when_the_program_starts_is_recognised_later() {
    let stand = Stand::new();
    let holder = holder("exclusive", "wait");
    let slot = stand.module.slot(Reader::First, Key::Auth);
    let start = Instant::now();
    let answer = outcome(stand.module.client.get_token_info(slot).map(|_| ()));
    assert!(answer.is_err());
    assert!(start.elapsed() < Duration::from_secs(6), "it took {:?}", start.elapsed());
    // Looking again and again is cheap meanwhile.
    let start = Instant::now();
    for _ in 0..10 {
        let _ = stand.module.client.get_slot_info(slot);
    }
    assert!(start.elapsed() < Duration::from_secs(6), "ten looks took {:?}", start.elapsed());
    holder.end();
    jpki_end_to_end::wait_until("the card is recognised", || stand.module.client.get_token_info(slot).is_ok());
    stand.module.logged_in(Key::Auth).sign_well().unwrap();
}

#[test]
fn other_programs_can_have_the_card_for_themselves_when_we_have_no_session() {
    let stand = Stand::new();
    let session = stand.module.logged_in(Key::Auth);
    session.sign_well().unwrap();
    session.close().unwrap();
    // Panics where it is refused.
    let answers = {
        let mut other = Helper::start("raw-apdu", &[Reader::First.name(), "exclusive", SELECT_JPKI]);
        let line = other.line();
        other.end();
        line
    };
    assert_eq!(answers, "9000");
}

#[test]
fn two_programs_with_the_module_sign_by_turns() {
    let stand = Stand::new();
    let session = stand.module.logged_in(Key::Auth);
    for key in Key::ALL {
        let mut other = Helper::start("module-user", &["loop", key.name()]);
        other.expect("ready");
        for _ in 0..15 {
            session.sign_well().expect("the other program's signatures do not disturb ours");
        }
        assert!(other.is_running(), "our signatures have disturbed the other program's");
        // Not killed: that would be in a transaction, perhaps.
        drop(other);
    }
}

#[test]
fn a_card_that_fails_now_and_then() {
    let stand = Stand::new();
    for key in Key::ALL {
        let session = stand.module.logged_in(key);
        for status_word in ["6F00", "6581", "6E00", "6985"] {
            stand.card.control(&format!("answer-ins 2A 1 {status_word}"));
            let answer = outcome(session.sign_with_key(&Mechanism::Sha256RsaPkcs, b"data").map(|_| ()));
            assert!(
                matches!(answer, Err(RvError::DeviceError | RvError::FunctionFailed)),
                "{key:?}, {status_word}: {answer:?}"
            );
            assert_eq!(stand.card.state().verified, "", "{key:?}, {status_word}");
            session.sign_well().unwrap_or_else(|error| panic!("{key:?} after {status_word}: {error}"));
        }
        // A signature of half the length, and an answer that is no answer.
        stand.card.control(&format!("answer-ins 2A 1 {}9000", "11".repeat(128)));
        assert_eq!(outcome(session.sign_well()), Err(RvError::DeviceError));
        session.sign_well().unwrap();
    }
}
