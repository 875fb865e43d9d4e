//! Sessions, login and logout, and cards that are removed in between.

use cryptoki_sys::*;
use jpki_pkcs11::core::Error;
use jpki_pkcs11::settings::Settings;
use jpki_pkcs11::token::KeyPair;
use jpki_virtual_card::Options;

use super::{AUTH_SLOT, Filter, Program, READ_WRITE, SIGN_SLOT, module_on, plain, slot_of};
use crate::machine::Fate;
use crate::support::{AUTH, READER, SIGN, assert_locked, machine_with, other_plastic, pin, pins_sent, plastic};

#[test]
fn opening_says_what_it_does_not_like() {
    let program = Program::new();
    assert_eq!(program.open_session(AUTH_SLOT, 0), Err(Error::SessionParallelNotSupported));
    assert_eq!(program.open_session(AUTH_SLOT, CKF_RW_SESSION), Err(Error::SessionParallelNotSupported));
    assert_eq!(program.open_session(AUTH_SLOT, CKF_SERIAL_SESSION | 0x8000), Err(Error::ArgumentsBad));
    assert_eq!(program.open_session(99, READ_WRITE), Err(Error::SlotIdInvalid));
}

#[test]
fn a_session_tells_its_state() {
    let program = Program::new();
    let read_only = program.open_session(AUTH_SLOT, CKF_SERIAL_SESSION).expect("a session");
    let read_write = program.open(AUTH);
    let other_slot = program.open(SIGN);
    let state = |session| program.session_info(session).expect("a session").state;
    assert_eq!((state(read_only), state(read_write)), (CKS_RO_PUBLIC_SESSION, CKS_RW_PUBLIC_SESSION));
    program.login(read_only, CKU_USER, pin(AUTH)).expect("the right PIN");
    assert_eq!((state(read_only), state(read_write)), (CKS_RO_USER_FUNCTIONS, CKS_RW_USER_FUNCTIONS));
    assert_eq!(state(other_slot), CKS_RW_PUBLIC_SESSION, "each token has its own login");
    program.logout(read_write).expect("logged in");
    assert_eq!((state(read_only), state(read_write)), (CKS_RO_PUBLIC_SESSION, CKS_RW_PUBLIC_SESSION));
    let info = program.session_info(read_write).expect("a session");
    assert_eq!((info.slotID, info.flags, info.ulDeviceError), (AUTH_SLOT, READ_WRITE, 0));
    assert_eq!(program.session_info(read_only).expect("a session").flags, CKF_SERIAL_SESSION);
}

#[test]
fn login_rules() {
    let program = Program::new();
    let session = program.open(AUTH);
    assert_eq!(program.logout(session), Err(Error::UserNotLoggedIn));
    assert_eq!(program.login(session, CKU_SO, pin(AUTH)), Err(Error::UserTypeInvalid), "the card has none");
    let read_only = program.open_session(AUTH_SLOT, CKF_SERIAL_SESSION).expect("a session");
    assert_eq!(program.login(session, CKU_SO, pin(AUTH)), Err(Error::SessionReadOnlyExists));
    program.close_session(read_only).expect("open");
    assert_eq!(program.login(session, 99, pin(AUTH)), Err(Error::UserTypeInvalid));
    assert_eq!(program.login(session, CKU_USER, b""), Err(Error::PinIncorrect));
    assert_eq!(program.login(session, CKU_USER, b"12345"), Err(Error::PinIncorrect));
    assert_eq!(pins_sent(&program.card), 0);
    assert_eq!(program.login(session, CKU_USER, pin(AUTH)), Ok(()));
    assert_eq!(program.login(session, CKU_USER, pin(AUTH)), Err(Error::UserAlreadyLoggedIn));
    assert_eq!(program.login(session, CKU_SO, pin(AUTH)), Err(Error::UserAnotherAlreadyLoggedIn));
    assert_eq!(program.login(99, CKU_USER, pin(AUTH)), Err(Error::SessionHandleInvalid));
}

#[test]
fn the_last_session_takes_the_login_with_it() {
    for key_pair in KeyPair::ALL {
        let program = Program::new();
        let (first, second) = (program.open_logged_in(key_pair), program.open(key_pair));
        program.close_session(first).expect("open");
        assert_eq!(program.close_session(first), Err(Error::SessionHandleInvalid));
        assert_eq!(program.session_info(second).expect("open").state, CKS_RW_USER_FUNCTIONS);
        program.close_session(second).expect("open");
        assert_locked(&program.machine, "after the last session");
        assert_eq!(program.machine.connections(), 0, "the reader is free for other programs");
        let third = program.open(key_pair);
        assert_eq!(program.session_info(third).expect("open").state, CKS_RW_PUBLIC_SESSION);
        assert!(third > second, "a handle is never given twice");
        program.login(third, CKU_USER, pin(key_pair)).expect("the right PIN");
        program.close_all_sessions(slot_of(key_pair)).expect("a slot");
        assert_eq!(program.session_info(third).map(|_| ()), Err(Error::SessionHandleInvalid));
        assert_locked(&program.machine, "after all sessions");
    }
}

