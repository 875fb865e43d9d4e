//! Other programs at the same card, between our calls and while we wait for them.

use std::time::{Duration, Instant};

use cryptoki::error::RvError;
use cryptoki::mechanism::Mechanism;
use cryptoki::object::ObjectClass;
use cryptoki::session::UserType;
use jpki_end_to_end::{Helper, Key, Objects, Reader, Stand, bystander, outcome, pin, raw_apdu};

const SELECT_JPKI: &str = "00A4040C0AD392F000260100000001";
const SELECT_OTHER: &str = "00A4040C0AD3921000310001010100";

/// Another program that has the card exclusively or in a transaction, for a time or until the test ends the program.
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
            session.sign_well().expect("the module does not rely on the selected application");
        }
        session.logout().unwrap();
        assert_eq!(raw_apdu(Reader::First, &[SELECT_OTHER]), ["9000"]);
        session.login(UserType::User, Some(&pin(key.pin()))).unwrap();
        session.sign_well().unwrap();
    }
}

#[test]
fn another_program_leaves_the_card_unlocked() {
    // The module does not use another program's PIN: a signature needs a login of its own.
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
    // The module knows the card, but no session keeps a connection to it.
    let slot = stand.module.slot(Reader::First, Key::Auth);
    stand.module.client.get_token_info(slot).unwrap();
    let holder = holder("exclusive", "wait");
    let start = Instant::now();
    let answer = stand.module.client.open_ro_session(slot).and_then(|session| {
        session.login(UserType::User, Some(&pin(Key::Auth.pin())))?;
        Ok(session)
    });
    let took = start.elapsed();
    assert!(outcome(answer).is_err(), "a login at a card that another program has exclusively");
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
    // Meanwhile, repeated calls are cheap.
    let start = Instant::now();
    for _ in 0..10 {
        let _ = stand.module.client.get_slot_info(slot);
    }
    assert!(start.elapsed() < Duration::from_secs(6), "ten calls took {:?}", start.elapsed());
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
    // Panics if pcscd refuses the connection.
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
        // Its drop kills it, perhaps in a transaction.
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
        // A signature of half the length.
        stand.card.control(&format!("answer-ins 2A 1 {}9000", "11".repeat(128)));
        assert_eq!(outcome(session.sign_well()), Err(RvError::DeviceError));
        session.sign_well().unwrap();
    }
}
