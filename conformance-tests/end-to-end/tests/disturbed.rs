//! A card that misbehaves in the middle of a task: it loses its state, refuses, signs wrongly, or does not answer. Each
//! call ends with a fitting return value, and the module goes on. The tests of other programs at the card are in
//! `other_programs.rs`, those of removal in `removal.rs`.

use std::sync::mpsc;
use std::thread;

use cryptoki::error::RvError;
use cryptoki::mechanism::Mechanism;
use cryptoki::session::{Session, UserType};
use jpki_end_to_end::{Key, Objects, Reader, Stand, is, is_asleep, outcome, pin, thread_id, wait_until};

/// The result of a signature.
fn sign(session: &Session) -> Result<(), RvError> {
    outcome(session.sign_with_key(&Mechanism::Sha256RsaPkcs, b"data")).map(|_| ())
}

#[test]
fn what_the_card_forgets_between_login_and_signature_is_done_again() {
    let stand = Stand::new();
    for key in Key::ALL {
        for disturbance in ["select-other", "power-cycle"] {
            let session = stand.module.logged_in(key);
            for _ in 0..2 {
                stand.card.control(disturbance);
                stand.card.clear();
                session.sign_well().unwrap_or_else(|error| panic!("{key:?} after {disturbance}: {error}"));
                assert_eq!(
                    stand.card.verifications(),
                    1,
                    "{key:?} after {disturbance}: the PIN was sent once, and was right"
                );
                assert_eq!(stand.card.state().verified, "", "{key:?} after {disturbance}");
            }
            stand.card.control(disturbance);
            session.logout().unwrap();
            stand.card.control(disturbance);
            session.login(UserType::User, Some(&pin(key.pin()))).unwrap();
            session.sign_well().unwrap();
        }
    }
}

/// The commands of a signature that a test can disturb.
#[derive(Debug, Clone, Copy)]
enum Step {
    Select,
    Verify,
    Compute,
}

impl Step {
    /// Makes the card answer the next `count` such commands with a status word. SELECT is the first command of all.
    fn answer(self, stand: &Stand, count: u32, status_word: &str) {
        stand.card.control(&match self {
            Step::Select => format!("answer {count} {status_word}"),
            Step::Verify => format!("answer-ins 20 {count} {status_word}"),
            Step::Compute => format!("answer-ins 2A {count} {status_word}"),
        });
    }
}

#[test]
fn an_unexpected_status_word_at_a_signature() {
    use RvError::{DeviceError, FunctionFailed, UserNotLoggedIn};
    // A PIN that is refused without a count of tries is not sent again, so the login ends.
    let cases = [
        // One card answers the first command after power-up with 6F00, so the module repeats it (card-facts §1.3). It repeats
        // any refused SELECT once: one odd answer makes no card of another kind.
        (Step::Select, 1, "6F00", None),
        (Step::Select, 2, "6F00", Some(DeviceError)),
        (Step::Verify, 1, "6F00", Some(UserNotLoggedIn)),
        (Step::Compute, 1, "6F00", Some(DeviceError)),
        // "A PIN is needed", though the signature has just verified it.
        (Step::Select, 1, "6982", None),
        (Step::Select, 2, "6982", Some(DeviceError)),
        (Step::Verify, 1, "6982", Some(UserNotLoggedIn)),
        (Step::Compute, 1, "6982", Some(DeviceError)),
        // A card without short file identifiers may also answer with 6A86, so the module tries the other form.
        (Step::Select, 1, "6A86", None),
        (Step::Select, 2, "6A86", Some(DeviceError)),
        (Step::Verify, 1, "6A86", None),
        (Step::Verify, 2, "6A86", Some(UserNotLoggedIn)),
        (Step::Compute, 1, "6A86", None),
        (Step::Compute, 2, "6A86", Some(FunctionFailed)),
    ];
    for key in Key::ALL {
        for (step, count, status_word, wanted) in cases {
            let what = format!("{key:?}, {count} times {status_word} to {step:?}");
            let stand = Stand::new();
            let session = stand.module.logged_in(key);
            session.sign_well().unwrap();
            let before = stand.card.state();
            step.answer(&stand, count, status_word);
            assert_eq!(sign(&session).err(), wanted, "{what}");
            assert_eq!(stand.card.state(), before, "{what}: no try lost, and nothing left verified");
            if wanted == Some(UserNotLoggedIn) {
                session.login(UserType::User, Some(&pin(key.pin()))).unwrap_or_else(|error| panic!("{what}: {error}"));
            }
            session.sign_well().unwrap_or_else(|error| panic!("{what}: {error}"));
        }
    }
}

#[test]
fn a_signature_that_is_wrong_is_not_given_out() {
    for key in Key::ALL {
        let stand = Stand::new();
        let session = stand.module.logged_in(key);
        stand.card.control("corrupt on");
        for _ in 0..2 {
            assert_eq!(sign(&session), Err(RvError::DeviceError), "{key:?}");
            assert_eq!(stand.card.state().verified, "", "{key:?}");
        }
        stand.card.control("corrupt off");
        session.sign_well().expect("the login lasts");
    }
}

#[test]
fn a_card_that_falls_silent_ends_the_call_when_it_is_taken_out() {
    for key in Key::ALL {
        for call in ["C_Login", "C_Sign"] {
            let stand = Stand::new();
            let session = stand.module.session(key);
            let login = |session: &Session| outcome(session.login(UserType::User, Some(&pin(key.pin()))));
            if call == "C_Sign" {
                login(&session).unwrap();
                session.sign_well().unwrap();
            }
            let before = Reader::First.events();
            stand.card.control("mute on");
            let (send, thread) = mpsc::channel();
            let (session, answer) = thread::scope(|scope| {
                let calling = scope.spawn(move || {
                    send.send(thread_id()).unwrap();
                    let answer = if call == "C_Sign" { sign(&session) } else { login(&session) };
                    (session, answer)
                });
                let thread = thread.recv().unwrap();
                wait_until("the call waits for the card", || is_asleep(thread));
                // Meanwhile, calls that only read the state return.
                let slot = stand.module.slot(Reader::First, key);
                assert!(stand.module.client.get_slot_info(slot).unwrap().token_present());
                assert!(!calling.is_finished(), "{key:?}, {call}: a result without an answer of the card");
                stand.card.control("remove");
                calling.join().unwrap()
            });
            // It depends on whether pcscd has already noticed the removal.
            let fits = matches!(answer, Err(RvError::DeviceRemoved | RvError::DeviceError));
            assert!(fits, "{key:?}, {call}: {answer:?}");
            Reader::First.wait_for_removal(before);
            is(session.get_session_info(), RvError::SessionHandleInvalid);
            stand.card.control("mute off");
            stand.card.insert();
            stand.module.logged_in(key).sign_well().expect("the card that was put back works");
        }
    }
}
