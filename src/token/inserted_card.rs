//! The card of one insertion: whether it is still there, the state of its two PINs, who uses it, and one piece of work
//! after the other.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use once_cell::sync::OnceCell;
use parking_lot::Mutex;

use super::certainty::Certainty;
use super::error::Error;
use super::identity::{Identity, read_identity, read_serial};
use super::link::{Insertion, Link, Share};
use super::pin_state::{LastTry, Login, PinState};
use crate::card::{self, Application, KeyPair, Quirks};
use crate::transport::{self, Channel, Ending, ReaderName, ResourceManager};

/// The card of one insertion, shared by its two tokens.
pub(super) struct InsertedCard {
    insertion: Insertion,
    /// Held while the card works, so one piece of work never meets another. With it what was learnt of the card.
    link: Mutex<(Link, Quirks)>,
    /// Set once and for all when the card has gone.
    gone: AtomicBool,
    /// Set once and for all when the program ends.
    given_up: AtomicBool,
    /// The card's serial number, once the card was recognised.
    serial: OnceCell<String>,
    /// How many sessions use one of its tokens.
    users: AtomicUsize,
    certainty: Certainty,
    /// The card signs with PSS, as far as is known (card-facts §5; single source).
    pss: AtomicBool,
    /// The state of the two PINs. It is here because both logins end as soon as one token finds the card gone.
    pins: [Mutex<PinState>; 2],
    last_try: LastTry,
}

/// What is done in one transaction, and how the transaction ends. A trait object, so the handling of transactions is in
/// the module once and not once for each piece of work.
type Job<'a> = &'a mut dyn FnMut(&mut dyn Channel, &mut Quirks) -> (Result<(), Error>, Ending);

impl InsertedCard {
    pub(super) fn new(manager: Arc<dyn ResourceManager>, reader: &ReaderName, events: u32, last_try: LastTry) -> Self {
        InsertedCard {
            insertion: Insertion { manager, reader: reader.clone(), events },
            link: Mutex::default(),
            gone: AtomicBool::new(false),
            given_up: AtomicBool::new(false),
            serial: OnceCell::new(),
            users: AtomicUsize::new(0),
            certainty: Certainty::default(),
            pss: AtomicBool::new(true),
            pins: Default::default(),
            last_try,
        }
    }

    pub(super) fn pin(&self, key_pair: KeyPair) -> &Mutex<PinState> {
        let [authentication, signature] = &self.pins;
        match key_pair {
            KeyPair::Authentication => authentication,
            KeyPair::Signature => signature,
        }
    }

    pub(super) fn last_try(&self) -> LastTry {
        self.last_try
    }

    pub(super) fn knows_pss(&self) -> bool {
        self.pss.load(Ordering::Relaxed)
    }

    pub(super) fn record_no_pss(&self) {
        self.pss.store(false, Ordering::Relaxed);
    }

    /// The card has been found gone. Does not ask the reader.
    pub(super) fn is_gone(&self) -> bool {
        self.gone.load(Ordering::Acquire)
    }

    /// Records that the card is gone, and ends its logins.
    pub(super) fn mark_gone(&self) {
        self.gone.store(true, Ordering::Release);
        self.end_logins(|_| true);
        // An exclusive connection would keep everybody from the next card, too.
        self.close_if_unused();
    }

    /// Ends the logins that `chosen` names, and drops their PINs.
    fn end_logins(&self, chosen: impl Fn(&Login) -> bool) {
        for pin in &self.pins {
            let mut state = pin.lock();
            if chosen(&state.login) {
                state.login = Login::Nobody;
            }
        }
    }

    /// Somebody is logged in at the PIN pad: the card is kept, and stays unlocked on purpose.
    pub(super) fn has_pad_login(&self) -> bool {
        self.pins.iter().any(|pin| pin.lock().login.is_on_card())
    }