#[test]
fn closing_the_sessions_of_one_slot_leaves_the_other() {
    let program = Program::new();
    let (auth, sign) = (program.open_logged_in(AUTH), program.open_logged_in(SIGN));
    program.close_all_sessions(AUTH_SLOT).expect("a slot");
    assert_eq!(program.session_info(auth).map(|_| ()), Err(Error::SessionHandleInvalid));
    assert_eq!(program.session_info(sign).expect("open").state, CKS_RW_USER_FUNCTIONS);
    assert!(program.sign(sign, plain(CKM_SHA256_RSA_PKCS), b"data").is_ok());
    assert_eq!(program.close_all_sessions(99), Err(Error::SlotIdInvalid));
}

#[test]
fn a_bounded_number_of_sessions() {
    let program = Program::new();
    let most = program.token_info(AUTH_SLOT).expect("a token").ulMaxSessionCount;
    let sessions: Vec<_> = (0..most).map(|_| program.open(AUTH)).collect();
    assert_eq!(program.open_session(AUTH_SLOT, READ_WRITE), Err(Error::SessionCount));
    program.open(SIGN);
    program.close_session(sessions[0]).expect("open");
    program.open(AUTH);
}

#[test]
fn finalize_ends_everything() {
    let program = Program::new();
    let session = program.open_logged_in(SIGN);
    program.finalize();
    assert_eq!(program.session_info(session).map(|_| ()), Err(Error::SessionHandleInvalid));
    assert_locked(&program.machine, "after C_Finalize");
    assert_eq!(program.machine.connections(), 0);
}

#[test]
fn a_card_that_goes_closes_its_sessions() {
    for key_pair in KeyPair::ALL {
        let program = Program::new();
        let (one, other) = (program.open_logged_in(key_pair), program.open(key_pair));
        program.machine.remove(READER);
        assert_eq!(program.close_session(one), Err(Error::SessionHandleInvalid), "the first call reports it as well");
        assert_eq!(program.session_info(other).map(|_| ()), Err(Error::SessionHandleInvalid));
        assert_eq!(program.slot_ids(true, true), [0; 0]);
        assert_eq!(program.token_info(slot_of(key_pair)).map(|_| ()), Err(Error::TokenNotPresent));
        assert_eq!(program.machine.connections(), 0);
    }
}

#[test]
fn a_card_that_is_swapped_closes_its_sessions() {
    let program = Program::new();
    let session = program.open_logged_in(AUTH);
    let key = program.object(session, CKO_PRIVATE_KEY);
    let second_card = other_plastic();
    program.machine.swap(READER, &second_card);
    assert_eq!(program.sign_init(session, plain(CKM_RSA_PKCS), key), Err(Error::SessionHandleInvalid));
    assert_eq!(pins_sent(&second_card), 0);
    let session = program.open(AUTH);
    assert_eq!(program.session_info(session).expect("open").state, CKS_RW_PUBLIC_SESSION);
    assert_eq!(program.attributes(session, key).map(|_| ()), Err(Error::ObjectHandleInvalid), "an old handle");
    program.login(session, CKU_USER, pin(AUTH)).expect("the right PIN");
    assert_eq!(program.sign_init(session, plain(CKM_RSA_PKCS), key), Err(Error::KeyHandleInvalid), "an old handle");
}

#[test]
fn a_card_that_goes_in_the_middle_of_operations() {
    let program = Program::new();
    let session = program.open_logged_in(AUTH);
    program.sign_init(session, plain(CKM_SHA256_RSA_PKCS), program.object(session, CKO_PRIVATE_KEY)).expect("a key");
    program.sign_update(session, b"part").expect("an operation");
    program.digest_init(session, plain(CKM_SHA256)).expect("a mechanism");
    program.find_objects_init(session, &Filter::new()).expect("a search");
    let card = program.machine.remove(READER);
    assert_eq!(program.sign_final(session, b"").map(|_| ()), Err(Error::SessionHandleInvalid));
    assert_eq!(program.digest_update(session, b"x"), Err(Error::SessionHandleInvalid));
    assert_eq!(program.find_objects(session, 1), Err(Error::SessionHandleInvalid));
    program.machine.insert(READER, &card);
    assert_eq!(
        program.session_info(session).map(|_| ()),
        Err(Error::SessionHandleInvalid),
        "the card is back, the session is not"
    );
    assert_locked(&program.machine, "after the card came back");
}

