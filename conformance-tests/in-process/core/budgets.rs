//! What the work costs, counted at the card: the reader is the slow part, and a kilobyte takes a second at 9600 baud.

use cryptoki_sys::*;
use jpki_pkcs11::core::Data;
use jpki_pkcs11::settings::Settings;
use jpki_pkcs11::token::KeyPair;
use jpki_virtual_card::Options;

use super::{AUTH_SLOT, Program, READ_WRITE, SIGN_SLOT, module_on, plain, slot_of};
use crate::machine::Cost;
use crate::support::{AUTH, SIGN, machine_with, pin, plastic};

/// `--nocapture` shows the figures.
fn within(name: &str, cost: Cost, apdus: usize, bytes: usize) {
    println!("{name}: {} APDUs (at most {apdus}), {} bytes (at most {bytes})", cost.apdus, cost.bytes);
    assert!(cost.apdus <= apdus && cost.bytes <= bytes, "{name}: {cost:?}, more than {apdus} APDUs or {bytes} bytes");
}

#[test]
fn from_the_start_to_the_second_signature() {
    for key_pair in KeyPair::ALL {
        let card = plastic(Options::default());
        let machine = machine_with(&card);
        let (module, start) = machine.cost_of(|| module_on(&machine, Settings::default()));
        within("C_Initialize", start, 0, 0);
        let program = Program { machine: machine.clone(), card, module };

        let ((), list) = machine.cost_of(|| {
            assert_eq!(program.slot_ids(true, true), [AUTH_SLOT, SIGN_SLOT]);
            assert!(program.token_info(AUTH_SLOT).is_ok() && program.token_info(SIGN_SLOT).is_ok());
        });
        within("first slot list and both token infos", list, 6, 200);

        let slot = slot_of(key_pair);
        let (session, work) = machine.cost_of(|| {
            let session = program.open_session(slot, READ_WRITE).expect("a session");
            program.login(session, CKU_USER, pin(key_pair)).expect("the right PIN");
            let certificate = program.object(session, CKO_CERTIFICATE);
            let id = program.value(session, certificate, CKA_ID);
            program.value(session, certificate, CKA_VALUE);
            let key = program.object(session, CKO_PRIVATE_KEY);
            assert_eq!(program.value(session, key, CKA_ID), id);
            program.sign_init(session, plain(CKM_SHA256_RSA_PKCS), key).expect("a key");
            assert_eq!(program.signature_length(session, Data::Whole), Ok(256));
            assert!(program.sign_final(session, b"data").is_ok());
            session
        });
        let whole = Cost { apdus: list.apdus + work.apdus, bytes: list.bytes + work.bytes };
        within(&format!("{key_pair:?}: list, certificate and key, login, signature"), whole, 21, 2400);

        for _ in 0..3 {
            let (_, more) = machine.cost_of(|| program.sign(session, plain(CKM_SHA256_RSA_PKCS), b"more"));
            within(&format!("{key_pair:?}: a further signature"), more, 4, 400);
        }
        let (answer, end) = machine.cost_of(|| program.logout(session));
        assert_eq!(answer, Ok(()));
        within(&format!("{key_pair:?}: C_Logout"), end, 2, 100);
        let ((), end) = machine.cost_of(|| program.finalize());
        within("C_Finalize", end, 0, 0);
    }
}

#[test]
fn the_certificate_before_the_login() {
    // As ssh and browsers do it: find the certificate first, then log in.
    let program = Program::new();
    let ((), cost) = program.machine.cost_of(|| {
        let _ = program.slot_ids(true, true);
        let session = program.open(AUTH);
        program.value(session, program.object(session, CKO_CERTIFICATE), CKA_VALUE);
        program.login(session, CKU_USER, pin(AUTH)).expect("the right PIN");
        assert!(program.sign(session, plain(CKM_RSA_PKCS), b"data").is_ok());
    });
    within("certificate, then login and signature", cost, 21, 2400);
}

#[test]
fn polling_costs_nothing() {
    let program = Program::new();
    let sessions = [program.open_logged_in(AUTH), program.open_logged_in(SIGN)];
    sessions.iter().for_each(|session| drop(program.classes(*session)));
    program.token_info(AUTH_SLOT).expect("a token");
    program.token_info(SIGN_SLOT).expect("a token");
    let connects = program.machine.connects();
    let ((), cost) = program.machine.cost_of(|| {
        for _ in 0..50 {
            let _ = program.slot_ids(false, true);
            let _ = program.slot_ids(true, true);
            for slot in [AUTH_SLOT, SIGN_SLOT] {
                program.slot_info(slot).expect("a slot");
                program.token_info(slot).expect("a token");
                program.mechanisms(slot).expect("a token");
            }
            for session in sessions {
                program.session_info(session).expect("a session");
                program.classes(session);
            }
            let _ = program.wait_for_slot_event(false);
        }
    });
    assert_eq!(cost, Cost::default());
    assert_eq!(program.machine.connects(), connects);
}

#[test]
fn polling_a_reader_without_a_my_number_card_costs_nothing() {
    let program = Program::with_card(Options { not_my_number_card: true, ..Options::default() });
    let _ = program.slot_ids(true, true);
    let connects = program.machine.connects();
    let ((), cost) = program.machine.cost_of(|| {
        for _ in 0..50 {
            assert_eq!(program.slot_ids(true, true), [0; 0]);
            program.slot_info(AUTH_SLOT).expect("a slot");
            program.token_info(AUTH_SLOT).expect_err("no token");
        }
    });
    assert_eq!((cost, program.machine.connects()), (Cost::default(), connects));
}

#[test]
fn cards_that_know_fewer_forms_cost_a_little_more() {
    let program = Program::with_card(Options { short_identifiers: false, ..Options::default() });
    let session = program.open_logged_in(AUTH);
    program.sign(session, plain(CKM_RSA_PKCS), b"data").expect("a signature");
    let (_, cost) = program.machine.cost_of(|| program.sign(session, plain(CKM_RSA_PKCS), b"data"));
    within("a further signature without short identifiers", cost, 6, 450);
}

#[test]
fn a_call_in_a_session_asks_the_reader_once() {
    let program = Program::new();
    let session = program.open_logged_in(AUTH);
    let key = program.object(session, CKO_PRIVATE_KEY);
    let questions = |work: &dyn Fn()| program.machine.presence_questions_of(work);
    assert_eq!(questions(&|| assert!(program.session_info(session).is_ok())), 1, "C_GetSessionInfo");
    assert_eq!(questions(&|| program.sign_init(session, plain(CKM_RSA_PKCS), key).expect("a key")), 1, "C_SignInit");
    // Like the C boundary: the length first, then the signature. Each transaction compares the insertion by itself.
    let sign = || {
        let call = program.module.call(session).expect("open");
        assert_eq!(call.signature_length(Data::Whole), Ok(256));
        assert!(call.sign_final(b"data").is_ok());
    };
    assert_eq!(questions(&sign), 1, "C_Sign");
}
