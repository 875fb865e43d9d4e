//! PIN pads as a program sees them: NULL instead of a PIN (PKCS#11 3.2 §5.5.9, §5.6.8).

use cryptoki_sys::*;
use jpki_pkcs11::core::{Error, PinEntry};
use jpki_pkcs11::settings::{PinPads, Settings};
use jpki_pkcs11::token::{KeyPair, PinPad};
use jpki_virtual_card::{LeaveBehaviour, Options};

use super::{AUTH_SLOT, Program, SIGN_SLOT, module_on, plain, slot_of};
use crate::machine::{Cost, User};
use crate::support::{AUTH, READER, SIGN, assert_locked, kind, machine_with, pin, pins_sent, plastic};

/// A program and a reader with a PIN pad that has letters.
fn program_with(options: Options, settings: Settings) -> Program {
    let card = plastic(options);
    let machine = machine_with(&card);
    machine.give_pad(READER, true);
    let module = module_on(&machine, settings);
    Program { machine, card, module }
}

fn letters() -> Settings {
    Settings { pin_pad: PinPads::Letters, ..Settings::default() }
}

fn program() -> Program {
    program_with(Options::default(), letters())
}

fn right(key_pair: KeyPair) -> User {
    User::Types(std::str::from_utf8(pin(key_pair)).expect("text"))
}

impl Program {
    fn log_in_at_pad(&self, session: CK_SESSION_HANDLE, key_pair: KeyPair) {
        self.machine.at_pad(READER, &[right(key_pair)]);
        assert_eq!(self.login_on_pad(session, CKU_USER), Ok(()));
    }

    fn signs(&self, session: CK_SESSION_HANDLE) -> bool {
        self.sign(session, plain(CKM_SHA256_RSA_PKCS), b"data").is_ok()
    }

    #[track_caller]
    fn assert_given_back(&self, when: &str) {
        assert!(self.machine.others_can_connect(READER), "the card is kept {when}");
        assert_locked(&self.machine, when);
    }
}

/// Whether each token says that a program can pass NULL.
fn protected(program: &Program) -> [bool; 2] {
    [AUTH_SLOT, SIGN_SLOT]
        .map(|slot| program.token_info(slot).expect("a token").flags & CKF_PROTECTED_AUTHENTICATION_PATH != 0)
}

#[test]
fn programs_are_told_where_a_pad_takes_the_pin() {
    let says = |pin_pad| protected(&program_with(Options::default(), Settings { pin_pad, ..Settings::default() }));
    assert_eq!(says(PinPads::Auto), [true, false], "no feature shows that a pad has letters");
    assert_eq!(says(PinPads::Letters), [true, true]);
    assert_eq!(says(PinPads::Off), [false, false]);
    let without = Program::with(Options::default(), letters());
    assert_eq!(protected(&without), [false, false]);
    let only_modifies = Program::with(Options::default(), letters());
    only_modifies.machine.give_pad_that(READER, PinPad { verifies: false, modifies: true }, true);
    assert_eq!(protected(&only_modifies), [false, false]);
}

#[test]
fn to_be_told_costs_nothing() {
    let program = program();
    let (_, cost) = program.machine.cost_of(|| protected(&program));
    assert_eq!(cost.apdus, 6, "the recognition, as at a reader without a pad");
    let (_, cost) = program.machine.cost_of(|| protected(&program));
    assert_eq!(cost, Cost::default());
}

#[test]
fn without_a_usable_pad_null_is_no_pin() {
    let cases = [
        (Program::new(), KeyPair::ALL.to_vec()),
        (program_with(Options::default(), Settings::default()), vec![SIGN]),
        (
            program_with(Options::default(), Settings { pin_pad: PinPads::Off, ..Settings::default() }),
            KeyPair::ALL.to_vec(),
        ),
    ];
    for (program, key_pairs) in cases {
        for key_pair in key_pairs {
            let session = program.open(key_pair);
            program.card.card().clear_exchanges();
            for user in [CKU_USER, CKU_SO, CKU_CONTEXT_SPECIFIC] {
                assert_eq!(program.login_on_pad(session, user), Err(Error::ArgumentsBad));
            }
            assert_eq!(program.set_pin_on_pad(session), Err(Error::ArgumentsBad));
            assert_eq!((pins_sent(&program.card), program.machine.asked_at_pad(READER)), (0, 0));
            assert_eq!(program.login(session, CKU_USER, pin(key_pair)), Ok(()), "a typed PIN");
        }
    }
}

