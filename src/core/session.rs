//! Sessions, login and logout (PKCS#11 3.2 §5.6).

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use cryptoki_sys::*;
use parking_lot::Mutex;
use zeroize::Zeroizing;

use super::digest::DigestOperation;
use super::error::Error;
use super::module::Module;
use super::recover::VerifyRecoverOperation;
use super::search::SearchOperation;
use super::sign::SignOperation;
use super::slot::SESSIONS_MAX;
use super::verify::VerifyOperation;
use crate::token::{self, InUse, PinEntry, Token};

/// A session: a program's way to one token.
pub(super) struct Session {
    pub(super) slot_id: CK_SLOT_ID,
    pub(super) token: Arc<Token>,
    pub(super) read_write: bool,
    /// What is under way: at most one operation of each kind.
    pub(super) operations: Mutex<Operations>,
    /// Keeps the connection to the card open.
    _in_use: InUse,
}

/// All open sessions.
#[derive(Default)]
pub(super) struct Sessions {
    /// In the order of their handles, which is that of their opening.
    open: Vec<(CK_SESSION_HANDLE, Arc<Session>)>,
}

/// The handle of the last session. It only grows, also from one C_Initialize to the next: a handle that was closed is
/// never taken for a new one.
static LAST_HANDLE: AtomicUsize = AtomicUsize::new(0);

impl Sessions {
    fn get(&self, handle: CK_SESSION_HANDLE) -> Result<&Arc<Session>, Error> {
        let place = self.open.binary_search_by_key(&handle, |(handle, _)| *handle).ok();
        place.and_then(|place| self.open.get(place)).map(|(_, session)| session).ok_or(Error::SessionHandleInvalid)
    }

    fn of_token(&self, token: &Token) -> impl Iterator<Item = &Arc<Session>> {
        let number = token.number();
        self.open.iter().map(|(_, session)| session).filter(move |session| session.token.number() == number)
    }

    /// Takes out the sessions that `chosen` names. To be dropped where this is not locked: the last session of a card
    /// closes the connection to it.
    fn take(&mut self, chosen: impl Fn(CK_SESSION_HANDLE, &Session) -> bool) -> Vec<Arc<Session>> {
        let mut taken = Vec::new();
        self.open.retain(|(handle, session)| {
            let take = chosen(*handle, session);
            if take {
                taken.push(Arc::clone(session));
            }
            !take
        });
        taken
    }
}

/// The operations of one session.
#[derive(Default)]
pub(super) struct Operations {
    pub(super) search: Option<SearchOperation>,
    pub(super) digest: Option<DigestOperation>,
    pub(super) sign: Option<SignOperation>,
    pub(super) sign_recover: Option<SignOperation>,
    pub(super) verify: Option<VerifyOperation>,
    pub(super) verify_recover: Option<VerifyRecoverOperation>,
}

/// Begins an operation. To be asked under the lock in which it is stored: the card may have worked since it was first
/// looked whether another one is under way, and another thread may use the same session.
///
/// # Errors
/// [`Error::OperationActive`].
pub(super) fn begin<T>(place: &mut Option<T>, operation: T) -> Result<(), Error> {
    if place.is_some() {
        return Err(Error::OperationActive);
    }
    *place = Some(operation);
    Ok(())
}

impl Operations {
    /// The signature that waits for the PIN to be shown anew.
    fn waiting_for_pin(&mut self) -> Option<&mut SignOperation> {
        let signatures = [self.sign.as_mut(), self.sign_recover.as_mut()];
        signatures.into_iter().flatten().find(|operation| operation.is_unconfirmed())
    }
}

impl Module {
    /// C_OpenSession.
    ///
    /// # Errors
    /// [`Error::SessionParallelNotSupported`] without CKF_SERIAL_SESSION, [`Error::SessionAsyncNotSupported`],
    /// [`Error::SessionCount`], [`Error::TokenNotPresent`].
    pub fn open_session(&self, slot_id: CK_SLOT_ID, flags: CK_FLAGS) -> Result<CK_SESSION_HANDLE, Error> {
        let slot = self.slot(slot_id)?;
        // The token before the flags (PKCS#11 3.2 §5.1.7).
        let token = slot.token()?;
        if flags & CKF_SERIAL_SESSION == 0 {
            return Err(Error::SessionParallelNotSupported);
        }
        if flags & CKF_ASYNC_SESSION != 0 {
            return Err(Error::SessionAsyncNotSupported);
        }
        if flags & !(CKF_SERIAL_SESSION | CKF_RW_SESSION) != 0 {
            return Err(Error::ArgumentsBad);
        }
        let session = Session {
            slot_id,
            read_write: flags & CKF_RW_SESSION != 0,
            operations: Mutex::default(),
            _in_use: token.hold_connection(),
            token,
        };
        let mut sessions = self.sessions.lock();
        if sessions.of_token(&session.token).count() >= SESSIONS_MAX {
            return Err(Error::SessionCount);
        }
        let handle = LAST_HANDLE.fetch_add(1, Ordering::Relaxed) as CK_SESSION_HANDLE + 1;
        sessions.open.push((handle, Arc::new(session)));
        Ok(handle)
    }

