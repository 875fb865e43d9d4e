//! What identifies a card: read when a card is recognised, and again over each new connection to it.

use super::error::Error;
use super::pin_state::Tries;
use super::serial;
use crate::card::{self, Application, Availability, CertificateFile, KeyPair, Quirks};
use crate::transport::{Channel, PinPad};

/// What the card says of one of its key pairs when it is recognised.
pub(super) struct Identity {
    pub(super) key_pair: KeyPair,
    pub(super) model: String,
    pub(super) serial: String,
    pub(super) tries: Tries,
    /// A certificate was issued for this key pair, as far as the card says.
    pub(super) issued: bool,
    /// The PIN pad of the reader that the card is in.
    pub(super) pin_pad: PinPad,
}

/// Sixteen hexadecimal digits that identify a card; empty if nothing can be read for that. Two APDUs on a My
/// Number Card: SELECT and READ RECORD of the common application, which also lock what another program may have left
/// unlocked. If the card does not give its number, the authentication certificate is read.
///
/// # Errors
/// [`card::Error::NotJpki`], and what goes wrong on the way; what the card refuses is no error.
pub(super) fn read_serial(channel: &mut dyn Channel, quirks: &mut Quirks) -> Result<String, Error> {
    if let Some(number) = card::card_number(channel)? {
        return Ok(serial::from_card_number(&number));
    }
    let mut application = Application::select(channel, quirks)?;
    let file = CertificateFile::EndEntity(KeyPair::Authentication);
    // Once more if there seems to be none, as for any certificate.
    match application.read_certificate(file).or_else(|_| application.read_certificate(file)) {
        Ok(der) => Ok(serial::from_certificate(&der)),
        // What failed just now may not fail the next time, and would make another card of it.
        Err(error @ (card::Error::Transport(_) | card::Error::ReadInterrupted)) => Err(error.into()),
        Err(error @ card::Error::Refused(status)) if status.is_failure() => Err(error.into()),
        // No certificate, or something else in its place, which it will be the next time as well.
        Err(_) => Ok(String::new()),
    }
}

/// Recognises a card. Six APDUs on a My Number Card: those of [`read_serial`], SELECT of the JPKI application, its label,
/// and the tries left of both PINs.
///
/// # Errors
/// Those of [`read_serial`].
pub(super) fn read_identity(channel: &mut dyn Channel, quirks: &mut Quirks) -> Result<[Identity; 2], Error> {
    let pin_pad = channel.pin_pad();
    let serial = read_serial(channel, quirks)?;
    let mut application = Application::select(channel, quirks)?;
    // Nothing depends on the label, so a card without one is as good.
    let label = application.token_label().unwrap_or_default();
    let mut identify = |key_pair| {
        // One PIN's state never hides the other token.
        let tries = match application.tries_left(key_pair) {
            Err(error @ card::Error::Transport(_)) => return Err(Error::from(error)),
            answer => answer.ok().flatten().map_or(Tries::Unsaid, Tries::Left),
        };
        // A live counter belongs to a PIN that somebody has set; else the card may have been issued without.
        let issued = matches!(tries, Tries::Left(1..)) || application.availability(key_pair) != Availability::Absent;
        Ok(Identity { key_pair, model: label.clone(), serial: serial.clone(), tries, issued, pin_pad })
    };
    Ok([identify(KeyPair::Authentication)?, identify(KeyPair::Signature)?])
}
