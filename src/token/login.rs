//! PINs at work: login, logout, change, and what each attempt has done to the tries left.

use std::sync::Arc;

use super::error::Error;
use super::jpki_token::Token;
use super::pin::SecretPin;
use super::refused;
use crate::card::{self, Application, KeyPair};

/// How many wrong PINs are left before the token locks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tries {
    /// So many; 0 is a locked PIN.
    Left(u8),
    /// The card has to be asked again.
    Stale,
    /// The card does not say.
    Unsaid,
}

/// Who is logged in.
pub(super) struct PinState {
    pub(super) tries: Tries,
    /// The PIN of the user who is logged in. In an Arc, because a signature in progress still needs it while the user
    /// logs out.
    pub(super) held: Option<Arc<SecretPin>>,
    /// The held PIN, too, is not sent where only one try is left.
    spare_last_try: bool,
}

impl Default for PinState {
    fn default() -> Self {
        PinState { tries: Tries::Stale, held: None, spare_last_try: false }
    }
}

impl Token {
    /// The tries left. Asks the card only where our own last attempt has changed them in a way it did not tell.
    ///
    /// # Errors
    /// Those of talking to the card.
    pub fn tries(&self) -> Result<Tries, Error> {
        let known = self.pin().lock().tries;
        if known != Tries::Stale {
            return Ok(known);
        }
        self.card.work(|application| {
            let tries = application.tries_left(self.key_pair())?.map_or(Tries::Unsaid, Tries::Left);
            self.pin().lock().tries = tries;
            Ok(tries)
        })
    }

    /// The user is logged in.
    #[must_use]
    pub fn is_logged_in(&self) -> bool {
        self.pin().lock().held.is_some()
    }

    /// Verifies a PIN and keeps it for the signatures to come; the card itself is left locked. With `spare_last_try`
    /// the last try is not risked.
    ///
    /// # Errors
    /// [`Error::PinIncorrect`], which costs a try only where the card has compared the PIN: not for a PIN of a wrong
    /// form, and not for one that it refused before. [`Error::PinLocked`], [`Error::LastTry`],
    /// [`Error::AlreadyLoggedIn`].
    pub fn login(&self, typed: &[u8], spare_last_try: bool) -> Result<(), Error> {
        if self.is_logged_in() {
            return Err(Error::AlreadyLoggedIn);
        }
        let pin = Arc::new(SecretPin::typed(self.key_pair(), typed)?);
        self.card.work(|application| {
            // Looked at again: another thread may have been faster.
            if self.is_logged_in() {
                return Err(Error::AlreadyLoggedIn);
            }
            self.may_try(application, &pin, spare_last_try)?;
            let answer = application.verify(self.key_pair(), pin.bytes());
            self.note_attempt(&pin, answer)?;
            if self.key_pair() == KeyPair::Signature {
                // While the PIN is verified anyway. What goes wrong here shows when the certificate is asked for.
                let _ = self.read_certificate(application);
            }
            if self.card.is_gone() {
                return Err(Error::Removed);
            }
            let mut state = self.pin().lock();
            state.held = Some(Arc::clone(&pin));
            state.spare_last_try = spare_last_try;
            Ok(())
        })
    }

    /// Has the user who is logged in show the PIN once more, for one signature.
    ///
    /// # Errors
    /// Those of [`Self::login`]; [`Error::NotLoggedIn`].
    pub fn confirm(&self, typed: &[u8], spare_last_try: bool) -> Result<(), Error> {
        let pin = Arc::new(SecretPin::typed(self.key_pair(), typed)?);
        self.card.work(|application| {
            if !self.is_logged_in() {
                return Err(Error::NotLoggedIn);
            }
            self.may_try(application, &pin, spare_last_try)?;
            let answer = application.verify(self.key_pair(), pin.bytes());
            self.note_attempt(&pin, answer)?;
            // The same PIN, unless it was changed by another program meanwhile. Gone, if the user has logged out meanwhile.
            let mut state = self.pin().lock();
            let held = state.held.as_mut().ok_or(Error::NotLoggedIn)?;
            *held = Arc::clone(&pin);
            Ok(())
        })
    }

    /// Logs out: forgets the PIN, and makes sure that the card is locked.
    ///
    /// # Errors
    /// [`Error::NotLoggedIn`]. That the card cannot be reached is no error: the PIN is forgotten.
    pub fn logout(&self) -> Result<(), Error> {
        if self.pin().lock().held.take().is_none() {
            return Err(Error::NotLoggedIn);
        }
        self.make_sure_of_the_lock();
        Ok(())
    }

