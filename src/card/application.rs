//! The selected application: for as long as one transaction lasts.

use super::apdu::{Command, Response};
use super::error::Error;
use super::files::{self, Aid, Ef};
use super::quirks::Quirks;
use super::status_word::StatusWord;
use crate::transport::{Channel, Ending};

/// The JPKI application, selected in the transaction that `channel` stands for.
pub struct Application<'t> {
    pub(super) channel: &'t mut dyn Channel,
    pub(super) quirks: &'t mut Quirks,
    /// A PIN may be in the verified state: set before VERIFY is sent, because an answer can get lost.
    pub(super) unlocked: bool,
    /// The card has to lose power when it is left.
    power_down: bool,
}

impl<'t> Application<'t> {
    /// Selects the application. What the card remembers from before, verified PINs among it, is neither relied on nor
    /// ended by this (card-facts §4.5: a re-SELECT keeps it, single source).
    ///
    /// # Errors
    /// [`Error::NotJpki`] if the card has no such application, which it has to say twice: one odd answer must not make it
    /// a card of another kind. [`Error::Refused`] for any other refusal.
    pub fn select(channel: &'t mut dyn Channel, quirks: &'t mut Quirks) -> Result<Self, Error> {
        let first = select_application(channel, files::JPKI)?;
        let status = match first {
            status if status == StatusWord::OK || status.is_failure() => status,
            _ => select_application(channel, files::JPKI)?,
        };
        match status {
            StatusWord::OK => Ok(Application { channel, quirks, unlocked: false, power_down: false }),
            status if status == first && !status.is_failure() => Err(Error::NotJpki),
            status => Err(Error::Refused(status)),
        }
    }

    /// The application as an earlier transaction has left it, selected and perhaps unlocked, on a card that is kept for
    /// this. The next answer shows whether that is still so.
    pub fn resume(channel: &'t mut dyn Channel, quirks: &'t mut Quirks) -> Self {
        Application { channel, quirks, unlocked: true, power_down: false }
    }

    /// Ends the work with the card locked, and says how the transaction has to end for that.
    ///
    /// If a PIN was verified: SELECT of the issuer security domain, else of another application, else power-down
    /// (card-facts §1.3, §4.5). All of this rests on one survey, so [`Self::is_locked`] checks it.
    #[must_use]
    pub fn leave(self) -> Ending {
        if !self.unlocked && !self.power_down {
            return Ending::Leave;
        }
        if self.quirks.leaving_locks && !self.power_down {
            for aid in [files::ISSUER_SECURITY_DOMAIN, files::COMMON] {
                if select_application(self.channel, aid) == Ok(StatusWord::OK) {
                    return Ending::Leave;
                }
            }
        }
        log::debug!("the card is powered down, because nothing else is known to lock it");
        Ending::PowerDown
    }

    /// Remembers that this card stays unlocked when it is left. From now on it is powered down.
    pub fn assume_leaving_fails(&mut self) {
        self.quirks.leaving_locks = false;
        self.power_down = true;
    }

    /// Has the card powered down when it is left, this once, because nothing shows that it is locked.
    pub fn power_down(&mut self) {
        self.power_down = true;
    }

    /// SELECT of an elementary file.
    pub(super) fn select_file(&mut self, ef: Ef) -> Result<(), Error> {
        let command = Command::new(0x00, 0xA4, 0x02, 0x0C).data(&ef.identifier())?;
        command.send(self.channel)?.success().map(|_| ())
    }

    /// Sends a command about a file: by the file's short identifier, or, if the card refuses that form, after a SELECT of
    /// the file.
    pub(super) fn send_about(
        &mut self,
        ef: Ef,
        by_short_identifier: &Command,
        about_current_file: &Command,
    ) -> Result<Response, Error> {
        if self.quirks.short_identifiers {
            let response = by_short_identifier.send(self.channel)?;
            if !response.status.refuses_form() {
                return Ok(response);
            }
        }
        self.select_file(ef)?;
        let response = about_current_file.send(self.channel)?;
        // If the longer way leads to the same refusal, the form was not what the card refused.
        if self.quirks.short_identifiers && !response.status.refuses_form() {
            log::debug!("the card does not know short file identifiers");
            self.quirks.short_identifiers = false;
        }
        Ok(response)
    }
}

/// SELECT by application identifier (card-facts §1.3: P2 = 0C, no data comes back).
pub(super) fn select_application(channel: &mut dyn Channel, aid: Aid) -> Result<StatusWord, Error> {
    let command = Command::new(0x00, 0xA4, 0x04, 0x0C).data(aid)?;
    match command.send(channel)?.status {
        // On one card the first command after power-up is answered so; the second counts (card-facts §1.3).
        StatusWord::INTERNAL => Ok(command.send(channel)?.status),
        status => Ok(status),
    }
}
