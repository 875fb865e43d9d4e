//! Cards that do not answer to power. A card that lies the wrong way round in a reader is a usual case
//! (card-facts §9.1).
//!
//! At each SCardGetStatusChange for the reader of such a card pcsc-lite sleeps for 400 ms, because the ATR may still come
//! (seen with 1.9.9). Nothing wakes it, and it holds a lock of the whole process meanwhile, so all other threads wait as
//! well. So the last state of such a reader stands for a while, and a thread that waits for events leaves the reader out:
//! a direct connection, which sends nothing to the card, shows whether the card is still there.

use std::ffi::{CStr, CString};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use pcsc::{Context, MAX_ATR_SIZE, Protocols, ShareMode, State, Status};

use super::handle::Handle;
use super::traits::Presence;

/// How long we take such a card to be still there without asking.
const PAUSE: Duration = Duration::from_secs(1);
/// The longest name of a reader, with the NUL at its end (MAX_READERNAME of pcsc-lite).
const NAME_MAX: usize = 128;

/// The readers that have had such a card.
#[derive(Default)]
pub(super) struct MuteCards(Mutex<Vec<MuteCard>>);

struct MuteCard {
    reader: CString,
    presence: Presence,
    /// When the card was last known to be there; `None` if the reader has to be asked.
    seen: Option<Instant>,
}

impl MuteCards {
    /// What is in a reader whose card was mute a moment ago.
    pub(super) fn recent(&self, reader: &CStr) -> Option<Presence> {
        let is_recent = |card: &&MuteCard| card.seen.is_some_and(|time| time.elapsed() < PAUSE);
        self.0.lock().iter().find(|card| *card.reader == *reader).filter(is_recent).map(|card| card.presence)
    }

    /// The same, however long ago.
    pub(super) fn last(&self, reader: &CStr) -> Presence {
        self.0.lock().iter().find(|card| *card.reader == *reader).map(|card| card.presence).unwrap_or_default()
    }

    /// Records the state of a reader.
    pub(super) fn record(&self, reader: &CStr, presence: Presence, is_mute: bool) {
        let seen = is_mute.then(Instant::now);
        let mut cards = self.0.lock();
        match cards.iter_mut().find(|card| *card.reader == *reader) {
            Some(card) => (card.presence, card.seen) = (presence, seen),
            None if is_mute => cards.push(MuteCard { reader: reader.to_owned(), presence, seen }),
            None => {}
        }
    }

    /// Connects to the readers of all such cards that are still there. The other readers have to be asked.
    pub(super) fn watch(&self, context: &Context) -> Vec<MuteCardWatch<'_>> {
        let mute = |card: &&MuteCard| card.seen.is_some();
        let readers: Vec<_> = self.0.lock().iter().filter(mute).map(|card| card.reader.clone()).collect();
        let mut watches = Vec::new();
        for reader in readers {
            let connection = context.connect(&reader, ShareMode::Direct, Protocols::UNDEFINED).ok();
            let mut watch = MuteCardWatch { cards: self, reader, connection: connection.map(Handle::new) };
            if watch.is_still_mute() {
                watches.push(watch);
            }
        }
        watches
    }
}

/// Whether pcsc-lite would wait for the card's ATR. The flag SCARD_STATE_MUTE does not show it: pcscd does not set that
/// flag if a card that was powered down fails to come up again.
pub(super) fn is_mute(state: &pcsc::ReaderState) -> bool {
    state.event_state().contains(State::PRESENT) && state.atr().is_empty()
}

/// A direct connection to the reader of a mute card. It lives no longer than a thread waits for events, because it keeps
/// other programs from an exclusive connection. If another program has an exclusive one, there is none here, and that
/// reader has to be asked like the others.
pub(super) struct MuteCardWatch<'cards> {
    cards: &'cards MuteCards,
    reader: CString,
    connection: Option<Handle>,
}

impl MuteCardWatch<'_> {
    /// Whether the card is there as before. Records the answer; if it is no, the reader has to be asked.
    ///
    /// If another mute card came before the connection was made, it passes for the one before, with that one's number.
    /// That ends with the next state of the reader; until then nothing can be sent to the card.
    pub(super) fn is_still_mute(&mut self) -> bool {
        let (mut name, mut atr) = ([0; NAME_MAX], [0; MAX_ATR_SIZE]);
        let card = self.connection.as_mut().and_then(|connection| connection.card().ok());
        // Fails if the card was taken out since then, whatever is in the reader now.
        let status = card.and_then(|card| card.status2(&mut name, &mut atr).ok());
        let is_mute = status.is_some_and(|card| card.status().contains(Status::PRESENT) && card.atr().is_empty());
        let mut cards = self.cards.0.lock();
        // What another thread has recorded meanwhile is newer.
        if let Some(card) = cards.iter_mut().find(|card| card.reader == self.reader && card.seen.is_some()) {
            card.seen = is_mute.then(Instant::now);
        }
        is_mute
    }
}