    /// Changes the PIN. Whoever is logged in stays so, with the new PIN.
    ///
    /// # Errors
    /// [`Error::NewPinLength`] and [`Error::NewPinCharacters`] before the card is asked anything; those of
    /// [`Self::login`] for the old PIN.
    pub fn change_pin(&self, old: &[u8], new: &[u8], spare_last_try: bool) -> Result<(), Error> {
        let new = Arc::new(SecretPin::new(self.key_pair(), new)?);
        let old = SecretPin::typed(self.key_pair(), old)?;
        let mut sent = false;
        let answer = self.card.work(|application| {
            self.may_try(application, &old, spare_last_try)?;
            sent = true;
            let answer = application.change_pin(self.key_pair(), old.bytes(), new.bytes());
            if let Err(card::Error::Transport(_)) = answer {
                // The card may have changed the PIN before it was lost: the old one could cost a try.
                self.pin().lock().held = None;
            }
            self.note_attempt(&old, answer)?;
            if let Some(held) = &mut self.pin().lock().held {
                *held = Arc::clone(&new);
            }
            Ok(())
        });
        if sent && !self.is_logged_in() {
            // There will be no logout that looks.
            self.make_sure_of_the_lock();
        }
        answer
    }
}

/// What is done with PINs while the card is in a transaction.
impl Token {
    /// Does a piece of work for which the held PIN has to be verified.
    pub(super) fn unlocked<T>(
        &self,
        mut job: impl FnMut(&mut Application<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.card.work(|application| {
            let (held, spare_last_try) = {
                let state = self.pin().lock();
                (state.held.clone().ok_or(Error::NotLoggedIn)?, state.spare_last_try)
            };
            let answer = match self.may_try(application, &held, spare_last_try) {
                Ok(()) => {
                    let answer = application.verify(self.key_pair(), held.bytes());
                    self.note_attempt(&held, answer).map_err(Error::from)
                }
                refused => refused,
            };
            match answer {
                Ok(()) => job(application),
                Err(error @ (Error::Removed | Error::Card(card::Error::Transport(_)))) => Err(error),
                // Somebody has changed or locked the PIN meanwhile, or the card refuses it for a reason of its own. It
                // must not cost another try.
                Err(_) => {
                    self.pin().lock().held = None;
                    Err(Error::NotLoggedIn)
                }
            }
        })
    }

    /// Looks whether the card is locked, and has it powered down where it does not show that. A card that cannot be
    /// reached has to do without.
    fn make_sure_of_the_lock(&self) {
        let _ = self.card.work(|application| {
            // That leaving the application locks the card is known from a single source, so it is looked at once more.
            // Without a certificate of the signature key, what can be read in its place may be there for everybody.
            let telling = self.key_pair() == KeyPair::Authentication || self.certificate.lock().certificate().is_some();
            match application.is_locked(self.key_pair())? {
                Some(true) => {}
                Some(false) if telling => {
                    log::warn!("the card stayed unlocked when it was left; it is powered down from now on");
                    application.distrust_leaving();
                }
                Some(false) | None => application.power_down(),
            }
            Ok(())
        });
    }

    /// Whether a PIN may cost a try.
    fn may_try(&self, application: &mut Application<'_>, pin: &SecretPin, spare_last_try: bool) -> Result<(), Error> {
        if refused::contains(self.card_name(), self.key_pair(), pin) {
            let locked = self.pin().lock().tries == Tries::Left(0);
            return Err(if locked { Error::PinLocked } else { Error::PinIncorrect });
        }
        if spare_last_try {
            // Asked anew: another program may have spent tries.
            let left = application.tries_left(self.key_pair())?;
            self.pin().lock().tries = left.map_or(Tries::Unsaid, Tries::Left);
            if left == Some(1) {
                return Err(Error::LastTry);
            }
        }
        Ok(())
    }

    /// Writes down what an attempt with a PIN has done to the tries left.
    fn note_attempt(&self, pin: &SecretPin, answer: Result<(), card::Error>) -> Result<(), card::Error> {
        let mut state = self.pin().lock();
        match answer {
            Ok(()) => {
                refused::forget(self.card_name(), self.key_pair());
                // That a right PIN brings all tries back is a guess (card-facts §4.1): where some were missing, the
                // card is asked.
                if state.tries != Tries::Left(self.key_pair().tries()) {
                    state.tries = Tries::Stale;
                }
            }
            Err(card::Error::WrongPin(left)) => {
                state.tries = left.map_or(Tries::Stale, Tries::Left);
                refused::remember(self.card_name(), self.key_pair(), pin, left);
                if state.held.as_deref() == Some(pin) {
                    state.held = None;
                }
            }
            Err(card::Error::PinLocked) => {
                state.tries = Tries::Left(0);
                // Of no more use, whoever has logged in with it.
                state.held = None;
            }
            // Whether the card has counted this one is not known.
            Err(_) => state.tries = Tries::Stale,
        }
        answer
    }
}
