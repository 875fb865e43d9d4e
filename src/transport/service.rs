//! The way to the PC/SC service, and why there is none.

use std::io;
use std::os::unix::net::UnixStream;

use pcsc::{Context, Scope};

use super::error::{Error, SOCKET};

/// A new context of the service.
///
/// # Errors
/// One that names the cause, because pcsc-lite has one result for most of them (SCARD_E_NO_SERVICE).
pub(super) fn establish() -> Result<Context, Error> {
    Context::establish(Scope::User).map_err(|error| match error {
        pcsc::Error::NoService => {
            UnixStream::connect(SOCKET).map_or_else(|error| cause(&error), |_| Error::ServiceGone)
        }
        // pcscd answers this to a client that speaks another version of the protocol.
        pcsc::Error::ServiceStopped => Error::OtherVersion,
        error => error.into(),
    })
}

/// Why the socket of the service cannot be connected to.
fn cause(error: &io::Error) -> Error {
    match error.raw_os_error() {
        Some(libc::EMFILE | libc::ENFILE) => Error::NoDescriptors,
        Some(libc::EACCES | libc::EPERM) => Error::NoPermission,
        Some(libc::EAFNOSUPPORT) => Error::NoLocalSockets,
        _ => Error::ServiceGone,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_that_cannot_be_connected_to_has_a_cause() {
        for (number, error) in [
            (libc::ENOENT, Error::ServiceGone),
            (libc::ECONNREFUSED, Error::ServiceGone),
            (libc::EMFILE, Error::NoDescriptors),
            (libc::ENFILE, Error::NoDescriptors),
            (libc::EACCES, Error::NoPermission),
            (libc::EPERM, Error::NoPermission),
            (libc::EAFNOSUPPORT, Error::NoLocalSockets),
        ] {
            assert_eq!(cause(&io::Error::from_raw_os_error(number)), error, "{number}");
        }
    }
}
