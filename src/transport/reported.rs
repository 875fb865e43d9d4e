//! Says in the log why PC/SC cannot be used, and when it works again.

use std::sync::Arc;

use parking_lot::Mutex;

use super::error::Error;
use super::reader_name::ReaderName;
use super::traits::{Connection, Presence, ReaderState, ResourceManager};

/// Any resource manager, with its failures in the log: each once, and not at each of a browser's polls.
pub struct Reported {
    manager: Arc<dyn ResourceManager>,
    questions: LastFailure,
    connections: LastFailure,
    waits: LastFailure,
}

impl Reported {
    /// Reports the failures of `manager`.
    #[must_use]
    pub fn new(manager: Arc<dyn ResourceManager>) -> Self {
        let (questions, connections, waits) = Default::default();
        Reported { manager, questions, connections, waits }
    }

    fn connected(&self, answer: Result<Box<dyn Connection>, Error>) -> Result<Box<dyn Connection>, Error> {
        self.connections.report("the card", answer, Error::is_failure_of_connecting)
    }
}

/// How one kind of request failed the last time, if it did.
#[derive(Default)]
struct LastFailure(Mutex<Option<Error>>);

impl LastFailure {
    /// Says it if the answer fails in another way than the last one, or does not fail any more.
    fn report<T>(
        &self,
        subject: &str,
        answer: Result<T, Error>,
        is_failure: impl Fn(Error) -> bool,
    ) -> Result<T, Error> {
        let now = answer.as_ref().err().copied().filter(|error| is_failure(*error));
        let before = std::mem::replace(&mut *self.0.lock(), now);
        match now {
            Some(error) if before != now => log::error!("{subject} cannot be reached: {error}"),
            None if before.is_some() => log::info!("{subject} can be reached again"),
            _ => {}
        }
        answer
    }
}

impl ResourceManager for Reported {
    fn readers(&self) -> Result<Vec<ReaderState>, Error> {
        self.questions.report("PC/SC", self.manager.readers(), Error::is_failure_of_service)
    }

    fn presence(&self, reader: &ReaderName) -> Result<Presence, Error> {
        self.questions.report("PC/SC", self.manager.presence(reader), Error::is_failure_of_service)
    }

    fn connect(&self, reader: &ReaderName) -> Result<Box<dyn Connection>, Error> {
        self.connected(self.manager.connect(reader))
    }

    fn connect_at_once(&self, reader: &ReaderName) -> Result<Box<dyn Connection>, Error> {
        self.connected(self.manager.connect_at_once(reader))
    }

    fn connect_exclusively(&self, reader: &ReaderName) -> Result<Box<dyn Connection>, Error> {
        self.connected(self.manager.connect_exclusively(reader))
    }

    fn wait(&self, known: &[ReaderState]) -> Result<(), Error> {
        self.waits.report("PC/SC for slot events", self.manager.wait(known), Error::is_failure_of_connecting)
    }

    fn cancel_waits(&self) {
        self.manager.cancel_waits();
    }
}
