//! How long a verified PIN stays verified (card-facts §4.5), and what power and resets do.

use jpki_virtual_card::{Application, Card, LeaveBehaviour, Options, PinKind};

use crate::{SELECT_COMMON, SELECT_ISSUER, SELECT_JPKI, VERIFY_AUTH, VERIFY_SIGN, powered, selected, send};

/// A card with the authentication PIN verified.
fn verified(options: Options) -> Card {
    let mut card = selected(options);
    assert_eq!(send(&mut card, VERIFY_AUTH), "9000");
    card
}

fn leaving(leave: LeaveBehaviour) -> Card {
    verified(Options { leave, ..Options::default() })
}

fn is_verified(card: &Card) -> bool {
    card.verified().contains(&PinKind::Authentication)
}

#[test]
fn a_verified_pin_stays_verified_inside_its_application() {
    let mut card = verified(Options::default());
    send(&mut card, "00A4020C02001A");
    send(&mut card, "00A4020C020007");
    assert!(is_verified(&card));
    assert_eq!(send(&mut card, SELECT_JPKI), "9000");
    assert!(is_verified(&card));
    card.reset();
    assert!(is_verified(&card));
    card.power_on();
    assert!(is_verified(&card));
}

#[test]
fn another_application_or_the_power_ends_it() {
    for name in [SELECT_ISSUER, SELECT_COMMON] {
        let mut card = verified(Options::default());
        assert_eq!(send(&mut card, name), "9000");
        assert!(!is_verified(&card));
    }
    let mut card = verified(Options::default());
    card.select_other_application();
    assert!(!is_verified(&card));
    assert_eq!(card.selected_application(), Application::Common);

    let mut card = verified(Options::default());
    send(&mut card, VERIFY_SIGN);
    card.power_off();
    assert!(card.verified().is_empty());
    card.power_on();
    assert_eq!(card.selected_application(), Application::IssuerSecurityDomain);
    assert_eq!(send(&mut card, "00B0000000"), "6986");
}

#[test]
fn cards_that_lock_earlier() {
    let mut card = verified(Options { reselect_clears: true, ..Options::default() });
    send(&mut card, SELECT_JPKI);
    assert!(!is_verified(&card));
    let mut card = verified(Options { warm_reset_clears: true, ..Options::default() });
    card.reset();
    assert!(!is_verified(&card));
    assert!(card.is_powered());
}

#[test]
fn cards_that_cannot_be_left() {
    let mut card = leaving(LeaveBehaviour::Refused);
    assert_eq!(send(&mut card, SELECT_ISSUER), "6A82");
    assert!(is_verified(&card));
    assert_eq!(send(&mut card, SELECT_COMMON), "9000");
    assert!(!is_verified(&card));

    let mut card = leaving(LeaveBehaviour::RefusedAll);
    assert_eq!(send(&mut card, SELECT_ISSUER), "6A82");
    assert_eq!(send(&mut card, SELECT_COMMON), "6A82");
    assert!(is_verified(&card));
    assert_eq!(send(&mut card, SELECT_JPKI), "9000");
    card.power_off();
    assert!(!is_verified(&card));

    let mut card = leaving(LeaveBehaviour::Lies);
    assert_eq!(send(&mut card, SELECT_ISSUER), "9000");
    assert!(is_verified(&card));
    assert_eq!(send(&mut card, SELECT_JPKI), "9000");
    assert!(is_verified(&card));
    assert_eq!(send(&mut card, SELECT_COMMON), "9000");
    assert!(!is_verified(&card));
}

#[test]
fn without_power_there_is_no_answer() {
    let mut card = powered(Options::default());
    card.power_off();
    assert!(!card.is_powered());
    assert_eq!(card.transmit(&[0, 0x84, 0, 0, 1]), None);
    card.reset();
    assert!(card.is_powered());
}

#[test]
fn the_atr() {
    let answer = |options| Card::new(jpki_virtual_card::test_identity(), options).atr();
    let atr = |options| crate::hex(&answer(options).unwrap());
    assert_eq!(atr(Options::default()), "3BE000FF8131FE4514");
    let contactless = Options { contactless: true, ..Options::default() };
    assert_eq!(atr(contactless), "3B888001000005E0B381A1007F");
    let other = Options { atr: Some(vec![0x3B, 0x00]), ..Options::default() };
    assert_eq!(atr(other), "3B00");
    let unresponsive = Options { unresponsive: true, atr: Some(vec![0x3B, 0x00]), ..Options::default() };
    assert_eq!(answer(unresponsive), None);
}

#[test]
fn an_unresponsive_card_gets_no_power() {
    let mut card = powered(Options { unresponsive: true, ..Options::default() });
    assert!(!card.is_powered());
    card.reset();
    assert!(!card.is_powered());
    assert_eq!(card.transmit(&[0, 0x84, 0, 0, 1]), None);
}

#[test]
fn the_first_command_after_power_comes_on_can_fail() {
    let mut card = powered(Options { first_command_6f00: true, ..Options::default() });
    assert_eq!(send(&mut card, SELECT_JPKI), "6F00");
    assert_eq!(send(&mut card, SELECT_JPKI), "9000");
    card.reset();
    assert_eq!(send(&mut card, SELECT_JPKI), "9000");
    card.power_off();
    card.power_on();
    assert_eq!(send(&mut card, SELECT_JPKI), "6F00");
}