    /// Ends a login, and returns what it was. A login at the PIN pad ends while the card does nothing else; with the last
    /// one the card is locked and given back.
    pub(super) fn end_login(&self, key_pair: KeyPair) -> Login {
        let on_card = self.pin(key_pair).lock().login.is_on_card();
        let mut link = on_card.then(|| self.link.lock());
        let login = std::mem::take(&mut self.pin(key_pair).lock().login);
        if login.is_on_card() {
            // The link is not locked yet if the login began only now.
            self.lock_and_release(link.get_or_insert_with(|| self.link.lock()));
        }
        login
    }

    /// Asks the reader whether the card is still there. Costs no APDU.
    ///
    /// If the reader cannot be asked, the card may be there: the next piece of work finds out.
    pub(super) fn check_present(&self) -> Result<(), Error> {
        if self.is_gone() {
            return Err(Error::Removed);
        }
        match self.insertion.is_present() {
            Some(true) => self.certainty.go_on(),
            Some(false) => {
                self.mark_gone();
                return Err(Error::Removed);
            }
            None => {}
        }
        Ok(())
    }

    /// Connects now or not at all: does not wait for a program that keeps the card for itself.
    pub(super) fn connect_at_once(&self) -> Result<(), Error> {
        Ok(self.link.lock().0.connect_at_once(&self.insertion)?)
    }

    /// Recognises the card: what it says of its two key pairs.
    pub(super) fn recognise(&self) -> Result<[Identity; 2], Error> {
        let found = self.transact(Share::AsItIs, |channel, quirks| (read_identity(channel, quirks), Ending::Leave))?;
        let [identity, _] = &found;
        // Only the first time.
        let _ = self.serial.set(identity.serial.clone());
        Ok(found)
    }