#[test]
fn a_card_that_is_pulled_out_during_a_signature() {
    for at in 0..3 {
        let program = Program::new();
        let session = program.open_logged_in(AUTH);
        program.sign_init(session, plain(CKM_RSA_PKCS), program.object(session, CKO_PRIVATE_KEY)).expect("a key");
        program.machine.pull_at(READER, at);
        assert_eq!(program.sign_final(session, b"x").map(|_| ()), Err(Error::DeviceRemoved), "pulled at {at}");
        program.machine.intercept_no_more(READER);
        assert_eq!(program.session_info(session).map(|_| ()), Err(Error::SessionHandleInvalid));
        program.machine.insert(READER, &program.card);
        assert_locked(&program.machine, "after the card came back");
        let session = program.open_logged_in(AUTH);
        assert!(program.sign(session, plain(CKM_RSA_PKCS), b"x").is_ok());
    }
}

#[test]
fn two_threads_begin_the_same_operation_in_one_session() {
    let program = Program::new();
    let session = program.open(AUTH);
    // The module reads the certificate for the first of them; both begin before there is a search.
    let (reads, reading) = std::sync::mpsc::channel();
    let mut first = true;
    program.machine.intercept(READER, move |command| {
        if first && command.get(1) == Some(&0xB0) {
            first = false;
            reads.send(()).expect("the test");
            std::thread::sleep(std::time::Duration::from_millis(200));
        }
        Fate::Arrives
    });
    let filter = vec![(CKA_VALUE, vec![0])];
    let begin = || program.find_objects_init(session, &filter);
    let answers = std::thread::scope(|scope| {
        let one = scope.spawn(begin);
        reading.recv().expect("the certificate is read");
        let other = scope.spawn(begin);
        [one, other].map(|thread| thread.join().expect("no panic"))
    });
    // Either of them may win.
    assert!(answers.contains(&Ok(())) && answers.contains(&Err(Error::OperationActive)), "{answers:?}");
}

#[test]
fn a_session_handle_is_never_used_again() {
    let machine = machine_with(&plastic(Options::default()));
    let module = module_on(&machine, Settings::default());
    let first = module.open_session(AUTH_SLOT, READ_WRITE).expect("a session");
    module.finalize();
    // Like C_Finalize and C_Initialize.
    let module = module_on(&machine, Settings::default());
    let second = module.open_session(SIGN_SLOT, READ_WRITE).expect("a session");
    assert!(second > first);
    assert_eq!(module.call(first).map(|_| ()), Err(Error::SessionHandleInvalid));
}

#[test]
fn logout_in_the_middle_of_operations() {
    for key_pair in KeyPair::ALL {
        let program = Program::new();
        let session = program.open_logged_in(key_pair);
        let other = program.open(key_pair);
        let key = program.object(session, CKO_PRIVATE_KEY);
        for one in [session, other] {
            program.sign_init(one, plain(CKM_SHA256_RSA_PKCS), key).expect("a key");
            program.sign_update(one, b"part").expect("an operation");
            program.find_objects_init(one, &Filter::new()).expect("a search");
            program.digest_init(one, plain(CKM_SHA256)).expect("a mechanism");
        }
        program.logout(other).expect("logged in");
        for one in [session, other] {
            assert_eq!(program.sign_final(one, b"").map(|_| ()), Err(Error::OperationNotInitialized));
            assert_eq!(program.find_objects(one, 1), Err(Error::OperationNotInitialized));
            assert_eq!(program.digest_final(one, b"").map(|digest| digest.len()), Ok(32), "a digest needs no login");
            assert_eq!(program.sign_init(one, plain(CKM_SHA256_RSA_PKCS), key), Err(Error::UserNotLoggedIn));
        }
        assert_locked(&program.machine, "after logout");
    }
}

#[test]
fn a_pin_is_changed_with_a_read_write_session() {
    for (key_pair, new) in [(AUTH, b"4321".as_slice()), (SIGN, b"new5678")] {
        let program = Program::new();
        let read_only = program.open_session(slot_of(key_pair), CKF_SERIAL_SESSION).expect("a session");
        let session = program.open(key_pair);
        assert_eq!(program.set_pin(read_only, pin(key_pair), new), Err(Error::SessionReadOnly));
        assert_eq!(program.set_pin(session, pin(key_pair), b"1"), Err(Error::PinLenRange));
        assert_eq!(
            program.set_pin(session, pin(key_pair), if key_pair == AUTH { b"12a4" } else { b"ABC-12" }),
            Err(Error::PinInvalid)
        );
        assert_eq!(program.set_pin(session, b"9", new), Err(Error::PinIncorrect));
        assert_eq!(pins_sent(&program.card), 0, "these were refused without the card");
        assert_eq!(program.set_pin(session, pin(key_pair), new), Ok(()));
        assert_locked(&program.machine, "after C_SetPIN");
        assert_eq!(program.login(session, CKU_USER, pin(key_pair)), Err(Error::PinIncorrect));
        assert_eq!(program.login(session, CKU_USER, new), Ok(()));
    }
}

