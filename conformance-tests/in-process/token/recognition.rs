//! Which card is in a reader, and what the recognition costs.

use std::thread::sleep;
use std::time::{Duration, Instant};

use jpki_pkcs11::token::PinEntry::Typed;
use jpki_pkcs11::token::{Contents, KeyPair, Tries};
use jpki_virtual_card::{Options, Phone};

use crate::machine::{Cost, Fate, Machine};
use crate::support::{
    AUTH, READER, SELECT_JPKI, SIGN, machine_with, name_of, nameless, other_plastic, plastic, reader, token, token_of,
};

#[test]
fn a_card_is_recognised_once_with_six_commands() {
    let machine = machine_with(&plastic(Options::default()));
    let reader = reader(&machine);
    let (contents, cost) = machine.cost_of(|| reader.contents());
    assert_eq!(name_of(&contents), "a JPKI card");
    assert_eq!(cost.apdus, 6, "{cost:?}");
    let (_, again) = machine.cost_of(|| (0..10).for_each(|_| drop(reader.contents())));
    assert_eq!(again, Cost::default());
    assert_eq!(machine.connections(), 0, "no connection without a session: other programs can use the reader");
}

#[test]
fn what_is_known_of_a_token_without_a_pin() {
    for (phone, model) in
        [(None, "JPKIAPICCTOKEN2"), (Some(Phone::Android), "JPKIAPGPSETOKEN"), (Some(Phone::Iphone), "JPKIAPIOSTOKEN")]
    {
        for key_pair in KeyPair::ALL {
            let (_machine, _card, token) = token_of(Options { phone, ..Options::default() }, key_pair);
            assert_eq!(token.key_pair(), key_pair);
            assert_eq!(token.model(), model);
            assert_eq!(token.serial().len(), 16);
            assert!(token.serial().chars().all(|digit| digit.is_ascii_hexdigit()), "{}", token.serial());
            assert!(token.is_issued());
            assert!(token.knows_pss());
            assert!(!token.is_logged_in());
            assert!(!token.is_gone());
            assert_eq!(token.tries(), Ok(Tries::Left(key_pair.tries())));
        }
    }
}

#[test]
fn an_unknown_label_is_as_good() {
    let (_machine, _card, token) =
        token_of(Options { token_label: Some("NEXTCARD".into()), ..Options::default() }, AUTH);
    assert_eq!(token.model(), "NEXTCARD");
}

#[test]
fn the_number_of_the_card_is_not_given_away() {
    let number = "993141592653589";
    let (_machine, _card, token) = token_of(Options { serial: number.into(), ..Options::default() }, AUTH);
    assert!(number.as_bytes().windows(6).all(|digits| !token.serial().as_bytes().windows(6).any(|own| own == digits)));
}

#[test]
fn a_serial_belongs_to_one_card() {
    let serial = |machine: &Machine| token(&reader(machine), AUTH).serial().to_owned();
    let numbered = |number: &str| plastic(Options { serial: number.to_owned(), ..Options::default() });
    let (first, second) = (machine_with(&numbered("990000000000033")), machine_with(&other_plastic()));
    assert_ne!(serial(&first), serial(&second));
    assert_eq!(serial(&first), serial(&machine_with(&numbered("990000000000033"))), "the same on another machine");
    let before = serial(&first);
    let card = first.remove(READER);
    first.insert(READER, &card);
    assert_eq!(serial(&first), before, "the same after another insertion");
    // Cards of the same municipality and day have all but the last digits in common.
    assert_ne!(serial(&machine_with(&numbered("990000000000034"))), before);
}

#[test]
fn both_tokens_of_a_card_have_its_serial() {
    let machine = machine_with(&plastic(Options::default()));
    let reader = reader(&machine);
    assert_eq!(token(&reader, AUTH).serial(), token(&reader, SIGN).serial());
}

#[test]
fn without_the_common_application_the_serial_comes_from_the_certificate() {
    let _turn = nameless();
    let without = || plastic(Options { common_ap: false, ..Options::default() });
    let machine = machine_with(&without());
    let reader_of_it = reader(&machine);
    let serial = token(&reader_of_it, AUTH).serial().to_owned();
    assert_eq!(serial.len(), 16);
    assert_eq!(serial, token(&reader(&machine_with(&without())), AUTH).serial());
    let (_machine, _card, other) = token_of(Options::default(), AUTH);
    assert_ne!(serial, other.serial());
    // Without number and certificate the serial is empty, and everything else works.
    let (_machine, _card, neither) = token_of(
        Options { common_ap: false, auth_certificate: jpki_virtual_card::Presence::Missing, ..Options::default() },
        SIGN,
    );
    assert_eq!(neither.serial(), "");
    assert_eq!(neither.login(Typed(b"ABC123")), Ok(()));
    // Also if the file holds no certificate.
    for nonsense in [&b"\x30\x82\x00\x10"[..], b"\x30\x03\x02\x01\x00", b"no certificate"] {
        let card = without();
        card.card().answer_matching(0xB0, 2, [nonsense, b"\x90\x00"].concat());
        let reader = reader(&machine_with(&card));
        assert_eq!(name_of(&reader.contents()), "a JPKI card", "{nonsense:02X?}");
        assert_eq!(token(&reader, SIGN).serial(), "");
    }
}

#[test]
fn a_foreign_card_is_asked_once() {
    let machine = machine_with(&plastic(Options { not_my_number_card: true, ..Options::default() }));
    let reader = reader(&machine);
    assert_eq!(name_of(&reader.contents()), "foreign");
    let connects = machine.connects();
    let (_, cost) = machine.cost_of(|| (0..100).for_each(|_| assert_eq!(name_of(&reader.contents()), "foreign")));
    assert_eq!(cost, Cost::default());
    assert_eq!(machine.connects(), connects, "not even a connection");
    machine.swap(READER, &plastic(Options::default()));
    assert_eq!(name_of(&reader.contents()), "a JPKI card", "the next card is recognised");
}