    /// Does one piece of work with the JPKI application: one transaction, from SELECT to leaving; without both while a
    /// login at the PIN pad keeps the card. With [`Share::Exclusive`] no other program is connected meanwhile, and the
    /// card is kept afterwards if the work has logged somebody in at the PIN pad.
    ///
    /// The work is done once. It is not repeated after a failure in the middle, because a PIN may have been sent.
    pub(super) fn work<T>(
        &self,
        share: Share,
        mut job: impl FnMut(&mut Application<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.transact(share, |channel, quirks| {
            if self.has_pad_login() {
                // That a SELECT of the same application keeps the PINs verified is known from a single source
                // (card-facts §4.5), so there is none.
                return (job(&mut Application::resume(channel, quirks)), Ending::Leave);
            }
            let mut application = match Application::select(channel, quirks) {
                Ok(application) => application,
                Err(error) => return (Err(error.into()), Ending::Leave),
            };
            let answer = job(&mut application);
            let ending = if self.has_pad_login() { Ending::Leave } else { application.leave() };
            (answer, ending)
        })
    }

    /// Runs `job` in one transaction, and returns its answer.
    fn transact<T>(
        &self,
        share: Share,
        mut job: impl FnMut(&mut dyn Channel, &mut Quirks) -> (Result<T, Error>, Ending),
    ) -> Result<T, Error> {
        let mut found = None;
        self.transact_job(share, &mut |channel, quirks| {
            let (answer, ending) = job(channel, quirks);
            (answer.map(|answer| found = Some(answer)), ending)
        })?;
        found.ok_or(Error::Removed)
    }

    fn transact_job(&self, share: Share, job: Job<'_>) -> Result<(), Error> {
        if self.is_gone() {
            return Err(Error::Removed);
        }
        let answer = {
            let mut link = self.link.lock();
            // With the link locked: the end of the program waits for it.
            if self.given_up.load(Ordering::Acquire) {
                return Err(Error::Removed);
            }
            let answer = self.transact_over(&mut link, share, job);
            let failed = is_transport_error(&answer);
            if failed && link.0.is_exclusive() {
                // We do not know any more what the card still holds as verified.
                self.end_logins(Login::is_on_card);
            }
            if !is_kept_out(&answer) {
                link.0.record(failed);
            }
            if link.0.is_hopeless() {
                // Perhaps a new connection does better. The PINs were for the card at the end of the old one.
                self.end_logins(|_| true);
                link.0.close();
            }
            self.lock_and_release(&mut link);
            answer
        };
        if let Err(error) = &answer {
            let level = if is_transport_error(&answer) { log::Level::Error } else { log::Level::Debug };
            log::log!(level, "{}: {error}", self.insertion.reader);
            if *error == Error::Removed {
                self.mark_gone();
            }
        }
        self.close_if_unused();
        answer
    }

    fn transact_over(&self, (link, quirks): &mut (Link, Quirks), share: Share, job: Job<'_>) -> Result<(), Error> {
        let mut answer = Err(Error::from(transport::Error::Reset));
        link.transact(&self.insertion, share, &mut |channel, identified| {
            let mut ending = Ending::Leave;
            answer = if *identified { Ok(()) } else { self.check_identity(channel, quirks) };
            if answer.is_ok() {
                *identified = true;
                (answer, ending) = job(channel, quirks);
                if !is_transport_error(&answer) {
                    self.certainty.begin();
                }
            }
            // A card that is gone has no power. To take it away then makes pcscd miss the next insertion.
            if ending == Ending::PowerDown && self.check_present().is_err() { Ending::Leave } else { ending }
        })?;
        // If the card is pulled out in the middle, that shows as a failed transmission first.
        answer.map_err(|error| match error {
            Error::Card(card::Error::Transport(_)) => self.check_present().err().unwrap_or(error),
            error => error,
        })
    }

    /// Makes sure that a new connection leads to the card of this insertion. The reader's counter does not show it: the
    /// counter starts anew when the reader is plugged in, so another card can have this one's number. Costs nothing if
    /// that was certain a moment ago.
    fn check_identity(&self, channel: &mut dyn Channel, quirks: &mut Quirks) -> Result<(), Error> {
        let Some(known) = self.serial.get() else { return Ok(()) };
        if self.certainty.is_recent() {
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
            // Nothing identifies the card, and a held PIN must not go to another one.
            self.end_logins(|_| true);
        }
        Ok(())
    }

    /// Locks the card and gives it back to all programs, if nobody is logged in at the PIN pad any more.
    fn lock_and_release(&self, (link, quirks): &mut (Link, Quirks)) {
        if link.is_exclusive() && !self.has_pad_login() {
            // Two ways to lock the card, because each may fail: we leave the application, and the end of an exclusive
            // connection takes the power. So there is no check afterwards, as there is after a shared connection.
            link.release(&mut |channel| Application::resume(channel, quirks).leave());
        }
    }

    /// Closes the connection if no session needs it: other programs may have the card for themselves then, and the reader
    /// may sleep. If the card works at this moment, that piece of work does this when it is done.
    fn close_if_unused(&self) {
        if self.users.load(Ordering::Acquire) == 0 || self.is_gone() {
            if let Some(mut link) = self.link.try_lock() {
                self.lock_and_release(&mut link);
                if !link.0.is_exclusive() || self.is_gone() {
                    link.0.close();
                }
            }
        }
    }

    /// For the end of the program: begins no more work, lets the work that is under way end, which leaves the card locked,
    /// and ends the logins at the PIN pad. Waits no longer than `timeout`.
    pub(super) fn give_up(&self, timeout: Duration) {
        self.given_up.store(true, Ordering::Release);
        let Some(mut link) = self.link.try_lock_for(timeout) else {
            log::warn!("{}: the program ends while the card works", self.insertion.reader);
            return;
        };
        if link.0.is_exclusive() {
            self.end_logins(Login::is_on_card);
            self.lock_and_release(&mut link);
        }
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

/// The card was not even asked, and nothing is known of it that was not known before.
fn is_kept_out(answer: &Result<(), Error>) -> bool {
    matches!(answer, Err(Error::Card(card::Error::Transport(error))) if error.keeps_us_out())
}

/// As long as one of these lives, the connection to the card stays open between two pieces of work.
pub struct InUse(Arc<InsertedCard>);

impl Drop for InUse {
    fn drop(&mut self) {
        self.0.users.fetch_sub(1, Ordering::AcqRel);
        self.0.close_if_unused();
    }
}
