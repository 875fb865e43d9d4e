//! The errors of an identity.

use std::path::PathBuf;
use std::{fmt, io};

use rsa::pkcs8;

/// Why an identity could not be made or read.
#[derive(Debug)]
pub enum Error {
    /// A file or folder could not be read or written.
    File(PathBuf, io::Error),
    /// A file does not hold a private key.
    Key(PathBuf, pkcs8::Error),
    /// A public key could not be encoded.
    PublicKey(pkcs8::spki::Error),
    /// A certificate could not be encoded.
    Certificate(der::Error),
    /// A key could not be made or used.
    Rsa(rsa::Error),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::File(path, error) => write!(f, "{}: {error}", path.display()),
            Error::Key(path, error) => write!(f, "{}: {error}", path.display()),
            Error::PublicKey(error) => write!(f, "cannot encode a public key: {error}"),
            Error::Certificate(error) => write!(f, "cannot encode a certificate: {error}"),
            Error::Rsa(error) => write!(f, "cannot use an RSA key: {error}"),
        }
    }
}

impl std::error::Error for Error {}

impl From<der::Error> for Error {
    fn from(error: der::Error) -> Self {
        Error::Certificate(error)
    }
}

impl From<rsa::Error> for Error {
    fn from(error: rsa::Error) -> Self {
        Error::Rsa(error)
    }
}
