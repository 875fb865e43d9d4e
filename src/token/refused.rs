//! PINs that cards have refused. This process sends none of them to the same card again, whatever happens in between: a
//! program that starts anew after each failure, and tries its stored PIN again, must not lock the card.
//!
//! Also PINs whose answer was lost. The card may have refused them; the tries left show it.

use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};

use super::pin::SecretPin;
use crate::card::KeyPair;

/// How many PINs are remembered, of all cards. The oldest goes first.
const MOST: usize = 32;

/// What became of a PIN that was sent.
#[derive(Clone, Copy)]
enum Outcome {
    /// The card has refused it, with so many tries left then.
    Refused { left: Option<u8> },
    /// The answer was lost; so many tries were left before.
    Unanswered { before: Option<u8> },
}

/// A PIN that a card has refused, or may have.
struct Refused {
    /// The card's serial number. All cards without one count as one card.
    card: String,
    key_pair: KeyPair,
    pin: SecretPin,
    outcome: Outcome,
}

impl Refused {
    fn is(&self, card: &str, key_pair: KeyPair, pin: &SecretPin) -> bool {
        self.card == card && self.key_pair == key_pair && self.pin == *pin
    }

    fn is_unanswered(&self, card: &str, key_pair: KeyPair) -> bool {
        self.card == card && self.key_pair == key_pair && matches!(self.outcome, Outcome::Unanswered { .. })
    }
}

static REFUSED: Mutex<Vec<Refused>> = Mutex::new(Vec::new());

/// How long we wait for another thread. In the child of a fork that thread may not exist.
const TIMEOUT: Duration = Duration::from_secs(1);

fn lock() -> Option<MutexGuard<'static, Vec<Refused>>> {
    REFUSED.try_lock_for(TIMEOUT)
}

/// Remembers a PIN that was refused.
pub(super) fn remember(card: &str, key_pair: KeyPair, pin: &SecretPin, left: Option<u8>) {
    put(card, key_pair, pin, Outcome::Refused { left });
}

/// Remembers a PIN whose answer was lost, and that `before` tries were left when it was sent.
pub(super) fn remember_unanswered(card: &str, key_pair: KeyPair, pin: &SecretPin, before: Option<u8>) {
    put(card, key_pair, pin, Outcome::Unanswered { before });
}

fn put(card: &str, key_pair: KeyPair, pin: &SecretPin, outcome: Outcome) {
    let Some(mut refused) = lock() else { return };
    refused.retain(|other| !other.is(card, key_pair, pin));
    if refused.len() >= MOST {
        refused.remove(0);
    }
    refused.push(Refused { card: card.to_owned(), key_pair, pin: pin.copy(), outcome });
}

/// Whether the card has refused this PIN before. Yes, if that cannot be known.
pub(super) fn contains(card: &str, key_pair: KeyPair, pin: &SecretPin) -> bool {
    lock().is_none_or(|known| known.iter().any(|other| other.is(card, key_pair, pin)))
}

/// Whether the answer to any PIN was lost, and nothing has shown since what became of that PIN.
pub(super) fn any_unanswered(card: &str, key_pair: KeyPair) -> bool {
    lock().is_none_or(|known| known.iter().any(|other| other.is_unanswered(card, key_pair)))
}

/// Decides by the tries left what became of a PIN whose answer was lost: a right PIN brings all tries back, and a wrong
/// one takes one away. If no tries are left, no PIN was right. Call this before another PIN changes the count. A PIN that
/// was refused without a number gets this one.
pub(super) fn resolve_unanswered(card: &str, key_pair: KeyPair, left: u8) {
    let Some(mut known) = lock() else { return };
    known.retain_mut(|other| match other.outcome {
        Outcome::Unanswered { before } if other.is_unanswered(card, key_pair) => {
            other.outcome = Outcome::Refused { left: Some(left) };
            left == 0 || left < before.unwrap_or(key_pair.tries())
        }
        Outcome::Refused { left: None } if other.card == card && other.key_pair == key_pair => {
            other.outcome = Outcome::Refused { left: Some(left) };
            true
        }
        _ => true,
    });
}

/// Drops the refused PINs of a card, after a right one.
pub(super) fn drop_all(card: &str, key_pair: KeyPair) {
    if let Some(mut known) = lock() {
        known.retain(|other| other.card != card || other.key_pair != key_pair);
    }
}

/// Drops the refused PINs of a card that has more tries left than after the refusal: somebody has shown the card a right
/// PIN, or had the PIN reset, and may have set it to one of these.
pub(super) fn drop_older_than(card: &str, key_pair: KeyPair, tries: u8) {
    let older = |other: &Refused| match other.outcome {
        Outcome::Refused { left } => left.is_some_and(|left| left < tries),
        Outcome::Unanswered { .. } => false,
    };
    if let Some(mut known) = lock() {
        known.retain(|other| other.card != card || other.key_pair != key_pair || !older(other));
    }
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
        drop_older_than("one", key_pair, 1);
        assert!(contains("one", key_pair, &pin(b"2222")));
        drop_older_than("one", key_pair, 3);
        assert!(!contains("one", key_pair, &pin(b"1111")) && !contains("one", key_pair, &pin(b"2222")));
        // Refused without a number: what the card says next counts.
        remember("one", key_pair, &pin(b"1111"), None);
        resolve_unanswered("one", key_pair, 2);
        drop_older_than("one", key_pair, 2);
        assert!(contains("one", key_pair, &pin(b"1111")));
        drop_older_than("one", key_pair, 3);
        assert!(!contains("one", key_pair, &pin(b"1111")));
        remember("one", key_pair, &pin(b"1111"), None);
        drop_older_than("one", key_pair, 3);
        assert!(contains("one", key_pair, &pin(b"1111")), "the card has said nothing since");
        drop_all("one", key_pair);
        assert!(!contains("one", key_pair, &pin(b"1111")));
    }

    #[test]
    fn a_pin_whose_answer_was_lost_is_refused_unless_the_tries_came_back() {
        let key_pair = KeyPair::Authentication;
        let pin = SecretPin::typed(key_pair, b"1111").unwrap();
        for (before, left, refused) in [
            (Some(3), 3, false),
            (Some(2), 3, false),
            (Some(3), 2, true),
            (Some(1), 0, true),
            (Some(0), 0, true),
            (None, 2, true),
            (None, 3, false),
        ] {
            remember_unanswered("two", key_pair, &pin, before);
            assert!(contains("two", key_pair, &pin), "the card has said nothing");
            resolve_unanswered("two", key_pair, left);
            assert_eq!(contains("two", key_pair, &pin), refused, "{before:?}, then {left}");
            drop_all("two", key_pair);
        }
    }
}
