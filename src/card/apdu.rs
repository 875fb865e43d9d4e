//! Command and response APDUs (ISO/IEC 7816-4, short form only: card-facts §3 knows of no need for the extended one).

use std::fmt;

use zeroize::Zeroizing;

use super::error::Error;
use crate::transport::Channel;

/// The most data a short command can carry.
const DATA_MAX: usize = 255;

/// The most data a short response can carry; Le = 00 asks for it.
pub(super) const RESPONSE_DATA_MAX: usize = 256;

/// A command, header and all. Its memory is cleared when it is dropped, and its Debug form shows no data, because the
/// data may be a PIN.
pub(super) struct Command(Zeroizing<Vec<u8>>);

impl Command {
    /// Case 1: four bytes, no data in either direction.
    pub(super) fn new(class: u8, instruction: u8, p1: u8, p2: u8) -> Self {
        // Room for all that can follow, so that the data never moves and leaves a copy behind.
        let mut bytes = Zeroizing::new(Vec::with_capacity(6 + DATA_MAX));
        bytes.extend_from_slice(&[class, instruction, p1, p2]);
        Command(bytes)
    }

    /// Adds Lc and the data.
    ///
    /// # Errors
    /// [`Error::Malformed`] for more than 255 bytes, or none: no caller has a reason for either.
    pub(super) fn data(mut self, data: &[u8]) -> Result<Self, Error> {
        match u8::try_from(data.len()) {
            Ok(length) if length > 0 => {
                self.0.push(length);
                self.0.extend_from_slice(data);
                Ok(self)
            }
            _ => Err(Error::Malformed("command data of a wrong length")),
        }
    }

    /// Adds Le: how many bytes the response may have, 1 to 256.
    pub(super) fn wanting(mut self, length: usize) -> Self {
        // 256 and more are written as 00, "all there is, up to 256".
        self.0.push(u8::try_from(length).unwrap_or(0));
        self
    }

    /// Sends the command.
    pub(super) fn send(&self, channel: &mut dyn Channel) -> Result<Response, Error> {
        let response = Response::from_bytes(channel.transmit(&self.0)?)?;
        log::trace!("{self:?} -> {} bytes, {}", response.data.len(), response.status);
        Ok(response)
    }
}

impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Nothing behind the header, not even a length: it would be that of a PIN.
        for byte in self.0.iter().take(4) {
            write!(f, "{byte:02X}")?;
        }
        Ok(())
    }
}

/// A response: data and status word. No Debug: the data may be private.
pub(super) struct Response {
    pub(super) data: Zeroizing<Vec<u8>>,
    pub(super) status: StatusWord,
}

impl Response {
    pub(super) fn from_bytes(mut bytes: Zeroizing<Vec<u8>>) -> Result<Self, Error> {
        let (Some(sw2), Some(sw1)) = (bytes.pop(), bytes.pop()) else {
            return Err(Error::Malformed("response without a status word"));
        };
        Ok(Response { data: bytes, status: StatusWord(u16::from_be_bytes([sw1, sw2])) })
    }

    /// The data, if the status is 9000.
    ///
    /// # Errors
    /// The general meaning of any other status word.
    pub(super) fn success(self) -> Result<Zeroizing<Vec<u8>>, Error> {
        match self.status {
            StatusWord::OK => Ok(self.data),
            StatusWord::SECURITY_STATUS => Err(Error::Locked),
            StatusWord::NOT_FOUND => Err(Error::NotFound),
            status => Err(Error::Refused(status)),
        }
    }
}

/// A status word SW1-SW2. The meanings are JICSAP's (card-facts §8).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct StatusWord(pub u16);

impl StatusWord {
    /// Success.
    pub const OK: Self = Self(0x9000);
    /// From a PIN pad: nobody has typed in time (PC/SC part 10 §2.5.2). The card's own 6400 is an execution error.
    pub const PAD_TIMEOUT: Self = Self(0x6400);
    /// From a PIN pad: cancelled with its key for that.
    pub const PAD_CANCELLED: Self = Self(0x6401);
    /// From a PIN pad: the new PIN was typed in two ways.
    pub const PAD_MISMATCH: Self = Self(0x6402);
    /// From a PIN pad: too few or too many characters.
    pub const PAD_LENGTH: Self = Self(0x6403);
    /// Wrong PIN on a reference without a counter.
    pub const WRONG_PIN: Self = Self(0x6300);
    /// Wrong file type for the command: reading a key or PIN file.
    pub const FILE_TYPE: Self = Self(0x6981);
    /// Security status not satisfied: the PIN was not verified.
    pub const SECURITY_STATUS: Self = Self(0x6982);
    /// ISO's "authentication method blocked". Two programs assume it, nobody has seen it here (card-facts, conflict 2).
    pub const BLOCKED_ISO: Self = Self(0x6983);
    /// The PIN is locked (measured; single source, consistent with JICSAP).
    pub const BLOCKED: Self = Self(0x6984);
    /// No current EF (single source).
    pub const NO_CURRENT_FILE: Self = Self(0x6986);
    /// Function not supported.
    pub const NOT_SUPPORTED: Self = Self(0x6A81);
    /// File or application not found.
    pub const NOT_FOUND: Self = Self(0x6A82);
    /// Wrong P1 or P2: unknown signing scheme, or a form of the command that the card does not know.
    pub const WRONG_PARAMETERS: Self = Self(0x6A86);
    /// Referenced key not set.
    pub const NO_REFERENCE: Self = Self(0x6A88);
    /// Offset outside of the EF.
    pub const OUTSIDE: Self = Self(0x6B00);
    /// Internal error; on one card the answer to the first command after power-up (card-facts §1.3, single source).
    pub const INTERNAL: Self = Self(0x6F00);

