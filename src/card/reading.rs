//! Reading files: token info, availability, certificates (card-facts §2, §3).

use zeroize::Zeroizing;

use super::apdu::{Command, RESPONSE_DATA_MAX, Response};
use super::application::Application;
use super::error::Error;
use super::files::{self, CertificateFile, Ef, KeyPair};
use super::status_word::StatusWord;

/// READ BINARY.
const READ: u8 = 0xB0;
/// READ BINARY addresses up to this offset (15 bits; card-facts §3).
const OFFSET_MAX: usize = 0x7FFF;
/// The length of the label at the start of the token info (card-facts §2.1).
const LABEL_LENGTH: usize = 32;
/// The byte that stands for a certificate that is there (card-facts §2.2, single source).
const AVAILABLE: u8 = 0x8F;
/// The byte for a certificate that is not there: a guess, so any other byte says nothing.
const UNAVAILABLE: u8 = 0x00;

/// What EF 0008 says of a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Availability {
    /// It is on the card.
    Present,
    /// It was not issued, or not to this card.
    Absent,
    /// The file does not say so in a way that is known.
    Unknown,
}

impl Application<'_> {
    /// The label of the token info (EF 0006), without its padding: `JPKIAPICCTOKEN2` on a My Number Card, others on
    /// phones. Unknown labels are to be expected of future cards.
    ///
    /// # Errors
    /// Any; nothing depends on the label.
    pub fn token_label(&mut self) -> Result<String, Error> {
        let data = self.read_start(files::TOKEN_INFO, LABEL_LENGTH)?;
        // Spaces on real cards; NUL has been assumed by others (card-facts §2.1).
        let label = data.iter().copied().filter(u8::is_ascii_graphic).map(char::from);
        Ok(label.collect())
    }

    /// Whether a certificate was issued, as EF 0008 says. A hint, not more: the meaning of the bytes and their values are
    /// known from a single source.
    pub fn availability(&mut self, key_pair: KeyPair) -> Availability {
        let Ok(data) = self.read_start(files::AVAILABILITY, RESPONSE_DATA_MAX) else {
            return Availability::Unknown;
        };
        let byte = match (data.as_slice(), key_pair) {
            (&[byte, _, _], KeyPair::Signature) | (&[_, byte, _], KeyPair::Authentication) => byte,
            _ => return Availability::Unknown,
        };
        match byte {
            AVAILABLE => Availability::Present,
            UNAVAILABLE => Availability::Absent,
            _ => Availability::Unknown,
        }
    }

    /// Reads one certificate: its DER exactly, without the filler behind it.
    ///
    /// # Errors
    /// [`Error::Locked`] before the PIN was verified (the signing certificate; on an Android phone the other one as
    /// well), [`Error::NotFound`] and [`Error::Blank`] if there is none (what a card has then is not known:
    /// card-facts §7), [`Error::Malformed`] if the file holds anything but one DER value, [`Error::ReadInterrupted`]
    /// if the card refuses a later part of it.
    pub fn read_certificate(&mut self, file: CertificateFile) -> Result<Zeroizing<Vec<u8>>, Error> {
        let ef = file.ef();
        let start = self.read_start(ef, RESPONSE_DATA_MAX)?;
        let length = der_length(&start)?;
        // All memory at once: a vector that grows leaves copies behind.
        let mut certificate = Zeroizing::new(Vec::with_capacity(length));
        certificate.extend(start.iter().copied().take(length));
        while certificate.len() < length {
            let wanted = (length - certificate.len()).min(RESPONSE_DATA_MAX);
            let more = self.read_more(ef, certificate.len(), wanted).map_err(|error| match error {
                Error::Transport(_) => error,
                Error::Refused(status) if status.is_failure() => error,
                // Whatever the card says now, the file is there.
                _ => Error::ReadInterrupted,
            })?;
            if more.is_empty() || more.len() > wanted {
                return Err(Error::Malformed("a certificate that ends before its end"));
            }
            certificate.extend_from_slice(&more);
        }
        Ok(certificate)
    }

    /// Reads up to `wanted` bytes from the start of a file, which is the current one from then on.
    pub(super) fn read_start(&mut self, ef: Ef, wanted: usize) -> Result<Zeroizing<Vec<u8>>, Error> {
        let short = Command::new(0x00, READ, ef.short(), 0x00).wanting(wanted);
        let current = Command::new(0x00, READ, 0x00, 0x00).wanting(wanted);
        let response = self.send_about(ef, &short, &current)?;
        match response.status {
            // Already the first byte is outside: the file is empty.
            StatusWord::OUTSIDE => Err(Error::Blank),
            // A file of another type in this place holds no certificate.
            StatusWord::FILE_TYPE => Err(Error::NotFound),
            _ => read_data(response, wanted),
        }
    }

    /// Reads on in the file that [`Self::read_start`] has made the current one.
    fn read_more(&mut self, ef: Ef, offset: usize, wanted: usize) -> Result<Zeroizing<Vec<u8>>, Error> {
        let [p1, p2] = u16::try_from(offset).unwrap_or(u16::MAX).to_be_bytes();
        let command = Command::new(0x00, READ, p1, p2).wanting(wanted);
        let mut response = command.send(self.channel)?;
        if matches!(response.status, StatusWord::NO_CURRENT_FILE | StatusWord::FILE_TYPE) {
            // Reading by short identifier did not make the file the current one on this card: there is none, or it is
            // still that of the PIN.
            self.select_file(ef)?;
            response = command.send(self.channel)?;
        }
        read_data(response, wanted)
    }
}

/// The data of a READ BINARY, checked against what was asked for.
fn read_data(response: Response, wanted: usize) -> Result<Zeroizing<Vec<u8>>, Error> {
    let data = response.success()?;
    if data.len() > wanted { Err(Error::Malformed("more data than was asked for")) } else { Ok(data) }
}

/// The length of the certificate that starts with these bytes, header included (card-facts §3: `30 82 hh ll`).
fn der_length(start: &[u8]) -> Result<usize, Error> {
    match *start {
        [0x30, 0x82, high, low, ..] => {
            let length = usize::from(u16::from_be_bytes([high, low])) + 4;
            match length {
                // DER gives fewer than 256 bytes another header.
                ..0x0104 => Err(Error::Malformed("a certificate with a length that is not DER")),
                0x0104..=OFFSET_MAX => Ok(length),
                _ => Err(Error::Malformed("a certificate longer than any file")),
            }
        }
        // Filler, or nothing at all.
        [] | [0x00 | 0xFF, ..] => Err(Error::Blank),
        _ => Err(Error::Malformed("a file that does not hold a certificate")),
    }
}
