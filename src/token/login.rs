//! Login, logout and change of a PIN. The PIN comes from the program, or the user types it at the reader's PIN pad. In that
//! case there is no PIN to hold, so the card holds it as verified: the card is kept for this program alone, and unlocked,
//! from login to logout.

use super::error::Error;
use super::jpki_token::Token;
use super::link::Share;
use super::pin::{Pin, PinEntry};
use super::pin_state::{Login, Tries};
use crate::card::{self, KeyPair};

impl Token {
    /// The tries left. Asks the card only if our own last attempt has changed them in a way that the card did not say.
    ///
    /// # Errors
    /// Those of talking to the card.
    pub fn tries(&self) -> Result<Tries, Error> {
        let known = self.pin().lock().tries;
        if known != Tries::Stale {
            return Ok(known);
        }
        self.card.work(Share::AsItIs, |application| {
            let tries = application.tries_left(self.key_pair())?.map_or(Tries::Unsaid, Tries::Left);
            self.pin().lock().tries = tries;
            Ok(tries)
        })
    }

    /// Verifies a PIN, and keeps it for the signatures to come; the card itself is left locked. After a login at the PIN
    /// pad no other program reaches the card, until [`Self::logout`].
    ///
    /// # Errors
    /// [`Error::PinIncorrect`], which costs a try only if the card has compared the PIN: not for a PIN of a wrong form,
    /// and not for one that the card refused before. [`Error::PinLocked`], [`Error::NoPin`], [`Error::LastTry`],
    /// [`Error::AlreadyLoggedIn`]. At the PIN pad [`Error::NoPinPad`], [`Error::Cancelled`], and [`Error::Busy`] if
    /// another program uses the card.
    pub fn login(&self, entry: PinEntry<'_>) -> Result<(), Error> {
        let on_pad = matches!(entry, PinEntry::OnPad);
        if on_pad && !self.pin_pad().verifies {
            return Err(Error::NoPinPad);
        }
        if self.is_logged_in() {
            return Err(Error::AlreadyLoggedIn);
        }
        let pin = Pin::shown(self.key_pair(), entry)?;
        let share = if on_pad { Share::Exclusive } else { Share::AsItIs };
        self.card.work(share, |application| {
            // Once more: another thread may have been faster.
            if self.is_logged_in() {
                return Err(Error::AlreadyLoggedIn);
            }
            self.may_try(application, &pin)?;
            self.verify(application, &pin).map_err(|error| self.without_pin(error))?;
            // The signing certificate can be read while its PIN is verified; and before a login at the PIN pad lasts, it
            // is certain that the application is there. What goes wrong here shows when the certificate is asked for.
            let reads_certificate = on_pad || self.key_pair() == KeyPair::Signature;
            if reads_certificate && self.certificate.lock().certificate().is_none() {
                let _ = self.read_certificate(application);
            }
            if self.card.is_gone() {
                return Err(Error::Removed);
            }
            self.pin().lock().log_in(Login::with(&pin));
            Ok(())
        })
    }

    /// Has the user who is logged in show the PIN once more, for one signature (CKU_CONTEXT_SPECIFIC).
    ///
    /// # Errors
    /// Those of [`Self::login`], but [`Error::NotLoggedIn`] in place of [`Error::AlreadyLoggedIn`].
    pub fn reauthenticate(&self, entry: PinEntry<'_>) -> Result<(), Error> {
        let pin = Pin::shown(self.key_pair(), entry)?;
        self.card.work(Share::AsItIs, |application| {
            if !self.is_logged_in() {
                return Err(Error::NotLoggedIn);
            }
            self.may_try(application, &pin)?;
            self.verify(application, &pin)?;
            let login = &mut self.pin().lock().login;
            match (&*login, &pin) {
                // The user has logged out meanwhile.
                (Login::Nobody, _) => return Err(Error::NotLoggedIn),
                // The same PIN, unless another program has changed it meanwhile.
                (Login::Held(_), Pin::Here(_)) => *login = Login::with(&pin),
                (Login::Held(_), Pin::OnPad) | (Login::OnCard, _) => {}
            }
            Ok(())
        })
    }

    /// Logs out: drops the PIN, and makes sure that the card is locked.
    ///
    /// # Errors
    /// [`Error::NotLoggedIn`]. That the card cannot be reached is no error: the PIN is dropped.
    pub fn logout(&self) -> Result<(), Error> {
        match self.card.end_login(self.key_pair()) {
            Login::Nobody => return Err(Error::NotLoggedIn),
            Login::Held(_) => self.ensure_locked(),
            Login::OnCard => {}
        }
        Ok(())
    }

