//! The machine: one reader, the card in it, and what goes wrong between them.

use std::sync::{Mutex, MutexGuard, PoisonError};

use pcsc_sys::*;

use crate::answers::{Answers, Fate};
use crate::cards::Chip;
use crate::pad::{FEATURE_REQUEST, Pad};
use crate::watch::Watch;

/// The name of the reader.
pub const READER: &str = "Fuzzed Reader 00 00";

/// A handle to the card.
struct Handle {
    number: SCARDHANDLE,
    /// The insertion for which the handle was made.
    events: u16,
    in_transaction: bool,
    exclusive: bool,
}

/// The machine. There is one for each process, as there is one PC/SC.
pub struct Machine {
    chip: Option<Box<dyn Chip>>,
    /// The card, while it is not in the reader.
    beside: Option<Box<dyn Chip>>,
    /// The card lies the wrong way round, and gets no power.
    mute: bool,
    /// Insertions and removals.
    events: u16,
    /// What becomes of the commands.
    pub answers: Answers,
    /// The next transaction, or connection, fails with this.
    pub next_begin: Option<LONG>,
    /// The next query of the reader's state fails with this.
    pub next_state: Option<LONG>,
    /// A query of the reader's state has failed, so the module does not know whether the card is there.
    state_failed: bool,
    /// The reader's PIN pad.
    pub pad: Option<Pad>,
    /// The checks of all that goes to the card.
    pub watch: Watch,
    /// At least one answer was not the card's own.
    pub tampered: bool,
    handles: Vec<Handle>,
    last_handle: SCARDHANDLE,
}

static MACHINE: Mutex<Option<Machine>> = Mutex::new(None);

/// The machine, for as long as the guard lives.
fn lock() -> MutexGuard<'static, Option<Machine>> {
    MACHINE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Puts a card into the reader of a new machine.
pub fn set_up(chip: Box<dyn Chip>, answers: Answers) {
    *lock() = Some(Machine {
        chip: Some(chip),
        beside: None,
        mute: false,
        events: 1,
        answers,
        next_begin: None,
        next_state: None,
        state_failed: false,
        pad: None,
        watch: Watch::default(),
        tampered: false,
        handles: Vec::new(),
        last_handle: 0,
    });
}

/// Runs `work` on the machine; does nothing if there is none.
pub fn with<T: Default>(work: impl FnOnce(&mut Machine) -> T) -> T {
    lock().as_mut().map(work).unwrap_or_default()
}

/// The program calls a function of the module.
pub fn call() {
    with(|machine| machine.watch.call());
}

/// Takes the machine away, after the module was finalized.
///
/// # Panics
/// If the module has left a connection open.
pub fn tear_down() {
    let machine = lock().take();
    if let Some(machine) = machine {
        assert!(machine.handles.is_empty(), "a connection is left open");
    }
}

impl Machine {
    /// Takes the card out, or puts it back in.
    pub fn move_card(&mut self) {
        match self.chip.take() {
            Some(mut chip) => {
                chip.set_power(false);
                self.beside = Some(chip);
            }
            None => self.chip = self.beside.take(),
        }
        self.events = self.events.wrapping_add(1);
    }

    /// Takes the card out and puts it back the other way round.
    pub fn turn_card(&mut self) {
        if let Some(chip) = &mut self.chip {
            chip.set_power(false);
            self.events = self.events.wrapping_add(2);
        }
        self.mute = !self.mute;
    }

    /// The card in the reader.
    pub fn chip(&mut self) -> Option<&mut Box<dyn Chip>> {
        self.chip.as_mut()
    }

    /// No PIN of the card is in the verified state.
    pub fn is_locked(&self) -> bool {
        self.chip.as_ref().is_none_or(|chip| !chip.is_unlocked())
    }

    /// The module has the card for itself: the card may be unlocked between two transactions.
    pub fn is_kept(&self) -> bool {
        self.handles.iter().any(|handle| handle.exclusive)
    }

    /// The state of the reader, as SCardGetStatusChange reports it, and the length of the ATR.
    pub(crate) fn state(&mut self) -> Result<(DWORD, DWORD), LONG> {
        if let Some(error) = self.next_state.take() {
            self.state_failed = true;
            return Err(error);
        }
        let (card, atr) = match &self.chip {
            None => (SCARD_STATE_EMPTY, 0),
            Some(_) if self.mute => (SCARD_STATE_PRESENT | SCARD_STATE_MUTE, 0),
            Some(_) => (SCARD_STATE_PRESENT, 9),
        };
        Ok((DWORD::from(self.events) << 16 | card, atr))
    }

    pub(crate) fn connect(&mut self, exclusive: bool) -> Result<SCARDHANDLE, LONG> {
        if let Some(error) = self.next_begin.take() {
            return Err(error);
        }
        let chip = self.chip.as_mut().ok_or(SCARD_E_NO_SMARTCARD)?;
        if self.mute {
            return Err(SCARD_W_UNPOWERED_CARD);
        }
        chip.set_power(true);
        assert!(!self.handles.iter().any(|other| exclusive || other.exclusive), "the module blocks its own connection");
        self.last_handle += 1;
        let (number, events) = (self.last_handle, self.events);
        self.handles.push(Handle { number, events, in_transaction: false, exclusive });
        Ok(self.last_handle)
    }

