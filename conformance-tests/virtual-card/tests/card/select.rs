//! Applications and files by name, identifier and short identifier; classes and instructions (card-facts §1).

use jpki_virtual_card::{Application, Options, Phone};

use crate::{SELECT_COMMON, SELECT_ISSUER, SELECT_JPKI, jpki, powered, selected, send};

#[test]
fn the_issuer_security_domain_is_selected_when_power_comes_on() {
    let mut card = powered(Options::default());
    assert_eq!(card.selected_application(), Application::IssuerSecurityDomain);
    for id in 0x01..=0x1E {
        assert_eq!(send(&mut card, &format!("00A4020C0200{id:02X}")), "6A82");
    }
}

#[test]
fn applications_by_name_and_by_its_beginning() {
    let mut card = powered(Options::default());
    assert_eq!(send(&mut card, "00A4040C05D392F00026"), "9000");
    assert_eq!(card.selected_application(), Application::Jpki);
    assert_eq!(send(&mut card, SELECT_COMMON), "9000");
    assert_eq!(send(&mut card, SELECT_ISSUER), "9000");
    assert_eq!(send(&mut card, "00A4040C0AD392F000260100000002"), "6A82");
    assert_eq!(send(&mut card, "00A4040C0BD392F00026010000000100"), "6A82");
}

#[test]
fn file_control_information_is_returned_only_where_it_is_asked_for() {
    let mut card = powered(Options::default());
    let name = "D392F000260100000001";
    assert_eq!(send(&mut card, &format!("00A404000A{name}00")), format!("6F0C840A{name}9000"));
    assert_eq!(send(&mut card, &format!("00A404000A{name}")), "9000");
}

#[test]
fn the_files_are_those_a_sweep_found() {
    let mut card = jpki();
    let there = [0x01, 0x02, 0x05, 0x06, 0x08, 0x09, 0x0A, 0x0B, 0x10, 0x16, 0x17, 0x18, 0x19, 0x1A, 0x1B, 0x1C, 0x1E];
    for id in 0x01..=0x1F {
        let expected = if there.contains(&id) { "9000" } else { "6A82" };
        assert_eq!(send(&mut card, &format!("00A4020C0200{id:02X}")), expected, "{id:02X}");
    }
}

#[test]
fn a_failed_select_changes_nothing() {
    let mut card = jpki();
    assert_eq!(send(&mut card, "00A4020C020006"), "9000");
    assert_eq!(send(&mut card, "00A4020C020007"), "6A82");
    assert_eq!(card.selected_file(), Some(6));
    assert_eq!(send(&mut card, SELECT_JPKI), "9000");
    assert_eq!(card.selected_file(), None);
}

#[test]
fn there_is_no_master_file() {
    let mut card = powered(Options::default());
    assert_eq!(send(&mut card, "00A40000"), "6A86");
    assert_eq!(send(&mut card, "00A40000023F00"), "6A82");
    assert_eq!(send(&mut card, SELECT_JPKI), "9000");
    assert_eq!(send(&mut card, "00A40000"), "9000");
    assert_eq!(card.selected_application(), Application::Jpki);
    assert_eq!(send(&mut card, "00A40000023F00"), "6A82");
}

#[test]
fn classes_and_instructions() {
    let mut card = jpki();
    for (command, status) in [
        ("01A4020C020006", "6881"),
        ("03B0000000", "6881"),
        ("08B0000000", "69FC"),
        ("FFCA000000", "6E00"),
        ("20A4020C020006", "6E00"),
        ("00FF0000", "6D00"),
        ("802B0000", "6D00"),
        ("80AE0000", "6982"),
        ("0088000004AABBCCDD00", "6982"),
        ("80A200C1010000", "6700"),
        ("80FC0000", "6700"),
        ("00A4", "6700"),
    ] {
        assert_eq!(send(&mut card, command), status, "{command}");
    }
    assert_eq!(send(&mut card, SELECT_COMMON), "9000");
    assert_eq!(send(&mut card, "80AE0000"), "66F1");
}

#[test]
fn a_phone_says_so() {
    for (phone, label) in [(Phone::Android, "JPKIAPGPSETOKEN"), (Phone::Iphone, "JPKIAPIOSTOKEN")] {
        let mut card = selected(Options { phone: Some(phone), ..Options::default() });
        let answer = card.transmit(b"\x00\xB0\x86\x00\x20").unwrap();
        assert_eq!(&answer[..32], format!("{label:32}").as_bytes());
        let indicator = if phone == Phone::Iphone { "9000" } else { "6700" };
        assert_eq!(send(&mut card, "80FC0000"), indicator);
    }
}

#[test]
fn a_foreign_card_knows_no_name() {
    let mut card = powered(Options { not_my_number_card: true, ..Options::default() });
    for name in [SELECT_JPKI, SELECT_COMMON, SELECT_ISSUER] {
        assert_eq!(send(&mut card, name), "6A82");
    }
}

#[test]
fn a_card_without_the_common_application() {
    let mut card = powered(Options { common_ap: false, ..Options::default() });
    assert_eq!(send(&mut card, SELECT_COMMON), "6A82");
    assert_eq!(send(&mut card, SELECT_JPKI), "9000");
}
