//! Faults on demand, and the record of commands and answers.

use jpki_virtual_card::{Card, Options, PinKind};

use crate::{SELECT_JPKI, VERIFY_AUTH, VERIFY_SIGN, jpki, powered, send};

#[test]
fn the_next_commands_are_answered_and_not_executed() {
    let mut card = jpki();
    card.answer_next(2, 0x6400);
    assert_eq!(send(&mut card, VERIFY_AUTH), "6400");
    assert_eq!(send(&mut card, VERIFY_AUTH), "6400");
    assert!(card.verified().is_empty());
    assert_eq!(send(&mut card, VERIFY_AUTH), "9000");
}

#[test]
fn commands_of_one_instruction_are_answered_with_given_bytes() {
    let mut card = jpki();
    card.answer_matching(0x20, 1, vec![0x63, 0xC1]);
    assert_eq!(send(&mut card, SELECT_JPKI), "9000");
    assert_eq!(send(&mut card, VERIFY_AUTH), "63C1");
    assert_eq!(card.tries_left(PinKind::Authentication), 3);
    assert_eq!(send(&mut card, VERIFY_AUTH), "9000");
    card.answer_matching(0xB0, 1, vec![0x30]);
    assert_eq!(send(&mut card, "00B0880000"), "30");
}

#[test]
fn a_mute_card() {
    let mut card = powered(Options::default());
    card.set_mute(true);
    assert_eq!(card.transmit(&[0, 0x84, 0, 0, 1]), None);
    card.set_mute(false);
    assert!(card.transmit(&[0, 0x84, 0, 0, 1]).is_some());
    assert_eq!(card.apdu_count(), 1);
}

#[test]
fn everything_is_counted() {
    let mut card = powered(Options::default());
    send(&mut card, SELECT_JPKI);
    send(&mut card, "00B0880003");
    assert_eq!(card.apdu_count(), 2);
    assert_eq!(card.byte_count(), 15 + 2 + 5 + 5);
    assert_eq!(card.exchanges().len(), 2);
    assert_eq!(card.exchanges()[1].to_string(), "00 B0 88 00 03 -> 8F 8F 00 90 00");
    card.clear_exchanges();
    assert_eq!((card.apdu_count(), card.byte_count()), (0, 0));
    assert!(card.exchanges().is_empty());
}

#[test]
fn secrets_are_not_recorded() {
    let mut card = jpki();
    send(&mut card, VERIFY_SIGN);
    send(&mut card, "0024019B06585858313233");
    send(&mut card, "00B0810010");
    send(&mut card, "00B0000010");
    let record = format!("{:?}", card.exchanges());
    assert!(!record.contains("65, 66, 67"), "the old password");
    assert!(!record.contains("88, 88, 88"), "the new password");
    let reads = &card.exchanges()[3..];
    assert!(reads.iter().all(|read| read.response == *b"****************\x90\x00"));
}

#[test]
fn pins_are_in_no_debug_output() {
    let options = Options { auth_pin: "8642".to_owned(), sign_pin: "SECRET99".to_owned(), ..Options::default() };
    let card = Card::new(jpki_virtual_card::test_identity(), options.clone());
    for text in [format!("{options:?}"), format!("{card:?}")] {
        assert!(!text.contains("8642") && !text.contains("SECRET99"), "{text}");
    }
}

#[test]
fn a_pin_set_from_outside() {
    let mut card = jpki();
    card.set_pin(PinKind::Authentication, "0000");
    assert_eq!(send(&mut card, VERIFY_AUTH), "63C2");
    assert_eq!(send(&mut card, "002000980430303030"), "9000");
    card.set_tries_left(PinKind::Signature, 0);
    assert_eq!(send(&mut card, VERIFY_SIGN), "6984");
}

#[test]
fn a_card_can_go_to_another_thread() {
    let mut card = jpki();
    let answer = std::thread::spawn(move || send(&mut card, VERIFY_AUTH)).join();
    assert_eq!(answer.unwrap(), "9000");
}
