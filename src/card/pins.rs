//! The two PINs: tries left, VERIFY, CHANGE REFERENCE DATA (card-facts §4).

use super::apdu::{Command, StatusWord};
use super::application::Application;
use super::error::Error;
use super::files::KeyPair;

/// VERIFY.
const VERIFY: u8 = 0x20;
/// P2 for "the current file" (card-facts §4.1).
const CURRENT: u8 = 0x80;

impl Application<'_> {
    /// The tries left for a PIN, without spending one; 0 where it is locked. `None` where the card does not say.
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

    /// Presents a PIN. Costs one try where it is wrong, so that its form must have been checked before.
    ///
    /// # Errors
    /// [`Error::WrongPin`] where the card compared it and it was wrong, [`Error::PinLocked`] where no tries are left.
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
    /// Those of [`Self::verify`] for the old PIN; [`Error::Refused`] where the card does not take the new one.
    pub fn change_pin(&mut self, key_pair: KeyPair, old: &[u8], new: &[u8]) -> Result<(), Error> {
        self.select_file(key_pair.pin())?;
        let verify = Command::new(0x00, VERIFY, 0x00, CURRENT).data(old)?;
        let change = Command::new(0x00, 0x24, 0x01, CURRENT).data(new)?;
        self.unlocked = true;
        outcome(verify.send(self.channel)?.status)?;
        change.send(self.channel)?.success().map(|_| ())
    }
}

/// What the status word says of a PIN that was presented.
fn outcome(status: StatusWord) -> Result<(), Error> {
    match status {
        StatusWord::OK => Ok(()),
        StatusWord::WRONG_PIN => Err(Error::WrongPin(None)),
        status if status.is_blocked() => Err(Error::PinLocked),
        status => match status.tries_left() {
            Some(left) => Err(Error::WrongPin(Some(left))),
            None => Err(Error::Refused(status)),
        },
    }
}
