//! PINs that cards have refused. None of them is sent to the same card again by this process, whatever happens in
//! between: a program that starts anew after each failure, and tries its stored PIN again, must not lock the card.

use parking_lot::Mutex;

use super::pin::SecretPin;
use crate::card::KeyPair;

/// How many PINs are remembered, of all cards. The oldest goes first.
const MOST: usize = 32;

/// A PIN that a card has refused.
struct Refused {
    /// What tells the card from others.
    card: String,
    key_pair: KeyPair,
    pin: SecretPin,
    /// The tries that were left then.
    left: Option<u8>,
}

static REFUSED: Mutex<Vec<Refused>> = Mutex::new(Vec::new());

/// Remembers a PIN that was refused.
pub(super) fn remember(card: &str, key_pair: KeyPair, pin: &SecretPin, left: Option<u8>) {
    let mut refused = REFUSED.lock();
    if refused.len() >= MOST {
        refused.remove(0);
    }
    refused.push(Refused { card: card.to_owned(), key_pair, pin: pin.copy(), left });
}

/// Whether the card has refused this PIN before.
pub(super) fn contains(card: &str, key_pair: KeyPair, pin: &SecretPin) -> bool {
    REFUSED.lock().iter().any(|other| other.card == card && other.key_pair == key_pair && other.pin == *pin)
}

/// Forgets the refused PINs of a card, after a right one.
pub(super) fn forget(card: &str, key_pair: KeyPair) {
    REFUSED.lock().retain(|other| other.card != card || other.key_pair != key_pair);
}

/// Forgets the refused PINs of a card that has more tries left than after the refusal: somebody has shown it a right
/// PIN, or had it reset, and may have set it to one of these.
pub(super) fn forget_older_than(card: &str, key_pair: KeyPair, tries: u8) {
    let older = |other: &Refused| other.left.is_none_or(|left| left < tries);
    REFUSED.lock().retain(|other| other.card != card || other.key_pair != key_pair || !older(other));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_pin_is_remembered_until_the_card_has_seen_a_right_one() {
        let key_pair = KeyPair::Authentication;
        let pin = |digits: &[u8]| SecretPin::typed(key_pair, digits).unwrap();
        remember("one", key_pair, &pin(b"1111"), Some(2));
        remember("one", key_pair, &pin(b"2222"), Some(1));
        assert!(contains("one", key_pair, &pin(b"1111")));
        assert!(!contains("one", key_pair, &pin(b"3333")));
        assert!(!contains("other", key_pair, &pin(b"1111")));
        // Another insertion of the card shows the tries that were left: nothing has happened to it.
        forget_older_than("one", key_pair, 1);
        assert!(contains("one", key_pair, &pin(b"2222")));
        forget_older_than("one", key_pair, 3);
        assert!(!contains("one", key_pair, &pin(b"1111")) && !contains("one", key_pair, &pin(b"2222")));
        remember("one", key_pair, &pin(b"1111"), None);
        forget("one", key_pair);
        assert!(!contains("one", key_pair, &pin(b"1111")));
    }
}
