//! PINs at work: login, logout, change, and what each attempt has done to the tries left.

use std::sync::Arc;

use super::error::Error;
use super::jpki_token::Token;
use super::pin::SecretPin;
use super::pin_state::{Login, Tries};
use super::refused;
use crate::card::{self, Application, KeyPair};

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
        !matches!(self.pin().lock().login, Login::Nobody)
    }

    /// How many logins there have been since the card was inserted.
    #[must_use]
    pub fn logins(&self) -> u64 {
        self.pin().lock().logins
    }

    /// Verifies a PIN and keeps it for the signatures to come; the card itself is left locked. With `spare_last_try`
    /// the last try is not risked.
    ///
    /// # Errors
    /// [`Error::PinIncorrect`], which costs a try only where the card has compared the PIN: not for a PIN of a wrong
    /// form, and not for one that it refused before. [`Error::PinLocked`], [`Error::NoPin`], [`Error::LastTry`],
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
            self.may_try(application, Some(&pin), spare_last_try)?;
            let answer = application.verify(self.key_pair(), pin.bytes());
            self.note_attempt(Some(&pin), answer).map_err(|error| self.without_pin(error.into()))?;
            if self.key_pair() == KeyPair::Signature && self.certificate.lock().certificate().is_none() {
                // While the PIN is verified anyway. What goes wrong here shows when the certificate is asked for.
                let _ = self.read_certificate(application);
            }
            if self.card.is_gone() {
                return Err(Error::Removed);
            }
            self.pin().lock().log_in(Login::Held { pin: Arc::clone(&pin), spare_last_try });
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
            self.may_try(application, Some(&pin), spare_last_try)?;
            let answer = application.verify(self.key_pair(), pin.bytes());
            self.note_attempt(Some(&pin), answer)?;
            match &mut self.pin().lock().login {
                // The user has logged out meanwhile.
                Login::Nobody => return Err(Error::NotLoggedIn),
                // The same PIN, unless it was changed by another program meanwhile.
                Login::Held { pin: held, .. } => *held = Arc::clone(&pin),
                Login::OnCard => {}
            }
            Ok(())
        })
    }

    /// Logs out: forgets the PIN, and makes sure that the card is locked.
    ///
    /// # Errors
    /// [`Error::NotLoggedIn`]. That the card cannot be reached is no error: the PIN is forgotten.
    pub fn logout(&self) -> Result<(), Error> {
        match self.card.end_login(self.key_pair()) {
            Login::Nobody => return Err(Error::NotLoggedIn),
            Login::Held { .. } => self.make_sure_of_the_lock(),
            Login::OnCard => {}
        }
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
            self.may_try(application, Some(&old), spare_last_try)?;
            sent = true;
            let answer = application.change_pin(self.key_pair(), old.bytes(), new.bytes());
            if answer.is_err_and(|error| error.may_have_worked()) {
                // The card may have changed the PIN: the old one could cost a try.
                self.pin().lock().login = Login::Nobody;
            }
            self.note_attempt(Some(&old), answer)?;
            if let Login::Held { pin: held, .. } = &mut self.pin().lock().login {
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
    /// Does a piece of work for which the PIN has to be verified: the held one, unless the card has it verified still.
    pub(super) fn unlocked<T>(
        &self,
        mut job: impl FnMut(&mut Application<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.card.work(|application| {
            let held = self.pin().lock().login.held()?;
            let Some((held, spare_last_try)) = held else {
                return self.on_card(job(application));
            };
            let answer = match self.may_try(application, Some(&held), spare_last_try) {
                Ok(()) => {
                    let answer = application.verify(self.key_pair(), held.bytes());
                    self.note_attempt(Some(&held), answer).map_err(Error::from)
                }
                refused => refused,
            };
            match answer {
                Ok(()) => job(application),
                Err(error @ (Error::Removed | Error::Card(card::Error::Transport(_)))) => Err(error),
                // Somebody has changed or locked the PIN meanwhile, or the card refuses it for a reason of its own. It
                // must not cost another try.
                Err(_) => {
                    self.pin().lock().login = Login::Nobody;
                    Err(Error::NotLoggedIn)
                }
            }
        })
    }

    /// Looks whether the card is locked, and has it powered down where it does not show that. A card that cannot be
    /// reached has to do without.
    pub(super) fn make_sure_of_the_lock(&self) {
        let _ = self.card.work(|application| {
            if self.card.has_pad_login() {
                // Unlocked on purpose, for the user who is logged in at the PIN pad with the other key pair. Until that
                // one logs out as well, this PIN stays verified on the card, and nobody else can reach the card.
                return Ok(());
            }
            // That leaving the application locks the card is known from a single source, so it is looked at once more.
            // Without a certificate of the signature key, what can be read in its place may be there for everybody.
            let telling = self.key_pair() == KeyPair::Authentication || self.certificate.lock().certificate().is_some();
            match application.is_locked(self.key_pair())? {
                Some(true) => {}
                Some(false) if telling => {
                    log::warn!("the card stayed unlocked when it was left; it is powered down from now on");
                    application.assume_leaving_fails();
                }
                Some(false) | None => application.power_down(),
            }
            Ok(())
        });
    }

    /// A refusal at a login, in agreement with what the token says of itself: where nothing was issued, a PIN without
    /// tries is one that was never set. What such a card answers is not known (card-facts §7).
    pub(super) fn without_pin(&self, error: Error) -> Error {
        if error == Error::PinLocked && !self.is_issued() { Error::NoPin } else { error }
    }

    /// Whether a PIN may cost a try; `None` for one that will be typed at a PIN pad.
    pub(super) fn may_try(
        &self,
        application: &mut Application<'_>,
        pin: Option<&SecretPin>,
        spare_last_try: bool,
    ) -> Result<(), Error> {
        let is_refused = || pin.is_some_and(|pin| refused::contains(self.serial(), self.key_pair(), pin));
        if is_refused() || refused::any_unanswered(self.serial(), self.key_pair()) {
            // To ask for the tries left costs none. They tell what became of a PIN whose answer was lost, and whether
            // somebody has shown the card a right one since. Where the card does not tell, what was refused stays so.
            let left = application.tries_left(self.key_pair())?;
            self.pin().lock().tries = left.map_or(Tries::Unsaid, Tries::Left);
            if let Some(left) = left {
                refused::settle(self.serial(), self.key_pair(), left);
                refused::forget_older_than(self.serial(), self.key_pair(), left);
            }
        }
        if is_refused() {
            let locked = self.pin().lock().tries == Tries::Left(0);
            return Err(if locked { Error::PinLocked } else { Error::PinIncorrect });
        }
        if spare_last_try {
            // Asked anew: another program may have spent tries. Where the card does not say, what is known counts; a card
            // of which nothing is known may have one left.
            let left = application.tries_left(self.key_pair())?;
            let mut state = self.pin().lock();
            state.tries = left.map_or(state.tries, Tries::Left);
            if !matches!(state.tries, Tries::Left(0 | 2..)) {
                return Err(Error::LastTry);
            }
        }
        Ok(())
    }

    /// Writes down what an attempt with a PIN has done to the tries left; `None` for one from a PIN pad.
    pub(super) fn note_attempt(
        &self,
        pin: Option<&SecretPin>,
        answer: Result<(), card::Error>,
    ) -> Result<(), card::Error> {
        let mut state = self.pin().lock();
        match answer {
            Ok(()) => {
                refused::forget(self.serial(), self.key_pair());
                // That a right PIN brings all tries back is a guess (card-facts §4.1): where some were missing, the
                // card is asked.
                if state.tries != Tries::Left(self.key_pair().tries()) {
                    state.tries = Tries::Stale;
                }
            }
            Err(card::Error::WrongPin(left)) => {
                state.tries = left.map_or(Tries::Stale, Tries::Left);
                if let Some(pin) = pin {
                    refused::remember(self.serial(), self.key_pair(), pin, left);
                    if matches!(&state.login, Login::Held { pin: held, .. } if **held == *pin) {
                        state.login = Login::Nobody;
                    }
                }
            }
            Err(card::Error::PinLocked) => {
                state.tries = Tries::Left(0);
                // Of no more use, whoever has logged in with it.
                state.login = Login::Nobody;
            }
            // Nothing has reached the card.
            Err(card::Error::PadCancelled | card::Error::PadLength) => {}
            // Whether the card has counted this one is not known.
            Err(error) => {
                if let Some(pin) = pin.filter(|_| error.may_have_worked()) {
                    let before = match state.tries {
                        Tries::Left(left) => Some(left),
                        Tries::Stale | Tries::Unsaid => None,
                    };
                    refused::remember_unanswered(self.serial(), self.key_pair(), pin, before);
                }
                state.tries = Tries::Stale;
            }
        }
        answer
    }
}
