//! The virtual card against the known facts about real cards, area by area.

mod faults;
mod generations;
mod life;
mod pins;
mod read;
mod select;
mod sign;

use jpki_virtual_card::{Card, Options, test_identity};

const SELECT_JPKI: &str = "00A4040C0AD392F000260100000001";
const SELECT_COMMON: &str = "00A4040C0AD3921000310001010100";
const SELECT_ISSUER: &str = "00A4040C07A0000001510000";
const VERIFY_AUTH: &str = "002000980431323334";
const VERIFY_SIGN: &str = "0020009B06414243313233";

/// A card with power; nothing is selected.
fn powered(options: Options) -> Card {
    let mut card = Card::new(test_identity(), options);
    card.power_on();
    card
}

/// A card with the JPKI application selected.
fn selected(options: Options) -> Card {
    let mut card = powered(options);
    assert_eq!(send(&mut card, SELECT_JPKI), "9000");
    card
}

/// The default card with the JPKI application selected.
fn jpki() -> Card {
    selected(Options::default())
}

/// Sends a command and returns the answer, both in hexadecimal.
fn send(card: &mut Card, command: &str) -> String {
    hex(&card.transmit(&bytes(command)).expect("an answer"))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}

fn bytes(hex: &str) -> Vec<u8> {
    let pair = |at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hexadecimal");
    (0..hex.len()).step_by(2).map(pair).collect()
}
