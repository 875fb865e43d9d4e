//! The token's serial number: sixteen characters that identify a card.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use crate::card::CardNumber;

/// The length of CK_TOKEN_INFO's serial number (PKCS#11 3.2 §3.2).
const LENGTH: usize = 16;

/// How many times the hash of the card's number is hashed again. The number has fifteen digits, of which many cards share
/// the first ones. To find it by trying all of them costs so many times more; it is not prevented.
const ROUNDS: u32 = 1 << 14;

/// The serial number from the card's own number: the same on every machine, and not the number itself.
pub(super) fn from_card_number(number: &CardNumber) -> String {
    let mut hash = Sha256::new().chain_update(b"jpki-pkcs11 token serial\0").chain_update(number.digits()).finalize();
    for _ in 0..ROUNDS {
        hash = Sha256::digest(hash);
    }
    hexadecimal(&hash)
}

/// The serial number from a certificate, for a card that does not give its number. The certificate is public.
pub(super) fn from_certificate(der: &[u8]) -> String {
    hexadecimal(&Sha256::digest(der))
}

fn hexadecimal(hash: &[u8]) -> String {
    hash.iter().take(LENGTH / 2).fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02X}");
        text
    })
}