    pub(crate) fn disconnect(&mut self, handle: SCARDHANDLE, disposition: DWORD) -> LONG {
        let gone = self.handle(handle).is_err() || self.state_failed;
        let Some(place) = self.handles.iter().position(|other| other.number == handle) else {
            return SCARD_E_INVALID_HANDLE;
        };
        let handle = self.handles.remove(place);
        assert!(!handle.in_transaction, "disconnected in a transaction");
        match disposition {
            SCARD_LEAVE_CARD => assert!(!handle.exclusive || gone, "a card that was kept is not powered down"),
            SCARD_UNPOWER_CARD => assert!(handle.exclusive, "the card is powered down for everybody"),
            _ => panic!("disconnected with {disposition}"),
        }
        if let Some(chip) = self.chip.as_mut().filter(|_| disposition == SCARD_UNPOWER_CARD) {
            chip.set_power(false);
        }
        SCARD_S_SUCCESS
    }

    /// A handle whose card is still there.
    fn handle(&mut self, handle: SCARDHANDLE) -> Result<&mut Handle, LONG> {
        let (events, present) = (self.events, self.chip.is_some());
        let found = self.handles.iter_mut().find(|other| other.number == handle).ok_or(SCARD_E_INVALID_HANDLE)?;
        if found.events == events && present { Ok(found) } else { Err(SCARD_W_REMOVED_CARD) }
    }

    pub(crate) fn reconnect(&mut self, handle: SCARDHANDLE) -> Result<(), LONG> {
        self.handle(handle).map(|_| ())
    }

    pub(crate) fn begin(&mut self, handle: SCARDHANDLE) -> Result<(), LONG> {
        if let Some(error) = self.next_begin.take() {
            return Err(error);
        }
        let handle = self.handle(handle)?;
        assert!(!handle.in_transaction, "a transaction in a transaction");
        handle.in_transaction = true;
        if let Some(chip) = &mut self.chip {
            chip.set_power(true);
        }
        self.state_failed = false;
        self.watch.begin();
        Ok(())
    }

    pub(crate) fn end(&mut self, handle: SCARDHANDLE, disposition: DWORD) -> LONG {
        let gone = self.handle(handle).is_err() || self.state_failed;
        let Some(handle) = self.handles.iter_mut().find(|other| other.number == handle) else {
            return SCARD_E_INVALID_HANDLE;
        };
        if !handle.in_transaction {
            // The pcsc crate ends a transaction once more if the first time has failed.
            return SCARD_E_NOT_TRANSACTED;
        }
        handle.in_transaction = false;
        let powered_down = disposition == SCARD_UNPOWER_CARD;
        assert!(powered_down || disposition == SCARD_LEAVE_CARD, "a transaction ends with {disposition}");
        if !handle.exclusive {
            self.watch.end(powered_down, gone);
        }
        match (&mut self.chip, gone) {
            (_, true) => return SCARD_W_REMOVED_CARD,
            (Some(chip), false) if powered_down => chip.set_power(false),
            _ => {}
        }
        SCARD_S_SUCCESS
    }

    pub(crate) fn transmit(&mut self, handle: SCARDHANDLE, command: &[u8]) -> Result<Vec<u8>, LONG> {
        let found = self.handles.iter().find(|other| other.number == handle);
        assert!(found.is_some_and(|handle| handle.in_transaction), "a command without a transaction");
        self.watch.command(command);
        let fate = self.answers.next_fate();
        if fate == Fate::Pulled && self.chip.is_some() {
            self.move_card();
        }
        if let Err(error) = self.handle(handle) {
            self.watch.answer(command, None, false, 0);
            return Err(error);
        }
        self.tampered |= fate != Fate::Real;
        let real = fate == Fate::Real;
        let answer = match fate {
            Fate::Real => Ok(self.ask(command)),
            Fate::Changed(change) => Ok(change.apply(self.ask(command))),
            Fate::Invented(bytes) => Ok(bytes),
            Fate::Lost { executed, error } => {
                if executed {
                    self.ask(command);
                }
                Err(error)
            }
            Fate::Pulled => Err(SCARD_W_REMOVED_CARD),
        };
        let number = self.chip.as_ref().map_or(0, |chip| chip.number());
        let arrived = answer.as_deref().ok().filter(|answer| (2..=258).contains(&answer.len()));
        self.watch.answer(command, arrived, real, number);
        answer
    }

    /// SCardControl.
    pub(crate) fn control(&mut self, handle: SCARDHANDLE, code: u32, send: &[u8]) -> Result<Vec<u8>, LONG> {
        let found = self.handles.iter().find(|other| other.number == handle);
        assert!(found.is_some_and(|handle| handle.in_transaction), "a control code without a transaction");
        let pad = self.pad.as_mut().ok_or(SCARD_E_UNSUPPORTED_FEATURE)?;
        if code == FEATURE_REQUEST {
            return Ok(pad.features.clone());
        }
        match pad.complete(code, send)? {
            Ok(command) => {
                self.watch.at_pad = true;
                let answer = self.transmit(handle, &command);
                self.watch.at_pad = false;
                answer
            }
            Err(status) => Ok(status.to_be_bytes().to_vec()),
        }
    }

    fn ask(&mut self, command: &[u8]) -> Vec<u8> {
        self.chip.as_mut().map(|chip| chip.transmit(command)).unwrap_or_default()
    }
}
