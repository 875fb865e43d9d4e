//! PINs at work: login, logout, change, and what each attempt has done to the tries left.

use std::sync::Arc;

use super::error::Error;
use super::jpki_token::Token;
use super::pin::SecretPin;
use crate::card::{self, Application, KeyPair};

/// How many refused PINs are remembered: more than any PIN has tries.
const REFUSED_MAX: usize = 8;

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

/// Who is logged in, and which PINs the card has refused.
pub(super) struct PinState {
    tries: Tries,
    /// The PIN of the user who is logged in. In an Arc, because a signature in progress still needs it while the user
    /// logs out.
    held: Option<Arc<SecretPin>>,
    /// PINs that this card has refused since the last right one. None of them is sent again.
    refused: Vec<SecretPin>,
}

impl PinState {
    pub(super) fn new(tries: Tries) -> Self {
        PinState { tries, held: None, refused: Vec::new() }
    }

    pub(super) fn forget(&mut self) {
        self.held = None;
        self.refused.clear();
    }
}

impl Token {
    /// The tries left. Asks the card only where our own last attempt has changed them in a way it did not tell.
    ///
    /// # Errors
    /// Those of talking to the card.
    pub fn tries(&self) -> Result<Tries, Error> {
        let known = self.pin.lock().tries;
        if known != Tries::Stale {
            return Ok(known);
        }
        self.card.work(|application| {
            let tries = application.tries_left(self.key_pair())?.map_or(Tries::Unsaid, Tries::Left);
            self.pin.lock().tries = tries;
            Ok(tries)
        })
    }

    /// The user is logged in.
    #[must_use]
    pub fn is_logged_in(&self) -> bool {
        self.pin.lock().held.is_some()
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
            self.pin.lock().held = Some(Arc::clone(&pin));
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
            // The same PIN, unless it was changed by another program meanwhile.
            self.pin.lock().held = Some(Arc::clone(&pin));
            Ok(())
        })
    }

    /// Logs out: forgets the PIN, and makes sure that the card is locked.
    ///
    /// # Errors
    /// [`Error::NotLoggedIn`]. That the card cannot be reached is no error: the PIN is forgotten.
    pub fn logout(&self) -> Result<(), Error> {
        if self.pin.lock().held.take().is_none() {
            return Err(Error::NotLoggedIn);
        }
        let _ = self.card.work(|application| {
            // That leaving the application locks the card is known from a single source, so it is looked at once more.
            // Without a certificate there is nothing to ask for that only an unlocked card would do.
            let provable = self.certificate.lock().certificate().is_some();
            if !provable || application.is_unlocked(self.key_pair())? {
                log::warn!("the card did not show that it was locked; it is powered down");
                application.distrust_leaving();
            }
            Ok(())
        });
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
        self.card.work(|application| {
            self.may_try(application, &old, spare_last_try)?;
            let answer = application.change_pin(self.key_pair(), old.bytes(), new.bytes());
            self.note_attempt(&old, answer)?;
            let mut state = self.pin.lock();
            if state.held.is_some() {
                state.held = Some(Arc::clone(&new));
            }
            Ok(())
        })
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
            let held = self.pin.lock().held.clone().ok_or(Error::NotLoggedIn)?;
            let answer = application.verify(self.key_pair(), held.bytes());
            if let Err(card::Error::WrongPin(_) | card::Error::PinLocked) = answer {
                // Somebody has changed or locked the PIN meanwhile. It must not cost a second try.
                self.pin.lock().held = None;
                let _ = self.note_attempt(&held, answer);
                return Err(Error::NotLoggedIn);
            }
            answer?;
            job(application)
        })
    }

    /// Whether a PIN may cost a try.
    fn may_try(&self, application: &mut Application<'_>, pin: &SecretPin, spare_last_try: bool) -> Result<(), Error> {
        let state = self.pin.lock();
        if state.refused.contains(pin) {
            return Err(if state.tries == Tries::Left(0) { Error::PinLocked } else { Error::PinIncorrect });
        }
        drop(state);
        if spare_last_try {
            // Asked anew: another program may have spent tries.
            let left = application.tries_left(self.key_pair())?;
            self.pin.lock().tries = left.map_or(Tries::Unsaid, Tries::Left);
            if left == Some(1) {
                return Err(Error::LastTry);
            }
        }
        Ok(())
    }

    /// Writes down what an attempt with a PIN has done to the tries left.
    fn note_attempt(&self, pin: &SecretPin, answer: Result<(), card::Error>) -> Result<(), card::Error> {
        let mut state = self.pin.lock();
        match answer {
            Ok(()) => {
                state.refused.clear();
                // That a right PIN brings all tries back is a guess (card-facts §4.1): where some were missing, the
                // card is asked.
                if state.tries != Tries::Left(self.key_pair().tries()) {
                    state.tries = Tries::Stale;
                }
            }
            Err(card::Error::WrongPin(left)) => {
                state.tries = left.map_or(Tries::Stale, Tries::Left);
                if let (Ok(copy), true) =
                    (SecretPin::typed(self.key_pair(), pin.bytes()), state.refused.len() < REFUSED_MAX)
                {
                    state.refused.push(copy);
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
