//! What can go wrong between us and a card.

use std::fmt;

/// An error of the transport. None of them says anything of what was transmitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Error {
    /// No resource manager answers (pcscd is stopped, or was restarted). The next call tries to connect anew.
    ServiceGone,
    /// No such reader, or it has been unplugged.
    NoReader,
    /// The card is not in the reader any more, or another one is.
    Removed,
    /// Another program reset the card while we talked to it.
    Reset,
    /// Another program keeps the card for itself.
    Busy,
    /// The card does not answer to power: inserted the wrong way round, dirty, or not a smart card.
    Unresponsive,
    /// The reader has no PIN pad, or not for this.
    NoPinPad,
    /// Any other failure, with PC/SC's name for it.
    Io(&'static str),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Error::ServiceGone => "the PC/SC service does not answer",
            Error::NoReader => "the reader is gone",
            Error::Removed => "the card was removed",
            Error::Reset => "another program reset the card",
            Error::Busy => "another program keeps the card for itself",
            Error::Unresponsive => "the card does not answer to power",
            Error::NoPinPad => "the reader has no PIN pad for this",
            Error::Io(name) => return write!(f, "PC/SC: {name}"),
        })
    }
}

impl std::error::Error for Error {}

/// The one table from PC/SC's results to ours.
impl From<pcsc::Error> for Error {
    fn from(error: pcsc::Error) -> Self {
        use pcsc::Error as E;
        match error {
            E::NoService | E::ServiceStopped | E::InvalidHandle | E::CommError | E::Shutdown => Error::ServiceGone,
            // pcscd answers "invalid value" for a handle to a reader that has been unplugged.
            E::UnknownReader | E::ReaderUnavailable | E::NoReadersAvailable | E::InvalidValue => Error::NoReader,
            E::NoSmartcard | E::RemovedCard => Error::Removed,
            E::ResetCard => Error::Reset,
            E::SharingViolation => Error::Busy,
            E::UnresponsiveCard | E::UnpoweredCard | E::UnsupportedCard | E::ProtoMismatch => Error::Unresponsive,
            E::NotTransacted => Error::Io("SCARD_E_NOT_TRANSACTED"),
            E::Timeout => Error::Io("SCARD_E_TIMEOUT"),
            E::Cancelled => Error::Io("SCARD_E_CANCELLED"),
            E::InsufficientBuffer => Error::Io("SCARD_E_INSUFFICIENT_BUFFER"),
            E::NoMemory => Error::Io("SCARD_E_NO_MEMORY"),
            E::InternalError => Error::Io("SCARD_F_INTERNAL_ERROR"),
            E::UnknownError => Error::Io("SCARD_F_UNKNOWN_ERROR"),
            E::InvalidParameter => Error::Io("SCARD_E_INVALID_PARAMETER"),
            E::NotReady => Error::Io("SCARD_E_NOT_READY"),
            E::UnsupportedFeature => Error::Io("SCARD_E_UNSUPPORTED_FEATURE"),
            _ => Error::Io("another error"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_that_went_is_no_reader() {
        // Asked by its name, and over a handle that was open when it went.
        for error in [pcsc::Error::UnknownReader, pcsc::Error::ReaderUnavailable, pcsc::Error::InvalidValue] {
            assert_eq!(Error::from(error), Error::NoReader, "{error:?}");
        }
    }

    #[test]
    fn a_service_that_went_is_gone_whatever_is_asked() {
        for error in [pcsc::Error::NoService, pcsc::Error::ServiceStopped, pcsc::Error::InvalidHandle] {
            assert_eq!(Error::from(error), Error::ServiceGone, "{error:?}");
        }
    }
}