#[test]
fn login_signatures_logout() {
    for key_pair in KeyPair::ALL {
        for leave in [LeaveBehaviour::Clears, LeaveBehaviour::Lies] {
            let program = program_with(Options { leave, ..Options::default() }, letters());
            let session = program.open(key_pair);
            assert_eq!(program.login_on_pad(session, CKU_SO), Err(Error::UserTypeInvalid));
            assert_eq!(program.login_on_pad(session, CKU_CONTEXT_SPECIFIC), Err(Error::OperationNotInitialized));
            program.log_in_at_pad(session, key_pair);
            assert_eq!(program.login_on_pad(session, CKU_USER), Err(Error::UserAlreadyLoggedIn));
            assert_eq!(program.session_info(session).expect("open").state, CKS_RW_USER_FUNCTIONS);
            assert!((0..3).all(|_| program.signs(session)));
            assert!(!program.machine.others_can_connect(READER));
            assert_eq!(program.logout(session), Ok(()));
            program.assert_given_back("after C_Logout");
            assert_eq!(program.logout(session), Err(Error::UserNotLoggedIn));
            // Other ways to end a login: the last session of the token, all sessions of the slot, and C_Finalize.
            program.log_in_at_pad(session, key_pair);
            assert_eq!(program.close_session(session), Ok(()));
            program.assert_given_back("after C_CloseSession");
            program.log_in_at_pad(program.open(key_pair), key_pair);
            assert_eq!(program.close_all_sessions(slot_of(key_pair)), Ok(()));
            program.assert_given_back("after C_CloseAllSessions");
            program.log_in_at_pad(program.open(key_pair), key_pair);
            program.finalize();
            program.assert_given_back("after C_Finalize");
            assert_eq!(program.machine.connections(), 0);
        }
    }
}

#[test]
fn the_last_session_of_one_token_leaves_the_other_logged_in() {
    let program = program();
    let sessions = KeyPair::ALL.map(|key_pair| {
        let session = program.open(key_pair);
        program.log_in_at_pad(session, key_pair);
        session
    });
    assert_eq!(program.close_session(sessions[0]), Ok(()));
    assert!(program.signs(sessions[1]));
    assert!(!program.machine.others_can_connect(READER));
    assert_eq!(program.close_session(sessions[1]), Ok(()));
    program.assert_given_back("after both");
}

#[test]
fn what_the_user_does_at_the_pad() {
    let program = program();
    let session = program.open(SIGN);
    let cases = [
        (User::Cancels, Error::FunctionCanceled),
        (User::Sleeps, Error::FunctionCanceled),
        (User::Types("ABC12"), Error::PinIncorrect),
        (User::Types("WRONG9"), Error::PinIncorrect),
    ];
    for (user, expected) in cases {
        program.machine.at_pad(READER, &[user]);
        assert_eq!(program.login_on_pad(session, CKU_USER), Err(expected), "{user:?}");
    }
    assert_eq!(program.card.card().tries_left(kind(SIGN)), 4, "only one of them was an attempt");
    let flags = program.token_info(SIGN_SLOT).expect("a token").flags;
    assert!(flags & CKF_USER_PIN_COUNT_LOW != 0 && flags & CKF_USER_PIN_FINAL_TRY == 0);
    program.machine.set_shared(READER, true);
    assert_eq!(program.login_on_pad(session, CKU_USER), Err(Error::DeviceError), "another program uses the card");
    program.machine.set_shared(READER, false);
    program.log_in_at_pad(session, SIGN);
    assert!(program.signs(session));
}

#[test]
fn a_pad_without_letters() {
    let program = program_with(Options::default(), letters());
    program.machine.give_pad(READER, false);
    let session = program.open(SIGN);
    program.machine.at_pad(READER, &[right(SIGN)]);
    assert_eq!(
        program.login_on_pad(session, CKU_USER),
        Err(Error::PinIncorrect),
        "the setting promises keys that the pad does not have"
    );
    assert_eq!(program.card.card().tries_left(kind(SIGN)), 5);
    assert_eq!(program.login(session, CKU_USER, pin(SIGN)), Ok(()), "a typed PIN");
    let session = program.open(AUTH);
    program.log_in_at_pad(session, AUTH);
}

