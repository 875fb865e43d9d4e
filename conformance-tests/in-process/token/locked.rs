//! The module leaves the card locked: no other program can use a key after a piece of work, even if the work failed.

use jpki_pkcs11::token::PinEntry::Typed;
use jpki_pkcs11::token::{Error, KeyPair, Scheme};
use jpki_pkcs11::transport;
use jpki_virtual_card::{LeaveBehaviour, Options, Phone};

use crate::machine::Fate;
use crate::support::{AUTH, READER, assert_locked, pin, token_of, use_without_pin, wrong_pin};

/// Cards that can be left in some way and do not lie about it, and cards that lock too soon.
fn honest_cards() -> Vec<Options> {
    let mut cards: Vec<_> = [LeaveBehaviour::Clears, LeaveBehaviour::Refused, LeaveBehaviour::RefusedAll]
        .map(|leave| Options { leave, ..Options::default() })
        .into();
    cards.push(Options { reselect_clears: true, ..Options::default() });
    cards.push(Options { warm_reset_clears: true, ..Options::default() });
    cards.push(Options { short_identifiers: false, ..Options::default() });
    cards.push(Options { first_command_6f00: true, ..Options::default() });
    cards.push(Options { common_ap: false, leave: LeaveBehaviour::Refused, ..Options::default() });
    cards.push(Options { phone: Some(Phone::Android), ..Options::default() });
    cards
}

#[test]
fn after_everything_that_goes_well() {
    for options in honest_cards() {
        for key_pair in KeyPair::ALL {
            let (machine, _card, token) = token_of(options.clone(), key_pair);
            assert_locked(&machine, "after the recognition");
            assert_eq!(token.login(Typed(pin(key_pair))), Ok(()), "{options:?}");
            assert_locked(&machine, &format!("after login, {options:?}"));
            for scheme in [Scheme::Pkcs1, Scheme::PssSha256] {
                assert!(token.sign(scheme, &[1; 32]).is_ok(), "{options:?}");
                assert_locked(&machine, &format!("after a signature, {options:?}"));
            }
            assert_eq!(token.change_pin(Typed(pin(key_pair)), Typed(pin(key_pair))), Ok(()));
            assert_locked(&machine, &format!("after a change of the PIN, {options:?}"));
            assert_eq!(token.logout(), Ok(()));
            assert_locked(&machine, &format!("after logout, {options:?}"));
        }
    }
}

#[test]
fn after_a_refused_pin() {
    for options in honest_cards() {
        for key_pair in KeyPair::ALL {
            let (machine, _card, token) = token_of(options.clone(), key_pair);
            assert_eq!(token.login(Typed(wrong_pin(key_pair))), Err(Error::PinIncorrect));
            assert_locked(&machine, &format!("after a wrong PIN, {options:?}"));
        }
    }
}

#[test]
fn a_card_that_lies_is_locked_at_the_latest_by_logout() {
    for key_pair in KeyPair::ALL {
        let (machine, _card, token) = token_of(Options { leave: LeaveBehaviour::Lies, ..Options::default() }, key_pair);
        assert_eq!(token.login(Typed(pin(key_pair))), Ok(()));
        assert!(token.certificate().is_ok_and(|certificate| certificate.is_some()));
        assert!(token.sign(Scheme::Pkcs1, b"x").is_ok());
        assert_eq!(token.logout(), Ok(()));
        assert_locked(&machine, "after logout from a card that lies");
        // From then on the module does not believe the card.
        assert_eq!(token.login(Typed(pin(key_pair))), Ok(()));
        assert_locked(&machine, "after the next login");
        assert!(token.sign(Scheme::Pkcs1, b"x").is_ok());
        assert_locked(&machine, "after the next signature");
    }
}

#[test]
fn a_card_without_a_certificate_is_powered_down_at_logout() {
    let options = Options {
        leave: LeaveBehaviour::Lies,
        auth_certificate: jpki_virtual_card::Presence::Missing,
        sign_certificate: jpki_virtual_card::Presence::Missing,
        ..Options::default()
    };
    for key_pair in KeyPair::ALL {
        let (machine, _card, token) = token_of(options.clone(), key_pair);
        assert_eq!(token.login(Typed(pin(key_pair))), Ok(()));
        assert_eq!(token.logout(), Ok(()));
        assert_locked(&machine, "nothing shows that the card is locked, so it is powered down");
    }
}

/// A failure of the card or of the connection at one command of the work.
const FAULTS: [Fate; 2] =
    [Fate::Fails(transport::Error::Io("a hair on the contacts")), Fate::AnswerLost(transport::Error::Reset)];

