//! The two PINs: tries left, VERIFY, CHANGE REFERENCE DATA (card-facts §4), with PINs from a program and from a PIN pad.

use super::apdu::{Command, Response};
use super::application::Application;
use super::error::Error;
use super::files::KeyPair;
use super::status_word::StatusWord;
use crate::transport::{PadCommand, PadEntry};

/// VERIFY.
const VERIFY: u8 = 0x20;
/// CHANGE REFERENCE DATA, with the new PIN only (P1 = 01).
const CHANGE: u8 = 0x24;
/// P2 for "the current file" (card-facts §4.1).
const CURRENT: u8 = 0x80;

impl Application<'_> {
    /// The tries left for a PIN; 0 if it is locked, `None` if the card does not say. The question costs none.
    ///
    /// The card gives the count whether or not the PIN is verified (card-facts §4.2: never 9000).
    ///
    /// # Errors
    /// Transport errors, and [`Error::NotFound`] without such a PIN.
    pub fn tries_left(&mut self, key_pair: KeyPair) -> Result<Option<u8>, Error> {
        let ef = key_pair.pin();
        // Four bytes: the five-byte form with Lc = 00 is refused (card-facts §4.2).
        let short = Command::new(0x00, VERIFY, 0x00, ef.short());
        let current = Command::new(0x00, VERIFY, 0x00, CURRENT);
        let status = self.send_about(ef, &short, &current)?.status;
        if status.is_blocked() { Ok(Some(0)) } else { Ok(status.tries_left()) }
    }

    /// Presents a PIN. A wrong one costs a try, so the caller must have checked its form before.
    ///
    /// # Errors
    /// [`Error::WrongPin`] if the card compared it and it was wrong, [`Error::PinLocked`] if no tries are left.
    pub fn verify(&mut self, key_pair: KeyPair, pin: &[u8]) -> Result<(), Error> {
        let ef = key_pair.pin();
        let short = Command::new(0x00, VERIFY, 0x00, ef.short()).data(pin)?;
        let current = Command::new(0x00, VERIFY, 0x00, CURRENT).data(pin)?;
        self.unlocked = true;
        let status = self.send_about(ef, &short, &current)?.status;
        outcome(status)
    }

    /// Changes a PIN: verifies the old one, then sets the new one (card-facts §4.4: the form is confirmed, no log of
    /// it is known). Files are selected here, because no source shows this command with a short identifier.
    ///
    /// # Errors
    /// Those of [`Self::verify`] for the old PIN; [`Error::Refused`] if the card does not take the new one.
    pub fn change_pin(&mut self, key_pair: KeyPair, old: &[u8], new: &[u8]) -> Result<(), Error> {
        self.select_file(key_pair.pin())?;
        let verify = Command::new(0x00, VERIFY, 0x00, CURRENT).data(old)?;
        let change = Command::new(0x00, CHANGE, 0x01, CURRENT).data(new)?;
        self.unlocked = true;
        outcome(verify.send(self.channel)?.status)?;
        change.send(self.channel)?.success().map(|_| ())
    }

    /// Presents a PIN that the user types at the reader's PIN pad. Uses the confirmed form, with the file selected
    /// (card-facts §4.1): if the card did not know the form, the user would have to type the PIN again.
    ///
    /// # Errors
    /// Those of [`Self::verify`], [`Error::PadCancelled`], [`Error::PadLength`].
    pub fn verify_on_pad(&mut self, key_pair: KeyPair) -> Result<(), Error> {
        self.select_file(key_pair.pin())?;
        self.unlocked = true;
        outcome(self.type_on_pad(key_pair, [0x00, VERIFY, 0x00, CURRENT], PadEntry::Known)?.status)
    }

    /// Sets a new PIN, which the user types twice at the reader's PIN pad: directly after [`Self::verify_on_pad`] has
    /// verified the old one and selected its file (card-facts §4.4).
    ///
    /// # Errors
    /// [`Error::PadCancelled`], [`Error::PadLength`], [`Error::PadMismatch`], and those of the card to the new PIN.
    pub fn set_pin_on_pad(&mut self, key_pair: KeyPair) -> Result<(), Error> {
        self.type_on_pad(key_pair, [0x00, CHANGE, 0x01, CURRENT], PadEntry::New)?.success().map(|_| ())
    }

    /// Has a command completed at the PIN pad. A wrong entry does not reach the card.
    fn type_on_pad(&mut self, key_pair: KeyPair, header: [u8; 4], typed: PadEntry) -> Result<Response, Error> {
        let (shortest, longest) = key_pair.pin_length().into_inner();
        let command = PadCommand { header, shortest, longest, typed };
        let response = Response::from_bytes(self.channel.type_on_pad(&command)?)?;
        log::trace!("{:02X} at the PIN pad -> {}", header[1], response.status);
        match response.status {
            StatusWord::PAD_TIMEOUT | StatusWord::PAD_CANCELLED => Err(Error::PadCancelled),
            StatusWord::PAD_MISMATCH => Err(Error::PadMismatch),
            StatusWord::PAD_LENGTH => Err(Error::PadLength),
            _ => Ok(response),
        }
    }
}

/// What the status word says of a PIN that was presented.
fn outcome(status: StatusWord) -> Result<(), Error> {
    match status {
        StatusWord::OK => Ok(()),
        StatusWord::WRONG_PIN => Err(Error::WrongPin(None)),
        status if status.is_blocked() => Err(Error::PinLocked),
        StatusWord::NO_REFERENCE => Err(Error::NoPin),
        status => match status.tries_left() {
            Some(left) => Err(Error::WrongPin(Some(left))),
            None => Err(Error::Refused(status)),
        },
    }
}
