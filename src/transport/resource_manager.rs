//! The transport over PC/SC (pcsc-lite on Linux).
//!
//! One PC/SC context serialises its calls in the client library, and SCardTransmit keeps it for as long as the card
//! works. So there is one context to ask for presence, one for each connection, and one for each waiting thread: a
//! signature never keeps C_GetSlotInfo waiting.

use std::ffi::CString;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use pcsc::{Context, PNP_NOTIFICATION, Scope, ShareMode, State};

use super::connection::{BUSY_LIMIT, PcscConnection};
use super::error::Error;
use super::mute::{self, MuteCardWatch, MuteCards};
use super::status::{COUNTER_BITS, COUNTER_MASK, look, look_at, presence_of};
use super::traits::{Connection, Presence, ReaderState, ResourceManager};

/// The longest sleep in one call, so that a lost cancellation costs no more than this.
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// The same beside a card that does not answer to power: how soon it is seen that it has gone.
const MUTE_WAIT: Duration = Duration::from_millis(100);
/// How many such sleeps make one wait.
const MUTE_WAITS: u32 = 300;
/// How many times a list of readers is asked for anew because one of them went meanwhile.
const LOOK_TRIES: u32 = 3;

/// The readers that PC/SC shows.
#[derive(Default)]
pub struct PcscResourceManager {
    /// The context that asks for presence; made when first needed, and made anew when the service was restarted.
    observer: Mutex<Option<Context>>,
    /// How many times the service was found gone. Its counters start anew with it, so that this is a part of every
    /// insertion's number: else a card that was swapped meanwhile could pass for the one before.
    restarts: AtomicU32,
    /// Readers with a card that does not answer to power.
    mute: MuteCards,
    /// The contexts that threads wait with now, each with a number of its own.
    waiting: Mutex<Vec<(u64, Context)>>,
    /// The number of the last wait.
    waits: AtomicU64,
}

impl PcscResourceManager {
    /// A manager that reaches PC/SC when it is first asked something.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The number of an insertion, from what the service has counted.
    fn numbered(&self, presence: Presence) -> Presence {
        let restarts = self.restarts.load(Ordering::Relaxed) << COUNTER_BITS;
        Presence { events: restarts | (presence.events & COUNTER_MASK), ..presence }
    }

    /// Sleeps until something differs from `known`. First looks how things are now, and hands back all that PC/SC says
    /// of it: it returns at once for every flag that it is not told (a card that does not answer, for one).
    fn wait_with(&self, context: &Context, known: &[ReaderState]) -> Result<(), pcsc::Error> {
        // The pseudo reader that changes when a reader comes or goes. Looked at before the readers are listed, so that
        // none can come in between unnoticed.
        let mut states = vec![pcsc::ReaderState::new(PNP_NOTIFICATION(), State::UNAWARE)];
        match look(context, &mut states) {
            Ok(()) | Err(pcsc::Error::Timeout) => {}
            Err(error) => return Err(error),
        }
        // Before the look, which leaves them out then.
        let watches = self.mute.watch(context);
        let now = self.look_at_all(context)?;
        if self.seen(&now) != known {
            return Ok(());
        }
        states.extend(now);
        let told = states.iter_mut().filter(|state| state.current_state() != State::IGNORE);
        told.for_each(pcsc::ReaderState::sync_current_state);
        let (pause, times) = if watches.is_empty() { (LONGEST_WAIT, 1) } else { (MUTE_WAIT, MUTE_WAITS) };
        for _ in 0..times {
            match context.get_status_change(pause, &mut states) {
                Ok(()) => {
                    // If a card has come that does not answer to power, this was the look at it.
                    self.seen(&states);
                    break;
                }
                Err(pcsc::Error::Timeout) => {}
                Err(error) => return Err(error),
            }
            // A reader that came between two calls is in neither where pcsc-lite counts readers, and not their changes.
            let readers = states.len() - 1;
            if !watches.iter().all(MuteCardWatch::is_still_mute) || context.list_readers_owned()?.len() != readers {
                break;
            }
        }
        Ok(())
    }

    /// What a look has shown of readers; of one that it has left out, what was seen before.
    fn seen(&self, states: &[pcsc::ReaderState]) -> Vec<ReaderState> {
        let seen = |state: &pcsc::ReaderState| {
            let mut presence = self.mute.last(state.name());
            if state.current_state() != State::IGNORE {
                presence = self.numbered(presence_of(state));
                self.mute.note(state.name(), presence, mute::is_mute(state));
            }
            ReaderState { name: state.name().to_string_lossy().into_owned(), presence }
        };
        states.iter().map(seen).collect()
    }

