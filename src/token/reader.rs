//! Readers, and the recognition of the cards in them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::error::Error;
use super::inserted_card::InsertedCard;
use super::jpki_token::Token;
use super::pin_state::LastTry;
use crate::card::{self, KeyPair};
use crate::transport::{PcscResourceManager, Presence, ReaderName, ReaderState, Reported, ResourceManager};

/// How long a card is left alone that another program keeps for itself, or that failed, before it is tried again.
const PAUSE: Duration = Duration::from_secs(1);
/// How long a question for the contents of a reader waits for another one that is being answered.
const TIMEOUT: Duration = Duration::from_secs(2);
/// How long the end of the program waits for a card's work. A signature takes a third of a second.
const WORK_TIMEOUT: Duration = Duration::from_secs(2);
/// How many times a card that fails while it is being recognised is tried, before it is taken for another kind of card.
const FAILURES_MAX: u32 = 3;

/// What is in a reader.
#[derive(Clone)]
pub enum Contents {
    /// No card, or no reader any more.
    Empty,
    /// A card of another kind, or one that does not answer.
    Foreign,
    /// A card with the JPKI application, and its two tokens in the order of [`KeyPair::ALL`].
    Jpki([Arc<Token>; 2]),
}

impl Contents {
    /// The token of one key pair, if a JPKI card is there.
    #[must_use]
    pub fn token(self, key_pair: KeyPair) -> Option<Arc<Token>> {
        match self {
            Contents::Jpki(tokens) => tokens.into_iter().find(|token| token.key_pair() == key_pair),
            Contents::Empty | Contents::Foreign => None,
        }
    }
}

/// All readers that were seen since the module was started. A reader that is unplugged keeps its place.
pub struct Readers {
    manager: Arc<dyn ResourceManager>,
    last_try: LastTry,
    known: Mutex<Vec<Arc<Reader>>>,
}

impl Readers {
    /// The readers that PC/SC shows on this machine.
    #[must_use]
    pub fn of_this_machine(last_try: LastTry) -> Self {
        Self::new(Arc::new(PcscResourceManager::new()), last_try)
    }

    /// The readers of any resource manager: for tests.
    #[must_use]
    pub fn new(manager: Arc<dyn ResourceManager>, last_try: LastTry) -> Self {
        Readers { manager: Arc::new(Reported::new(manager)), last_try, known: Mutex::default() }
    }

    /// Asks for new readers whose names, as texts, `wanted` accepts, and returns all in the order in which they were first seen.
    /// If PC/SC cannot be asked, there are none but the known ones, and the log says why.
    pub fn refresh(&self, wanted: impl Fn(&str) -> bool) -> Vec<Arc<Reader>> {
        let states = self.manager.readers().unwrap_or_default();
        let mut known = self.known.lock();
        for state in states {
            if wanted(state.name.text()) && !known.iter().any(|reader| reader.name == state.name) {
                log::info!("new reader: {}", state.name);
                known.push(Arc::new(Reader::new(Arc::clone(&self.manager), state.name, self.last_try)));
            }
        }
        known.clone()
    }

    /// The readers that were seen so far.
    #[must_use]
    pub fn known(&self) -> Vec<Arc<Reader>> {
        self.known.lock().clone()
    }

    /// Sleeps until something changes, compared with what was seen in `before`.
    ///
    /// # Errors
    /// If there is no PC/SC service to wait at; the caller decides when to try again.
    pub fn wait(&self, before: &Snapshot) -> Result<(), Error> {
        Ok(self.manager.wait(&before.0)?)
    }

    /// Ends all waits.
    pub fn cancel_waits(&self) {
        self.manager.cancel_waits();
    }

    /// For the end of the program: lets the cards' work end, which leaves them locked, and ends the logins at PIN pads.
    /// Waits for no lock longer than `timeout`, and for the work of a card two seconds at most.
    pub fn give_up_cards(&self, timeout: Duration) {
        for reader in self.known.try_lock_for(timeout).iter().flat_map(|known| known.iter()) {
            let Some(seen) = reader.seen.try_lock() else { continue };
            if let Finding::Settled(Contents::Jpki([token, _])) = &seen.finding {
                token.card.give_up(WORK_TIMEOUT);
            }
        }
    }

    /// All readers with what is in them now; empty without a PC/SC service.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.look().unwrap_or_default()
    }

    /// The same; `None` if the service cannot be asked, and the readers may be as they were.
    #[must_use]
    pub fn look(&self) -> Option<Snapshot> {
        match self.manager.readers() {
            Ok(states) => Some(Snapshot(states)),
            Err(error) => error.loses_card().then(Snapshot::default),
        }
    }
}

/// The state of all readers at one time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Snapshot(Vec<ReaderState>);

