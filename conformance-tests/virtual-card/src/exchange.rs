//! The record of commands and answers, without their secrets.

use std::fmt;

/// What stands in the place of a secret byte.
const MASK: u8 = b'*';

/// One command and its answer, as bytes. A `*` replaces each byte of PINs and of the signature certificate (which holds
/// its holder's name and address), so the lengths stay true.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// The command; the data of VERIFY and CHANGE REFERENCE DATA are masked.
    pub command: Vec<u8>,
    /// The answer with its status word; data from the signature certificate's file are masked.
    pub response: Vec<u8>,
}

impl Exchange {
    /// The record of one exchange. With `secret_response` the data of the answer are masked.
    pub(crate) fn new(command: &[u8], response: &[u8], secret_response: bool) -> Exchange {
        let mut exchange = Exchange { command: command.to_vec(), response: response.to_vec() };
        // VERIFY, CHANGE REFERENCE DATA, and the forms other applications use (card-facts §4.4).
        if matches!(command.get(1), Some(0x20 | 0x21 | 0x24 | 0x2C | 0x32)) {
            exchange.command.iter_mut().skip(5).for_each(|b| *b = MASK);
        }
        if secret_response {
            let data = response.len().saturating_sub(2);
            exchange.response.iter_mut().take(data).for_each(|b| *b = MASK);
        }
        exchange
    }

    /// The bytes that went over the link, both ways.
    pub fn byte_count(&self) -> usize {
        self.command.len() + self.response.len()
    }
}

/// One line of hexadecimal: `00 20 00 80 04 ** ** ** ** -> 90 00`.
impl fmt::Display for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (header, body) = self.command.split_at(self.command.len().min(5));
        hex(f, header, false)?;
        hex(f, body, is_masked(body))?;
        f.write_str("->")?;
        let (data, status) = self.response.split_at(self.response.len().saturating_sub(2));
        f.write_str(" ")?;
        hex(f, data, is_masked(data))?;
        match status {
            [sw1, sw2] => write!(f, "{sw1:02X} {sw2:02X}"),
            _ => f.write_str("(no status word)"),
        }
    }
}

fn is_masked(bytes: &[u8]) -> bool {
    bytes.iter().all(|&b| b == MASK)
}

fn hex(f: &mut fmt::Formatter<'_>, bytes: &[u8], masked: bool) -> fmt::Result {
    for byte in bytes {
        if masked {
            f.write_str("** ")?;
        } else {
            write!(f, "{byte:02X} ")?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_is_never_kept() {
        let exchange = Exchange::new(b"\x00\x20\x00\x80\x041234", b"\x90\x00", false);
        assert_eq!(exchange.command, b"\x00\x20\x00\x80\x04****");
        assert_eq!(exchange.to_string(), "00 20 00 80 04 ** ** ** ** -> 90 00");
    }

    #[test]
    fn secret_data_is_masked_and_the_status_word_kept() {
        let exchange = Exchange::new(b"\x00\xB0\x00\x00\x02", b"\x30\x82\x90\x00", true);
        assert_eq!(exchange.response, b"**\x90\x00");
        assert_eq!(exchange.to_string(), "00 B0 00 00 02 -> ** ** 90 00");
    }
}
