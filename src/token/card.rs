//! A card for as long as it is inserted: the connection to it, and one piece of work after the other.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use parking_lot::Mutex;

use super::error::Error;
use crate::card::{self, Application, Habits};
use crate::transport::{self, Channel, Connection, Ending, ResourceManager};

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
}

/// What is done in one transaction: it may say that the transaction has to end with a power-down. A trait object, so
/// that the handling of transactions is in the module once and not once for each piece of work.
type Job<'a> = &'a mut dyn FnMut(&mut dyn Channel, &mut Habits, &mut Ending) -> Result<(), Error>;

#[derive(Default)]
struct Link {
    connection: Option<Box<dyn Connection>>,
    habits: Habits,
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
        }
    }

    pub(super) fn is_gone(&self) -> bool {
        self.gone.load(Ordering::Acquire)
    }

    pub(super) fn mark_gone(&self) {
        self.gone.store(true, Ordering::Release);
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
        let mut link = self.link.lock();
        let answer = self.transact_on(&mut link, job);
        if let Err(error) = &answer {
            log::debug!("{}: {error}", self.reader);
            match error {
                Error::Removed => self.mark_gone(),
                // A wrong card command leaves the connection as it was; anything below that may have broken it.
                Error::Card(card::Error::Transport(_)) => link.connection = None,
                _ => {}
            }
        }
        if self.users.load(Ordering::Acquire) == 0 || self.is_gone() {
            // Nobody's session needs the card: other programs may have it for themselves, and the reader may sleep.
            link.connection = None;
        }
        answer
    }

    fn transact_on(&self, link: &mut Link, job: Job<'_>) -> Result<(), Error> {
        let Link { connection, habits } = link;
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
            ending
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
        if self.0.users.fetch_sub(1, Ordering::AcqRel) == 1 {
            // Where the card works just now, that piece of work closes the connection when it is done.
            if let Some(mut link) = self.0.link.try_lock() {
                link.connection = None;
            }
        }
    }
}
