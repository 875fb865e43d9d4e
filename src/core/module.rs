//! The life of the module: from C_Initialize to C_Finalize, and of its sessions in between.

use std::sync::Arc;
use std::time::Duration;

use cryptoki_sys::*;

use super::error::Error;
use super::events::Events;
use super::mechanism;
use super::session::{Session, SessionCount, Sessions};
use super::slot::SlotList;
use super::text::{MANUFACTURER, padded};
use crate::settings::Settings;
use crate::token::{LastTry, Readers};

/// The version of PKCS#11 that the module is written to.
const CRYPTOKI_VERSION: CK_VERSION = CK_VERSION { major: 3, minor: 2 };

/// What one C_Initialize starts and one C_Finalize ends.
pub struct Module {
    settings: Arc<Settings>,
    slots: SlotList,
    sessions: Sessions,
    events: Events,
}

impl Module {
    /// Starts the module, with the readers that `readers` makes for the setting `last-try`. Sends no APDU.
    #[must_use]
    pub fn new(settings: Settings, readers: impl FnOnce(LastTry) -> Readers) -> Self {
        let settings = Arc::new(settings);
        let slots = SlotList::new(readers(settings.last_try), Arc::clone(&settings));
        Module { settings, events: Events::new(&slots), slots, sessions: Sessions::default() }
    }

    pub(super) fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(super) fn sessions(&self) -> &Sessions {
        &self.sessions
    }

    /// C_GetInfo.
    #[must_use]
    pub fn info() -> CK_INFO {
        let number = |text: &str| text.parse().unwrap_or(0);
        CK_INFO {
            cryptokiVersion: CRYPTOKI_VERSION,
            manufacturerID: padded(MANUFACTURER),
            flags: 0,
            libraryDescription: padded("JPKI (My Number Card) module"),
            libraryVersion: CK_VERSION {
                major: number(env!("CARGO_PKG_VERSION_MAJOR")),
                minor: number(env!("CARGO_PKG_VERSION_MINOR")),
            },
        }
    }

    /// C_Finalize: wakes all threads that wait for a slot event, and ends all sessions, which leaves every card locked.
    pub fn finalize(&self) {
        // Before the sessions, because to lock a card may take as long as another program keeps it.
        self.events.finalize(&self.slots);
        self.close_sessions(|_, _| true);
    }

    /// For a program that ends without C_Finalize: lets the cards' work end, and gives up the cards that a login at a PIN pad
    /// keeps. Waits for no lock longer than `timeout`, and for the work of a card two seconds at most.
    pub fn give_up_cards(&self, timeout: Duration) {
        self.slots.readers().give_up_cards(timeout);
    }
}

/// Slots and their tokens (PKCS#11 3.2 §5.5).
impl Module {
    /// C_GetSlotList: the ids of the slots that a program sees, all of them or only those with a token. Asks for new
    /// readers only if `refresh` says so (PKCS#11 3.2 §5.5.1: new slots become visible with a call that asks for the
    /// length only).
    #[must_use]
    pub fn slot_ids(&self, token_present: bool, refresh: bool) -> Vec<CK_SLOT_ID> {
        self.slots.ids(token_present, refresh)
    }

    /// C_GetSlotInfo. Costs no APDU once the card is recognised.
    ///
    /// # Errors
    /// [`Error::SlotIdInvalid`].
    pub fn slot_info(&self, id: CK_SLOT_ID) -> Result<CK_SLOT_INFO, Error> {
        Ok(self.slots.get(id)?.info())
    }

    /// C_GetTokenInfo. Costs no APDU once the card is recognised, unless our own last login has changed the tries left.
    ///
    /// # Errors
    /// [`Error::SlotIdInvalid`], [`Error::TokenNotPresent`], and those of talking to the card.
    pub fn token_info(&self, id: CK_SLOT_ID) -> Result<CK_TOKEN_INFO, Error> {
        let slot = self.slots.get(id)?;
        slot.token_info(&self.settings, |token| self.sessions.count(token))
    }

