//! READ BINARY, READ RECORD, GET DATA and GET CHALLENGE (card-facts §1.4, §2, §3).

use jpki_virtual_card::{Card, Filler, Options, Phone, Presence, test_identity};

use crate::{SELECT_COMMON, VERIFY_AUTH, VERIFY_SIGN, jpki, powered, selected, send};

/// Reads the file selected, 256 bytes at a time, up to its end.
fn read_to_end(card: &mut Card) -> Vec<u8> {
    let mut file = Vec::new();
    loop {
        let [high, low] = u16::try_from(file.len()).unwrap().to_be_bytes();
        let mut answer = card.transmit(&[0x00, 0xB0, high, low, 0x00]).unwrap();
        let status = answer.split_off(answer.len() - 2);
        match status[..] {
            [0x90, 0x00] => file.extend(answer),
            [0x6B, 0x00] => return file,
            _ => panic!("status {status:02X?}"),
        }
    }
}

#[test]
fn a_certificate_file_is_larger_than_its_certificate() {
    let mut card = jpki();
    send(&mut card, "00A4020C02000A");
    let file = read_to_end(&mut card);
    let certificate = test_identity().auth_certificate().to_vec();
    assert_eq!(file.len(), 3808);
    assert_eq!(file[..certificate.len()], certificate);
    assert!(file[certificate.len()..].iter().all(|&byte| byte == 0xFF));
}

#[test]
fn what_stands_behind_a_certificate() {
    let certificate = test_identity().auth_certificate().to_vec();
    let size = certificate.len() + 4;
    for (filler, behind) in
        [(Filler::Ones, [0xFF; 4]), (Filler::Zeros, [0x00; 4]), (Filler::Mixed, [0xFF, 0xFF, 0x00, 0x00])]
    {
        let mut card = selected(Options { filler, ef_size: size, ..Options::default() });
        send(&mut card, "00A4020C02000A");
        assert_eq!(read_to_end(&mut card), [certificate.as_slice(), &behind].concat(), "{filler:?}");
    }
}

#[test]
fn a_blank_file_may_be_one_of_zeros() {
    for presence in [Presence::Blank, Presence::ProtectedBlank] {
        let options = Options { sign_certificate: presence, filler: Filler::Zeros, ..Options::default() };
        let mut card = selected(options);
        assert_eq!(send(&mut card, VERIFY_SIGN), "9000");
        send(&mut card, "00A4020C020001");
        assert_eq!(read_to_end(&mut card), [0x00; 3808], "{presence:?}");
    }
}

#[test]
fn the_end_of_a_file() {
    let mut card = jpki();
    send(&mut card, "00A4020C020008");
    assert_eq!(send(&mut card, "00B0000000"), "8F8F009000");
    assert_eq!(send(&mut card, "00B0000201"), "009000");
    assert_eq!(send(&mut card, "00B0000300"), "6B00");
    assert_eq!(send(&mut card, "00B07FFF00"), "6B00");
    assert_eq!(send(&mut card, "00B0000000000000"), "6700");
    assert_eq!(send(&mut card, "00B00000000000"), "8F8F009000");
    assert_eq!(send(&mut card, "00B00000"), "6700");
}

#[test]
fn a_short_identifier_selects_its_file() {
    let mut card = jpki();
    assert_eq!(send(&mut card, "00B0880001"), "8F9000");
    assert_eq!(card.selected_file(), Some(8));
    assert_eq!(send(&mut card, "00B0880102"), "8F009000");
    assert_eq!(send(&mut card, "00B0830000"), "6A82");
    assert_eq!(send(&mut card, "00B0800000"), "6A86");
    assert_eq!(send(&mut card, "00B09F0000"), "6A86");
    assert_eq!(send(&mut card, "00B0A80000"), "6A86");
    assert_eq!(card.selected_file(), Some(8));
}

#[test]
fn a_card_without_short_identifiers() {
    let mut card = selected(Options { short_identifiers: false, ..Options::default() });
    for command in ["00B0880001", VERIFY_AUTH, "802A009701FF00", "0024019801FF"] {
        assert_eq!(send(&mut card, command), "6A86", "{command}");
    }
    send(&mut card, SELECT_COMMON);
    assert_eq!(send(&mut card, "00B2010C00"), "6A86");
    assert_eq!(send(&mut card, "00A4020C020001"), "9000");
    assert!(send(&mut card, "00B2010400").ends_with("9000"));
}

#[test]
fn files_that_cannot_be_read() {
    let mut card = jpki();
    assert_eq!(send(&mut card, "00B0000000"), "6986");
    for id in ["10", "16", "17", "18", "19", "1A", "1B", "1C", "1E"] {
        send(&mut card, &format!("00A4020C0200{id}"));
        assert_eq!(send(&mut card, "00B0000000"), "6981", "{id}");
    }
    send(&mut card, VERIFY_AUTH);
    send(&mut card, VERIFY_SIGN);
    assert_eq!(send(&mut card, "00B0890000"), "6982");
}

