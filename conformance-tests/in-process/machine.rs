//! A machine with readers, without PC/SC: the module's transport over virtual cards, and what moves the cards.

mod connection;
mod pad;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use jpki_pkcs11::transport::{Error, PinPad, Presence, ReaderName, ReaderState};
use jpki_virtual_card::Card;
use parking_lot::{Condvar, Mutex, MutexGuard};

use self::pad::Pad;
pub(crate) use self::pad::User;

/// A virtual card, in a reader or on the table.
#[derive(Clone)]
pub(crate) struct Plastic(Arc<Chip>);

struct Chip {
    card: Mutex<Card>,
    /// Locked while a program has a transaction.
    transaction: Mutex<()>,
}

impl Plastic {
    pub(crate) fn new(card: Card) -> Self {
        Plastic(Arc::new(Chip { card: Mutex::new(card), transaction: Mutex::new(()) }))
    }

    /// The card itself, to check or change it.
    pub(crate) fn card(&self) -> MutexGuard<'_, Card> {
        self.0.card.lock()
    }
}

/// What happens to an intercepted command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It reaches the card, and the answer comes back.
    Arrives,
    /// The card never sees it.
    Fails(Error),
    /// The card executes it, and the answer is lost.
    AnswerLost(Error),
    /// The card does nothing, and answers this status word.
    Answers(u16),
}

type Interceptor = Box<dyn FnMut(&[u8]) -> Fate + Send>;

/// What went over the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Cost {
    pub(crate) apdus: usize,
    /// Commands and answers, status words included.
    pub(crate) bytes: usize,
}

/// The name that these bytes are.
pub(crate) fn reader_name(bytes: &[u8]) -> ReaderName {
    ReaderName::new(std::ffi::CString::new(bytes).expect("a name without NUL"))
}

struct ReaderOnTable {
    /// What the module knows it by. The tests know it by the text.
    name: ReaderName,
    plugged: bool,
    card: Option<Plastic>,
    /// As pcsc-lite counts them: one more for each insertion and removal, and zero again when the reader is plugged in
    /// or the service starts.
    events: u32,
    /// One more each time the reader is unplugged: the handles to it are then dead.
    generation: u32,
    busy: bool,
    unresponsive: bool,
    /// How many connections share the card, the module's own included.
    sharing: usize,
    /// The module has the card for itself.
    exclusive: bool,
    /// One more each time the card is reset behind the module's back.
    resets: u32,
    pad: Option<Pad>,
}

#[derive(Default)]
struct Table {
    readers: Vec<(String, ReaderOnTable)>,
    service_stopped: bool,
    /// What every question to the service, and every new connection, fails with.
    unreachable: Option<Error>,
    /// What every new connection fails with.
    connections_refused: Option<Error>,
    /// One more each time the service stops: all handles are then dead.
    service_generation: u32,
    /// One more for each cancellation.
    cancellations: u64,
}

impl Table {
    fn reader(&self, name: &str) -> Result<&ReaderOnTable, Error> {
        self.service()?;
        let found = self.readers.iter().find(|(other, reader)| other == name && reader.plugged);
        found.map(|(_, reader)| reader).ok_or(Error::NoReader)
    }

    fn service(&self) -> Result<(), Error> {
        let stopped = self.service_stopped.then_some(Error::ServiceGone);
        self.unreachable.or(stopped).map_or(Ok(()), Err)
    }

    /// The text of a reader that the module knows by exactly these bytes.
    fn text_of(&self, name: &ReaderName) -> Result<String, Error> {
        self.service()?;
        let found = self.readers.iter().find(|(_, reader)| reader.name == *name);
        found.map(|(text, _)| text.clone()).ok_or(Error::NoReader)
    }

    fn states(&self) -> Result<Vec<ReaderState>, Error> {
        self.service()?;
        let plugged = self.readers.iter().filter(|(_, reader)| reader.plugged);
        let describe = |(_, reader): &(_, ReaderOnTable)| ReaderState {
            name: reader.name.clone(),
            presence: self.presence(reader),
        };
        Ok(plugged.map(describe).collect())
    }

    /// The restarts of the service are a part of an insertion's number, as in the transport over PC/SC.
    fn presence(&self, reader: &ReaderOnTable) -> Presence {
        Presence { card: reader.card.is_some(), events: (self.service_generation << 16) | reader.events }
    }
}

struct Inside {
    table: Mutex<Table>,
    changed: Condvar,
    interceptors: Mutex<HashMap<String, Interceptor>>,
    cost: Mutex<Cost>,
    connects: AtomicUsize,
    connections: AtomicUsize,
    presence_questions: AtomicUsize,
}

