//! A card for as long as it is inserted: the connection to it, and one piece of work after the other.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime};

use once_cell::sync::OnceCell;
use parking_lot::Mutex;

use super::error::Error;
use super::identity::{Identity, read_identity, read_serial};
use super::pin_state::{Login, PinState};
use crate::card::{self, Application, KeyPair, Quirks};
use crate::transport::{self, Channel, Connection, Ending, ResourceManager};

/// How many times in a row a transmission may fail before the connection is given up.
const FAILURES_MAX: u32 = 3;
/// Within this time nobody unplugs a reader, changes the card in it, and has the reader up again.
const CONTINUITY: Duration = Duration::from_secs(1);

/// A moment by two clocks: one that nobody sets, and that stands still while the machine sleeps; and one that goes on.
#[derive(Clone, Copy)]
struct Moment(Instant, SystemTime);

impl Moment {
    fn now() -> Self {
        Moment(Instant::now(), SystemTime::now())
    }

    /// Less than [`CONTINUITY`] ago.
    fn is_recent(self) -> bool {
        self.0.elapsed() < CONTINUITY && self.1.elapsed().is_ok_and(|time| time < CONTINUITY)
    }
}

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
    /// The card's serial number, once it was recognised.
    serial: OnceCell<String>,
    /// How many sessions use one of its tokens.
    users: AtomicUsize,
    /// When it was last certain that the card in the reader is this one.
    certain: Mutex<Option<Moment>>,
    /// The card signs with PSS, as far as is known (card-facts §5; single source).
    pss: AtomicBool,
    /// The state of the two PINs. Here, so that both are forgotten as soon as one token finds the card gone.
    pins: [Mutex<PinState>; 2],
}

/// What is done in one transaction: it may say that the transaction has to end with a power-down. A trait object, so
/// that the handling of transactions is in the module once and not once for each piece of work.
type Job<'a> = &'a mut dyn FnMut(&mut dyn Channel, &mut Quirks, &mut Ending) -> Result<(), Error>;

/// With whom the card is shared during a piece of work, and after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Share {
    /// As it is: with all programs, unless a login at the PIN pad keeps the card.
    AsItIs,
    /// With nobody, and so until nobody is logged in at the PIN pad any more.
    Exclusive,
}

#[derive(Default)]
struct Link {
    connection: Option<Box<dyn Connection>>,
    /// The connection is an exclusive one: the application stays selected and unlocked between two pieces of work.
    exclusive: bool,
    /// The card at its end was seen to be the one of this insertion.
    confirmed: bool,
    quirks: Quirks,
    /// How many times in a row a transmission has failed.
    failures: u32,
}

impl Link {
    fn close(&mut self) {
        self.connection = None;
        self.exclusive = false;
        self.confirmed = false;
    }
}