impl Snapshot {
    /// The names of the readers that differ from `before`: with another card, or new, or gone.
    #[must_use]
    pub fn changes(&self, before: &Snapshot) -> Vec<ReaderName> {
        let differs = |one: &&ReaderState, others: &Snapshot| !others.0.contains(one);
        let came = self.0.iter().filter(|state| differs(state, before));
        let went = before.0.iter().filter(|state| !self.0.iter().any(|now| now.name == state.name));
        came.chain(went).map(|state| state.name.clone()).collect()
    }
}

/// One reader.
pub struct Reader {
    manager: Arc<dyn ResourceManager>,
    name: ReaderName,
    last_try: LastTry,
    seen: Mutex<Seen>,
}

/// What was last seen in a reader.
struct Seen {
    presence: Presence,
    finding: Finding,
}

/// How far the recognition of a card has come.
enum Finding {
    /// Not tried yet, or to be tried again.
    Open { failures: u32, pause_until: Option<Instant> },
    /// Found out; stands until the card is taken out.
    Settled(Contents),
}

impl Seen {
    fn new(presence: Presence) -> Self {
        let finding = match presence.card {
            true => Finding::Open { failures: 0, pause_until: None },
            false => Finding::Settled(Contents::Empty),
        };
        Seen { presence, finding }
    }

    /// A connection has found that the card is gone, though the reader says that nothing has happened: the service was
    /// restarted.
    fn is_stale(&self) -> bool {
        matches!(&self.finding, Finding::Settled(Contents::Jpki([token, _])) if token.is_gone())
    }
}

impl Reader {
    fn new(manager: Arc<dyn ResourceManager>, name: ReaderName, last_try: LastTry) -> Self {
        Reader { manager, name, last_try, seen: Mutex::new(Seen::new(Presence::default())) }
    }

    /// The name the resource manager gives it, as a text to show.
    #[must_use]
    pub fn name(&self) -> &str {
        self.name.text()
    }

    /// It is one of those with these names.
    #[must_use]
    pub fn is_among(&self, names: &[ReaderName]) -> bool {
        names.contains(&self.name)
    }

    /// What is in the reader now. A card is recognised once for each insertion (six APDUs); after that the answer
    /// costs no APDU, whatever kind of card it is.
    pub fn contents(&self) -> Contents {
        // A card that is being recognised while another program keeps it busy must not stop a browser that only asks
        // what is there.
        let Some(mut seen) = self.seen.try_lock_for(TIMEOUT) else { return Contents::Empty };
        let presence = match self.manager.presence(&self.name) {
            Ok(presence) => presence,
            Err(error) if error.loses_card() => Presence::default(),
            // What was known of the card stands.
            Err(_) => seen.presence,
        };
        if presence != seen.presence || seen.is_stale() {
            if let Finding::Settled(Contents::Jpki(tokens)) = &seen.finding {
                tokens.iter().for_each(|token| token.end());
            }
            *seen = Seen::new(presence);
        }
        if let Finding::Open { failures, pause_until } = seen.finding {
            if pause_until.is_none_or(|until| until <= Instant::now()) {
                seen.finding = self.recognise(presence.events, failures, pause_until.is_some());
            }
        }
        match &seen.finding {
            Finding::Open { .. } => Contents::Empty,
            Finding::Settled(contents) => contents.clone(),
        }
    }

    /// Finds out what kind of card is there. The first time another program that has the card is waited for; `again`,
    /// nobody who only asks what is in the reader shall wait.
    fn recognise(&self, events: u32, failures: u32, again: bool) -> Finding {
        let card = Arc::new(InsertedCard::new(Arc::clone(&self.manager), &self.name, events, self.last_try));
        let connected = if again { card.connect_at_once() } else { Ok(()) };
        match connected.and_then(|()| card.recognise()) {
            Ok(identities) => {
                log::info!("{}: a card with the JPKI application", self.name);
                Finding::Settled(Contents::Jpki(
                    identities.map(|identity| Arc::new(Token::new(Arc::clone(&card), identity))),
                ))
            }
            Err(Error::Card(card::Error::NotJpki)) => {
                log::info!("{}: a card of another kind", self.name);
                Finding::Settled(Contents::Foreign)
            }
            // The next question finds what is there now.
            Err(Error::Removed) => Finding::Open { failures, pause_until: None },
            Err(Error::Busy) => Finding::Open { failures, pause_until: Some(Instant::now() + PAUSE) },
            Err(Error::Card(card::Error::Transport(error))) if error.keeps_us_out() => {
                Finding::Open { failures, pause_until: Some(Instant::now() + PAUSE) }
            }
            Err(error) if failures + 1 >= FAILURES_MAX => {
                log::warn!("{}: given up: {error}", self.name);
                Finding::Settled(Contents::Foreign)
            }
            // A card that is still being pushed in may answer the next time.
            Err(_) => Finding::Open { failures: failures + 1, pause_until: Some(Instant::now() + PAUSE) },
        }
    }
}
