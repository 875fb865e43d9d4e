//! `always-authenticate`: each signature with the signing key asks for its PIN anew.

use std::thread;

use cryptoki_sys::*;
use jpki_pkcs11::core::{Error, PinEntry};
use jpki_pkcs11::settings::{LastTry, Settings};
use jpki_virtual_card::{Options, PinKind};

use super::{Program, plain};
use crate::machine::Fate;
use crate::support::{AUTH, READER, SIGN, assert_locked, pin, pins_sent, token_of};

fn program() -> Program {
    Program::with(Options::default(), Settings { always_authenticate: true, ..Settings::default() })
}

/// A signature that has begun and waits for its PIN.
fn begun(program: &Program, session: CK_SESSION_HANDLE) {
    let key = program.object(session, CKO_PRIVATE_KEY);
    program.sign_init(session, plain(CKM_SHA256_RSA_PKCS), key).expect("a key");
}

fn reauthenticate(program: &Program, session: CK_SESSION_HANDLE, pin: &[u8]) -> Result<(), Error> {
    program.login(session, CKU_CONTEXT_SPECIFIC, pin)
}

#[test]
fn each_signature_wants_the_pin() {
    let program = program();
    let session = program.open_logged_in(SIGN);
    let key = program.object(session, CKO_PRIVATE_KEY);
    assert_eq!(program.value(session, key, CKA_ALWAYS_AUTHENTICATE), [CK_TRUE]);
    for _ in 0..2 {
        begun(&program, session);
        assert_eq!(reauthenticate(&program, session, pin(SIGN)), Ok(()));
        assert_locked(&program.machine, "after the second PIN");
        assert!(program.sign_final(session, b"data").is_ok());
        assert_locked(&program.machine, "after the signature");
        begun(&program, session);
        let sent = pins_sent(&program.card);
        assert_eq!(
            program.sign_final(session, b"data").map(|_| ()),
            Err(Error::UserNotLoggedIn),
            "not without the PIN"
        );
        assert_eq!(pins_sent(&program.card), sent, "the card got no PIN");
    }
    assert_eq!(program.session_info(session).expect("open").state, CKS_RW_USER_FUNCTIONS, "the login lasts");
}

#[test]
fn the_authentication_key_does_not() {
    let program = program();
    let session = program.open_logged_in(AUTH);
    let key = program.object(session, CKO_PRIVATE_KEY);
    assert_eq!(program.value(session, key, CKA_ALWAYS_AUTHENTICATE), [CK_FALSE]);
    assert!(program.sign(session, plain(CKM_RSA_PKCS), b"x").is_ok());
    begun(&program, session);
    assert_eq!(reauthenticate(&program, session, pin(AUTH)), Err(Error::OperationNotInitialized));
}

#[test]
fn a_confirmation_belongs_to_a_signature_under_way() {
    let program = program();
    let session = program.open_logged_in(SIGN);
    assert_eq!(reauthenticate(&program, session, pin(SIGN)), Err(Error::OperationNotInitialized));
    let other = program.open(SIGN);
    begun(&program, session);
    assert_eq!(reauthenticate(&program, other, pin(SIGN)), Err(Error::OperationNotInitialized), "another session's");
    assert_eq!(reauthenticate(&program, session, pin(SIGN)), Ok(()));
    assert_eq!(reauthenticate(&program, session, pin(SIGN)), Err(Error::OperationNotInitialized), "once per signature");
    assert!(program.sign_final(session, b"data").is_ok());
    let key = program.object(session, CKO_PRIVATE_KEY);
    program.sign_recover_init(session, plain(CKM_RSA_PKCS), key).expect("a key");
    assert_eq!(reauthenticate(&program, session, pin(SIGN)), Ok(()));
    assert!(program.sign_recover(session, b"data").is_ok());
}

#[test]
fn a_wrong_confirmation_signs_nothing() {
    let program = program();
    let session = program.open_logged_in(SIGN);
    begun(&program, session);
    for _ in 0..5 {
        assert_eq!(reauthenticate(&program, session, b"WRONG9"), Err(Error::PinIncorrect));
    }
    assert_eq!(reauthenticate(&program, session, b"short"), Err(Error::PinIncorrect));
    assert_eq!(program.card.card().tries_left(PinKind::Signature), 4, "one try for one wrong PIN");
    assert_eq!(reauthenticate(&program, session, pin(SIGN)), Ok(()), "the signature still waits");
    assert!(program.sign_final(session, b"data").is_ok());
}

#[test]
fn a_locked_pin_logs_the_user_out() {
    for settings in [
        Settings { always_authenticate: true, ..Settings::default() },
        Settings { always_authenticate: true, last_try: LastTry::Spare, ..Settings::default() },
    ] {
        let spared = u8::from(settings.last_try == LastTry::Spare);
        let program = Program::with(Options::default(), settings);
        let session = program.open_logged_in(SIGN);
        begun(&program, session);
        // Another program has left only one try.
        program.card.card().set_tries_left(PinKind::Signature, 1);
        assert_eq!(reauthenticate(&program, session, b"WRONG9"), Err(Error::PinLocked));
        assert_eq!(program.card.card().tries_left(PinKind::Signature), spared);
        assert_eq!(program.session_info(session).expect("open").state, CKS_RW_PUBLIC_SESSION);
        assert_eq!(program.sign_final(session, b"data").map(|_| ()), Err(Error::OperationNotInitialized));
        assert_locked(&program.machine, "after the logout");
    }
}

#[test]
fn a_logout_during_a_confirmation_is_a_logout() {
    let (machine, _card, token) = token_of(Options::default(), SIGN);
    assert_eq!(token.login(PinEntry::Typed(pin(SIGN))), Ok(()));
    let (sender, receiver) = std::sync::mpsc::channel();
    machine.intercept(READER, {
        let token = std::sync::Arc::clone(&token);
        move |command| {
            if command[1] == 0x20 && command.len() > 4 && token.is_logged_in() {
                // The user logs out while the card compares the PIN.
                let logout = thread::spawn({
                    let token = std::sync::Arc::clone(&token);
                    move || token.logout()
                });
                while token.is_logged_in() {
                    thread::yield_now();
                }
                sender.send(logout).expect("somebody listens");
            }
            Fate::Arrives
        }
    });
    let _ = token.reauthenticate(PinEntry::Typed(pin(SIGN)));
    let logout = receiver.recv().expect("a logout");
    assert_eq!(logout.join().expect("no panic"), Ok(()));
    assert!(!token.is_logged_in(), "the second PIN has brought the login back");
}
