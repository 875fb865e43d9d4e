//! The readers of this machine, over PC/SC (pcsc-lite on Linux).
//!
//! The client library of PC/SC lets only one call at a time use a context, and SCardTransmit uses it for as long as the
//! card works. So there is one context to ask for presence, one for each connection, and one for each waiting thread: no
//! signature makes C_GetSlotInfo wait.

use std::ffi::CString;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use pcsc::{Context, PNP_NOTIFICATION, ShareMode, State};

use super::connection::{BUSY_TIMEOUT, PcscConnection};
use super::error::Error;
use super::mute::{self, MuteCardWatch, MuteCards};
use super::reader_name::ReaderName;
use super::service::establish;
use super::status::{COUNTER_BITS, COUNTER_MASK, presence_of, read_state, read_states};
use super::traits::{Connection, Presence, ReaderState, ResourceManager};

/// The longest sleep in one call: a lost cancellation costs no more than this.
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// The same beside a card that does not answer to power: how soon we notice its removal.
const MUTE_WAIT: Duration = Duration::from_millis(100);
/// How many such sleeps make one wait.
const MUTE_WAITS: u32 = 300;
/// How many times we list the readers anew because one of them went meanwhile.
const LIST_TRIES: u32 = 3;

/// The readers that PC/SC shows.
#[derive(Default)]
pub struct PcscResourceManager {
    /// The context that asks for presence; made at the first question, and made anew after a restart of the service.
    observer: Mutex<Option<Context>>,
    /// How many times the service was gone. Its counters start anew with it, so this number is a part of every insertion's
    /// number: else a card that was swapped meanwhile could pass for the one before.
    restarts: AtomicU32,
    /// Readers with a card that does not answer to power.
    mute: MuteCards,
    /// The contexts that threads wait with now, each with a number of its own.
    waiting: Mutex<Vec<(u64, Context)>>,
    /// The number of the last wait.
    waits: AtomicU64,
}

impl PcscResourceManager {
    /// A manager that connects to PC/SC at the first question.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The number of an insertion, from what the service has counted.
    fn numbered(&self, presence: Presence) -> Presence {
        let restarts = self.restarts.load(Ordering::Relaxed) << COUNTER_BITS;
        Presence { events: restarts | (presence.events & COUNTER_MASK), ..presence }
    }

    /// Sleeps until something differs from `known`. First reads how things are now, and hands all of it back to PC/SC,
    /// which returns at once for every flag that it does not get (a card that does not answer, for one).
    fn wait_with(&self, context: &Context, known: &[ReaderState]) -> Result<(), pcsc::Error> {
        // The pseudo reader that changes when a reader comes or goes. We read it before we list the readers, so none can
        // come in between unnoticed.
        let mut states = vec![pcsc::ReaderState::new(PNP_NOTIFICATION(), State::UNAWARE)];
        match read_states(context, &mut states) {
            Ok(()) | Err(pcsc::Error::Timeout) => {}
            Err(error) => return Err(error),
        }
        // Before the readers are read, which leaves these out.
        let mut watches = self.mute.watch(context);
        let now = self.read_all(context)?;
        if self.record(&now) != known {
            return Ok(());
        }
        states.extend(now);
        let included = states.iter_mut().filter(|state| state.current_state() != State::IGNORE);
        included.for_each(pcsc::ReaderState::sync_current_state);
        let (pause, times) = if watches.is_empty() { (LONGEST_WAIT, 1) } else { (MUTE_WAIT, MUTE_WAITS) };
        for _ in 0..times {
            match context.get_status_change(pause, &mut states) {
                Ok(()) => {
                    // If a card has come that does not answer to power, this was the call that took 400 ms for it.
                    self.record(&states);
                    break;
                }
                Err(pcsc::Error::Timeout) => {}
                Err(error) => return Err(error),
            }
            // pcsc-lite counts readers, and not their changes, so a reader that came between two calls is in neither.
            let readers = states.len() - 1;
            if !watches.iter_mut().all(MuteCardWatch::is_still_mute) || context.list_readers_owned()?.len() != readers {
                break;
            }
        }
        Ok(())
    }

    /// Records and returns what is in the readers; for a reader that was left out, what was there before.
    fn record(&self, states: &[pcsc::ReaderState]) -> Vec<ReaderState> {
        let record = |state: &pcsc::ReaderState| {
            let mut presence = self.mute.last(state.name());
            if state.current_state() != State::IGNORE {
                presence = self.numbered(presence_of(state));
                self.mute.record(state.name(), presence, mute::is_mute(state));
            }
            ReaderState { name: ReaderName::new(state.name().to_owned()), presence }
        };
        states.iter().map(record).collect()
    }

