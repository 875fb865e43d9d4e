//! Login, logout and change of the PIN (PKCS#11 3.2 §5.5.9, §5.6.8 to §5.6.10).

use cryptoki_sys::*;

use super::call::Call;
use super::error::Error;
use super::session::SessionCount;
use super::slot::pin_pad;
use crate::token::{self, PinEntry, PinPad};

impl Call {
    /// C_Login. A PIN of the wrong form is wrong, and the card is not asked: C_Login has no CKR_PIN_LEN_RANGE, and programs
    /// ask again only after CKR_PIN_INCORRECT.
    ///
    /// # Errors
    /// [`Error::PinIncorrect`], [`Error::PinLocked`], [`Error::UserAlreadyLoggedIn`]. For a PIN that is to be typed at a
    /// PIN pad [`Error::ArgumentsBad`] if the reader has none for this PIN, and [`Error::FunctionCanceled`]. For a
    /// security officer [`Error::UserAnotherAlreadyLoggedIn`] beside a user, [`Error::SessionReadOnlyExists`], and
    /// [`Error::UserTypeInvalid`], because the card has none.
    pub fn login(&self, user: CK_USER_TYPE, pin: PinEntry<'_>) -> Result<(), Error> {
        if matches!(pin, PinEntry::OnPad) && !self.pin_pad().verifies {
            return Err(Error::ArgumentsBad);
        }
        let token = &self.session.token;
        match user {
            CKU_USER => {
                token.login(pin)?;
                // Another thread may have closed the last session while the card worked, and the login with it.
                if self.count_sessions().all == 0 {
                    let _ = token.logout();
                    return Err(Error::SessionHandleInvalid);
                }
                Ok(())
            }
            CKU_CONTEXT_SPECIFIC => self.reauthenticate(pin),
            CKU_SO if token.is_logged_in() => Err(Error::UserAnotherAlreadyLoggedIn),
            CKU_SO if self.count_sessions().has_read_only() => Err(Error::SessionReadOnlyExists),
            _ => Err(Error::UserTypeInvalid),
        }
    }

    /// The PIN once more, for the signature that waits for it in this session (CKA_ALWAYS_AUTHENTICATE).
    fn reauthenticate(&self, pin: PinEntry<'_>) -> Result<(), Error> {
        if !self.operations().any_waits_for_pin() {
            return Err(Error::OperationNotInitialized);
        }
        let answer = self.session.token.reauthenticate(pin).map_err(Error::from);
        if answer == Err(Error::PinLocked) {
            // "this also logs the user out" (PKCS#11 3.2 §4.10). A PIN that is locked has ended the login already.
            let _ = self.session.token.logout();
            self.end_private_operations();
        }
        answer?;
        self.operations().accept_pin();
        Ok(())
    }

    /// C_Logout: for all sessions of the token. Signatures under way end, and searches keep no private objects.
    ///
    /// # Errors
    /// [`Error::UserNotLoggedIn`].
    pub fn logout(&self) -> Result<(), Error> {
        self.session.token.logout()?;
        self.end_private_operations();
        Ok(())
    }

    /// C_SetPIN: in any read/write session, logged in or not, for whoever knows the old PIN.
    ///
    /// # Errors
    /// [`Error::SessionReadOnly`]; [`Error::PinLenRange`] and [`Error::PinInvalid`] for the new PIN before the card is
    /// asked; [`Error::PinIncorrect`] and [`Error::PinLocked`] for the old one. At the PIN pad [`Error::ArgumentsBad`] if
    /// the reader has none for that, or if the program passes one of the two PINs, and [`Error::FunctionCanceled`].
    pub fn set_pin(&self, old: PinEntry<'_>, new: PinEntry<'_>) -> Result<(), Error> {
        match (old, new) {
            (PinEntry::Typed(_), PinEntry::Typed(_)) => {}
            (PinEntry::OnPad, PinEntry::OnPad) if self.pin_pad().modifies => {}
            _ => return Err(Error::ArgumentsBad),
        }
        if !self.session.read_write {
            return Err(Error::SessionReadOnly);
        }
        let token = &self.session.token;
        let was_logged_in = token.is_logged_in();
        let answer = token.change_pin(old, new);
        if was_logged_in && !token.is_logged_in() {
            // The login did not outlive the change, so what it was needed for ends.
            self.end_private_operations();
        }
        // C_SetPIN has no CKR_USER_PIN_NOT_INITIALIZED for an old PIN that was never set.
        answer.map_err(|error| if error == token::Error::NoPin { Error::PinLocked } else { error.into() })
    }

    /// Ends what only a user who is logged in may go on with, in all sessions of the token.
    fn end_private_operations(&self) {
        for session in self.module.sessions().of(&self.session.token) {
            session.operations.cancel(CKF_SIGN | CKF_SIGN_RECOVER | CKF_FIND_OBJECTS);
        }
    }

    fn pin_pad(&self) -> PinPad {
        pin_pad(self.module.settings(), &self.session.token)
    }

    fn count_sessions(&self) -> SessionCount {
        self.module.sessions().count(&self.session.token)
    }
}
