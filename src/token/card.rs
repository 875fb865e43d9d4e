//! A card for as long as it is inserted: the connection to it, and one piece of work after the other.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use parking_lot::Mutex;

use super::error::Error;
use super::login::PinState;
use crate::card::{self, Application, Habits, KeyPair};
use crate::transport::{self, Channel, Connection, Ending, ResourceManager};

/// How often in a row a transmission may fail before the connection is given up.
const FAILURES_MAX: u32 = 3;

/// The card of one insertion, shared by its two tokens.
pub(super) struct InsertedCard {
    manager: Arc<dyn ResourceManager>,
    reader: String,
    /// The insertion, as [`transport::Presence::events`] counts it.
    events: u32,
    /// Held while the card works, so that one piece of work never meets another.
    link: Mutex<Link>,
    /// Set once and for all when the card has gone.
    gone: AtomicBool,
    /// How many sessions use one of its tokens.
    users: AtomicUsize,
    /// The card signs with PSS, as far as is known (card-facts §5; single source).
    pss: AtomicBool,
    /// The state of the two PINs. Here, so that both are forgotten as soon as one token finds the card gone.
    pins: [Mutex<PinState>; 2],
}

/// What is done in one transaction: it may say that the transaction has to end with a power-down. A trait object, so
/// that the handling of transactions is in the module once and not once for each piece of work.
type Job<'a> = &'a mut dyn FnMut(&mut dyn Channel, &mut Habits, &mut Ending) -> Result<(), Error>;

#[derive(Default)]
struct Link {
    connection: Option<Box<dyn Connection>>,
    habits: Habits,
    /// How often in a row a transmission has failed.
    failures: u32,
}

impl InsertedCard {
    pub(super) fn new(manager: Arc<dyn ResourceManager>, reader: &str, events: u32) -> Self {
        InsertedCard {
            manager,
            reader: reader.to_owned(),
            events,
            link: Mutex::default(),
            gone: AtomicBool::new(false),
            users: AtomicUsize::new(0),
            pss: AtomicBool::new(true),
            pins: Default::default(),
        }
    }

    pub(super) fn pin(&self, key_pair: KeyPair) -> &Mutex<PinState> {
        let [authentication, signature] = &self.pins;
        match key_pair {
            KeyPair::Authentication => authentication,
            KeyPair::Signature => signature,
        }
    }

    pub(super) fn knows_pss(&self) -> bool {
        self.pss.load(Ordering::Relaxed)
    }

    pub(super) fn note_no_pss(&self) {
        self.pss.store(false, Ordering::Relaxed);
    }

    pub(super) fn is_gone(&self) -> bool {
        self.gone.load(Ordering::Acquire)
    }

    /// Notes that the card is gone, and forgets the PINs.
    pub(super) fn mark_gone(&self) {
        self.gone.store(true, Ordering::Release);
        self.forget_pins();
    }

    fn forget_pins(&self) {
        for pin in &self.pins {
            pin.lock().held = None;
        }
    }

    /// Asks the reader whether the card is still there. Costs no APDU.
    pub(super) fn look(&self) -> Result<(), Error> {
        if !self.is_gone() {
            match self.manager.presence(&self.reader) {
                Ok(now) if now.card && now.events == self.events => return Ok(()),
                _ => self.mark_gone(),
            }
        }
        Err(Error::Removed)
    }

    /// Connects now or not at all: where another program keeps the card for itself, nobody shall wait for it.
    pub(super) fn connect_at_once(&self) -> Result<(), Error> {
        self.link.lock().connection = Some(self.manager.connect_at_once(&self.reader)?);
        Ok(())
    }

    /// Does one piece of work with the JPKI application: one transaction, from SELECT to leaving.
    ///
    /// The work is done once. It is not repeated after a failure in the middle, because a PIN may have been sent.
    pub(super) fn work<T>(&self, mut job: impl FnMut(&mut Application<'_>) -> Result<T, Error>) -> Result<T, Error> {
        let mut answer = None;
        self.transact(&mut |channel, habits, ending| {
            let mut application = Application::select(channel, habits)?;
            let outcome = job(&mut application);
            *ending = application.leave();
            answer = Some(outcome?);
            Ok(())
        })?;
        answer.ok_or(Error::Removed)
    }

    /// One transaction without the application selected: for the recognition of the card.
    pub(super) fn transact(&self, job: Job<'_>) -> Result<(), Error> {
        if self.is_gone() {
            return Err(Error::Removed);
        }
        let answer = {
            let mut link = self.link.lock();
            let answer = self.transact_on(&mut link, job);
            link.failures = match &answer {
                Err(Error::Card(card::Error::Transport(_))) => link.failures + 1,
                _ => 0,
            };
            if link.failures >= FAILURES_MAX {
                // Perhaps a new connection does better. The PINs were for the card at the end of the old one: a reader
                // that was unplugged meanwhile counts from zero, so that another card could have this one's number.
                link.connection = None;
                self.forget_pins();
            }
            answer
        };
        if let Err(error) = &answer {
            log::debug!("{}: {error}", self.reader);
            if *error == Error::Removed {
                self.mark_gone();
            }
        }
        self.rest();
        answer
    }

    /// Closes the connection where nobody's session needs it: other programs may have the card for themselves then, and
    /// the reader may sleep. Where the card works just now, that piece of work does this when it is done.
    fn rest(&self) {
        if self.users.load(Ordering::Acquire) == 0 || self.is_gone() {
            if let Some(mut link) = self.link.try_lock() {
                link.connection = None;
            }
        }
    }

    fn transact_on(&self, link: &mut Link, job: Job<'_>) -> Result<(), Error> {
        let Link { connection, habits, .. } = link;
        let connection = match connection {
            Some(connection) => connection,
            None => connection.insert(self.manager.connect(&self.reader)?),
        };
        if connection.events() != self.events {
            return Err(Error::Removed);
        }
        let mut answer = Err(Error::from(transport::Error::Reset));
        connection.transact(&mut |channel| {
            let mut ending = Ending::Leave;
            answer = job(channel, habits, &mut ending);
            // A card that is gone has no power. To take it away then makes pcscd miss the next insertion.
            if ending == Ending::PowerDown && self.look().is_err() { Ending::Leave } else { ending }
        })?;
        // A card that is pulled out in the middle shows as a failed transmission first.
        answer.map_err(|error| match error {
            Error::Card(card::Error::Transport(_)) => self.look().err().unwrap_or(error),
            error => error,
        })
    }

    /// Keeps the connection open until the guard is dropped.
    pub(super) fn keep(self: &Arc<Self>) -> InUse {
        self.users.fetch_add(1, Ordering::AcqRel);
        InUse(Arc::clone(self))
    }
}

/// As long as one of these lives, the connection to the card stays open between two pieces of work.
pub struct InUse(Arc<InsertedCard>);

impl Drop for InUse {
    fn drop(&mut self) {
        self.0.users.fetch_sub(1, Ordering::AcqRel);
        self.0.rest();
    }
}
