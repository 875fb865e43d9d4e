//! Cards that do not answer to power: one that lies the wrong way round is a usual thing (card-facts §9.1).
//!
//! At each look at the reader of such a card pcsc-lite sleeps for 400 ms, because the ATR may still come
//! (SCardGetStatusChange, seen with 1.9.9). Nothing wakes it from that, and it keeps a lock of the whole process
//! meanwhile, so that all other threads wait as well. So what was seen of such a reader stands for a while, and a thread
//! that waits for events leaves the reader out: a direct connection, which sends nothing to the card, tells whether the
//! card is still there.

use std::ffi::{CStr, CString};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use pcsc::{Card, Context, Disposition, MAX_ATR_SIZE, Protocols, ShareMode, State, Status};

use super::connection::let_go;
use super::traits::Presence;

/// For how long such a card is taken to be still there without a question.
const PAUSE: Duration = Duration::from_secs(1);
/// The longest name of a reader, with the NUL at its end (MAX_READERNAME of pcsc-lite).
const NAME_MAX: usize = 128;

/// The readers that have had such a card.
#[derive(Default)]
pub(super) struct MuteCards(Mutex<Vec<MuteCard>>);

struct MuteCard {
    reader: CString,
    presence: Presence,
    /// When the card was last known to be there; `None` where the reader is to be looked at.
    confirmed: Option<Instant>,
}

impl MuteCards {
    /// What is in a reader whose card was mute a moment ago.
    pub(super) fn recent(&self, reader: &CStr) -> Option<Presence> {
        let is_recent = |card: &&MuteCard| card.confirmed.is_some_and(|time| time.elapsed() < PAUSE);
        self.0.lock().iter().find(|card| *card.reader == *reader).filter(is_recent).map(|card| card.presence)
    }

    /// The same, however long ago.
    pub(super) fn last(&self, reader: &CStr) -> Presence {
        self.0.lock().iter().find(|card| *card.reader == *reader).map(|card| card.presence).unwrap_or_default()
    }

    /// Takes note of what a look at a reader has shown.
    pub(super) fn note(&self, reader: &CStr, presence: Presence, is_mute: bool) {
        let confirmed = is_mute.then(Instant::now);
        let mut cards = self.0.lock();
        match cards.iter_mut().find(|card| *card.reader == *reader) {
            Some(card) => (card.presence, card.confirmed) = (presence, confirmed),
            None if is_mute => cards.push(MuteCard { reader: reader.to_owned(), presence, confirmed }),
            None => {}
        }
    }

    /// Connects to the readers of all such cards that are still there. The others are to be looked at.
    pub(super) fn watch(&self, context: &Context) -> Vec<MuteCardWatch<'_>> {
        let mute = |card: &&MuteCard| card.confirmed.is_some();
        let readers: Vec<_> = self.0.lock().iter().filter(mute).map(|card| card.reader.clone()).collect();
        let mut watches = Vec::new();
        for reader in readers {
            let connection = context.connect(&reader, ShareMode::Direct, Protocols::UNDEFINED).ok();
            let watch = MuteCardWatch { cards: self, reader, connection };
            if watch.is_still_mute() {
                watches.push(watch);
            }
        }
        watches
    }
}

/// Whether pcsc-lite would wait for the card's ATR. Not the flag SCARD_STATE_MUTE: pcscd does not set it where a card that
/// was powered down fails to come up again.
pub(super) fn is_mute(state: &pcsc::ReaderState) -> bool {
    state.event_state().contains(State::PRESENT) && state.atr().is_empty()
}

/// A direct connection to the reader of a mute card. Held no longer than a thread waits for events: it keeps other
/// programs from an exclusive one. It cannot be made where another program has an exclusive one, and that reader is looked
/// at then as the others are.
pub(super) struct MuteCardWatch<'cards> {
    cards: &'cards MuteCards,
    reader: CString,
    /// There until the drop, unless it could not be made.
    connection: Option<Card>,
}

impl MuteCardWatch<'_> {
    /// Whether the card is there as before. Takes note of the answer; where it is no, the reader is to be looked at.
    ///
    /// Another mute card that came before the connection was made passes for the one before, with its number. That ends
    /// with the first look; until then nothing can be sent to it.
    pub(super) fn is_still_mute(&self) -> bool {
        let (mut name, mut atr) = ([0; NAME_MAX], [0; MAX_ATR_SIZE]);
        // Fails where the card has been taken out since then, whatever is in the reader now.
        let status = self.connection.as_ref().and_then(|card| card.status2(&mut name, &mut atr).ok());
        let is_mute = status.is_some_and(|card| card.status().contains(Status::PRESENT) && card.atr().is_empty());
        let mut cards = self.cards.0.lock();
        // What another thread's look has shown meanwhile is newer.
        if let Some(card) = cards.iter_mut().find(|card| card.reader == self.reader && card.confirmed.is_some()) {
            card.confirmed = is_mute.then(Instant::now);
        }
        is_mute
    }
}

impl Drop for MuteCardWatch<'_> {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            let_go(connection, Disposition::LeaveCard);
        }
    }
}
