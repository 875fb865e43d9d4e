//! What can go wrong with a token.

use std::fmt;

use crate::{card, transport};

/// An error of a token. None of them holds a PIN, or anything of a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Error {
    /// The card is not in its reader any more, or the reader or the PC/SC service has gone.
    Removed,
    /// The PIN is wrong, or of a form that no PIN of this token can have. No try was spent on a wrong form, nor on a
    /// PIN that the card had refused already.
    PinIncorrect,
    /// No tries are left.
    PinLocked,
    /// The new PIN is too short or too long.
    NewPinLength,
    /// The new PIN has characters that it may not have, or lacks one of the kinds it must have.
    NewPinCharacters,
    /// The new PIN was typed in two ways at the PIN pad.
    NewPinMismatch,
    /// The user has cancelled at the PIN pad, or typed nothing in time.
    Cancelled,
    /// The reader has no PIN pad for this.
    NoPinPad,
    /// Only one try is left, and the settings forbid risking it.
    LastTry,
    /// The PIN was never set, as far as the card says.
    NoPin,
    /// Nobody is logged in, or the card stopped accepting the PIN of the one who was.
    NotLoggedIn,
    /// The user is logged in already.
    AlreadyLoggedIn,
    /// The token has no such key: no certificate was issued for it.
    NoKey,
    /// The card does not sign in this way.
    UnknownScheme,
    /// The card gave a signature that does not fit the token's public key.
    WrongSignature,
    /// Another program keeps the card for itself.
    Busy,
    /// The program has no memory for what it asked for.
    HostMemory,
    /// Anything else that the card or its reader answered.
    Card(card::Error),
}

impl From<card::Error> for Error {
    fn from(error: card::Error) -> Self {
        match error {
            card::Error::Transport(error) => error.into(),
            card::Error::WrongPin(_) | card::Error::PadLength => Error::PinIncorrect,
            card::Error::PadMismatch => Error::NewPinMismatch,
            card::Error::PadCancelled => Error::Cancelled,
            card::Error::PinLocked => Error::PinLocked,
            card::Error::NoPin => Error::NoPin,
            card::Error::UnknownScheme => Error::UnknownScheme,
            error => Error::Card(error),
        }
    }
}

impl From<transport::Error> for Error {
    fn from(error: transport::Error) -> Self {
        match error {
            error if error.loses_card() => Error::Removed,
            transport::Error::Busy => Error::Busy,
            transport::Error::NoPinPad => Error::NoPinPad,
            error => Error::Card(card::Error::Transport(error)),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Error::Removed => "the card is gone, or its reader, or the PC/SC service",
            Error::PinIncorrect => "the PIN is incorrect",
            Error::PinLocked => "the PIN is locked",
            Error::NewPinLength => "the new PIN is too short or too long",
            Error::NewPinCharacters => "the new PIN has characters it may not have, or lacks some it must have",
            Error::NewPinMismatch => "two different new PINs at the PIN pad",
            Error::Cancelled => "cancelled at the PIN pad",
            Error::NoPinPad => "the reader has no PIN pad for this",
            Error::LastTry => "the last try is not risked",
            Error::NoPin => "the PIN was never set",
            Error::NotLoggedIn => "nobody is logged in",
            Error::AlreadyLoggedIn => "the user is logged in already",
            Error::NoKey => "the token has no key",
            Error::UnknownScheme => "the card does not sign in this way",
            Error::WrongSignature => "the card gave a wrong signature",
            Error::Busy => "another program keeps the card for itself",
            Error::HostMemory => "no memory for what was asked for",
            Error::Card(error) => return error.fmt(f),
        })
    }
}

impl std::error::Error for Error {}
