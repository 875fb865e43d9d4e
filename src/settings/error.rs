//! What can be wrong with settings.

use std::fmt;
use std::path::PathBuf;

/// What is wrong with a setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// No setting has this name.
    UnknownKey(String),
    /// The setting has no such value. The text tells which ones it has.
    WrongValue(String, &'static str),
    /// The text does not have the form of settings.
    WrongForm(String),
    /// Something is wrong in this file.
    InFile(PathBuf, Box<Error>),
    /// A file that was named cannot be read.
    Unreadable(PathBuf, std::io::ErrorKind),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::UnknownKey(key) => write!(f, "there is no setting {key:?}"),
            Error::WrongValue(key, values) => write!(f, "the setting {key:?} takes {values}"),
            Error::WrongForm(what) => write!(f, "not settings: {what}"),
            Error::InFile(path, error) => write!(f, "{}: {error}", path.display()),
            Error::Unreadable(path, kind) => write!(f, "{}: {kind}", path.display()),
        }
    }
}

impl std::error::Error for Error {}
