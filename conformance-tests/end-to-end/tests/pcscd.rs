//! pcscd ends and starts again.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use cryptoki::error::RvError;
use cryptoki::mechanism::Mechanism;
use cryptoki::session::Session;
use jpki_end_to_end::{
    Key, Module, Objects, Reader, Stand, Turn, VirtualCard, is, is_asleep, outcome, restart_pcscd, thread_id,
};

/// Finds the key and signs. Either may fail.
fn sign(session: &Session) -> cryptoki::error::Result<Vec<u8>> {
    session.sign_with_key(&Mechanism::Sha256RsaPkcs, b"data")
}

#[test]
fn in_a_private_stack_pcscd_is_killed_and_started_again() {
    let stand = Stand::new();
    let slot = stand.module.slot(Reader::First, Key::Auth);
    let session = stand.module.logged_in(Key::Auth);
    session.sign_well().unwrap();
    restart_pcscd(|| {
        // Without pcscd no call crashes or hangs.
        is(sign(&session), RvError::SessionHandleInvalid);
        is(stand.module.client.get_token_info(slot), RvError::TokenNotPresent);
        assert!(!stand.module.client.get_slot_info(slot).unwrap().token_present());
        assert!(stand.module.client.get_slots_with_token().unwrap().is_empty());
    });
    Reader::First.wait(true);
    is(session.get_session_info(), RvError::SessionHandleInvalid);
    stand.module.logged_in(Key::Auth).sign_well().expect("the same process goes on with the new pcscd");
}

#[test]
fn in_a_private_stack_pcscd_is_restarted_while_nobody_looked() {
    let stand = Stand::new();
    let session = stand.module.logged_in(Key::Sign);
    session.sign_well().unwrap();
    restart_pcscd(|| {});
    Reader::First.wait(true);
    stand.card.clear();
    // A login ends with the pcscd that it was made through; a new login works.
    is(sign(&session), RvError::SessionHandleInvalid);
    stand.module.logged_in(Key::Sign).sign_well().expect("the same process goes on with the new pcscd");
}

#[test]
fn in_a_private_stack_the_module_is_initialized_without_pcscd() {
    let _turn = Turn::take();
    let mut module = None;
    restart_pcscd(|| {
        let started = Module::start();
        assert!(started.client.get_slots_with_token().unwrap().is_empty());
        module = Some(started);
    });
    let _card = VirtualCard::start(Reader::First, &[]);
    module.unwrap().logged_in(Key::Auth).sign_well().expect("pcscd may come later than the program");
}

#[test]
fn in_a_private_stack_pcscd_is_killed_in_the_middle_of_a_signature() {
    let stand = Stand::with(&["--sign-delay-ms", "2000"]);
    let session = stand.module.logged_in(Key::Auth);
    session.certificate();
    thread::scope(|scope| {
        let (send, receive) = mpsc::channel();
        let signing = scope.spawn(move || {
            send.send(thread_id()).unwrap();
            outcome(sign(&session))
        });
        let calling = receive.recv().unwrap();
        // The commands before the signature take a few milliseconds, the signature two seconds.
        thread::sleep(Duration::from_millis(250));
        assert!(is_asleep(calling) && !signing.is_finished(), "the card does not sign");
        let mut answer = None;
        restart_pcscd(|| answer = Some(signing.join().unwrap()));
        assert!(answer.unwrap().is_err(), "a signature through a dead service");
    });
    Reader::First.wait(true);
    stand.module.logged_in(Key::Auth).sign_well().expect("the same process goes on with the new pcscd");
}
