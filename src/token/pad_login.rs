//! Logins at the reader's PIN pad. There is no PIN to hold, so that the card has to hold it as verified: it is kept for
//! this program alone, and unlocked, from login to logout.

use super::error::Error;
use super::jpki_token::Token;
use super::pin_state::Login;
use crate::card::{self, Application};

impl Token {
    /// Has the user type the PIN at the PIN pad. From then on no other program reaches the card, until [`Self::logout`].
    ///
    /// # Errors
    /// Those of [`Self::login`]; [`Error::NoPinPad`], [`Error::Cancelled`]; [`Error::Busy`] where another program uses
    /// the card.
    pub fn login_on_pad(&self, spare_last_try: bool) -> Result<(), Error> {
        if !self.pin_pad().verifies {
            return Err(Error::NoPinPad);
        }
        if self.is_logged_in() {
            return Err(Error::AlreadyLoggedIn);
        }
        self.card.work_exclusively(&mut |application| {
            // Looked at again: another thread may have been faster.
            if self.is_logged_in() {
                return Err(Error::AlreadyLoggedIn);
            }
            self.verify_on_pad(application, spare_last_try).map_err(|error| self.without_pin(error))?;
            if self.certificate.lock().certificate().is_none() {
                // While it is sure that the application is there. What goes wrong here shows when it is asked for.
                let _ = self.read_certificate(application);
            }
            if self.card.is_gone() {
                return Err(Error::Removed);
            }
            self.pin().lock().log_in(Login::OnCard);
            Ok(())
        })
    }

    /// Has the user who is logged in type the PIN once more, for one signature.
    ///
    /// # Errors
    /// Those of [`Self::login_on_pad`]; [`Error::NotLoggedIn`].
    pub fn confirm_on_pad(&self, spare_last_try: bool) -> Result<(), Error> {
        self.card.work(|application| {
            if !self.is_logged_in() {
                return Err(Error::NotLoggedIn);
            }
            self.verify_on_pad(application, spare_last_try)?;
            // The user may have logged out meanwhile.
            if self.is_logged_in() { Ok(()) } else { Err(Error::NotLoggedIn) }
        })
    }

    /// Changes the PIN at the PIN pad. Whoever is logged in with a typed PIN is logged out, because the new one is not
    /// known here; a login at the PIN pad lasts.
    ///
    /// # Errors
    /// Those of [`Self::login_on_pad`]; [`Error::NewPinLength`], [`Error::NewPinMismatch`].
    pub fn change_pin_on_pad(&self, spare_last_try: bool) -> Result<(), Error> {
        if !self.pin_pad().modifies {
            return Err(Error::NoPinPad);
        }
        let answer = self.card.work(|application| {
            self.verify_on_pad(application, spare_last_try)?;
            let answer = application.set_pin_on_pad(self.key_pair());
            let mut state = self.pin().lock();
            let changed = answer.map_or_else(card::Error::may_have_worked, |()| true);
            if changed && !state.login.is_on_card() {
                // The old PIN would cost a try.
                state.login = Login::Nobody;
            }
            answer.map_err(|error| match error {
                card::Error::PadLength => Error::NewPinLength,
                error => error.into(),
            })
        });
        if !self.is_logged_in() {
            // There will be no logout that looks.
            self.make_sure_of_the_lock();
        }
        answer
    }

    /// The user is logged in at the PIN pad.
    pub(super) fn is_on_card(&self) -> bool {
        self.pin().lock().login.is_on_card()
    }

    /// What came of work for which the card has the PIN verified. A card that refuses it has lost that state, or has
    /// not even the application selected any more: that is the end of the login.
    pub(super) fn on_card<T>(&self, outcome: Result<T, Error>) -> Result<T, Error> {
        match outcome {
            Err(Error::Card(card::Error::Locked | card::Error::NotFound | card::Error::Refused(_))) => {
                self.pin().lock().login = Login::Nobody;
                Err(Error::NotLoggedIn)
            }
            outcome => outcome,
        }
    }

    fn verify_on_pad(&self, application: &mut Application<'_>, spare_last_try: bool) -> Result<(), Error> {
        self.may_try(application, None, spare_last_try)?;
        let answer = application.verify_on_pad(self.key_pair());
        Ok(self.note_attempt(None, answer)?)
    }
}
