//! Login, logout and change of the PIN (PKCS#11 3.2 §5.5.9, §5.6.8 to §5.6.10).

use cryptoki_sys::*;

use super::error::Error;
use super::module::Module;
use super::session::Session;
use crate::token::{self, PinEntry, Token};

impl Module {
    /// C_Login. A PIN of the wrong form is wrong, and the card is not asked: C_Login has no CKR_PIN_LEN_RANGE, and programs
    /// ask again only after CKR_PIN_INCORRECT.
    ///
    /// # Errors
    /// [`Error::PinIncorrect`], [`Error::PinLocked`], [`Error::UserAlreadyLoggedIn`]. For a PIN that is to be typed at a
    /// PIN pad [`Error::ArgumentsBad`] if the reader has none for this PIN, and [`Error::FunctionCanceled`]. For a
    /// security officer [`Error::UserAnotherAlreadyLoggedIn`] beside a user, [`Error::SessionReadOnlyExists`], and
    /// [`Error::UserTypeInvalid`], because the card has none.
    pub fn login(&self, handle: CK_SESSION_HANDLE, user: CK_USER_TYPE, pin: PinEntry<'_>) -> Result<(), Error> {
        let session = self.session(handle)?;
        if matches!(pin, PinEntry::OnPad) && !self.pin_pad(&session.token).verifies {
            return Err(Error::ArgumentsBad);
        }
        match user {
            CKU_USER => {
                session.token.login(pin)?;
                // Another thread may have closed the last session while the card worked, and the login with it.
                if self.count_sessions(&session.token) == (0, 0) {
                    let _ = session.token.logout();
                    return Err(Error::SessionHandleInvalid);
                }
                Ok(())
            }
            CKU_CONTEXT_SPECIFIC => self.reauthenticate(&session, pin),
            CKU_SO if session.token.is_logged_in() => Err(Error::UserAnotherAlreadyLoggedIn),
            CKU_SO if self.has_read_only_session(&session.token) => Err(Error::SessionReadOnlyExists),
            _ => Err(Error::UserTypeInvalid),
        }
    }

    /// The PIN once more, for the signature that waits for it in this session (CKA_ALWAYS_AUTHENTICATE).
    fn reauthenticate(&self, session: &Session, pin: PinEntry<'_>) -> Result<(), Error> {
        if session.operations.lock().waiting_for_pin().is_none() {
            return Err(Error::OperationNotInitialized);
        }
        let answer = session.token.reauthenticate(pin).map_err(Error::from);
        if answer == Err(Error::PinLocked) {
            // "this also logs the user out" (PKCS#11 3.2 §4.10). A PIN that is locked has ended the login already.
            let _ = session.token.logout();
            self.end_private_operations(&session.token);
        }
        answer?;
        if let Some(operation) = session.operations.lock().waiting_for_pin() {
            operation.confirm();
        }
        Ok(())
    }

    /// C_Logout: for all sessions of the token. Signatures under way end, and searches keep no private objects.
    ///
    /// # Errors
    /// [`Error::UserNotLoggedIn`].
    pub fn logout(&self, handle: CK_SESSION_HANDLE) -> Result<(), Error> {
        let session = self.session(handle)?;
        session.token.logout()?;
        self.end_private_operations(&session.token);
        Ok(())
    }

    /// Ends what only a user who is logged in may go on with.
    fn end_private_operations(&self, token: &Token) {
        let sessions: Vec<_> = self.sessions.lock().of_token(token).cloned().collect();
        for session in sessions {
            let mut operations = session.operations.lock();
            operations.sign = None;
            operations.sign_recover = None;
            operations.search = None;
        }
    }

    /// C_SetPIN: in any read/write session, logged in or not, for whoever knows the old PIN.
    ///
    /// # Errors
    /// [`Error::SessionReadOnly`]; [`Error::PinLenRange`] and [`Error::PinInvalid`] for the new PIN before the card is
    /// asked; [`Error::PinIncorrect`] and [`Error::PinLocked`] for the old one. At the PIN pad [`Error::ArgumentsBad`] if
    /// the reader has none for that, or if one of the two PINs is passed, and [`Error::FunctionCanceled`].
    pub fn set_pin(&self, handle: CK_SESSION_HANDLE, old: PinEntry<'_>, new: PinEntry<'_>) -> Result<(), Error> {
        let session = self.session(handle)?;
        match (old, new) {
            (PinEntry::Typed(_), PinEntry::Typed(_)) => {}
            (PinEntry::OnPad, PinEntry::OnPad) if self.pin_pad(&session.token).modifies => {}
            _ => return Err(Error::ArgumentsBad),
        }
        if !session.read_write {
            return Err(Error::SessionReadOnly);
        }
        let token = &session.token;
        let was_logged_in = token.is_logged_in();
        let answer = token.change_pin(old, new);
        if was_logged_in && !token.is_logged_in() {
            // The login did not outlive the change, so what it was needed for ends.
            self.end_private_operations(token);
        }
        // C_SetPIN has no CKR_USER_PIN_NOT_INITIALIZED for an old PIN that was never set.
        answer.map_err(|error| if error == token::Error::NoPin { Error::PinLocked } else { error.into() })
    }

    fn has_read_only_session(&self, token: &Token) -> bool {
        let (all, read_write) = self.count_sessions(token);
        read_write < all
    }
}