    /// Changes the PIN, both typed into the program or both at the PIN pad. Whoever is logged in stays so, with the new PIN.
    /// A change at the PIN pad ends a login with a typed PIN, because nobody here sees the new one.
    ///
    /// # Errors
    /// [`Error::NewPinLength`] and [`Error::NewPinCharacters`] before the card is asked anything; those of
    /// [`Self::login`] for the old PIN. At the PIN pad also [`Error::NewPinMismatch`]. [`Error::NoPinPad`] if only one of
    /// the two is to be typed there.
    pub fn change_pin(&self, old: PinEntry<'_>, new: PinEntry<'_>) -> Result<(), Error> {
        let (old, new) = match (old, new) {
            (PinEntry::Typed(_), PinEntry::Typed(_)) => {
                // The new PIN first: its form is what the user can do something about.
                let new = Pin::to_be_set(self.key_pair(), new)?;
                (Pin::shown(self.key_pair(), old)?, new)
            }
            (PinEntry::OnPad, PinEntry::OnPad) if self.pin_pad().modifies => (Pin::OnPad, Pin::OnPad),
            _ => return Err(Error::NoPinPad),
        };
        let mut sent = false;
        let answer = self.card.work(Share::AsItIs, |application| {
            self.may_try(application, &old)?;
            sent = true;
            let answer = match (&old, &new) {
                (Pin::Here(known), Pin::Here(new)) => {
                    let answer = application.change_pin(self.key_pair(), known.bytes(), new.bytes());
                    self.record_attempt(&old, answer)
                }
                (Pin::OnPad, Pin::OnPad) => {
                    self.verify(application, &old)?;
                    application.set_pin_on_pad(self.key_pair())
                }
                (Pin::Here(_), Pin::OnPad) | (Pin::OnPad, Pin::Here(_)) => return Err(Error::NoPinPad),
            };
            self.follow_change(&new, answer);
            answer.map_err(|error| match error {
                card::Error::PadLength => Error::NewPinLength,
                error => error.into(),
            })
        });
        if sent && !self.is_logged_in() {
            // No logout will check it.
            self.ensure_locked();
        }
        answer
    }

    /// What a change of the PIN does to a login.
    fn follow_change(&self, new: &Pin, answer: Result<(), card::Error>) {
        let login = &mut self.pin().lock().login;
        match (&*login, new, answer) {
            // The card still has the old PIN.
            (_, _, Err(error)) if !error.may_have_worked() => {}
            (Login::Held(_), Pin::Here(_), Ok(())) => *login = Login::with(new),
            (Login::OnCard, _, Ok(())) | (Login::OnCard, Pin::OnPad, Err(_)) => {}
            // The card may have a new PIN that we do not know, so the old one could cost a try.
            _ => *login = Login::Nobody,
        }
    }

    /// Checks that the card is locked, and has it powered down if it does not show that. If the card cannot be reached,
    /// there is no check.
    fn ensure_locked(&self) {
        let _ = self.card.work(Share::AsItIs, |application| {
            if self.card.has_pad_login() {
                // Unlocked on purpose, for the user who is logged in at the PIN pad with the other key pair. Until that
                // user logs out as well, this PIN stays verified on the card, and nobody else can reach the card.
                return Ok(());
            }
            // That leaving the application locks the card is known from a single source, so we check it. Without a
            // certificate of the signature key, what can be read in its place may be there for everybody.
            let conclusive =
                self.key_pair() == KeyPair::Authentication || self.certificate.lock().certificate().is_some();
            match application.is_locked(self.key_pair())? {
                Some(true) => {}
                Some(false) if conclusive => {
                    log::warn!("the card stayed unlocked when it was left; it is powered down from now on");
                    application.assume_leaving_fails();
                }
                Some(false) | None => application.power_down(),
            }
            Ok(())
        });
    }

    /// A refusal at a login, in agreement with what the token says of itself: if nothing was issued, a PIN without tries
    /// was never set. What such a card answers is not known (card-facts §7).
    fn without_pin(&self, error: Error) -> Error {
        if error == Error::PinLocked && !self.is_issued() { Error::NoPin } else { error }
    }
}
