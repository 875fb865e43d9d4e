//! Readers that are unplugged, given another card, and plugged in again. pcsc-lite's counter starts anew with the
//! reader, so the other card has the counter of the first one: only the data on the cards tells them apart.

use std::sync::Arc;
use std::thread::sleep;
use std::time::Duration;

use jpki_pkcs11::token::PinEntry::{OnPad, Typed};
use jpki_pkcs11::token::{Error, Reader, Scheme};
use jpki_virtual_card::Options;

use super::pad::{log_in, signs};
use crate::machine::{Machine, Plastic};
use crate::support::{
    AUTH, READER, SIGN, kind, machine_with, name_of, nameless, other_plastic, pin, pins_sent, plastic, reader, token,
    wrong_pin,
};

/// A reader that was plugged in with a card already in it.
fn plugged(options: Options) -> (Machine, Arc<Reader>) {
    let machine = machine_with(&plastic(options));
    machine.unplug(READER);
    machine.plug(READER);
    let reader = reader(&machine);
    (machine, reader)
}

/// The shortest time in which a person can unplug a reader, change the card, and plug the reader in.
fn some_time() {
    sleep(Duration::from_millis(1050));
}

/// Swaps the card while the reader is unplugged.
fn replug(machine: &Machine, other: &Plastic) {
    some_time();
    machine.unplug(READER);
    machine.swap(READER, other);
    machine.plug(READER);
}

#[test]
fn a_pin_that_was_typed_for_another_card_is_not_sent() {
    let (machine, reader) = plugged(Options::default());
    let first = token(&reader, AUTH);
    let other = other_plastic();
    other.card().set_pin(kind(AUTH), "7777");
    replug(&machine, &other);
    // Only a new connection shows that it is another card.
    assert_eq!(first.login(Typed(pin(AUTH))), Err(Error::Removed));
    assert_eq!((pins_sent(&other), other.card().tries_left(kind(AUTH))), (0, 3));
    let second = token(&reader, AUTH);
    assert_ne!((second.number(), second.serial()), (first.number(), first.serial()));
    assert_eq!(second.login(Typed(b"7777")), Ok(()));
}

#[test]
fn a_connection_leads_to_no_other_card() {
    let (machine, reader) = plugged(Options::default());
    let first = token(&reader, AUTH);
    let _session = first.hold_connection();
    let other = other_plastic();
    replug(&machine, &other);
    assert_eq!(first.certificate().map(|_| ()), Err(Error::Removed));
    assert_eq!(first.login(Typed(pin(AUTH))), Err(Error::Removed));
    assert_eq!(pins_sent(&other), 0);
    assert_ne!(token(&reader, AUTH).serial(), first.serial());
}

#[test]
fn a_held_pin_stays_here_after_a_login_at_the_pad() {
    let (machine, reader) = plugged(Options::default());
    machine.give_pad(READER, true);
    let [auth, sign] = [token(&reader, AUTH), token(&reader, SIGN)];
    let _sessions = [auth.hold_connection(), sign.hold_connection()];
    assert_eq!(sign.login(Typed(pin(SIGN))), Ok(()));
    // The exclusive connection ends with this login, so the next piece of work makes another one.
    log_in(&machine, &auth);
    assert_eq!(auth.logout(), Ok(()));
    let other = other_plastic();
    replug(&machine, &other);
    assert_eq!(sign.sign(Scheme::Pkcs1, b"x").map(|_| ()), Err(Error::Removed));
    assert_eq!(pins_sent(&other), 0);
}

#[test]
fn a_held_pin_stays_here_after_a_pad_that_could_not_be_had() {
    let (machine, reader) = plugged(Options::default());
    machine.give_pad(READER, true);
    let [auth, sign] = [token(&reader, AUTH), token(&reader, SIGN)];
    let _sessions = [auth.hold_connection(), sign.hold_connection()];
    assert_eq!(sign.login(Typed(pin(SIGN))), Ok(()));
    machine.set_shared(READER, true);
    assert_eq!(auth.login(OnPad), Err(Error::Busy));
    machine.set_shared(READER, false);
    let other = other_plastic();
    replug(&machine, &other);
    assert_eq!(sign.sign(Scheme::Pkcs1, b"x").map(|_| ()), Err(Error::Removed));
    assert_eq!(pins_sent(&other), 0);
}

