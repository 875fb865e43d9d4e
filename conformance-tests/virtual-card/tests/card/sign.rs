//! The signing command (card-facts §5). `tests/client.rs` checks that the signatures are right.

use std::time::{Duration, Instant};

use jpki_virtual_card::Options;

use crate::{VERIFY_AUTH, VERIFY_SIGN, jpki, selected, send};

/// `80 2A` with input of that length.
fn command(p1: u8, p2: u8, length: usize) -> String {
    format!("802A{p1:02X}{p2:02X}{length:02X}{}00", "A5".repeat(length))
}

fn is_signature(answer: &str) -> bool {
    answer.len() == 2 * 258 && answer.ends_with("9000")
}

#[test]
fn each_scheme_has_its_range_of_lengths() {
    let mut card = jpki();
    send(&mut card, VERIFY_AUTH);
    for (p1, good, bad) in [
        (0, &[1, 32, 51, 245][..], &[246, 255][..]),
        (1, &[1, 255], &[]),
        (2, &[32], &[1, 31, 33, 255]),
        (3, &[1, 255], &[]),
        (4, &[32], &[1, 31, 33, 255]),
        (5, &[1, 255], &[]),
    ] {
        for &length in good {
            let answer = send(&mut card, &command(p1, 0x97, length));
            assert!(is_signature(&answer), "P1={p1:02X}, {length} bytes: {answer}");
        }
        for &length in bad {
            assert_eq!(send(&mut card, &command(p1, 0x97, length)), "6985");
        }
        assert_eq!(send(&mut card, &format!("802A{p1:02X}9700")), "6700");
    }
    for p1 in [0x06, 0x07, 0x80, 0xFF] {
        assert_eq!(send(&mut card, &command(p1, 0x97, 32)), "6A86");
    }
}

#[test]
fn pkcs1_repeats_itself_and_pss_does_not() {
    let mut card = jpki();
    send(&mut card, VERIFY_AUTH);
    for (p1, same) in [(0, true), (1, true), (2, true), (3, true), (4, false), (5, false)] {
        let first = send(&mut card, &command(p1, 0x97, 32));
        let second = send(&mut card, &command(p1, 0x97, 32));
        assert_eq!(first == second, same, "P1={p1:02X}");
    }
}

#[test]
fn the_key_is_the_selected_file_or_named_by_its_short_identifier() {
    let mut card = jpki();
    send(&mut card, VERIFY_SIGN);
    let by_name = send(&mut card, &command(0, 0x9A, 32));
    assert!(is_signature(&by_name));
    assert_eq!(card.selected_file(), Some(0x1A));
    send(&mut card, "00A4020C02001A");
    assert_eq!(send(&mut card, &command(0, 0x80, 32)), by_name);
}

#[test]
fn each_key_asks_for_its_own_pin() {
    let mut card = jpki();
    assert_eq!(send(&mut card, &command(0, 0x97, 32)), "6982");
    send(&mut card, VERIFY_SIGN);
    assert_eq!(send(&mut card, &command(0, 0x97, 32)), "6982");
    send(&mut card, VERIFY_AUTH);
    assert!(is_signature(&send(&mut card, &command(0, 0x97, 32))));
    assert!(is_signature(&send(&mut card, &command(0, 0x97, 32))));
    assert!(is_signature(&send(&mut card, &command(0, 0x9A, 32))));
}

#[test]
fn what_is_no_key_does_not_sign() {
    let mut card = jpki();
    assert_eq!(send(&mut card, &command(0, 0x80, 32)), "6986");
    assert_eq!(send(&mut card, &command(0, 0x9B, 32)), "6981");
    assert_eq!(send(&mut card, &command(0, 0x93, 32)), "6A82");
    assert_eq!(send(&mut card, &command(0, 0x00, 32)), "6A86");
}

#[test]
fn a_card_without_pss() {
    let mut card = selected(Options { pss: false, ..Options::default() });
    send(&mut card, VERIFY_AUTH);
    assert_eq!(send(&mut card, &command(4, 0x97, 32)), "6A86");
    assert_eq!(send(&mut card, &command(5, 0x97, 32)), "6A86");
    assert!(is_signature(&send(&mut card, &command(2, 0x97, 32))));
}

#[test]
fn a_card_that_signs_wrongly() {
    let mut card = jpki();
    send(&mut card, VERIFY_AUTH);
    let right = send(&mut card, &command(0, 0x97, 32));
    card.corrupt_signatures(true);
    let wrong = send(&mut card, &command(0, 0x97, 32));
    assert!(is_signature(&wrong));
    assert_ne!(wrong, right);
    card.corrupt_signatures(false);
    assert_eq!(send(&mut card, &command(0, 0x97, 32)), right);
}

#[test]
fn a_slow_card() {
    let mut card =
        selected(Options { sign_delay: Duration::from_millis(50), speed: Some(10_000), ..Options::default() });
    send(&mut card, VERIFY_AUTH);
    let start = Instant::now();
    send(&mut card, &command(0, 0x97, 32));
    // 50 ms for the signature, and 296 bytes at 10 bytes a millisecond.
    assert!(start.elapsed() >= Duration::from_millis(79));
}
