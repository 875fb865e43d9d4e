//! What can go wrong with a JPKI card.

use std::fmt;

use super::status_word::StatusWord;
use crate::transport;

/// An error of the card driver. None of them holds data of the card or a PIN.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Error {
    /// The bytes did not get through.
    Transport(transport::Error),
    /// No JPKI application: another kind of card.
    NotJpki,
    /// The PIN that protects this has not been verified (6982).
    Locked,
    /// No such file (6A82).
    NotFound,
    /// The file is there and holds nothing: filler, or no bytes at all.
    Blank,
    /// The card refused a later part of a file, though it had given the first one.
    ReadInterrupted,
    /// The card compared the PIN and it was wrong. The tries left, if the card said so.
    WrongPin(Option<u8>),
    /// The user has cancelled at the PIN pad, or typed nothing in time. The card has seen nothing.
    PadCancelled,
    /// The new PIN was typed in two ways at the PIN pad. The card has not seen it.
    PadMismatch,
    /// Too few or too many characters were typed at the PIN pad. The card has not seen them.
    PadLength,
    /// No tries are left for this PIN; only the municipal office can reset it.
    PinLocked,
    /// The PIN was never set (6A88, what ISO/IEC 7816-4 calls it; no card was seen to say so, card-facts §7).
    NoPin,
    /// The card does not know this signature scheme (6A86).
    UnknownScheme,
    /// Any other status word.
    Refused(StatusWord),
    /// The card, or our caller, sent what cannot be.
    Malformed(&'static str),
}

impl Error {
    /// The card may have carried out the command all the same: its answer was lost, or malformed, or reports a failure on
    /// the way.
    #[must_use]
    pub fn may_have_worked(self) -> bool {
        match self {
            Error::Transport(_) | Error::Malformed(_) => true,
            Error::Refused(status) => status.is_failure(),
            _ => false,
        }
    }
}

impl From<transport::Error> for Error {
    fn from(error: transport::Error) -> Self {
        Error::Transport(error)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Transport(error) => error.fmt(f),
            Error::NotJpki => f.write_str("not a card with the JPKI application"),
            Error::Locked => f.write_str("the PIN has not been verified"),
            Error::NotFound => f.write_str("the file is not on the card"),
            Error::Blank => f.write_str("the file is blank"),
            Error::ReadInterrupted => f.write_str("the file could not be read to its end"),
            Error::WrongPin(Some(left)) => write!(f, "wrong PIN, {left} tries left"),
            Error::WrongPin(None) => f.write_str("wrong PIN"),
            Error::PadCancelled => f.write_str("cancelled at the PIN pad"),
            Error::PadMismatch => f.write_str("two different new PINs at the PIN pad"),
            Error::PadLength => f.write_str("a PIN of a wrong length at the PIN pad"),
            Error::PinLocked => f.write_str("the PIN is locked"),
            Error::NoPin => f.write_str("the PIN was never set"),
            Error::UnknownScheme => f.write_str("the card does not know this signature scheme"),
            Error::Refused(status) => write!(f, "the card answered {status}"),
            Error::Malformed(what) => f.write_str(what),
        }
    }
}

impl std::error::Error for Error {}