#[test]
fn after_a_fault_at_any_command() {
    for leave in [LeaveBehaviour::Clears, LeaveBehaviour::RefusedAll] {
        for key_pair in KeyPair::ALL {
            for fault in FAULTS {
                // Login has a dozen commands: it reads the signing certificate, and leaves the application at the end.
                for at in [0, 1, 2, 3, 4, 9, 10, 11, 12] {
                    let (machine, _card, token) = token_of(Options { leave, ..Options::default() }, key_pair);
                    let fail_at = |at| {
                        let mut count = 0;
                        machine.intercept(READER, move |_| {
                            count += 1;
                            if count - 1 == at { fault } else { Fate::Arrives }
                        });
                    };
                    fail_at(at);
                    let login = token.login(Typed(pin(key_pair)));
                    machine.intercept_no_more(READER);
                    assert_locked(&machine, &format!("after login with a fault at {at}, {leave:?}"));
                    if login.is_err() {
                        assert!(!token.is_logged_in());
                        assert_eq!(token.login(Typed(pin(key_pair))), Ok(()), "the next time, after a fault at {at}");
                    }
                    fail_at(at);
                    let _ = token.sign(Scheme::Pkcs1, b"x");
                    machine.intercept_no_more(READER);
                    assert_locked(&machine, &format!("after a signature with a fault at {at}, {leave:?}"));
                    assert!(token.sign(Scheme::Pkcs1, b"x").is_ok(), "the next signature, after a fault at {at}");
                    fail_at(at);
                    let _ = token.logout();
                    machine.intercept_no_more(READER);
                    assert_locked(&machine, &format!("after logout with a fault at {at}, {leave:?}"));
                }
            }
        }
    }
}

/// Every status word that a card could give to the SELECT that leaves the application.
#[test]
fn after_a_refused_leave() {
    for status in [0x6A82_u16, 0x6A86, 0x6985, 0x6F00, 0x6D00, 0x6283, 0x6999] {
        let (machine, card, token) = token_of(Options::default(), AUTH);
        let mut verified = false;
        machine.intercept(READER, {
            let card = card.clone();
            move |command| {
                verified |= command[1] == 0x20 && command.len() > 4;
                if verified && command[1] == 0xA4 && command[2] == 0x04 {
                    card.card().answer_next(1, status);
                }
                Fate::Arrives
            }
        });
        assert_eq!(token.login(Typed(pin(AUTH))), Ok(()), "{status:04X}");
        machine.intercept_no_more(READER);
        assert_locked(&machine, &format!("after {status:04X} to both SELECTs"));
    }
}

#[test]
fn another_program_cannot_get_between_verify_and_leaving() {
    let (machine, _card, token) = token_of(Options::default(), AUTH);
    assert_eq!(token.login(Typed(pin(AUTH))), Ok(()));
    std::thread::scope(|scope| {
        let program = machine.other_program(READER);
        let thief = scope.spawn(move || (0..200).all(|_| use_without_pin_or_interrupted(&program)));
        for _ in 0..40 {
            assert!(token.sign(Scheme::Pkcs1, b"x").is_ok());
        }
        assert!(thief.join().expect("no panic"), "a signature without a PIN");
    });
}

/// Whether the key was locked. The module may have selected another application between the program's commands.
fn use_without_pin_or_interrupted(program: &crate::machine::OtherProgram) -> bool {
    program.transmit(crate::support::SELECT_JPKI);
    let answer = program.transmit(b"\x80\x2A\x00\x97\x05hello\x00");
    answer.len() == 2
}

#[test]
fn a_reset_by_another_program_between_two_pieces_of_work() {
    for warm_reset_clears in [true, false] {
        let (machine, _card, token) = token_of(Options { warm_reset_clears, ..Options::default() }, AUTH);
        let _session = token.hold_connection();
        assert_eq!(token.login(Typed(pin(AUTH))), Ok(()));
        machine.other_program(READER).reset();
        assert!(token.sign(Scheme::Pkcs1, b"x").is_ok());
        machine.other_program(READER).reset();
        assert_eq!(use_without_pin(&machine.other_program(READER), AUTH), 0x6982);
        assert_eq!(token.logout(), Ok(()));
    }
}

/// After a change of the PIN without login, the module also notices a card that only pretends to be left.
#[test]
fn after_a_change_of_the_pin_without_login() {
    for leave in [LeaveBehaviour::Clears, LeaveBehaviour::RefusedAll, LeaveBehaviour::Lies] {
        for key_pair in KeyPair::ALL {
            let (machine, _card, token) = token_of(Options { leave, ..Options::default() }, key_pair);
            let new: &[u8] = match key_pair {
                KeyPair::Authentication => b"4321",
                KeyPair::Signature => b"NEW123",
            };
            assert_eq!(token.change_pin(Typed(pin(key_pair)), Typed(new)), Ok(()));
            assert_locked(&machine, &format!("after a change of the PIN, {leave:?}"));
        }
    }
}