    /// Looks at all readers but those with a mute card.
    fn look_at_all(&self, context: &Context) -> Result<Vec<pcsc::ReaderState>, pcsc::Error> {
        for _ in 0..LOOK_TRIES {
            let names = match context.list_readers_owned() {
                Err(pcsc::Error::NoReadersAvailable) => Vec::new(),
                names => names?,
            };
            let unseen = |name: CString| {
                let known = if self.mute.recent(&name).is_some() { State::IGNORE } else { State::UNAWARE };
                pcsc::ReaderState::new(name, known)
            };
            let mut states: Vec<_> = names.into_iter().map(unseen).collect();
            match look(context, &mut states) {
                Ok(()) => return Ok(states),
                // A reader went between the two calls, and no state was filled in.
                Err(pcsc::Error::UnknownReader) => {}
                Err(error) => return Err(error),
            }
        }
        Err(pcsc::Error::UnknownReader)
    }

    /// Connects, waiting for other programs no longer than `patience`.
    fn connect_within(&self, patience: Duration, reader: &str, share: ShareMode) -> Result<Box<dyn Connection>, Error> {
        let name = CString::new(reader).map_err(|_| Error::NoReader)?;
        let context = Context::establish(Scope::User)?;
        // Nobody has a mute card for himself, and whoever shares it is spared another look.
        let mute = self.mute.recent(&name).filter(|_| matches!(share, ShareMode::Shared));
        // Before the connection, so that a card swapped in between shows as a difference.
        let before = match mute {
            Some(presence) => presence,
            None => self.numbered(presence_of(&look_at(&context, &name)?)),
        };
        if !before.card {
            return Err(Error::Removed);
        }
        Ok(Box::new(PcscConnection::new(context, name, before.events, share, patience)?))
    }

    /// Looks at readers with the observing context; forgets that context where the service has gone.
    fn observe(&self, look: &Look) -> Result<Vec<ReaderState>, Error> {
        let mut observer = self.observer.lock();
        // Twice, because a restarted service is only noticed by the failure of the old context.
        for _ in 0..2 {
            let context = match observer.take() {
                Some(context) => context,
                None => Context::establish(Scope::User)?,
            };
            match look(&context).map_err(|error| (error, Error::from(error))) {
                Err((_, Error::ServiceGone)) => {
                    drop(context);
                    self.restarts.fetch_add(1, Ordering::Relaxed);
                }
                answer => {
                    *observer = Some(context);
                    return answer.map(|states| self.seen(&states)).map_err(|(_, error)| error);
                }
            }
        }
        Err(Error::ServiceGone)
    }
}

/// A way to look at readers.
type Look<'a> = dyn Fn(&Context) -> Result<Vec<pcsc::ReaderState>, pcsc::Error> + 'a;

impl ResourceManager for PcscResourceManager {
    fn readers(&self) -> Result<Vec<ReaderState>, Error> {
        self.observe(&|context| self.look_at_all(context))
    }

    fn presence(&self, reader: &str) -> Result<Presence, Error> {
        let name = CString::new(reader).map_err(|_| Error::NoReader)?;
        if let Some(presence) = self.mute.recent(&name) {
            return Ok(presence);
        }
        let seen = self.observe(&|context| Ok(vec![look_at(context, &name)?]))?;
        seen.first().map(|reader| reader.presence).ok_or(Error::NoReader)
    }

    fn connect(&self, reader: &str) -> Result<Box<dyn Connection>, Error> {
        self.connect_within(BUSY_LIMIT, reader, ShareMode::Shared)
    }

    fn connect_at_once(&self, reader: &str) -> Result<Box<dyn Connection>, Error> {
        self.connect_within(Duration::ZERO, reader, ShareMode::Shared)
    }

    fn connect_exclusively(&self, reader: &str) -> Result<Box<dyn Connection>, Error> {
        self.connect_within(BUSY_LIMIT, reader, ShareMode::Exclusive)
    }

    fn wait(&self, known: &[ReaderState]) -> Result<(), Error> {
        let context = Context::establish(Scope::User)?;
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
            // Fails where the service has gone, which ends the wait as well.
            let _ = context.cancel();
        }
    }
}
