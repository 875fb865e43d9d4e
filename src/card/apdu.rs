//! Command and response APDUs (ISO/IEC 7816-4, short form only: card-facts §3 knows of no need for the extended one).

use std::fmt;

use zeroize::Zeroizing;

use super::error::Error;
use super::status_word::StatusWord;
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
        // Room for all that can follow: data that moves leaves a copy behind.
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
}
