//! Tries, VERIFY and CHANGE REFERENCE DATA.

use jpki_pkcs11::card::{Error, KeyPair};
use jpki_virtual_card::Options;

use super::powered;
use crate::support::{AUTH, SIGN, kind, pin, wrong_pin};

#[test]
fn tries_go_down_to_the_lock_and_are_told_at_each_step() {
    for short_identifiers in [true, false] {
        for key_pair in KeyPair::ALL {
            let mut card = powered(Options { short_identifiers, ..Options::default() });
            let answer = card.first_work(|application| {
                for left in (1..key_pair.tries()).rev() {
                    assert_eq!(application.verify(key_pair, wrong_pin(key_pair)), Err(Error::WrongPin(Some(left))));
                    assert_eq!(application.tries_left(key_pair)?, Some(left));
                }
                // The card answers the attempt that locks it with 63C0, all others with 6984 (card-facts §4.1).
                assert_eq!(application.verify(key_pair, wrong_pin(key_pair)), Err(Error::PinLocked));
                assert_eq!(application.verify(key_pair, pin(key_pair)), Err(Error::PinLocked));
                application.tries_left(key_pair)
            });
            assert_eq!(answer, Ok(Some(0)), "{key_pair:?}");
        }
    }
}

#[test]
fn a_right_pin_brings_the_tries_back() {
    let mut card = powered(Options { auth_tries_left: 1, ..Options::default() });
    let answer = card.first_work(|application| {
        assert_eq!(application.tries_left(AUTH)?, Some(1));
        application.verify(AUTH, pin(AUTH))?;
        application.tries_left(AUTH)
    });
    assert_eq!(answer, Ok(Some(3)));
}

#[test]
fn every_way_to_say_that_a_pin_is_locked() {
    for status in [0x63C0_u16, 0x6983, 0x6984] {
        let mut card = powered(Options::default());
        card.0.answer_matching(0x20, 2, status.to_be_bytes().to_vec());
        let answer = card.first_work(|application| {
            assert_eq!(application.tries_left(AUTH), Ok(Some(0)), "{status:04X}");
            application.verify(AUTH, pin(AUTH))
        });
        assert_eq!(answer, Err(Error::PinLocked), "{status:04X}");
    }
}

#[test]
fn a_wrong_pin_without_a_count() {
    let mut card = powered(Options::default());
    card.0.answer_matching(0x20, 1, vec![0x63, 0x00]);
    assert_eq!(card.first_work(|application| application.verify(AUTH, b"1111")), Err(Error::WrongPin(None)));
}

#[test]
fn a_card_that_does_not_say_how_many_tries_are_left() {
    for status in [0x9000_u16, 0x6985, 0x6700, 0x6D00] {
        let mut card = powered(Options::default());
        card.0.answer_matching(0x20, 1, status.to_be_bytes().to_vec());
        assert_eq!(card.first_work(|application| application.tries_left(SIGN)), Ok(None), "{status:04X}");
    }
}

#[test]
fn a_pin_is_never_sent_in_two_forms_after_it_was_compared() {
    for answer in [0x6300_u16, 0x63C2, 0x63C0, 0x6983, 0x6984, 0x6700, 0x6F00] {
        let mut card = powered(Options::default());
        card.0.answer_matching(0x20, 1, answer.to_be_bytes().to_vec());
        card.first_work(|application| application.verify(AUTH, pin(AUTH))).expect_err("refused");
        let sent = card.0.exchanges().iter().filter(|exchange| exchange.command.get(1) == Some(&0x20)).count();
        assert_eq!(sent, 1, "after {answer:04X}");
    }
}

#[test]
fn the_tries_of_one_pin_are_not_those_of_the_other() {
    let mut card = powered(Options { auth_tries_left: 0, ..Options::default() });
    let answer = card.first_work(|application| {
        assert_eq!(application.verify(AUTH, pin(AUTH)), Err(Error::PinLocked));
        application.verify(SIGN, pin(SIGN))
    });
    assert_eq!(answer, Ok(()));
}

#[test]
fn a_pin_is_changed() {
    for short_identifiers in [true, false] {
        for (key_pair, new) in [(AUTH, b"4321".as_slice()), (SIGN, b"NEW5678")] {
            let mut card = powered(Options { short_identifiers, ..Options::default() });
            assert_eq!(card.first_work(|application| application.change_pin(key_pair, pin(key_pair), new)), Ok(()));
            assert!(card.0.verified().is_empty(), "locked again");
            assert_eq!(card.first_work(|application| application.verify(key_pair, new)), Ok(()));
            let old = card.first_work(|application| application.verify(key_pair, pin(key_pair)));
            assert_eq!(old, Err(Error::WrongPin(Some(key_pair.tries() - 1))));
        }
    }
}

#[test]
fn a_pin_that_is_not_changed() {
    let mut card = powered(Options::default());
    let wrong = card.first_work(|application| application.change_pin(AUTH, b"9999", b"4321"));
    assert_eq!(wrong, Err(Error::WrongPin(Some(2))));
    let refused = card.first_work(|application| application.change_pin(AUTH, pin(AUTH), &[b'1'; 17]));
    assert!(matches!(refused, Err(Error::Refused(_))), "{refused:?}");
    assert!(card.0.verified().is_empty(), "locked again");
    assert_eq!(card.0.tries_left(kind(AUTH)), 3);
    assert_eq!(card.first_work(|application| application.verify(AUTH, pin(AUTH))), Ok(()), "the old PIN holds");
}