/// The machine. Its clones are the same machine.
#[derive(Clone)]
pub(crate) struct Machine(Arc<Inside>);

impl Machine {
    /// A machine with empty readers.
    pub(crate) fn new(readers: &[&str]) -> Self {
        let machine = Machine(Arc::new(Inside {
            table: Mutex::default(),
            changed: Condvar::new(),
            interceptors: Mutex::default(),
            cost: Mutex::default(),
            connects: AtomicUsize::new(0),
            connections: AtomicUsize::new(0),
            presence_questions: AtomicUsize::new(0),
        }));
        readers.iter().for_each(|name| machine.plug(name));
        machine
    }

    fn change(&self, change: impl FnOnce(&mut Table)) {
        change(&mut self.0.table.lock());
        self.0.changed.notify_all();
    }

    fn change_reader(&self, name: &str, change: impl FnOnce(&mut ReaderOnTable)) {
        self.change(|table| {
            let found = table.readers.iter_mut().find(|(other, _)| other == name);
            change(&mut found.expect("a reader of this machine").1);
        });
    }

    /// Plugs in a reader: a new one, or one that was unplugged, with the card that is still in it.
    pub(crate) fn plug(&self, name: &str) {
        self.plug_named(&reader_name(name.as_bytes()));
    }

    /// The same with a reader whose name need not be text.
    pub(crate) fn plug_named(&self, name: &ReaderName) {
        self.change(|table| match table.readers.iter_mut().find(|(_, reader)| reader.name == *name) {
            Some((_, reader)) => (reader.plugged, reader.events) = (true, 0),
            None => {
                let new = ReaderOnTable {
                    name: name.clone(),
                    plugged: true,
                    card: None,
                    events: 0,
                    generation: 0,
                    busy: false,
                    unresponsive: false,
                    sharing: 0,
                    exclusive: false,
                    resets: 0,
                    pad: None,
                };
                table.readers.push((name.text().to_owned(), new));
            }
        });
    }

    /// Gives the reader a PIN pad, with or without keys for letters.
    pub(crate) fn give_pad(&self, name: &str, letters: bool) {
        self.give_pad_that(name, PinPad { verifies: true, modifies: true }, letters);
    }

    /// Gives the reader a PIN pad with only some of the abilities that a pad can have.
    pub(crate) fn give_pad_that(&self, name: &str, can: PinPad, letters: bool) {
        self.change_reader(name, |reader| {
            reader.pad = Some(Pad { can, letters, user: Default::default(), asked: 0 });
        });
    }

    /// What the user will do at the PIN pad from now on, one action for each question of the pad.
    pub(crate) fn at_pad(&self, name: &str, user: &[User]) {
        self.change_reader(name, |reader| reader.pad.as_mut().expect("a pad").user = user.to_vec().into());
    }

    /// How many questions the PIN pad has asked.
    pub(crate) fn asked_at_pad(&self, name: &str) -> usize {
        let mut asked = 0;
        self.change_reader(name, |reader| asked = reader.pad.as_ref().map_or(0, |pad| pad.asked));
        asked
    }

    /// The card loses its power for a moment, as when the machine sleeps.
    pub(crate) fn reset_behind_our_back(&self, name: &str) {
        self.change_reader(name, |reader| {
            reader.resets += 1;
            reader.card.iter().for_each(|card| card.card().power_off());
        });
    }

    /// Whether another program can open a shared connection to the card now.
    pub(crate) fn others_can_connect(&self, name: &str) -> bool {
        let mut free = false;
        self.change_reader(name, |reader| free = !reader.exclusive);
        free
    }

    /// Another program opens a shared connection to the card, or closes it.
    pub(crate) fn set_shared(&self, name: &str, shared: bool) {
        self.change_reader(name, |reader| {
            reader.sharing = if shared { reader.sharing + 1 } else { reader.sharing - 1 };
        });
    }

    pub(crate) fn unplug(&self, name: &str) {
        self.change_reader(name, |reader| {
            reader.plugged = false;
            reader.generation += 1;
            reader.card.iter().for_each(|card| card.card().power_off());
        });
    }

    pub(crate) fn insert(&self, name: &str, card: &Plastic) {
        self.change_reader(name, |reader| {
            assert!(reader.card.replace(card.clone()).is_none(), "there is a card in {name}");
            reader.events += 1;
        });
    }

