//! How the layers above see the transport: readers, a card in one of them, and the card while a transaction lasts.

use super::error::Error;
use super::pin_pad::{PadCommand, PinPad};
use super::reader_name::ReaderName;
use zeroize::Zeroizing;

/// What the resource manager says is in a reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Presence {
    /// A card is in the reader.
    pub card: bool,
    /// How many insertions and removals the resource manager has counted at this reader. As long as the number stays,
    /// the card is the same one: a card that was swapped meanwhile has another number.
    pub events: u32,
}

/// A reader by its name, with what is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReaderState {
    /// The name the resource manager gives it; unique at any one time.
    pub name: ReaderName,
    /// What is in it.
    pub presence: Presence,
}

/// What becomes of the card at the end of a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// The card stays as it is.
    Leave,
    /// The card loses power, and with it every verified PIN (card-facts §4.5).
    PowerDown,
}

/// The readers of this machine.
pub trait ResourceManager: Send + Sync {
    /// All readers, with what is in them.
    ///
    /// # Errors
    /// [`Error::ServiceGone`] if no resource manager answers, and those that say why it cannot be reached.
    fn readers(&self) -> Result<Vec<ReaderState>, Error>;

    /// What is in one reader. Cheap enough for every call (about 10 µs with pcsc-lite).
    ///
    /// # Errors
    /// [`Error::NoReader`] if it was unplugged, and those of [`Self::readers`].
    fn presence(&self, reader: &ReaderName) -> Result<Presence, Error>;

    /// Connects to the card in `reader`, sharing it with other programs.
    ///
    /// # Errors
    /// [`Error::Removed`] without a card, [`Error::Unresponsive`] if the card does not answer to power,
    /// [`Error::Busy`] if another program keeps the card for itself for longer than two seconds, and those of [`Self::readers`].
    fn connect(&self, reader: &ReaderName) -> Result<Box<dyn Connection>, Error>;

    /// As [`Self::connect`], but does not wait for another program: for what will be tried again anyway.
    ///
    /// # Errors
    /// Those of [`Self::connect`].
    fn connect_at_once(&self, reader: &ReaderName) -> Result<Box<dyn Connection>, Error> {
        self.connect(reader)
    }

    /// Connects to the card in `reader` exclusively: no other program can connect to it.
    ///
    /// # Errors
    /// Those of [`Self::connect`]; [`Error::Busy`] also if another program shares the card.
    fn connect_exclusively(&self, reader: &ReaderName) -> Result<Box<dyn Connection>, Error>;

    /// Sleeps until a reader or its card comes or goes, compared with `known`, or until [`Self::cancel_waits`]. May
    /// return early for no reason, so the caller compares the readers itself.
    ///
    /// # Errors
    /// [`Error::ServiceGone`]: the caller decides when to try again.
    fn wait(&self, known: &[ReaderState]) -> Result<(), Error>;

    /// Ends all [`Self::wait`] calls that sleep now.
    fn cancel_waits(&self);
}

/// A connection to one card, as long as the card stays in its reader. To drop a shared connection leaves the card as it
/// is: no reset, no power-down. To drop an exclusive one powers the card down, so no verified PIN outlives it; no other
/// program was connected.
pub trait Connection: Send {
    /// The insertion this connection belongs to: [`Presence::events`] at the time of the connection.
    fn events(&self) -> u32;

    /// Runs `work` in one transaction, and ends the transaction as `work` says.
    ///
    /// After the transaction has begun, the connection checks that the card is still the one it was made to: a PIN must
    /// not go to another card. If `work` unwinds, the card is powered down.
    ///
    /// A reset by another program makes no difference to a shared connection. It does to an exclusive one, because the
    /// state that the card was kept for is lost.
    ///
    /// # Errors
    /// [`Error::Reset`] from an exclusive connection, and [`Error::Removed`] if the card is gone or is another one;
    /// `work` has not run then. Any error of the transaction itself. Errors inside of `work` are the business of `work`.
    fn transact(&mut self, work: &mut dyn FnMut(&mut dyn Channel) -> Ending) -> Result<(), Error>;
}

/// A card inside of a transaction.
pub trait Channel {
    /// Sends one command and returns its response, status word included (at least two bytes).
    ///
    /// The response may hold private data, so its memory is cleared when it is dropped.
    ///
    /// # Errors
    /// [`Error::Removed`], [`Error::Reset`], [`Error::Io`].
    fn transmit(&mut self, command: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error>;

    /// What the PIN pad of the reader can do. Sends nothing to the card.
    fn pin_pad(&mut self) -> PinPad {
        PinPad::default()
    }

    /// Has the user complete a command at the PIN pad, and returns the response: the card's, or the pad's own if the pad
    /// sent nothing to the card (PC/SC part 10 §2.5.2: 6400 to 6403, 6B80).
    ///
    /// # Errors
    /// [`Error::NoPinPad`], and those of [`Self::transmit`].
    fn type_on_pad(&mut self, _command: &PadCommand) -> Result<Zeroizing<Vec<u8>>, Error> {
        Err(Error::NoPinPad)
    }
}
