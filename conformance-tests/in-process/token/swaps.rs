//! Cards and readers that come and go: nothing passes from one insertion to the next.

use std::sync::Arc;

use jpki_pkcs11::token::PinEntry::Typed;
use jpki_pkcs11::token::{Error, KeyPair, LastTry, Readers, Scheme, Tries};
use jpki_virtual_card::Options;

use crate::machine::Machine;
use crate::support::{
    AUTH, READER, SECOND_READER, assert_locked, kind, machine_with, name_of, other_plastic, pin, pins_sent, plastic,
    reader, token, wrong_pin,
};

#[test]
fn a_pin_never_reaches_the_next_card() {
    for key_pair in KeyPair::ALL {
        // With and without a session that keeps the connection; with and without a check of the reader after the swap.
        for (session, checks) in [(true, true), (true, false), (false, true), (false, false)] {
            let machine = machine_with(&plastic(Options::default()));
            let reader = reader(&machine);
            let first = token(&reader, key_pair);
            let _in_use = session.then(|| first.hold_connection());
            assert_eq!(first.login(Typed(pin(key_pair))), Ok(()));
            assert!(first.certificate().is_ok());

            let second_card = other_plastic();
            machine.swap(READER, &second_card);
            if checks {
                let second = token(&reader, key_pair);
                assert_ne!(second.number(), first.number());
                assert!(!second.is_logged_in());
                assert!(first.is_gone());
                assert!(!first.is_logged_in(), "the login went with the card");
            }
            assert_eq!(first.sign(Scheme::Pkcs1, b"x").map(|_| ()), Err(Error::Removed));
            assert!(first.login(Typed(pin(key_pair))).is_err());
            assert_eq!(first.change_pin(Typed(pin(key_pair)), Typed(pin(key_pair))), Err(Error::Removed));
            let _ = first.logout();
            assert_eq!(pins_sent(&second_card), 0, "session {session}, checks {checks}");
            assert!(first.is_gone());

            let second = token(&reader, key_pair);
            assert!(!first.is_logged_in());
            assert_eq!(second.login(Typed(pin(key_pair))), Ok(()));
            assert!(second.sign(Scheme::Pkcs1, b"x").is_ok());
        }
    }
}

#[test]
fn the_same_card_again_is_a_new_insertion() {
    let card = plastic(Options::default());
    let machine = machine_with(&card);
    let reader = reader(&machine);
    let first = token(&reader, AUTH);
    assert_eq!(first.login(Typed(pin(AUTH))), Ok(()));
    machine.remove(READER);
    machine.insert(READER, &card);
    let second = token(&reader, AUTH);
    assert_ne!(second.number(), first.number());
    assert_eq!(second.serial(), first.serial());
    assert!(!second.is_logged_in());
    assert_eq!(first.check_present(), Err(Error::Removed));
}

#[test]
fn a_refused_pin_is_only_this_cards_wrong_pin() {
    let machine = machine_with(&plastic(Options::default()));
    let reader = reader(&machine);
    assert_eq!(token(&reader, AUTH).login(Typed(wrong_pin(AUTH))), Err(Error::PinIncorrect));
    let second_card = other_plastic();
    second_card.card().set_pin(kind(AUTH), "9999");
    machine.swap(READER, &second_card);
    assert_eq!(token(&reader, AUTH).login(Typed(wrong_pin(AUTH))), Ok(()));
}

#[test]
fn a_card_that_is_taken_out_takes_its_token_with_it() {
    let machine = machine_with(&plastic(Options::default()));
    let reader = reader(&machine);
    let token = token(&reader, AUTH);
    assert_eq!(token.login(Typed(pin(AUTH))), Ok(()));
    machine.remove(READER);
    assert_eq!(name_of(&reader.contents()), "empty");
    assert!(token.is_gone() && !token.is_logged_in());
    assert_eq!(token.certificate().map(|_| ()), Err(Error::Removed));
    assert_eq!(token.random(8).map(|_| ()), Err(Error::Removed));
    assert_eq!(token.logout(), Err(Error::NotLoggedIn));
}

#[test]
fn a_card_that_is_pulled_out_in_the_middle() {
    for key_pair in KeyPair::ALL {
        for at in 0..4 {
            let card = plastic(Options::default());
            let machine = machine_with(&card);
            let reader = reader(&machine);
            let first = token(&reader, key_pair);
            let _in_use = first.hold_connection();
            assert_eq!(first.login(Typed(pin(key_pair))), Ok(()));
            assert!(first.certificate().is_ok());
            machine.pull_at(READER, at);
            let answer = first.sign(Scheme::Pkcs1, b"x").map(|_| ());
            machine.intercept_no_more(READER);
            if at < 3 {
                assert_eq!(answer, Err(Error::Removed), "pulled at command {at}");
            }
            assert_eq!(name_of(&reader.contents()), "empty");
            assert!(first.is_gone() && !first.is_logged_in());
            machine.insert(READER, &card);
            assert_locked(&machine, "after the card came back");
            assert_eq!(card.card().tries_left(kind(key_pair)), key_pair.tries());
            let second = token(&reader, key_pair);
            assert_eq!(second.login(Typed(pin(key_pair))), Ok(()), "pulled at command {at}");
        }
    }
}