    /// Takes the card out, so it loses its power.
    pub(crate) fn remove(&self, name: &str) -> Plastic {
        let mut taken = None;
        self.change_reader(name, |reader| {
            taken = reader.card.take();
            reader.events += 1;
        });
        let card = taken.expect("a card in the reader");
        card.card().power_off();
        card
    }

    /// Replaces the card in the reader by another one, before the module checks the reader.
    pub(crate) fn swap(&self, name: &str, other: &Plastic) -> Plastic {
        let card = self.remove(name);
        self.insert(name, other);
        card
    }

    /// Another program takes the card exclusively, or gives it back.
    pub(crate) fn set_busy(&self, name: &str, busy: bool) {
        self.change_reader(name, |reader| reader.busy = busy);
    }

    /// The card in the reader does not answer to power.
    pub(crate) fn set_unresponsive(&self, name: &str, unresponsive: bool) {
        self.change_reader(name, |reader| reader.unresponsive = unresponsive);
    }

    pub(crate) fn stop_service(&self) {
        self.change(|table| {
            table.service_stopped = true;
            table.service_generation += 1;
            table.readers.iter_mut().for_each(|(_, reader)| reader.events = 0);
        });
    }

    /// The service cannot be asked any more, for that reason, or again.
    pub(crate) fn set_unreachable(&self, error: Option<Error>) {
        self.change(|table| table.unreachable = error);
    }

    /// No new connection can be made, for that reason, or again.
    pub(crate) fn refuse_connections(&self, error: Option<Error>) {
        self.change(|table| table.connections_refused = error);
    }

    pub(crate) fn start_service(&self) {
        self.change(|table| table.service_stopped = false);
    }

    /// Lets `interceptor` decide about each command that the module sends to a reader.
    pub(crate) fn intercept(&self, name: &str, interceptor: impl FnMut(&[u8]) -> Fate + Send + 'static) {
        self.0.interceptors.lock().insert(name.to_owned(), Box::new(interceptor));
    }

    pub(crate) fn intercept_no_more(&self, name: &str) {
        self.0.interceptors.lock().remove(name);
    }

    /// The card is pulled out before it executes the command number `at` (0 is the next one).
    pub(crate) fn pull_at(&self, name: &str, at: usize) {
        let (machine, reader, mut count) = (self.clone(), name.to_owned(), 0);
        self.intercept(name, move |_| {
            count += 1;
            if count - 1 == at {
                machine.remove(&reader);
            }
            if count > at { Fate::Fails(Error::Removed) } else { Fate::Arrives }
        });
    }

    /// What the module has sent to all cards since the last call, or since the start.
    pub(crate) fn take_cost(&self) -> Cost {
        std::mem::take(&mut self.0.cost.lock())
    }

    /// What `work` costs.
    pub(crate) fn cost_of<T>(&self, work: impl FnOnce() -> T) -> (T, Cost) {
        self.take_cost();
        let answer = work();
        (answer, self.take_cost())
    }

    /// How many times `work` asks a reader for its card.
    pub(crate) fn presence_questions_of(&self, work: impl FnOnce()) -> usize {
        let before = self.0.presence_questions.load(Ordering::SeqCst);
        work();
        self.0.presence_questions.load(Ordering::SeqCst) - before
    }

    /// How many times the module has connected to a card, or tried to.
    pub(crate) fn connects(&self) -> usize {
        self.0.connects.load(Ordering::SeqCst)
    }

    /// How many connections the module keeps open now.
    pub(crate) fn connections(&self) -> usize {
        self.0.connections.load(Ordering::SeqCst)
    }

    /// Another program on the same machine, at the card in a reader.
    pub(crate) fn other_program(&self, name: &str) -> OtherProgram {
        let table = self.0.table.lock();
        let reader = table.reader(name).expect("a reader of this machine");
        assert!(!reader.exclusive, "no other program gets to a card that is kept");
        OtherProgram(reader.card.clone().expect("a card in the reader"))
    }
}

/// Another program, which sends any command to a card, but waits until the module's transaction ends.
pub(crate) struct OtherProgram(Plastic);

impl OtherProgram {
    pub(crate) fn transmit(&self, command: &[u8]) -> Vec<u8> {
        let _transaction = self.0.0.transaction.lock();
        let mut card = self.0.card();
        card.power_on();
        card.transmit(command).expect("the card answers")
    }

    /// Resets the card.
    pub(crate) fn reset(&self) {
        let _transaction = self.0.0.transaction.lock();
        self.0.card().reset();
    }
}