#[test]
fn the_signature_certificate_asks_for_its_own_pin() {
    let mut card = jpki();
    assert_eq!(send(&mut card, "00B0810004"), "6982");
    assert_eq!(send(&mut card, VERIFY_AUTH), "9000");
    assert_eq!(send(&mut card, "00B0810004"), "6982");
    assert_eq!(send(&mut card, VERIFY_SIGN), "9000");
    assert_eq!(send(&mut card, "00B0810004"), "308206DA9000");
}

#[test]
fn certificates_that_are_not_there() {
    for (presence, free, verified, select) in [
        (Presence::Blank, "FFFF9000", "FFFF9000", "9000"),
        (Presence::ProtectedBlank, "6982", "FFFF9000", "9000"),
        (Presence::Empty, "6982", "6B00", "9000"),
        (Presence::Missing, "6A82", "6A82", "6A82"),
    ] {
        let mut card = selected(Options { sign_certificate: presence, ..Options::default() });
        assert_eq!(send(&mut card, "00B0880003"), "008F009000", "{presence:?}");
        assert_eq!(send(&mut card, "00A4020C020001"), select, "{presence:?}");
        assert_eq!(send(&mut card, "00B0810002"), free, "{presence:?}");
        assert_eq!(send(&mut card, VERIFY_SIGN), "9000");
        assert_eq!(send(&mut card, "00B0810002"), verified, "{presence:?}");
    }
}

#[test]
fn an_absent_authentication_certificate() {
    for (presence, free) in [
        (Presence::Blank, "FFFF9000"),
        (Presence::ProtectedBlank, "6982"),
        (Presence::Empty, "6B00"),
        (Presence::Missing, "6A82"),
    ] {
        let mut card =
            selected(Options { auth_certificate: presence, auth_ca_certificate: presence, ..Options::default() });
        assert_eq!(send(&mut card, "00B0880003"), "8F00009000");
        assert_eq!(send(&mut card, "00B08A0002"), free, "{presence:?}");
        assert_eq!(send(&mut card, "00B08B0002"), free, "{presence:?}");
    }
}

#[test]
fn on_an_android_phone_the_authentication_certificate_asks_for_its_pin() {
    let mut card = selected(Options { phone: Some(Phone::Android), ..Options::default() });
    assert_eq!(send(&mut card, "00B08A0002"), "6982");
    send(&mut card, VERIFY_AUTH);
    assert_eq!(send(&mut card, "00B08A0002"), "30829000");
}

#[test]
fn an_expired_card_holds_other_certificates_of_the_same_keys() {
    let mut card = selected(Options { expired: true, ..Options::default() });
    send(&mut card, "00A4020C02000A");
    let file = read_to_end(&mut card);
    assert!(file.starts_with(test_identity().expired_auth_certificate()));
}

#[test]
fn the_number_of_the_card() {
    let mut card = powered(Options::default());
    send(&mut card, SELECT_COMMON);
    let record = format!("011C{}9000", crate::hex(b"9900000000000171399920350401"));
    assert_eq!(send(&mut card, "00B2010C00"), record);
    assert_eq!(send(&mut card, "00B2010400"), record);
    assert_eq!(send(&mut card, "00B2020400"), "6A83");
    assert_eq!(send(&mut card, "00B2000400"), "6A83");
    assert_eq!(send(&mut card, "00B2010500"), "6A86");
    assert_eq!(send(&mut card, "00B0000000"), "6981");
    let mut card = jpki();
    assert_eq!(send(&mut card, "00B2010400"), "6986");
    send(&mut card, "00A4020C020006");
    assert_eq!(send(&mut card, "00B2010400"), "6981");
}

#[test]
fn data_objects_of_the_card() {
    let mut card = powered(Options::default());
    assert_eq!(send(&mut card, "00CA004500"), format!("{}9000", crate::hex(b"990000000000017")));
    assert_eq!(send(&mut card, "00CA004502"), "6700");
    assert_eq!(send(&mut card, "00CA5F5100"), "E000FF8131FE45149000");
    assert_eq!(send(&mut card, "00CA123400"), "6A88");
    let mut card = jpki();
    assert_eq!(send(&mut card, "00CA004500"), "6A88");
}

#[test]
fn random_bytes() {
    let mut card = powered(Options::default());
    for (le, length) in [("01", 1), ("20", 32), ("00", 256)] {
        let answer = send(&mut card, &format!("00840000{le}"));
        assert_eq!(answer.len(), 2 * (length + 2));
    }
    let mut card = jpki();
    let first = send(&mut card, "0084000010");
    assert_ne!(first, send(&mut card, "0084000010"));
    assert_eq!(send(&mut card, "00840000000100"), "6985");
    assert_eq!(send(&mut card, "00840000"), "6700");
    assert_eq!(send(&mut card, "0084010010"), "6A86");
}