impl InsertedCard {
    pub(super) fn new(manager: Arc<dyn ResourceManager>, reader: &str, events: u32) -> Self {
        InsertedCard {
            manager,
            reader: reader.to_owned(),
            events,
            link: Mutex::default(),
            gone: AtomicBool::new(false),
            serial: OnceCell::new(),
            users: AtomicUsize::new(0),
            certain: Mutex::default(),
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
        // An exclusive connection would keep everybody from the next card, too.
        self.rest();
    }

    fn forget_pins(&self) {
        for pin in &self.pins {
            pin.lock().login = Login::Nobody;
        }
    }

    /// Somebody is logged in at the PIN pad: the card is kept, and stays unlocked on purpose.
    pub(super) fn has_pad_login(&self) -> bool {
        self.pins.iter().any(|pin| pin.lock().login.is_on_card())
    }

    /// Ends a login, and says what it was. A login at the PIN pad ends while the card does nothing else; with the last
    /// one the card is locked and given back.
    pub(super) fn end_login(&self, key_pair: KeyPair) -> Login {
        let on_card = self.pin(key_pair).lock().login.is_on_card();
        let mut link = on_card.then(|| self.link.lock());
        let login = std::mem::take(&mut self.pin(key_pair).lock().login);
        if login.is_on_card() {
            // Perhaps it came only now.
            self.settle(link.get_or_insert_with(|| self.link.lock()));
        }
        login
    }

    /// Asks the reader whether the card is still there. Costs no APDU.
    pub(super) fn look(&self) -> Result<(), Error> {
        if !self.is_gone() {
            match self.manager.presence(&self.reader) {
                Ok(now) if now.card && now.events == self.events => {
                    let mut certain = self.certain.lock();
                    *certain = certain.filter(|last| last.is_recent()).map(|_| Moment::now());
                    return Ok(());
                }
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

    /// Does one piece of work with the JPKI application: one transaction, from SELECT to leaving; without both while
    /// the card is kept.
    ///
    /// The work is done once. It is not repeated after a failure in the middle, because a PIN may have been sent.
    pub(super) fn work<T>(&self, mut job: impl FnMut(&mut Application<'_>) -> Result<T, Error>) -> Result<T, Error> {
        let mut answer = None;
        self.work_sharing(Share::AsItIs, &mut |application| {
            answer = Some(job(application)?);
            Ok(())
        })?;
        answer.ok_or(Error::Removed)
    }

    /// Does one piece of work while no other program is connected to the card. The card is kept after it where the work
    /// has logged somebody in at the PIN pad.
    pub(super) fn work_exclusively(
        &self,
        job: &mut dyn FnMut(&mut Application<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.work_sharing(Share::Exclusive, job)
    }

    fn work_sharing(
        &self,
        share: Share,
        job: &mut dyn FnMut(&mut Application<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.transact_sharing(share, &mut |channel, quirks, ending| {
            if self.has_pad_login() {
                // That a SELECT of the same application keeps the PINs verified is known from a single source
                // (card-facts §4.5), so that there is none.
                return job(&mut Application::resume(channel, quirks));
            }
            let mut application = Application::select(channel, quirks)?;
            let outcome = job(&mut application);
            if !self.has_pad_login() {
                *ending = application.leave();
            }
            outcome
        })
    }

    /// Recognises the card: what it says of its two key pairs.
    pub(super) fn recognise(&self) -> Result<[Identity; 2], Error> {
        let mut found = None;
        self.transact_sharing(Share::AsItIs, &mut |channel, quirks, _| {
            found = Some(read_identity(channel, quirks)?);
            Ok(())
        })?;
        let found = found.ok_or(Error::Removed)?;
        let [identity, _] = &found;
        // Only the first time.
        let _ = self.serial.set(identity.serial.clone());
        Ok(found)
    }

    /// Makes sure that a new connection leads to the card of this insertion. The reader's counter does not tell: it
    /// starts anew when the reader is plugged in, so that another card can have this one's number. Costs nothing where
    /// the card was seen just now.
    fn confirm(&self, channel: &mut dyn Channel, quirks: &mut Quirks) -> Result<(), Error> {
        let Some(known) = self.serial.get() else { return Ok(()) };
        if self.certain.lock().is_some_and(|last| last.is_recent()) {
            return Ok(());
        }
        let serial = match read_serial(channel, quirks) {
            // A card of another kind lies there now.
            Err(Error::Card(card::Error::NotJpki)) => return Err(Error::Removed),
            serial => serial?,
        };
        if serial != *known {
            return Err(Error::Removed);
        }
        if serial.is_empty() {
            // Nothing tells, and a held PIN must not go to another card.
            self.forget_pins();
        }
        Ok(())
    }

    fn transact_sharing(&self, share: Share, job: Job<'_>) -> Result<(), Error> {
        if self.is_gone() {
            return Err(Error::Removed);
        }
        let answer = {
            let mut link = self.link.lock();
            let answer = self.transact_on(&mut link, share, job);
            let failed = is_transport_error(&answer);
            link.failures = if failed { link.failures + 1 } else { 0 };
            if failed && link.exclusive {
                // What the card still holds as verified is not known any more.
                self.forget_pad_logins();
            }
            if link.failures >= FAILURES_MAX {
                // Perhaps a new connection does better. The PINs were for the card at the end of the old one.
                self.forget_pins();
                link.close();
            }
            self.settle(&mut link);
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
                self.settle(&mut link);
                if !link.exclusive || self.is_gone() {
                    link.close();
                }
            }
        }
    }

    /// Ends the logins at the PIN pad, unless the card works just now.
    pub(super) fn give_up(&self) {
        let Some(mut link) = self.link.try_lock() else { return };
        if link.exclusive {
            self.forget_pad_logins();
            self.settle(&mut link);
        }
    }

    /// Locks the card and gives it back to all programs, where nobody is logged in at the PIN pad any more.
    fn settle(&self, link: &mut Link) {
        if !link.exclusive || self.has_pad_login() {
            return;
        }
        let Link { connection, quirks, .. } = link;
        if let Some(connection) = connection {
            // Two ways to lock it, for each may fail: the application is left, and the end of an exclusive connection
            // takes the power. So there is nothing to look for afterwards, as there is after a shared connection.
            let _ = connection.transact(&mut |channel| Application::resume(channel, quirks).leave());
        }
        link.close();
    }

    fn forget_pad_logins(&self) {
        for pin in &self.pins {
            let mut state = pin.lock();
            if state.login.is_on_card() {
                state.login = Login::Nobody;
            }
        }
    }

    fn transact_on(&self, link: &mut Link, share: Share, job: Job<'_>) -> Result<(), Error> {
        if share == Share::Exclusive && !link.exclusive {
            // Our own shared connection would be in the way as well.
            link.close();
            link.connection = Some(self.manager.connect_exclusively(&self.reader)?);
            link.exclusive = true;
        }
        let Link { connection, confirmed, quirks, .. } = link;
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
            answer = if *confirmed { Ok(()) } else { self.confirm(channel, quirks) };
            if answer.is_ok() {
                *confirmed = true;
                answer = job(channel, quirks, &mut ending);
                if !is_transport_error(&answer) {
                    *self.certain.lock() = Some(Moment::now());
                }
            }
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
    pub(super) fn hold_connection(self: &Arc<Self>) -> InUse {
        self.users.fetch_add(1, Ordering::AcqRel);
        InUse(Arc::clone(self))
    }
}

fn is_transport_error(answer: &Result<(), Error>) -> bool {
    matches!(answer, Err(Error::Card(card::Error::Transport(_))))
}

/// As long as one of these lives, the connection to the card stays open between two pieces of work.
pub struct InUse(Arc<InsertedCard>);

impl Drop for InUse {
    fn drop(&mut self) {
        self.0.users.fetch_sub(1, Ordering::AcqRel);
        self.0.rest();
    }
}
