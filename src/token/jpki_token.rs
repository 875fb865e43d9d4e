//! A token: one key pair of one inserted card.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parking_lot::Mutex;

use super::certificate_file::CertificateState;
use super::error::Error;
use super::identity::Identity;
use super::inserted_card::{InUse, InsertedCard};
use super::pin_state::{Login, PinState, Tries};
use super::refused;
use crate::card::KeyPair;
use crate::transport::PinPad;

/// One key pair of one inserted card, with its certificates and its PIN.
pub struct Token {
    pub(super) card: Arc<InsertedCard>,
    identity: Identity,
    /// A number that no other token of this process has, or will have.
    number: u64,
    pub(super) certificate: Mutex<CertificateState>,
    /// The card gives the certificate only after login.
    pub(super) private: AtomicBool,
    pub(super) ca_certificate: Mutex<CertificateState>,
}

impl Token {
    pub(super) fn new(card: Arc<InsertedCard>, identity: Identity) -> Self {
        static NUMBERS: AtomicU64 = AtomicU64::new(1);
        let certificate = CertificateState::unread(identity.key_pair, &identity.model);
        let number = NUMBERS.fetch_add(1, Ordering::Relaxed);
        card.pin(identity.key_pair).lock().tries = identity.tries;
        if let Tries::Left(left) = identity.tries {
            refused::drop_older_than(&identity.serial, identity.key_pair, left);
        }
        Token {
            card,
            number,
            private: AtomicBool::new(certificate.is_locked()),
            certificate: Mutex::new(certificate),
            ca_certificate: Mutex::new(CertificateState::Unread),
            identity,
        }
    }

    /// Which of the card's key pairs this is.
    #[must_use]
    pub fn key_pair(&self) -> KeyPair {
        self.identity.key_pair
    }

    /// A number that no other token of this process has: another insertion of the same card gives another one.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.number
    }

    /// What kind of card it is, in the card's words; empty if it does not say.
    #[must_use]
    pub fn model(&self) -> &str {
        &self.identity.model
    }

    /// Sixteen hexadecimal digits that identify this card; empty if nothing could be read for that.
    #[must_use]
    pub fn serial(&self) -> &str {
        &self.identity.serial
    }

    /// The card was issued with this key pair, as far as it says without a PIN.
    #[must_use]
    pub fn is_issued(&self) -> bool {
        self.identity.issued
    }

    /// What the PIN pad of its reader can do. Nothing shows whether the pad has the characters of this token's PIN.
    #[must_use]
    pub fn pin_pad(&self) -> PinPad {
        self.identity.pin_pad
    }

    /// The card answers to PSS, as far as is known.
    #[must_use]
    pub fn knows_pss(&self) -> bool {
        self.card.knows_pss()
    }

    /// The card has been found gone. Unlike [`Self::check_present`] this does not ask the reader.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        self.card.is_gone()
    }

    /// Asks the reader whether the card is still there. Costs no APDU.
    ///
    /// # Errors
    /// [`Error::Removed`].
    pub fn check_present(&self) -> Result<(), Error> {
        self.card.check_present()
    }

    /// Keeps the connection to the card open as long as the guard lives.
    #[must_use]
    pub fn hold_connection(&self) -> InUse {
        self.card.hold_connection()
    }

    /// Ends what must not outlive the insertion.
    pub(super) fn end(&self) {
        self.card.mark_gone();
    }

    /// The user is logged in.
    #[must_use]
    pub fn is_logged_in(&self) -> bool {
        !matches!(self.pin().lock().login, Login::Nobody)
    }

    /// The user is logged in at the PIN pad.
    pub(super) fn is_on_card(&self) -> bool {
        self.pin().lock().login.is_on_card()
    }

    /// The user is logged in with a PIN that is held here.
    pub(super) fn holds_pin(&self) -> bool {
        matches!(self.pin().lock().login, Login::Held(_))
    }

    /// How many logins there have been since the card was inserted.
    #[must_use]
    pub fn logins(&self) -> u64 {
        self.pin().lock().logins()
    }

    pub(super) fn pin(&self) -> &Mutex<PinState> {
        self.card.pin(self.key_pair())
    }
}
