//! PINs: how they are shown, their form, and the memory they are kept in.

use std::sync::Arc;

use region::LockGuard;
use zeroize::Zeroize;

use super::error::Error;
use crate::card::KeyPair;

/// How a user shows a PIN. No Debug.
#[derive(Clone, Copy)]
pub enum PinEntry<'a> {
    /// Typed into a program, which passes these bytes, whatever their form.
    Typed(&'a [u8]),
    /// Typed at the reader's PIN pad: no program sees it.
    OnPad,
}

/// A PIN of the right form, or one that will be typed at the PIN pad.
pub(super) enum Pin {
    Here(Arc<SecretPin>),
    OnPad,
}

impl Pin {
    /// A PIN that the card is to compare.
    ///
    /// # Errors
    /// Those of [`SecretPin::typed`].
    pub(super) fn shown(key_pair: KeyPair, entry: PinEntry<'_>) -> Result<Self, Error> {
        Ok(match entry {
            PinEntry::Typed(typed) => Pin::Here(Arc::new(SecretPin::typed(key_pair, typed)?)),
            PinEntry::OnPad => Pin::OnPad,
        })
    }

    /// A PIN that the card is to have from now on.
    ///
    /// # Errors
    /// Those of [`SecretPin::new`].
    pub(super) fn to_be_set(key_pair: KeyPair, entry: PinEntry<'_>) -> Result<Self, Error> {
        Ok(match entry {
            PinEntry::Typed(new) => Pin::Here(Arc::new(SecretPin::new(key_pair, new)?)),
            PinEntry::OnPad => Pin::OnPad,
        })
    }

    /// The PIN, if it is here.
    pub(super) fn here(&self) -> Option<&SecretPin> {
        match self {
            Pin::Here(pin) => Some(pin),
            Pin::OnPad => None,
        }
    }
}

/// What is wrong with the form of a PIN.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    Length,
    Characters,
}

/// The size of a page, or more: 4 KiB on most machines, 16 KiB on some ARM ones.
const PAGE: usize = 16384;

/// One page. The system locks memory by pages, and no two PINs may share one.
#[repr(align(16384))]
struct Page([u8; PAGE]);

/// A PIN of the right form for its key pair. Its memory is not swapped out, and is cleared when the PIN is dropped. No Debug,
/// no Clone.
pub(super) struct SecretPin {
    page: Box<Page>,
    length: usize,
    /// Unlocks the page when it is dropped. `None` if the system allows no locked memory.
    lock: Option<LockGuard>,
}

impl SecretPin {
    /// Takes a PIN that somebody has typed. For the signing key lower case becomes upper case, as the official
    /// software does it (card-facts §4.3).
    ///
    /// # Errors
    /// [`Error::PinIncorrect`] for what cannot be the PIN, so the card never sees it and no try is spent.
    pub(super) fn typed(key_pair: KeyPair, typed: &[u8]) -> Result<Self, Error> {
        Self::of_form(key_pair, typed).map_err(|_| Error::PinIncorrect)
    }

    /// Takes a PIN that is to be set.
    ///
    /// # Errors
    /// [`Error::NewPinLength`], [`Error::NewPinCharacters`].
    pub(super) fn new(key_pair: KeyPair, new: &[u8]) -> Result<Self, Error> {
        Self::of_form(key_pair, new).map_err(|fault| match fault {
            Fault::Length => Error::NewPinLength,
            Fault::Characters => Error::NewPinCharacters,
        })
    }

    /// A copy, in locked memory of its own.
    pub(super) fn copy(&self) -> Self {
        let mut copy = Self::empty();
        copy.page.0 = self.page.0;
        copy.length = self.length;
        copy
    }

