//! VERIFY, its query, and CHANGE REFERENCE DATA (card-facts §4).

use jpki_virtual_card::{LockedQuery, Options, PinKind};

use crate::{VERIFY_AUTH, VERIFY_SIGN, jpki, selected, send};

const WRONG_AUTH: &str = "002000980439393939";

#[test]
fn the_query_costs_no_try_and_never_says_ok() {
    let mut card = jpki();
    send(&mut card, "00A4020C020018");
    for _ in 0..4 {
        assert_eq!(send(&mut card, "00200080"), "63C3");
    }
    assert_eq!(send(&mut card, "0020008000"), "6700");
    assert_eq!(send(&mut card, VERIFY_AUTH), "9000");
    assert_eq!(send(&mut card, "00200080"), "63C3");
    assert_eq!(send(&mut card, "0020009B"), "63C5");
}

#[test]
fn wrong_pins_are_counted_and_the_right_one_forgives() {
    let mut card = jpki();
    assert_eq!(send(&mut card, WRONG_AUTH), "63C2");
    assert_eq!(send(&mut card, WRONG_AUTH), "63C1");
    assert_eq!(send(&mut card, VERIFY_AUTH), "9000");
    assert_eq!(card.tries_left(PinKind::Authentication), 3);
    assert_eq!(card.verified(), [PinKind::Authentication]);
}

#[test]
fn a_locked_pin_stays_locked() {
    let mut card = jpki();
    for status in ["63C2", "63C1", "63C0", "6984", "6984"] {
        assert_eq!(send(&mut card, WRONG_AUTH), status);
    }
    assert_eq!(send(&mut card, VERIFY_AUTH), "6984");
    assert_eq!(send(&mut card, "00200098"), "63C0");
    assert_eq!(card.tries_left(PinKind::Authentication), 0);
    assert_eq!(send(&mut card, VERIFY_SIGN), "9000");

    let mut card = selected(Options { sign_tries_left: 0, ..Options::default() });
    assert_eq!(send(&mut card, VERIFY_SIGN), "6984");
}

#[test]
fn what_a_pin_without_tries_says() {
    for (query, asked, verified) in [
        (LockedQuery::NoTries, "63C0", "6984"),
        (LockedQuery::Blocked, "6984", "6984"),
        (LockedQuery::NotSet, "6A88", "6A88"),
    ] {
        let mut card = selected(Options { sign_tries_left: 0, sign_pin_query: query, ..Options::default() });
        assert_eq!(send(&mut card, "0020009B"), asked, "{query:?}");
        assert_eq!(send(&mut card, VERIFY_SIGN), verified, "{query:?}");
        assert_eq!(send(&mut card, "00200098"), "63C3", "the other PIN is another PIN");
        card.set_tries_left(PinKind::Signature, 1);
        assert_eq!(send(&mut card, "0020009B"), "63C1", "{query:?}: it has been set");
    }
}

#[test]
fn a_wrong_pin_ends_its_own_verified_state_only() {
    let mut card = jpki();
    send(&mut card, VERIFY_AUTH);
    send(&mut card, VERIFY_SIGN);
    assert_eq!(card.verified(), [PinKind::Authentication, PinKind::Signature]);
    assert_eq!(send(&mut card, WRONG_AUTH), "63C2");
    assert_eq!(card.verified(), [PinKind::Signature]);
}

#[test]
fn pins_are_compared_byte_for_byte() {
    let mut card = jpki();
    assert_eq!(send(&mut card, "0020009B06616263313233"), "63C4");
    assert_eq!(send(&mut card, "0020009B0741424331323300"), "63C3");
    assert_eq!(send(&mut card, "0020009B0141"), "63C2");
    assert_eq!(send(&mut card, &format!("0020009B11{}", "41".repeat(17))), "63C1");
}

#[test]
fn what_is_no_pin_cannot_be_verified() {
    let mut card = jpki();
    assert_eq!(send(&mut card, "00200080"), "6986");
    send(&mut card, "00A4020C020006");
    assert_eq!(send(&mut card, "002000800431323334"), "6981");
    assert_eq!(send(&mut card, "00200093"), "6A82");
    assert_eq!(send(&mut card, "00200018"), "6A86");
    assert_eq!(send(&mut card, "00200198"), "6A86");
}

#[test]
fn a_pin_is_changed_once_the_old_one_is_verified() {
    let mut card = jpki();
    send(&mut card, "00A4020C020018");
    assert_eq!(send(&mut card, "002401800435363738"), "6982");
    assert_eq!(send(&mut card, "002000800431323334"), "9000");
    assert_eq!(send(&mut card, "002400800435363738"), "6A86");
    assert_eq!(send(&mut card, "00240180"), "6700");
    assert_eq!(send(&mut card, "002401800435363738"), "9000");
    assert_eq!(send(&mut card, "002000800431323334"), "63C2");
    assert_eq!(send(&mut card, "002000800435363738"), "9000");
}