    /// Tries left in a 63Cx answer.
    #[must_use]
    pub fn tries_left(self) -> Option<u8> {
        let [high, low] = self.0.to_be_bytes();
        (high == 0x63 && low & 0xF0 == 0xC0).then_some(low & 0x0F)
    }

    /// The PIN is locked, in any of the ways a card could say so.
    #[must_use]
    pub fn is_blocked(self) -> bool {
        matches!(self, Self::BLOCKED | Self::BLOCKED_ISO) || self.tries_left() == Some(0)
    }

    /// Something went wrong on the card, which says nothing of what is there: execution, memory or internal errors.
    #[must_use]
    pub fn is_failure(self) -> bool {
        let [high, _] = self.0.to_be_bytes();
        matches!(high, 0x64 | 0x65 | 0x6F)
    }

    /// The card does not know this form of the command, so that another form may do. None of these is an answer to a
    /// PIN that was compared.
    #[must_use]
    pub fn refuses_form(self) -> bool {
        matches!(
            self,
            Self::WRONG_PARAMETERS
                | Self::NOT_FOUND
                | Self::NOT_SUPPORTED
                | Self::NO_REFERENCE
                | Self::NO_CURRENT_FILE
                | Self::OUTSIDE
        )
    }
}

impl fmt::Display for StatusWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04X}", self.0)
    }
}

impl fmt::Debug for StatusWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport;

    /// A card that keeps what it gets, and gives one answer.
    struct Deaf {
        got: Vec<u8>,
        answer: Vec<u8>,
    }

    impl Channel for Deaf {
        fn transmit(&mut self, command: &[u8]) -> Result<Zeroizing<Vec<u8>>, transport::Error> {
            self.got = command.to_vec();
            Ok(Zeroizing::new(self.answer.clone()))
        }
    }

    fn sent(command: &Command) -> Vec<u8> {
        let mut card = Deaf { got: Vec::new(), answer: vec![0x90, 0x00] };
        command.send(&mut card).map(|_| ()).unwrap();
        card.got
    }

    #[test]
    fn the_four_cases_of_commands() {
        let command = || Command::new(0x00, 0xA4, 0x02, 0x0C);
        assert_eq!(sent(&command()), [0x00, 0xA4, 0x02, 0x0C]);
        assert_eq!(sent(&command().wanting(2)), [0x00, 0xA4, 0x02, 0x0C, 2]);
        assert_eq!(sent(&command().wanting(256)), [0x00, 0xA4, 0x02, 0x0C, 0]);
        assert_eq!(sent(&command().data(&[7, 8]).unwrap()), [0x00, 0xA4, 0x02, 0x0C, 2, 7, 8]);
        let longest = sent(&command().data(&[9; 255]).unwrap().wanting(256));
        assert_eq!((longest.len(), longest[4], longest[260]), (261, 255, 0));
        for wrong in [&[][..], &[1; 256]] {
            assert!(command().data(wrong).is_err(), "{} bytes", wrong.len());
        }
        assert_eq!(format!("{:?}", command().data(b"1234").unwrap()), "00A4020C", "no data in a log");
    }

    #[test]
    fn responses_of_any_length() {
        let answer = |bytes: &[u8]| {
            let mut card = Deaf { got: Vec::new(), answer: bytes.to_vec() };
            Command::new(0, 0, 0, 0).send(&mut card).and_then(Response::success).map(|data| data.to_vec())
        };
        let cut = Err(Error::Malformed("response without a status word"));
        assert_eq!((answer(&[]), answer(&[0x90])), (cut.clone(), cut));
        assert_eq!(answer(&[0x90, 0x00]), Ok(vec![]));
        assert_eq!(answer(&[1, 2, 0x90, 0x00]), Ok(vec![1, 2]));
        assert_eq!(answer(&[1, 0x69, 0x82]), Err(Error::Locked));
        assert_eq!(answer(&[0x6A, 0x82]), Err(Error::NotFound));
        assert_eq!(answer(&[0x6F, 0x00]), Err(Error::Refused(StatusWord::INTERNAL)));
    }

    #[test]
    fn tries_in_a_status_word() {
        assert_eq!(StatusWord(0x63C3).tries_left(), Some(3));
        assert_eq!(StatusWord(0x6300).tries_left(), None);
        assert_eq!(StatusWord(0x62C3).tries_left(), None);
        assert!(StatusWord(0x63C0).is_blocked() && !StatusWord(0x63C1).is_blocked());
    }
}