    /// Checks the form: four digits, or 6 to 16 letters and digits with at least one of each (card-facts §4.3: all of
    /// this is confirmed, so anything else cannot be right).
    fn of_form(key_pair: KeyPair, typed: &[u8]) -> Result<Self, Fault> {
        if !u8::try_from(typed.len()).is_ok_and(|length| key_pair.pin_length().contains(&length)) {
            return Err(Fault::Length);
        }
        let mut pin = Self::empty();
        for (place, byte) in pin.page.0.iter_mut().zip(typed) {
            *place = match key_pair {
                KeyPair::Authentication => *byte,
                KeyPair::Signature => byte.to_ascii_uppercase(),
            };
            let allowed = match key_pair {
                KeyPair::Authentication => place.is_ascii_digit(),
                KeyPair::Signature => place.is_ascii_digit() || place.is_ascii_uppercase(),
            };
            if !allowed {
                return Err(Fault::Characters);
            }
        }
        pin.length = typed.len();
        let has = |kind: fn(&u8) -> bool| pin.bytes().iter().any(kind);
        let both_kinds = has(u8::is_ascii_digit) && has(u8::is_ascii_uppercase);
        if key_pair == KeyPair::Signature && !both_kinds {
            return Err(Fault::Characters);
        }
        Ok(pin)
    }

    fn empty() -> Self {
        let page = Box::new(Page([0; PAGE]));
        let lock = region::lock(page.0.as_ptr(), page.0.len());
        if lock.is_err() {
            log::warn!("the system allows no locked memory; a PIN could be swapped out");
        }
        SecretPin { page, length: 0, lock: lock.ok() }
    }

    /// The bytes to send to the card.
    pub(super) fn bytes(&self) -> &[u8] {
        self.page.0.get(..self.length).unwrap_or_default()
    }
}

impl Drop for SecretPin {
    fn drop(&mut self) {
        self.page.0.zeroize();
        // Before the page goes back to the allocator.
        self.lock = None;
    }
}

impl PartialEq for SecretPin {
    fn eq(&self, other: &Self) -> bool {
        self.bytes() == other.bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(key_pair: KeyPair, text: &str) -> Result<Vec<u8>, Error> {
        SecretPin::typed(key_pair, text.as_bytes()).map(|pin| pin.bytes().to_vec())
    }

    #[test]
    fn four_digits_log_in() {
        assert_eq!(typed(KeyPair::Authentication, "0123"), Ok(b"0123".to_vec()));
        for wrong in ["", "123", "12345", "12a4", "１２３４", "12 4"] {
            assert_eq!(typed(KeyPair::Authentication, wrong), Err(Error::PinIncorrect), "{wrong:?}");
        }
    }

    #[test]
    fn a_signing_pin_is_upper_cased() {
        assert_eq!(typed(KeyPair::Signature, "abc123"), Ok(b"ABC123".to_vec()));
        for wrong in ["", "ABC12", "ABCDEF", "123456", "ABC-123", "ABCDEFGH123456789", "あいう"] {
            assert_eq!(typed(KeyPair::Signature, wrong), Err(Error::PinIncorrect), "{wrong:?}");
        }
    }

    #[test]
    fn a_new_signing_pin_needs_both_kinds() {
        let new = |text: &str| SecretPin::new(KeyPair::Signature, text.as_bytes()).map(|_| ());
        assert_eq!(new("abc123"), Ok(()));
        assert_eq!(new("ABCDEF"), Err(Error::NewPinCharacters));
        assert_eq!(new("123456"), Err(Error::NewPinCharacters));
        assert_eq!(new("AB_123"), Err(Error::NewPinCharacters));
        assert_eq!(new("A1"), Err(Error::NewPinLength));
        assert_eq!(new("A1A1A1A1A1A1A1A1A"), Err(Error::NewPinLength));
    }

    #[test]
    fn no_two_pins_share_a_page() {
        let pin = SecretPin::typed(KeyPair::Authentication, b"1234").unwrap();
        assert_eq!(pin.bytes().as_ptr() as usize % PAGE, 0);
        assert!(pin.lock.is_some(), "RLIMIT_MEMLOCK allows no page here");
    }
}
