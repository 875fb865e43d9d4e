//! What can go wrong between us and a card.

use std::fmt;

/// The socket of the PC/SC service, as the distributions build pcsc-lite.
pub(super) const SOCKET: &str = "/run/pcscd/pcscd.comm";

/// An error of the transport. None of them says anything of what was transmitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Error {
    /// No resource manager answers (pcscd is stopped, or was restarted). The next call tries to connect anew.
    ServiceGone,
    /// The resource manager speaks another version of its protocol than the client library.
    OtherVersion,
    /// The resource manager refuses this user.
    Denied,
    /// The system does not let this program connect to the socket of the resource manager.
    NoPermission,
    /// The system does not let this program have local sockets at all.
    NoLocalSockets,
    /// No file descriptor is free for a connection to the resource manager.
    NoDescriptors,
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

impl Error {
    /// The card that was known before cannot be worked with any more: the card has gone, or its reader, or the service
    /// that it was reached through. After any other error the card may well be there.
    #[must_use]
    pub fn loses_card(self) -> bool {
        matches!(self, Error::Removed | Error::NoReader | Error::ServiceGone | Error::OtherVersion)
    }

    /// The service and the card may be well, but this program may not or cannot reach them.
    #[must_use]
    pub fn keeps_us_out(self) -> bool {
        matches!(self, Error::Denied | Error::NoPermission | Error::NoLocalSockets | Error::NoDescriptors)
    }

    /// A failure of the service, and not of one reader or card.
    pub(super) fn is_failure_of_service(self) -> bool {
        self.keeps_us_out() || matches!(self, Error::ServiceGone | Error::OtherVersion | Error::Io(_))
    }

    /// A failure of a new connection. The next question for the readers meets a service that is gone as well.
    pub(super) fn is_failure_of_connecting(self) -> bool {
        self.keeps_us_out() || matches!(self, Error::Io(_))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Error::ServiceGone => {
                return write!(
                    f,
                    "no PC/SC service answers. pcscd is not installed or not running (systemctl start pcscd.socket), or \
                     this container or sandbox has no {SOCKET}"
                );
            }
            Error::OtherVersion => {
                "the PC/SC service speaks another version of its protocol. pcscd and libpcsclite have to be of the same \
                 pcsc-lite: in a container, install the version of the host"
            }
            Error::Denied => {
                "the PC/SC service refuses this user. polkit lets only users at the machine's own screen in, and not ssh, \
                 cron or services: allow org.debian.pcsc-lite.access_pcsc and access_card in /etc/polkit-1/rules.d"
            }
            Error::NoPermission => {
                return write!(
                    f,
                    "permission denied for the socket of the PC/SC service. Let this user, container or sandbox connect \
                     to {SOCKET}"
                );
            }
            Error::NoLocalSockets => {
                "this program may have no local sockets. Allow AF_UNIX (systemd: RestrictAddressFamilies=AF_UNIX)"
            }
            Error::NoDescriptors => {
                "no file descriptor is free. Raise the limit (ulimit -n, systemd: LimitNOFILE=), or close files"
            }
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
            E::SecurityViolation => Error::Denied,
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
    fn a_refusal_of_the_service_has_a_name() {
        assert_eq!(Error::from(pcsc::Error::SecurityViolation), Error::Denied);
    }

    #[test]
    fn a_service_that_went_is_gone_whatever_is_asked() {
        for error in [pcsc::Error::NoService, pcsc::Error::ServiceStopped, pcsc::Error::InvalidHandle] {
            assert_eq!(Error::from(error), Error::ServiceGone, "{error:?}");
        }
    }
}