    /// Reads the state of all readers but those with a mute card.
    fn read_all(&self, context: &Context) -> Result<Vec<pcsc::ReaderState>, pcsc::Error> {
        for _ in 0..LIST_TRIES {
            let names = match context.list_readers_owned() {
                Err(pcsc::Error::NoReadersAvailable) => Vec::new(),
                names => names?,
            };
            let unread = |name: CString| {
                let known = if self.mute.recent(&name).is_some() { State::IGNORE } else { State::UNAWARE };
                pcsc::ReaderState::new(name, known)
            };
            let mut states: Vec<_> = names.into_iter().map(unread).collect();
            match read_states(context, &mut states) {
                Ok(()) => return Ok(states),
                // A reader went between the two calls, so PC/SC has filled in no state.
                Err(pcsc::Error::UnknownReader) => {}
                Err(error) => return Err(error),
            }
        }
        Err(pcsc::Error::UnknownReader)
    }

    /// Connects, and waits for other programs no longer than `timeout`.
    fn connect_within(
        &self,
        timeout: Duration,
        reader: &ReaderName,
        share: ShareMode,
    ) -> Result<Box<dyn Connection>, Error> {
        let name = reader.bytes();
        let context = establish()?;
        // Nobody gets a mute card exclusively, and a shared connection needs no new state of it.
        let mute = self.mute.recent(name).filter(|_| matches!(share, ShareMode::Shared));
        // Before the connection, so a card that is swapped in between shows as a difference.
        let before = match mute {
            Some(presence) => presence,
            None => self.numbered(presence_of(&read_state(&context, name)?)),
        };
        if !before.card {
            return Err(Error::Removed);
        }
        Ok(Box::new(PcscConnection::new(context, name.to_owned(), before.events, share, timeout)?))
    }

    /// Reads readers with the observing context, and drops that context if the service is gone.
    fn observe(&self, read: &Read) -> Result<Vec<ReaderState>, Error> {
        let mut observer = self.observer.lock();
        // Twice, because only the failure of the old context shows a restart of the service.
        for _ in 0..2 {
            let context = match observer.take() {
                Some(context) => context,
                None => establish()?,
            };
            match read(&context).map_err(|error| (error, Error::from(error))) {
                Err((_, Error::ServiceGone)) => {
                    drop(context);
                    self.restarts.fetch_add(1, Ordering::Relaxed);
                }
                answer => {
                    *observer = Some(context);
                    return answer.map(|states| self.record(&states)).map_err(|(_, error)| error);
                }
            }
        }
        Err(Error::ServiceGone)
    }
}

/// A way to read the state of readers.
type Read<'a> = dyn Fn(&Context) -> Result<Vec<pcsc::ReaderState>, pcsc::Error> + 'a;

impl ResourceManager for PcscResourceManager {
    fn readers(&self) -> Result<Vec<ReaderState>, Error> {
        self.observe(&|context| self.read_all(context))
    }

    fn presence(&self, reader: &ReaderName) -> Result<Presence, Error> {
        let name = reader.bytes();
        if let Some(presence) = self.mute.recent(name) {
            return Ok(presence);
        }
        let states = self.observe(&|context| Ok(vec![read_state(context, name)?]))?;
        states.first().map(|reader| reader.presence).ok_or(Error::NoReader)
    }

    fn connect(&self, reader: &ReaderName) -> Result<Box<dyn Connection>, Error> {
        self.connect_within(BUSY_TIMEOUT, reader, ShareMode::Shared)
    }

    fn connect_at_once(&self, reader: &ReaderName) -> Result<Box<dyn Connection>, Error> {
        self.connect_within(Duration::ZERO, reader, ShareMode::Shared)
    }

    fn connect_exclusively(&self, reader: &ReaderName) -> Result<Box<dyn Connection>, Error> {
        self.connect_within(BUSY_TIMEOUT, reader, ShareMode::Exclusive)
    }

    fn wait(&self, known: &[ReaderState]) -> Result<(), Error> {
        let context = establish()?;
        let number = self.waits.fetch_add(1, Ordering::Relaxed);
        self.waiting.lock().push((number, context.clone()));
        let answer = self.wait_with(&context, known);
        self.waiting.lock().retain(|(other, _)| *other != number);
        match answer {
            Ok(()) | Err(pcsc::Error::Timeout | pcsc::Error::Cancelled | pcsc::Error::UnknownReader) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn cancel_waits(&self) {
        for (_, context) in self.waiting.lock().iter() {
            // Fails if the service is gone, which ends the wait as well.
            let _ = context.cancel();
        }
    }
}
