//! Many threads at one card.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use cryptoki_sys::*;
use jpki_pkcs11::core::Error;
use jpki_pkcs11::token::PinEntry::{OnPad, Typed};
use jpki_pkcs11::token::{KeyPair, Scheme};
use jpki_virtual_card::Options;

use crate::core::{Program, plain, slot_of};
use crate::machine::User;
use crate::support::{AUTH, READER, SIGN, assert_locked, is_signature, pin, token_of, wrong_pin};
use crate::token::at_pad;

#[test]
fn threads_sign_and_poll_side_by_side() {
    let program = &Program::new();
    let _sessions = KeyPair::ALL.map(|key_pair| program.open_logged_in(key_pair));
    let done = &AtomicBool::new(false);
    thread::scope(|scope| {
        let signers: Vec<_> = (0..4_u8)
            .map(|thread| {
                scope.spawn(move || {
                    let key_pair = if thread % 2 == 0 { AUTH } else { SIGN };
                    let session = program.open(key_pair);
                    for round in 0..10 {
                        let data = [thread, round, 7];
                        let signature = program.sign(session, plain(CKM_RSA_PKCS), &data).expect("a signature");
                        assert!(is_signature(key_pair, Scheme::Pkcs1, &data, &signature), "of its own data");
                    }
                    program.close_session(session).expect("open");
                })
            })
            .collect();
        for key_pair in KeyPair::ALL {
            scope.spawn(move || {
                let session = program.open(key_pair);
                while !done.load(Ordering::Relaxed) {
                    let info = program.session_info(session).expect("a session");
                    assert_eq!(info.state, CKS_RW_USER_FUNCTIONS);
                    program.slot_info(slot_of(key_pair)).expect("a slot");
                    program.token_info(slot_of(key_pair)).expect("a token");
                    assert_eq!(program.slot_ids(true, true), [0, 1]);
                }
            });
        }
        let results: Vec<_> = signers.into_iter().map(|signer| signer.join().is_ok()).collect();
        done.store(true, Ordering::Relaxed);
        assert_eq!(results, [true; 4]);
    });
    assert_locked(&program.machine, "after all threads");
    program.finalize();
    assert_eq!(program.machine.connections(), 0);
    assert_locked(&program.machine, "after C_Finalize");
}

#[test]
fn a_wrong_pin_from_many_threads_costs_one_try() {
    for key_pair in KeyPair::ALL {
        let (_machine, card, token) = token_of(Options::default(), key_pair);
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| token.login(Typed(wrong_pin(key_pair))).expect_err("a wrong PIN"));
            }
        });
        assert_eq!(crate::support::pins_sent(&card), 1);
    }
}

#[test]
fn one_of_many_logins_succeeds() {
    let (_machine, card, token) = token_of(Options::default(), AUTH);
    let successes = thread::scope(|scope| {
        let logins: Vec<_> = (0..8).map(|_| scope.spawn(|| token.login(Typed(pin(AUTH))).is_ok())).collect();
        logins.into_iter().filter_map(|login| login.join().ok()).filter(|success| *success).count()
    });
    assert_eq!(successes, 1);
    assert_eq!(crate::support::pins_sent(&card), 1);
}

#[test]
fn logout_and_removal_while_others_sign() {
    for removal in [false, true] {
        let program = &Program::new();
        let session = program.open_logged_in(AUTH);
        let key = program.object(session, CKO_PRIVATE_KEY);
        thread::scope(|scope| {
            let signers: Vec<_> = (0..3)
                .map(|_| {
                    let session = program.open(AUTH);
                    scope.spawn(move || {
                        loop {
                            let signed = program
                                .sign_init(session, plain(CKM_RSA_PKCS), key)
                                .and_then(|()| program.sign_final(session, b"x"));
                            if let Err(error) = signed {
                                return error;
                            }
                        }
                    })
                })
                .collect();
            program.sign_init(session, plain(CKM_RSA_PKCS), key).expect("a key");
            program.sign_final(session, b"x").expect("a signature");
            if removal {
                program.machine.remove(READER);
            } else {
                program.logout(session).expect("logged in");
            }
            for signer in signers {
                let error = signer.join().expect("no panic");
                let expected: &[Error] = match removal {
                    true => &[Error::SessionHandleInvalid, Error::DeviceRemoved],
                    false => &[Error::UserNotLoggedIn, Error::OperationNotInitialized],
                };
                assert!(expected.contains(&error), "{error:?}");
            }
        });
        if removal {
            program.machine.insert(READER, &program.card);
        }
        assert_locked(&program.machine, "after everything");
        assert!(crate::support::pins_sent(&program.card) > 0);
    }
}

#[test]
fn sessions_come_and_go_in_many_threads() {
    let program = &Program::new();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..20 {
                    let session = program.open(SIGN);
                    match program.login(session, CKU_USER, pin(SIGN)) {
                        Ok(()) | Err(Error::UserAlreadyLoggedIn) => {}
                        Err(error) => panic!("{error:?}"),
                    }
                    program.close_session(session).expect("open");
                }
            });
        }
    });
    assert_locked(&program.machine, "after the last session");
    assert_eq!(program.card.card().tries_left(jpki_virtual_card::PinKind::Signature), 5);
}

#[test]
fn a_logout_in_the_middle_of_a_login_at_the_pad_gives_the_card_back() {
    let (machine, card, [auth, _sign]) = at_pad(Options::default());
    machine.at_pad(READER, &[User::Types("1234"); 40]);
    let done = AtomicBool::new(false);
    let given_back = thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    let _ = auth.logout();
                }
            });
        }
        let given_back = (0..40).all(|_| {
            let _ = auth.login(OnPad);
            // Whichever thread logs out, the card is soon free.
            let start = Instant::now();
            let kept = || auth.is_logged_in() || !machine.others_can_connect(READER);
            while kept() && start.elapsed() < Duration::from_secs(5) {
                thread::yield_now();
            }
            !kept()
        });
        done.store(true, Ordering::Relaxed);
        given_back
    });
    assert!(given_back, "the card is still kept, with {:?} verified", card.card().verified());
    assert_locked(&machine, "after all threads");
}
