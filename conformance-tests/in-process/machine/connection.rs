//! The machine as the module sees it: the transport's three traits.

use std::sync::atomic::Ordering;
use std::time::Duration;

use jpki_pkcs11::transport::{
    Channel, Connection, Ending, Error, PadCommand, PinPad, Presence, ReaderName, ReaderState, ResourceManager,
};
use zeroize::Zeroizing;

use super::pad::Entry;
use super::{Fate, Machine, Plastic, reader_name};

/// The longest response that a short command has, status word included.
const RESPONSE_MAX: usize = 258;
/// The longest sleep in one call. It makes a test fail, and not hang, if a cancellation never comes.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

impl ResourceManager for Machine {
    fn readers(&self) -> Result<Vec<ReaderState>, Error> {
        self.0.table.lock().states()
    }

    fn presence(&self, reader: &ReaderName) -> Result<Presence, Error> {
        self.0.presence_questions.fetch_add(1, Ordering::SeqCst);
        let table = self.0.table.lock();
        Ok(table.presence(table.reader(&table.text_of(reader)?)?))
    }

    fn connect(&self, reader: &ReaderName) -> Result<Box<dyn Connection>, Error> {
        self.connect_sharing(reader, false)
    }

    fn connect_exclusively(&self, reader: &ReaderName) -> Result<Box<dyn Connection>, Error> {
        self.connect_sharing(reader, true)
    }

    fn wait(&self, known: &[ReaderState]) -> Result<(), Error> {
        let mut table = self.0.table.lock();
        let cancellations = table.cancellations;
        while table.states()? == known && table.cancellations == cancellations {
            if self.0.changed.wait_for(&mut table, LONGEST_WAIT).timed_out() {
                break;
            }
        }
        Ok(())
    }

    fn cancel_waits(&self) {
        self.change(|table| table.cancellations += 1);
    }
}

impl Machine {
    /// What is in a reader, by its text.
    pub(crate) fn presence(&self, name: &str) -> Result<Presence, Error> {
        ResourceManager::presence(self, &reader_name(name.as_bytes()))
    }

    /// A connection that is shared, to a reader by its text.
    pub(crate) fn connect(&self, name: &str) -> Result<Box<dyn Connection>, Error> {
        ResourceManager::connect(self, &reader_name(name.as_bytes()))
    }

    fn connect_sharing(&self, reader: &ReaderName, exclusive: bool) -> Result<Box<dyn Connection>, Error> {
        self.0.connects.fetch_add(1, Ordering::SeqCst);
        let table = &mut *self.0.table.lock();
        let name = table.text_of(reader)?;
        let reader = table.reader(&name)?;
        table.connections_refused.map_or(Ok(()), Err)?;
        let plastic = reader.card.clone().ok_or(Error::Removed)?;
        if reader.unresponsive {
            return Err(Error::Unresponsive);
        }
        if reader.busy || reader.exclusive || (exclusive && reader.sharing > 0) {
            return Err(Error::Busy);
        }
        plastic.card().power_on();
        self.0.connections.fetch_add(1, Ordering::SeqCst);
        let handle = Handle {
            machine: self.clone(),
            name: name.clone(),
            plastic,
            events: table.presence(reader).events,
            generation: reader.generation,
            service_generation: table.service_generation,
            exclusive,
            resets: reader.resets,
        };
        if let Some((_, reader)) = table.readers.iter_mut().find(|(other, _)| *other == name) {
            reader.sharing += 1;
            reader.exclusive = exclusive;
        }
        Ok(Box::new(handle))
    }
}

/// A connection of the module.
struct Handle {
    machine: Machine,
    name: String,
    plastic: Plastic,
    events: u32,
    generation: u32,
    service_generation: u32,
    exclusive: bool,
    resets: u32,
}