#[test]
fn an_empty_reader_is_not_connected_to() {
    let machine = Machine::new(&[READER]);
    let reader = reader(&machine);
    let connects = || {
        let connects = machine.connects();
        (0..10).for_each(|_| assert_eq!(name_of(&reader.contents()), "empty"));
        machine.connects() - connects
    };
    assert_eq!(connects(), 0, "never a card");
    machine.insert(READER, &plastic(Options::default()));
    assert_eq!(name_of(&reader.contents()), "a JPKI card");
    machine.remove(READER);
    assert_eq!(connects(), 0, "after a card");
    // A card that came and went before it could be recognised.
    machine.insert(READER, &plastic(Options::default()));
    machine.set_busy(READER, true);
    assert_eq!(name_of(&reader.contents()), "empty");
    machine.set_busy(READER, false);
    machine.remove(READER);
    assert_eq!(connects(), 0, "after a card that was not recognised");
}

/// Waits until the reader has a JPKI card.
fn wait_for_card(contents: impl Fn() -> Contents) {
    wait_for(contents, "a JPKI card");
}

fn wait_for(contents: impl Fn() -> Contents, expected: &str) {
    let start = Instant::now();
    while name_of(&contents()) != expected {
        assert!(start.elapsed() < Duration::from_secs(30), "the reader never becomes {expected}");
        sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_busy_card_is_tried_again_later() {
    let machine = machine_with(&plastic(Options::default()));
    let reader = reader(&machine);
    machine.set_busy(READER, true);
    assert_eq!(name_of(&reader.contents()), "empty");
    let connects = machine.connects();
    assert_eq!(name_of(&reader.contents()), "empty");
    assert_eq!(machine.connects(), connects, "not tried at once: a busy card costs the caller seconds");
    machine.set_busy(READER, false);
    wait_for_card(|| reader.contents());
}

#[test]
fn a_card_that_does_not_answer_is_given_up_until_it_is_moved() {
    let machine = machine_with(&plastic(Options::default()));
    let reader = reader(&machine);
    machine.set_unresponsive(READER, true);
    assert_eq!(name_of(&reader.contents()), "empty");
    machine.set_unresponsive(READER, false);
    wait_for_card(|| reader.contents());
}

#[test]
fn a_failure_during_recognition_is_not_held_against_the_card() {
    let recovers = |fate: Fate, at: usize| {
        let machine = machine_with(&plastic(Options::default()));
        let reader = reader(&machine);
        let mut count = 0;
        machine.intercept(READER, move |_| {
            count += 1;
            if count - 1 == at { fate } else { Fate::Arrives }
        });
        wait_for_card(|| reader.contents());
        assert_eq!(token(&reader, AUTH).serial().len(), 16, "command {at}");
        assert_eq!(token(&reader, AUTH).tries(), Ok(Tries::Left(3)), "command {at}");
    };
    // In parallel, because each failure costs a pause.
    std::thread::scope(|scope| {
        for fate in [Fate::Fails(transport_error()), Fate::AnswerLost(transport_error())] {
            (0..6).for_each(|at| drop(scope.spawn(move || recovers(fate, at))));
        }
    });
}

fn transport_error() -> jpki_pkcs11::transport::Error {
    jpki_pkcs11::transport::Error::Io("a hair on the contacts")
}

#[test]
fn one_odd_answer_makes_no_foreign_card() {
    std::thread::scope(|scope| {
        for status in [0x6985, 0x6A82, 0x6999, 0x6D00, 0x6581, 0x6F00] {
            scope.spawn(move || {
                let machine = machine_with(&plastic(Options::default()));
                let reader = reader(&machine);
                let mut answered = false;
                machine.intercept(READER, move |command| {
                    let odd = !answered && command == SELECT_JPKI;
                    answered |= odd;
                    if odd { Fate::Answers(status) } else { Fate::Arrives }
                });
                wait_for_card(|| reader.contents());
                assert_eq!(token(&reader, AUTH).login(Typed(crate::support::pin(AUTH))), Ok(()), "{status:04X}");
            });
        }
    });
}

#[test]
fn a_card_that_always_fails_is_given_up() {
    let machine = machine_with(&plastic(Options::default()));
    let reader = reader(&machine);
    machine.intercept(READER, |_| Fate::Fails(transport_error()));
    wait_for(|| reader.contents(), "foreign");
    let connects = machine.connects();
    drop(reader.contents());
    assert_eq!(machine.connects(), connects);
}

#[test]
fn recognition_locks_what_another_program_left_unlocked() {
    let card = plastic(Options::default());
    let machine = machine_with(&card);
    let program = machine.other_program(READER);
    program.transmit(crate::support::SELECT_JPKI);
    program.transmit(b"\x00\x20\x00\x98\x041234");
    assert_eq!(card.card().verified().len(), 1);
    drop(reader(&machine).contents());
    assert!(card.card().verified().is_empty());
}

#[test]
fn a_locked_pin_does_not_hide_the_other_token() {
    for locked in KeyPair::ALL {
        let mut options = Options::default();
        match locked {
            AUTH => options.auth_tries_left = 0,
            SIGN => options.sign_tries_left = 0,
        }
        let machine = machine_with(&plastic(options));
        let reader = reader(&machine);
        assert_eq!(token(&reader, locked).tries(), Ok(Tries::Left(0)));
        let other = if locked == AUTH { SIGN } else { AUTH };
        assert_eq!(token(&reader, other).login(Typed(crate::support::pin(other))), Ok(()));
    }
}
