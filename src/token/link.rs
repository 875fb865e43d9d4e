//! The connection to a card, and one transaction after the other over it.

use std::sync::Arc;

use crate::transport::{Channel, Connection, Ending, Error, ReaderName, ResourceManager};

/// How many transmissions in a row may fail before the connection is given up.
const FAILURES_MAX: u32 = 3;

/// One insertion of a card: the reader, and the number by which PC/SC counts insertions there.
pub(super) struct Insertion {
    pub(super) manager: Arc<dyn ResourceManager>,
    pub(super) reader: ReaderName,
    /// The number, as [`crate::transport::Presence::events`] counts it.
    pub(super) events: u32,
}

impl Insertion {
    /// Whether the card of this insertion is still in the reader; `None` if the reader cannot be asked. Costs no APDU.
    pub(super) fn is_present(&self) -> Option<bool> {
        match self.manager.presence(&self.reader) {
            Ok(now) => Some(now.card && now.events == self.events),
            Err(error) => error.loses_card().then_some(false),
        }
    }
}

/// With whom the card is shared during a piece of work, and after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Share {
    /// As before: with all programs, unless a login at the PIN pad keeps the card.
    AsItIs,
    /// With nobody, until nobody is logged in at the PIN pad any more.
    Exclusive,
}

/// A connection that is opened when it is needed.
#[derive(Default)]
pub(super) struct Link {
    connection: Option<Box<dyn Connection>>,
    /// The connection is an exclusive one: the application stays selected and unlocked between two pieces of work.
    exclusive: bool,
    /// The card at the other end is known to be the one of this insertion.
    identified: bool,
    /// How many transmissions in a row have failed.
    failures: u32,
}

impl Link {
    /// The connection is an exclusive one.
    pub(super) fn is_exclusive(&self) -> bool {
        self.exclusive
    }

    /// Connects now or not at all: does not wait for a program that keeps the card for itself.
    ///
    /// # Errors
    /// Those of [`ResourceManager::connect_at_once`].
    pub(super) fn connect_at_once(&mut self, insertion: &Insertion) -> Result<(), Error> {
        self.connection = Some(insertion.manager.connect_at_once(&insertion.reader)?);
        Ok(())
    }

    /// Runs `work` in one transaction, after it has connected if there was no connection. `work` gets whether the card
    /// was identified over this connection, and sets it.
    ///
    /// # Errors
    /// [`Error::Removed`] if the connection leads to another insertion; those of connecting and of
    /// [`Connection::transact`]. `work` has not run then.
    pub(super) fn transact(
        &mut self,
        insertion: &Insertion,
        share: Share,
        work: &mut dyn FnMut(&mut dyn Channel, &mut bool) -> Ending,
    ) -> Result<(), Error> {
        if share == Share::Exclusive && !self.exclusive {
            // Our own shared connection would be in the way as well.
            self.close();
            self.connection = Some(insertion.manager.connect_exclusively(&insertion.reader)?);
            self.exclusive = true;
        }
        let Link { connection, identified, .. } = self;
        let connection = match connection {
            Some(connection) => connection,
            None => connection.insert(insertion.manager.connect(&insertion.reader)?),
        };
        if connection.events() != insertion.events {
            return Err(Error::Removed);
        }
        connection.transact(&mut |channel| work(channel, identified))
    }

    /// Records whether the last transmission has failed.
    pub(super) fn record(&mut self, failed: bool) {
        self.failures = if failed { self.failures + 1 } else { 0 };
    }

    /// So many transmissions in a row have failed that a new connection may do better.
    pub(super) fn is_hopeless(&self) -> bool {
        self.failures >= FAILURES_MAX
    }

    /// Ends an exclusive connection, after a last piece of work over it. Both may fail.
    pub(super) fn release(&mut self, last: &mut dyn FnMut(&mut dyn Channel) -> Ending) {
        if let Some(connection) = &mut self.connection {
            let _ = connection.transact(last);
        }
        self.close();
    }

    /// Closes the connection.
    pub(super) fn close(&mut self) {
        self.connection = None;
        self.exclusive = false;
        self.identified = false;
    }
}
