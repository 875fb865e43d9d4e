//! The card's own number, from the common card application (card-facts §1.4).

use zeroize::Zeroizing;

use super::apdu::{Command, RESPONSE_DATA_MAX};
use super::application::select_application;
use super::error::Error;
use super::files;
use super::status_word::StatusWord;
use crate::transport::Channel;

/// Tag and length of the record: simple TLV, 28 digits.
const HEADER: [u8; 2] = [0x01, 0x1C];
/// The number is the first of the record's fields (that the record holds it is confirmed, the split is single source).
const DIGITS: usize = 15;

/// The fifteen digits of the card's number. Personal data: no Debug, cleared from memory when dropped.
pub struct CardNumber(Zeroizing<Vec<u8>>);

impl CardNumber {
    /// The digits in ASCII.
    #[must_use]
    pub fn digits(&self) -> &[u8] {
        &self.0
    }
}

/// Reads the card's number. Leaves the common application selected, so it ends every verified state
/// (card-facts §4.5): for the start of a transaction only.
///
/// # Errors
/// Only what goes wrong in the transport; a card that does not give its number gives `None`.
pub fn card_number(channel: &mut dyn Channel) -> Result<Option<CardNumber>, Error> {
    let mut selected = select_application(channel, files::COMMON)?;
    if selected.is_failure() {
        // Once more: without its number it would pass for another card.
        selected = select_application(channel, files::COMMON)?;
    }
    if selected != StatusWord::OK {
        return Ok(None);
    }
    let by_short_identifier = Command::new(0x00, 0xB2, 0x01, 0x0C).wanting(RESPONSE_DATA_MAX);
    let mut response = by_short_identifier.send(channel)?;
    if response.status.is_failure() {
        // As above.
        response = by_short_identifier.send(channel)?;
    }
    if response.status.refuses_form() {
        let select = Command::new(0x00, 0xA4, 0x02, 0x0C).data(&[0x00, 0x01])?;
        if select.send(channel)?.status != StatusWord::OK {
            return Ok(None);
        }
        response = Command::new(0x00, 0xB2, 0x01, 0x04).wanting(RESPONSE_DATA_MAX).send(channel)?;
    }
    if response.status != StatusWord::OK {
        return Ok(None);
    }
    let digits = response.data.strip_prefix(&HEADER).and_then(|fields| fields.get(..DIGITS));
    Ok(digits
        .filter(|digits| digits.iter().all(u8::is_ascii_digit))
        .map(|digits| CardNumber(Zeroizing::new(digits.to_vec()))))
}
