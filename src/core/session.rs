//! Sessions (PKCS#11 3.2 §5.6).

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use cryptoki_sys::*;
use parking_lot::Mutex;
use zeroize::Zeroizing;

use super::error::Error;
use super::module::Module;
use super::operations::Operations;
use crate::token::{InUse, Token};

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

/// The most sessions one token has at a time. A bound against programs that never close one.
pub(super) const SESSIONS_MAX: usize = 1024;

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

    pub(super) fn of_token(&self, token: &Token) -> impl Iterator<Item = &Arc<Session>> {
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

    /// Random bytes from the card.
    ///
    /// # Errors
    /// Those of talking to the card.
    pub fn random(&self, handle: CK_SESSION_HANDLE, length: usize) -> Result<Zeroizing<Vec<u8>>, Error> {
        Ok(self.session(handle)?.token.random(length)?)
    }
}
