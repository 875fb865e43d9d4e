//! Sessions: which there are, and what each one knows (PKCS#11 3.2 §5.6).

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use cryptoki_sys::*;
use parking_lot::Mutex;

use super::error::Error;
use super::operations::Operations;
use crate::token::{InUse, Token};

/// The most sessions one token has at a time. A bound against programs that never close one.
pub(super) const SESSIONS_MAX: usize = 1024;

/// How many sessions a token has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct SessionCount {
    pub(super) all: usize,
    pub(super) read_write: usize,
}

impl SessionCount {
    pub(super) fn has_read_only(self) -> bool {
        self.read_write < self.all
    }
}

/// A session: a program's way to one token.
pub(super) struct Session {
    pub(super) slot_id: CK_SLOT_ID,
    pub(super) token: Arc<Token>,
    pub(super) read_write: bool,
    pub(super) operations: Operations,
    /// Keeps the connection to the card open.
    _in_use: InUse,
}

impl Session {
    /// A session with the token in a slot.
    ///
    /// # Errors
    /// [`Error::SessionParallelNotSupported`] without CKF_SERIAL_SESSION, [`Error::SessionAsyncNotSupported`],
    /// [`Error::ArgumentsBad`] for other flags.
    pub(super) fn new(slot_id: CK_SLOT_ID, token: Arc<Token>, flags: CK_FLAGS) -> Result<Self, Error> {
        if flags & CKF_SERIAL_SESSION == 0 {
            return Err(Error::SessionParallelNotSupported);
        }
        if flags & CKF_ASYNC_SESSION != 0 {
            return Err(Error::SessionAsyncNotSupported);
        }
        if flags & !(CKF_SERIAL_SESSION | CKF_RW_SESSION) != 0 {
            return Err(Error::ArgumentsBad);
        }
        Ok(Session {
            slot_id,
            read_write: flags & CKF_RW_SESSION != 0,
            operations: Operations::default(),
            _in_use: token.hold_connection(),
            token,
        })
    }

    /// CK_SESSION_INFO. Costs no APDU.
    pub(super) fn info(&self) -> CK_SESSION_INFO {
        let state = match (self.read_write, self.token.is_logged_in()) {
            (false, false) => CKS_RO_PUBLIC_SESSION,
            (false, true) => CKS_RO_USER_FUNCTIONS,
            (true, false) => CKS_RW_PUBLIC_SESSION,
            (true, true) => CKS_RW_USER_FUNCTIONS,
        };
        let read_write = if self.read_write { CKF_RW_SESSION } else { 0 };
        CK_SESSION_INFO { slotID: self.slot_id, state, flags: CKF_SERIAL_SESSION | read_write, ulDeviceError: 0 }
    }
}

/// All open sessions, in the order of their handles, which is that of their opening.
#[derive(Default)]
pub(super) struct Sessions(Mutex<Vec<(CK_SESSION_HANDLE, Arc<Session>)>>);

/// The handle of the last session. It only grows, also from one C_Initialize to the next: no new session ever gets a handle
/// that was closed.
static LAST_HANDLE: AtomicUsize = AtomicUsize::new(0);

impl Sessions {
    /// Adds a session.
    ///
    /// # Errors
    /// [`Error::SessionCount`].
    pub(super) fn add(&self, session: Session) -> Result<CK_SESSION_HANDLE, Error> {
        let mut open = self.0.lock();
        if of_token(&open, &session.token).count() >= SESSIONS_MAX {
            return Err(Error::SessionCount);
        }
        let handle = LAST_HANDLE.fetch_add(1, Ordering::Relaxed) as CK_SESSION_HANDLE + 1;
        open.push((handle, Arc::new(session)));
        Ok(handle)
    }

    /// A session by its handle, after the reader was asked whether the card is still there (no APDU).
    ///
    /// # Errors
    /// [`Error::SessionHandleInvalid`], also if the card is gone: that closes its sessions (PKCS#11 3.2 §5.1.2).
    pub(super) fn get(&self, handle: CK_SESSION_HANDLE) -> Result<Arc<Session>, Error> {
        let session = {
            let open = self.0.lock();
            let place = open.binary_search_by_key(&handle, |(handle, _)| *handle).ok();
            place.and_then(|place| open.get(place)).map(|(_, session)| Arc::clone(session))
        };
        let session = session.ok_or(Error::SessionHandleInvalid)?;
        if session.token.check_present().is_err() {
            self.take(|_, other| other.token.number() == session.token.number());
            return Err(Error::SessionHandleInvalid);
        }
        Ok(session)
    }

    /// The sessions of a token.
    pub(super) fn of(&self, token: &Token) -> Vec<Arc<Session>> {
        of_token(&self.0.lock(), token).cloned().collect()
    }

    /// How many sessions a token has.
    pub(super) fn count(&self, token: &Token) -> SessionCount {
        of_token(&self.0.lock(), token).fold(SessionCount::default(), |count, session| SessionCount {
            all: count.all + 1,
            read_write: count.read_write + usize::from(session.read_write),
        })
    }

    /// Takes out the sessions that `chosen` names. The caller drops them when this is not locked any more: the last
    /// session of a card closes the connection to it.
    pub(super) fn take(&self, chosen: impl Fn(CK_SESSION_HANDLE, &Session) -> bool) -> Vec<Arc<Session>> {
        let mut taken = Vec::new();
        self.0.lock().retain(|(handle, session)| {
            let take = chosen(*handle, session);
            if take {
                taken.push(Arc::clone(session));
            }
            !take
        });
        taken
    }
}

fn of_token<'open>(
    open: &'open [(CK_SESSION_HANDLE, Arc<Session>)],
    token: &Token,
) -> impl Iterator<Item = &'open Arc<Session>> + use<'open> {
    let number = token.number();
    open.iter().map(|(_, session)| session).filter(move |session| session.token.number() == number)
}