#[test]
fn a_pin_that_was_changed_elsewhere_logs_out() {
    let program = Program::new();
    let session = program.open_logged_in(AUTH);
    program.card.card().set_pin(jpki_virtual_card::PinKind::Authentication, "8888");
    assert_eq!(program.sign(session, plain(CKM_RSA_PKCS), b"x"), Err(Error::UserNotLoggedIn));
    assert_eq!(program.session_info(session).expect("open").state, CKS_RW_PUBLIC_SESSION);
    assert_eq!(program.card.card().tries_left(jpki_virtual_card::PinKind::Authentication), 2);
    assert_eq!(program.login(session, CKU_USER, b"8888"), Ok(()));
}

#[test]
fn random_bytes_come_from_the_card() {
    let program = Program::new();
    let session = program.open(AUTH);
    let (first, second) = (program.random(session, 300), program.random(session, 300));
    assert!(first.is_ok_and(|first| first.len() == 300 && second.is_ok_and(|second| *first != *second)));
    program.machine.remove(READER);
    assert_eq!(program.random(session, 8).map(|_| ()), Err(Error::SessionHandleInvalid));
}

#[test]
fn the_service_stops_and_starts() {
    let program = Program::with_card(Options::default());
    let session = program.open_logged_in(AUTH);
    program.machine.stop_service();
    assert_eq!(program.session_info(session).map(|_| ()), Err(Error::SessionHandleInvalid));
    assert_eq!(program.slot_ids(true, true), [0; 0]);
    assert_eq!(program.slot_ids(false, true), [AUTH_SLOT, SIGN_SLOT]);
    assert_eq!(program.open_session(AUTH_SLOT, READ_WRITE), Err(Error::TokenNotPresent));
    program.machine.start_service();
    let session = program.open_logged_in(AUTH);
    assert!(program.sign(session, plain(CKM_RSA_PKCS), b"x").is_ok());
}

#[test]
fn operations_are_cancelled_by_name() {
    let program = Program::new();
    let session = program.open_logged_in(AUTH);
    let start = || {
        program
            .sign_init(session, plain(CKM_SHA256_RSA_PKCS), program.object(session, CKO_PRIVATE_KEY))
            .expect("a key");
        program
            .verify_init(session, plain(CKM_SHA256_RSA_PKCS), program.object(session, CKO_PUBLIC_KEY))
            .expect("a key");
        program.digest_init(session, plain(CKM_SHA256)).expect("a mechanism");
        program.find_objects_init(session, &Filter::new()).expect("a search");
    };
    let under_way = || {
        [
            program.sign_update(session, b"x").is_ok(),
            program.verify_update(session, b"x").is_ok(),
            program.digest_update(session, b"x").is_ok(),
            program.find_objects(session, 1).is_ok(),
        ]
    };
    start();
    assert_eq!(under_way(), [true; 4]);
    program.session_cancel(session, 0).expect("open");
    assert_eq!(under_way(), [true; 4]);
    program.session_cancel(session, CKF_SIGN | CKF_DIGEST | CKF_ENCRYPT).expect("open");
    assert_eq!(under_way(), [false, true, false, true]);
    program.session_cancel(session, CKF_VERIFY | CKF_FIND_OBJECTS).expect("open");
    assert_eq!(under_way(), [false; 4]);
    start();
    assert_eq!(program.session_cancel(99, CKF_SIGN), Err(Error::SessionHandleInvalid));
}

#[test]
fn a_card_pulled_out_in_the_middle_of_a_call_is_removed() {
    // The handle was resolved before the removal, so only the card's work notices it. The next call has no session.
    let program = Program::new();
    let session = program.open_logged_in(AUTH);
    let key = program.object(session, CKO_PRIVATE_KEY);
    program.sign_init(session, plain(CKM_RSA_PKCS), key).expect("a key");
    let call = program.module.call(session).expect("open");
    program.machine.remove(READER);
    assert_eq!(call.sign_final(b"data").map(|_| ()), Err(Error::DeviceRemoved));
    assert_eq!(program.session_info(session).map(|_| ()), Err(Error::SessionHandleInvalid));
}