impl Handle {
    /// Fails unless the handle still leads to the card that it was made for.
    fn check(&self) -> Result<(), Error> {
        let table = self.machine.0.table.lock();
        let reader = table.reader(&self.name)?;
        if table.service_generation != self.service_generation {
            return Err(Error::ServiceGone);
        }
        if reader.generation != self.generation {
            return Err(Error::NoReader);
        }
        let now = table.presence(reader);
        if !now.card || now.events != self.events {
            return Err(Error::Removed);
        }
        // A shared connection connects again, like the one over PC/SC.
        if self.exclusive && reader.resets != self.resets { Err(Error::Reset) } else { Ok(()) }
    }
}

impl Connection for Handle {
    fn events(&self) -> u32 {
        self.events
    }

    fn transact(&mut self, work: &mut dyn FnMut(&mut dyn Channel) -> Ending) -> Result<(), Error> {
        let _transaction = self.plastic.0.transaction.lock();
        self.check()?;
        self.plastic.card().power_on();
        // This ending stays if `work` panics.
        let mut line = Line { handle: self, ending: Ending::PowerDown };
        line.ending = work(&mut line);
        Ok(())
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        if self.exclusive && !matches!(self.check(), Err(Error::Removed | Error::NoReader | Error::ServiceGone)) {
            self.plastic.card().power_off();
        }
        self.machine.change_reader(&self.name, |reader| {
            reader.sharing -= 1;
            reader.exclusive &= !self.exclusive;
        });
        self.machine.0.connections.fetch_sub(1, Ordering::SeqCst);
    }
}

/// The card during a transaction of the module.
struct Line<'a> {
    handle: &'a Handle,
    ending: Ending,
}

impl Channel for Line<'_> {
    fn transmit(&mut self, command: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
        let machine = &self.handle.machine.0;
        // Out of the map while it runs, because it may do anything with the machine.
        let interceptor = machine.interceptors.lock().remove(&self.handle.name);
        let fate = match interceptor {
            None => Fate::Arrives,
            Some(mut interceptor) => {
                let fate = interceptor(command);
                machine.interceptors.lock().entry(self.handle.name.clone()).or_insert(interceptor);
                fate
            }
        };
        if let Fate::Answers(status) = fate {
            return Ok(Zeroizing::new(status.to_be_bytes().to_vec()));
        }
        if let Fate::Fails(error) = fate {
            return Err(error);
        }
        self.handle.check()?;
        let answer = self.handle.plastic.card().transmit(command).map(Zeroizing::new);
        let answer = answer.ok_or(Error::Unresponsive)?;
        {
            let mut cost = machine.cost.lock();
            cost.apdus += 1;
            cost.bytes += command.len() + answer.len();
        }
        match fate {
            Fate::AnswerLost(error) => Err(error),
            _ if answer.len() > RESPONSE_MAX => Err(Error::Io("SCARD_E_INSUFFICIENT_BUFFER")),
            _ if answer.len() < 2 => Err(Error::Io("response without a status word")),
            _ => Ok(answer),
        }
    }

    fn pin_pad(&mut self) -> PinPad {
        let table = self.handle.machine.0.table.lock();
        table
            .reader(&self.handle.name)
            .ok()
            .and_then(|reader| reader.pad.as_ref())
            .map(|pad| pad.can)
            .unwrap_or_default()
    }

    fn type_on_pad(&mut self, command: &PadCommand) -> Result<Zeroizing<Vec<u8>>, Error> {
        let mut entry = None;
        self.handle.machine.change_reader(&self.handle.name, |reader| {
            entry = reader.pad.as_mut().map(|pad| pad.complete(command));
        });
        match entry.ok_or(Error::NoPinPad)? {
            Entry::Command(bytes) => self.transmit(&bytes),
            Entry::Status(status) => Ok(Zeroizing::new(status.to_be_bytes().to_vec())),
            Entry::Pulled => {
                self.handle.machine.remove(&self.handle.name);
                Err(Error::Removed)
            }
        }
    }
}

impl Drop for Line<'_> {
    fn drop(&mut self) {
        if self.ending == Ending::PowerDown {
            self.handle.plastic.card().power_off();
        }
    }
}