#[test]
fn the_same_card_is_known_again_for_two_commands() {
    for common_ap in [true, false] {
        let (machine, reader) = plugged(Options { common_ap, ..Options::default() });
        let first = token(&reader, AUTH);
        assert_eq!(first.certificate().map(|found| found.is_some()), Ok(true));
        assert_eq!(first.login(Typed(pin(AUTH))), Ok(()));
        // Right after that the module does not check the card again.
        let (signed, cost) = machine.cost_of(|| signs(&first));
        assert_eq!((signed, cost.apdus), (Ok(()), 4));
        some_time();
        let (signed, cost) = machine.cost_of(|| signs(&first));
        assert_eq!(signed, Ok(()), "the login lasts: it is the same card");
        // Without a number, the certificate identifies the card in eight commands, after one in vain for the number.
        assert_eq!(cost.apdus, 4 + if common_ap { 2 } else { 9 }, "{cost:?}");
    }
}

#[test]
fn a_card_of_which_nothing_tells_gets_no_held_pin_over_a_new_connection() {
    let _turn = nameless();
    let options = Options { common_ap: false, phone: Some(jpki_virtual_card::Phone::Android), ..Options::default() };
    let (_machine, reader) = plugged(options);
    let first = token(&reader, AUTH);
    assert_eq!(first.serial(), "");
    let session = first.hold_connection();
    assert_eq!(first.login(Typed(pin(AUTH))), Ok(()));
    assert_eq!(signs(&first), Ok(()), "over the same connection");
    drop(session);
    some_time();
    assert_eq!(signs(&first), Err(Error::NotLoggedIn));
    assert_eq!(first.login(Typed(pin(AUTH))), Ok(()), "only the user knows whose PIN it is");
}

#[test]
fn a_card_of_another_kind_ends_the_login() {
    let (machine, reader) = plugged(Options::default());
    let first = token(&reader, AUTH);
    assert_eq!(first.login(Typed(pin(AUTH))), Ok(()));
    replug(&machine, &plastic(Options { not_my_number_card: true, ..Options::default() }));
    assert_eq!(first.sign(Scheme::Pkcs1, b"x").map(|_| ()), Err(Error::Removed));
    assert!(!first.is_logged_in());
    assert_eq!(name_of(&reader.contents()), "foreign");
}

#[test]
fn a_number_that_cannot_be_read_at_once_is_no_other_card() {
    let card = plastic(Options::default());
    let machine = machine_with(&card);
    let reader = reader(&machine);
    // READ RECORD fails, or the SELECT of the common application, which may be the first command after power-up.
    for (instruction, count, status) in
        [(0xB2, 1, [0x6F, 0x00]), (0xA4, 2, [0x6F, 0x00]), (0xA4, 1, [0x65, 0x81]), (0xA4, 1, [0x64, 0x00])]
    {
        let fail_once = || card.card().answer_matching(instruction, count, status.to_vec());
        let first = token(&reader, AUTH);
        assert_eq!(first.login(Typed(pin(AUTH))), Ok(()));
        some_time();
        fail_once();
        assert_eq!(signs(&first), Ok(()), "{instruction:02X} {status:02X?}");
        // Also during the recognition of the card: the module remembers refused PINs by the card's number.
        assert_eq!(first.logout(), Ok(()));
        assert_eq!(first.login(Typed(wrong_pin(AUTH))), Err(Error::PinIncorrect));
        let taken_out = machine.remove(READER);
        fail_once();
        machine.insert(READER, &taken_out);
        let second = token(&reader, AUTH);
        assert_eq!(second.serial(), first.serial(), "{instruction:02X} {status:02X?}");
        assert_eq!(second.login(Typed(wrong_pin(AUTH))), Err(Error::PinIncorrect));
        assert_eq!(card.card().tries_left(kind(AUTH)), 2, "sent once");
        assert_eq!(second.login(Typed(pin(AUTH))), Ok(()));
        assert_eq!(second.logout(), Ok(()));
    }
}