#[test]
fn both_pins_are_changed() {
    for (key_pair, new) in [(AUTH, "4321"), (SIGN, "NEW5678")] {
        let program = program();
        let session = program.open(key_pair);
        let read_only = program.open_session(slot_of(key_pair), CKF_SERIAL_SESSION).expect("a session");
        assert_eq!(program.set_pin_on_pad(read_only), Err(Error::SessionReadOnly));
        let change = |user: &[User]| {
            program.machine.at_pad(READER, user);
            program.set_pin_on_pad(session)
        };
        let old = right(key_pair);
        let other = if key_pair == AUTH { "8765" } else { "OTHER12" };
        assert_eq!(change(&[User::Cancels]), Err(Error::FunctionCanceled));
        assert_eq!(change(&[old, User::Sleeps]), Err(Error::FunctionCanceled));
        assert_eq!(change(&[old, User::Types("123")]), Err(Error::PinLenRange));
        assert_eq!(change(&[old, User::Types(new), User::Types(other)]), Err(Error::PinInvalid));
        assert_eq!(change(&[User::Types("123")]), Err(Error::PinIncorrect));
        assert_eq!(change(&[User::Types(other)]), Err(Error::PinIncorrect));
        assert_eq!(program.card.card().tries_left(kind(key_pair)), key_pair.tries() - 1);
        assert_eq!(change(&[old, User::Types(new), User::Types(new)]), Ok(()));
        program.assert_given_back("after C_SetPIN");
        assert_eq!(program.login(session, CKU_USER, new.as_bytes()), Ok(()));
    }
}

#[test]
fn a_pad_that_cannot_change_a_pin() {
    let program = program_with(Options::default(), letters());
    program.machine.give_pad_that(READER, PinPad { verifies: true, modifies: false }, true);
    let session = program.open(AUTH);
    assert_eq!(program.set_pin_on_pad(session), Err(Error::ArgumentsBad));
    program.log_in_at_pad(session, AUTH);
}

#[test]
fn each_signature_asks_at_the_pad() {
    let program = program_with(Options::default(), Settings { always_authenticate: true, ..letters() });
    for typed_login in [false, true] {
        let session = program.open(SIGN);
        match typed_login {
            true => assert_eq!(program.login(session, CKU_USER, pin(SIGN)), Ok(())),
            false => program.log_in_at_pad(session, SIGN),
        }
        let key = program.object(session, CKO_PRIVATE_KEY);
        for typed in [false, true, false] {
            let begin = || program.sign_init(session, plain(CKM_SHA256_RSA_PKCS), key).expect("a key");
            begin();
            assert_eq!(
                program.sign_final(session, b"data").map(|_| ()),
                Err(Error::UserNotLoggedIn),
                "not without the PIN"
            );
            begin();
            program.machine.at_pad(READER, &[User::Cancels, User::Types("WRONG9"), right(SIGN)]);
            let reauthenticate = || program.login_on_pad(session, CKU_CONTEXT_SPECIFIC);
            assert_eq!(reauthenticate(), Err(Error::FunctionCanceled));
            assert_eq!(reauthenticate(), Err(Error::PinIncorrect));
            match typed {
                true => assert_eq!(program.login(session, CKU_CONTEXT_SPECIFIC, pin(SIGN)), Ok(())),
                false => assert_eq!(reauthenticate(), Ok(())),
            }
            assert!(program.sign_final(session, b"data").is_ok());
            assert_eq!(program.machine.others_can_connect(READER), typed_login);
        }
        assert_eq!(program.close_session(session), Ok(()));
        program.assert_given_back("after C_CloseSession");
    }
}

#[test]
fn the_card_comes_out_and_back() {
    let program = program();
    let session = program.open(AUTH);
    program.log_in_at_pad(session, AUTH);
    let card = program.machine.remove(READER);
    assert_eq!(program.session_info(session).map(|_| ()), Err(Error::SessionHandleInvalid));
    program.machine.insert(READER, &card);
    program.assert_given_back("after it came back");
    let session = program.open(AUTH);
    assert_eq!(program.session_info(session).expect("open").state, CKS_RW_PUBLIC_SESSION);
    program.log_in_at_pad(session, AUTH);
    assert!(program.signs(session));
}

#[test]
fn a_reset_ends_the_login() {
    let program = program();
    let session = program.open(AUTH);
    program.log_in_at_pad(session, AUTH);
    assert!(program.signs(session));
    program.machine.reset_behind_our_back(READER);
    assert!(!program.signs(session));
    assert_eq!(program.session_info(session).expect("open").state, CKS_RW_PUBLIC_SESSION);
    program.assert_given_back("after the reset");
    program.log_in_at_pad(session, AUTH);
    assert!(program.signs(session));
}

#[test]
fn one_pin_from_the_program_and_one_from_the_pad_is_no_change() {
    for key_pair in KeyPair::ALL {
        let program = program();
        let session = program.open(key_pair);
        program.card.card().clear_exchanges();
        let call = program.module.call(session).expect("open");
        let typed = PinEntry::Typed(pin(key_pair));
        for (old, new) in [(typed, PinEntry::OnPad), (PinEntry::OnPad, typed)] {
            assert_eq!(call.set_pin(old, new), Err(Error::ArgumentsBad));
        }
        assert_eq!((pins_sent(&program.card), program.machine.asked_at_pad(READER)), (0, 0));
    }
}
