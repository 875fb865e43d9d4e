//! One attempt with a PIN, inside of a transaction: whether it may be made, the attempt itself, and what it did to the
//! tries left.

use std::sync::Arc;

use super::error::Error;
use super::jpki_token::Token;
use super::pin::Pin;
use super::pin_state::{LastTry, Login, Tries};
use super::refused;
use crate::card::{self, Application};

impl Token {
    /// Unlocks the key, for work that needs that: the held PIN is verified. After a login at the PIN pad the card has
    /// it verified still.
    ///
    /// # Errors
    /// [`Error::NotLoggedIn`] if nobody is, or if the held PIN cannot be shown any more, which ends the login;
    /// [`Error::Removed`], and those of the transport.
    pub(super) fn unlock(&self, application: &mut Application<'_>) -> Result<(), Error> {
        let held = match &self.pin().lock().login {
            Login::Nobody => return Err(Error::NotLoggedIn),
            Login::OnCard => return Ok(()),
            Login::Held(pin) => Pin::Here(Arc::clone(pin)),
        };
        match self.may_try(application, &held).and_then(|()| self.verify(application, &held)) {
            Ok(()) => Ok(()),
            Err(error @ (Error::Removed | Error::Card(card::Error::Transport(_)))) => Err(error),
            // Somebody has changed or locked the PIN meanwhile, or the card refuses it for a reason of its own. The PIN
            // must not cost another try.
            Err(_) => {
                self.pin().lock().login = Login::Nobody;
                Err(Error::NotLoggedIn)
            }
        }
    }

    /// Passes on what came of work with an unlocked key. If the card refuses that work, and no PIN is held here, the card has
    /// lost the state that a login at the PIN pad left it in, or has not even the application selected any more: that ends
    /// the login.
    pub(super) fn still_unlocked<T>(&self, outcome: Result<T, Error>) -> Result<T, Error> {
        match outcome {
            Err(Error::Card(
                card::Error::Locked | card::Error::NotFound | card::Error::ReadInterrupted | card::Error::Refused(_),
            )) if !self.holds_pin() => {
                self.pin().lock().login = Login::Nobody;
                Err(Error::NotLoggedIn)
            }
            outcome => outcome,
        }
    }

    /// Fails if an attempt must not cost a try.
    ///
    /// # Errors
    /// [`Error::PinIncorrect`] and [`Error::PinLocked`] for a PIN that the card has refused before;
    /// [`Error::LastTry`]; those of asking the card for the tries left.
    pub(super) fn may_try(&self, application: &mut Application<'_>, pin: &Pin) -> Result<(), Error> {
        let is_refused = || pin.here().is_some_and(|pin| refused::contains(self.serial(), self.key_pair(), pin));
        if is_refused() || refused::any_unanswered(self.serial(), self.key_pair()) {
            // To ask for the tries left costs none. They show what became of a PIN whose answer was lost, and whether
            // somebody has shown the card a right one since. If the card does not say, a refused PIN stays refused.
            let left = application.tries_left(self.key_pair())?;
            self.pin().lock().tries = left.map_or(Tries::Unsaid, Tries::Left);
            if let Some(left) = left {
                refused::resolve_unanswered(self.serial(), self.key_pair(), left);
                refused::drop_older_than(self.serial(), self.key_pair(), left);
            }
        }
        if is_refused() {
            let locked = self.pin().lock().tries == Tries::Left(0);
            return Err(if locked { Error::PinLocked } else { Error::PinIncorrect });
        }
        match self.card.last_try() {
            LastTry::Allow => Ok(()),
            LastTry::Spare => self.check_last_try(application),
        }
    }

    /// Asks the card, because another program may have spent tries. If the card does not say, what we know counts; if we
    /// know nothing, there may be one left.
    fn check_last_try(&self, application: &mut Application<'_>) -> Result<(), Error> {
        let left = application.tries_left(self.key_pair())?;
        let mut state = self.pin().lock();
        state.tries = left.map_or(state.tries, Tries::Left);
        if matches!(state.tries, Tries::Left(0 | 2..)) { Ok(()) } else { Err(Error::LastTry) }
    }

    /// Makes the attempt: shows the card the PIN, or has it typed at the PIN pad.
    pub(super) fn verify(&self, application: &mut Application<'_>, pin: &Pin) -> Result<(), Error> {
        let answer = match pin {
            Pin::Here(pin) => application.verify(self.key_pair(), pin.bytes()),
            Pin::OnPad => application.verify_on_pad(self.key_pair()),
        };
        Ok(self.record_attempt(pin, answer)?)
    }

    /// Records what an attempt has done to the tries left, and to a login with the same PIN.
    pub(super) fn record_attempt(&self, pin: &Pin, answer: Result<(), card::Error>) -> Result<(), card::Error> {
        let mut state = self.pin().lock();
        match answer {
            Ok(()) => {
                refused::drop_all(self.serial(), self.key_pair());
                // That a right PIN brings all tries back is a guess (card-facts §4.1). If some were missing, the card has
                // to be asked.
                if state.tries != Tries::Left(self.key_pair().tries()) {
                    state.tries = Tries::Stale;
                }
            }
            Err(card::Error::WrongPin(left)) => {
                state.tries = left.map_or(Tries::Stale, Tries::Left);
                if let Some(pin) = pin.here() {
                    refused::remember(self.serial(), self.key_pair(), pin, left);
                    if matches!(&state.login, Login::Held(held) if **held == *pin) {
                        state.login = Login::Nobody;
                    }
                }
            }
            Err(card::Error::PinLocked) => {
                state.tries = Tries::Left(0);
                // The PIN is of no more use, whoever has logged in with it.
                state.login = Login::Nobody;
            }
            // Nothing has reached the card.
            Err(card::Error::PadCancelled | card::Error::PadLength) => {}
            // We do not know whether the card has counted this attempt.
            Err(error) => {
                if let Some(pin) = pin.here().filter(|_| error.may_have_worked()) {
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