#[test]
fn a_reader_that_is_unplugged_keeps_its_place() {
    let machine = Machine::new(&[READER, SECOND_READER]);
    machine.insert(SECOND_READER, &plastic(Options::default()));
    let readers = Readers::new(Arc::new(machine.clone()), LastTry::Allow);
    let names = || readers.refresh(|_| true).iter().map(|reader| reader.name().to_owned()).collect::<Vec<_>>();
    assert_eq!(names(), [READER, SECOND_READER]);
    machine.unplug(READER);
    machine.plug("Virtual Reader 02 00");
    assert_eq!(names(), [READER, SECOND_READER, "Virtual Reader 02 00"]);
    assert_eq!(name_of(&readers.known()[0].contents()), "empty");
    machine.plug(READER);
    assert_eq!(names(), [READER, SECOND_READER, "Virtual Reader 02 00"]);
}

#[test]
fn a_card_in_a_reader_that_is_unplugged_is_a_new_one_afterwards() {
    let machine = machine_with(&plastic(Options::default()));
    let reader = reader(&machine);
    let first = token(&reader, AUTH);
    let _in_use = first.hold_connection();
    assert_eq!(first.login(Typed(pin(AUTH))), Ok(()));
    machine.unplug(READER);
    assert_eq!(first.check_present(), Err(Error::Removed));
    machine.plug(READER);
    let second = token(&reader, AUTH);
    assert_ne!(second.number(), first.number());
    assert_eq!(first.sign(Scheme::Pkcs1, b"x").map(|_| ()), Err(Error::Removed));
    assert_eq!(second.tries(), Ok(Tries::Left(3)));
}

#[test]
fn a_card_that_is_swapped_while_its_reader_is_unplugged_gets_no_pin() {
    // The counter starts anew with the reader, so only the connection can show the swap.
    let machine = machine_with(&plastic(Options::default()));
    machine.unplug(READER);
    machine.plug(READER);
    let reader = reader(&machine);
    let first = token(&reader, AUTH);
    let _in_use = first.hold_connection();
    assert_eq!(first.login(Typed(pin(AUTH))), Ok(()));
    let second_card = other_plastic();
    machine.unplug(READER);
    machine.swap(READER, &second_card);
    machine.plug(READER);
    assert_eq!(first.sign(Scheme::Pkcs1, b"x").map(|_| ()), Err(Error::Removed));
    assert_eq!(pins_sent(&second_card), 0);
    assert_ne!(token(&reader, AUTH).serial(), first.serial());
}

#[test]
fn the_service_stops_and_starts() {
    let machine = machine_with(&plastic(Options::default()));
    let readers = Readers::new(Arc::new(machine.clone()), LastTry::Allow);
    let reader = Arc::clone(&readers.refresh(|_| true)[0]);
    let first = token(&reader, AUTH);
    let _in_use = first.hold_connection();
    assert_eq!(first.login(Typed(pin(AUTH))), Ok(()));
    machine.stop_service();
    assert_eq!(first.sign(Scheme::Pkcs1, b"x").map(|_| ()), Err(Error::Removed));
    assert_eq!(name_of(&reader.contents()), "empty");
    assert_eq!(readers.refresh(|_| true).len(), 1, "the reader keeps its place");
    machine.start_service();
    let second = token(&reader, AUTH);
    assert_ne!(second.number(), first.number());
    assert_eq!(second.login(Typed(pin(AUTH))), Ok(()));
}

#[test]
fn a_card_that_is_swapped_while_the_service_restarts_gets_no_pin() {
    let machine = machine_with(&plastic(Options::default()));
    let reader = reader(&machine);
    let first = token(&reader, AUTH);
    assert_eq!(first.login(Typed(pin(AUTH))), Ok(()));
    let second_card = other_plastic();
    machine.stop_service();
    machine.swap(READER, &second_card);
    machine.start_service();
    assert_eq!(first.sign(Scheme::Pkcs1, b"x").map(|_| ()), Err(Error::Removed));
    assert_eq!(pins_sent(&second_card), 0);
    assert_ne!(token(&reader, AUTH).serial(), first.serial());
}

#[test]
fn a_service_that_was_never_there_comes() {
    let machine = machine_with(&plastic(Options::default()));
    machine.stop_service();
    let readers = Readers::new(Arc::new(machine.clone()), LastTry::Allow);
    assert!(readers.refresh(|_| true).is_empty());
    assert!(readers.wait(&readers.snapshot()).is_err(), "no service to wait at");
    machine.start_service();
    assert_eq!(name_of(&readers.refresh(|_| true)[0].contents()), "a JPKI card");
}

#[test]
fn readers_that_are_not_wanted_are_left_alone() {
    let machine = Machine::new(&[READER, SECOND_READER]);
    machine.insert(READER, &plastic(Options::default()));
    let readers = Readers::new(Arc::new(machine.clone()), LastTry::Allow);
    let names: Vec<_> =
        readers.refresh(|name| name == SECOND_READER).iter().map(|reader| reader.name().to_owned()).collect();
    assert_eq!(names, [SECOND_READER]);
    assert_eq!(machine.connects(), 0);
}

#[test]
fn a_connection_lives_as_long_as_somebody_needs_it() {
    let machine = machine_with(&plastic(Options::default()));
    let reader = reader(&machine);
    let token = token(&reader, AUTH);
    assert!(token.certificate().is_ok());
    assert_eq!(machine.connections(), 0);
    let (one, other) = (token.hold_connection(), token.hold_connection());
    assert!(token.random(1).is_ok());
    assert_eq!(machine.connections(), 1);
    let connects = machine.connects();
    assert!(token.random(1).is_ok());
    assert_eq!(machine.connects(), connects, "one connection for all the work");
    drop(one);
    assert_eq!(machine.connections(), 1);
    drop(other);
    assert_eq!(machine.connections(), 0);
}