    /// C_CloseSession. The last session of a token takes the login with it (PKCS#11 3.2 §5.6.2).
    ///
    /// # Errors
    /// [`Error::SessionHandleInvalid`].
    pub fn close_session(&self, handle: CK_SESSION_HANDLE) -> Result<(), Error> {
        self.session(handle)?;
        if self.close_sessions(|other, _| other == handle) { Ok(()) } else { Err(Error::SessionHandleInvalid) }
    }

    /// C_CloseAllSessions.
    ///
    /// # Errors
    /// [`Error::SlotIdInvalid`].
    pub fn close_all_sessions(&self, slot_id: CK_SLOT_ID) -> Result<(), Error> {
        self.slot(slot_id)?;
        self.close_sessions(|_, session| session.slot_id == slot_id);
        Ok(())
    }

    /// Closes the sessions that `chosen` names, and logs out of tokens that have none left. Whether there were any.
    pub(super) fn close_sessions(&self, chosen: impl Fn(CK_SESSION_HANDLE, &Session) -> bool) -> bool {
        let closed = self.sessions.lock().take(chosen);
        for session in &closed {
            if self.count_sessions(&session.token) == (0, 0) {
                // Not logged in, or the card gone: there is nothing to log out from then.
                let _ = session.token.logout();
            }
        }
        !closed.is_empty()
    }

    /// A session by its handle, after a look whether its card is still there (no APDU).
    ///
    /// # Errors
    /// [`Error::SessionHandleInvalid`], also where the card has gone: that closes its sessions (PKCS#11 3.2 §5.1.2).
    pub(super) fn session(&self, handle: CK_SESSION_HANDLE) -> Result<Arc<Session>, Error> {
        let session = Arc::clone(self.sessions.lock().get(handle)?);
        if session.token.check_present().is_err() {
            let number = session.token.number();
            let ended = self.sessions.lock().take(|_, other| other.token.number() == number);
            drop(ended);
            return Err(Error::SessionHandleInvalid);
        }
        Ok(session)
    }

    /// How many sessions a token has, and how many of them are read/write ones.
    pub(super) fn count_sessions(&self, token: &Token) -> (usize, usize) {
        let sessions = self.sessions.lock();
        sessions
            .of_token(token)
            .fold((0, 0), |(all, read_write), session| (all + 1, read_write + usize::from(session.read_write)))
    }

    fn has_read_only_session(&self, token: &Token) -> bool {
        let (all, read_write) = self.count_sessions(token);
        read_write < all
    }

    /// C_GetSessionInfo. Costs no APDU.
    ///
    /// # Errors
    /// [`Error::SessionHandleInvalid`].
    pub fn session_info(&self, handle: CK_SESSION_HANDLE) -> Result<CK_SESSION_INFO, Error> {
        let session = self.session(handle)?;
        let state = match (session.read_write, session.token.is_logged_in()) {
            (false, false) => CKS_RO_PUBLIC_SESSION,
            (false, true) => CKS_RO_USER_FUNCTIONS,
            (true, false) => CKS_RW_PUBLIC_SESSION,
            (true, true) => CKS_RW_USER_FUNCTIONS,
        };
        let read_write = if session.read_write { CKF_RW_SESSION } else { 0 };
        Ok(CK_SESSION_INFO { slotID: session.slot_id, state, flags: CKF_SERIAL_SESSION | read_write, ulDeviceError: 0 })
    }

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

    /// C_SessionCancel: ends the operations that the flags name (PKCS#11 3.2 §5.6.5). One that is not under way is no
    /// error, nor is a kind of operation that the module does not have.
    ///
    /// # Errors
    /// [`Error::SessionHandleInvalid`].
    pub fn session_cancel(&self, session: CK_SESSION_HANDLE, flags: CK_FLAGS) -> Result<(), Error> {
        let session = self.session(session)?;
        let mut operations = session.operations.lock();
        let Operations { search, digest, sign, sign_recover, verify, verify_recover } = &mut *operations;
        let named = |flag| flags & flag != 0;
        search.take_if(|_| named(CKF_FIND_OBJECTS));
        digest.take_if(|_| named(CKF_DIGEST));
        sign.take_if(|_| named(CKF_SIGN));
        sign_recover.take_if(|_| named(CKF_SIGN_RECOVER));
        verify.take_if(|_| named(CKF_VERIFY));
        verify_recover.take_if(|_| named(CKF_VERIFY_RECOVER));
        Ok(())
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

    /// Random bytes from the card.
    ///
    /// # Errors
    /// Those of talking to the card.
    pub fn random(&self, handle: CK_SESSION_HANDLE, length: usize) -> Result<Zeroizing<Vec<u8>>, Error> {
        Ok(self.session(handle)?.token.random(length)?)
    }
}