    /// C_GetMechanismList.
    ///
    /// # Errors
    /// [`Error::SlotIdInvalid`], [`Error::TokenNotPresent`].
    pub fn mechanisms(&self, slot: CK_SLOT_ID) -> Result<Vec<CK_MECHANISM_TYPE>, Error> {
        Ok(mechanism::all(self.slots.get(slot)?.token()?.knows_pss()))
    }

    /// C_GetMechanismInfo.
    ///
    /// # Errors
    /// [`Error::SlotIdInvalid`], [`Error::TokenNotPresent`], [`Error::MechanismInvalid`].
    pub fn mechanism_info(&self, slot: CK_SLOT_ID, kind: CK_MECHANISM_TYPE) -> Result<CK_MECHANISM_INFO, Error> {
        mechanism::info(kind, self.slots.get(slot)?.token()?.knows_pss())
    }

    /// Fails unless there is a token in a slot: for functions that do no more with it.
    ///
    /// # Errors
    /// [`Error::SlotIdInvalid`], [`Error::TokenNotPresent`].
    pub fn require_token(&self, id: CK_SLOT_ID) -> Result<(), Error> {
        self.slots.get(id)?.token().map(|_| ())
    }

    /// C_WaitForSlotEvent: a slot whose card, or whose reader, has come or gone since the last event.
    ///
    /// # Errors
    /// [`Error::NoEvent`] if nothing has happened and `block` is not set; [`Error::NotInitialized`] if the module is
    /// finalized meanwhile.
    pub fn wait_for_slot_event(&self, block: bool) -> Result<CK_SLOT_ID, Error> {
        self.events.wait(&self.slots, block)
    }
}

/// The life of sessions (PKCS#11 3.2 §5.6).
impl Module {
    /// C_OpenSession.
    ///
    /// # Errors
    /// [`Error::SlotIdInvalid`], [`Error::TokenNotPresent`], [`Error::SessionParallelNotSupported`] without
    /// CKF_SERIAL_SESSION, [`Error::SessionAsyncNotSupported`], [`Error::SessionCount`].
    pub fn open_session(&self, slot: CK_SLOT_ID, flags: CK_FLAGS) -> Result<CK_SESSION_HANDLE, Error> {
        // The token before the flags (PKCS#11 3.2 §5.1.7).
        let token = self.slots.get(slot)?.token()?;
        self.sessions.add(Session::new(slot, token, flags)?)
    }

    /// C_CloseSession. The last session of a token takes the login with it (PKCS#11 3.2 §5.6.2).
    ///
    /// # Errors
    /// [`Error::SessionHandleInvalid`].
    pub fn close_session(&self, handle: CK_SESSION_HANDLE) -> Result<(), Error> {
        self.sessions.get(handle)?;
        if self.close_sessions(|other, _| other == handle) { Ok(()) } else { Err(Error::SessionHandleInvalid) }
    }

    /// C_CloseAllSessions.
    ///
    /// # Errors
    /// [`Error::SlotIdInvalid`].
    pub fn close_all_sessions(&self, slot_id: CK_SLOT_ID) -> Result<(), Error> {
        self.slots.get(slot_id)?;
        self.close_sessions(|_, session| session.slot_id == slot_id);
        Ok(())
    }

    /// Closes the sessions that `chosen` names, and logs out of tokens that have none left. Returns whether there were any.
    fn close_sessions(&self, chosen: impl Fn(CK_SESSION_HANDLE, &Session) -> bool) -> bool {
        let closed = self.sessions.take(chosen);
        for session in &closed {
            if self.sessions.count(&session.token) == SessionCount::default() {
                // Fails if nobody is logged in, or the card is gone: there is nothing to log out from then.
                let _ = session.token.logout();
            }
        }
        !closed.is_empty()
    }
}
