//! What can be wrong with settings.

use std::fmt;
use std::io::ErrorKind;
use std::path::PathBuf;

/// What is wrong with settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// Something else stands where an entry has to begin.
    NoEntry,
    /// Nothing stands behind the `=` of this key.
    NoValue(String),
    /// A value begins with a quote and has no other.
    NoClosingQuote,
    /// Something that is no comment stands behind a value.
    BehindValue,
    /// A control character other than a tab.
    ControlCharacter,
    /// No setting has this name, but perhaps one that is near.
    UnknownKey(String, Option<&'static str>),
    /// A key has no such value.
    WrongValue {
        /// The key.
        key: String,
        /// The value that it does not have.
        value: String,
        /// Those that it has.
        expected: String,
    },
    /// A key is there twice.
    Twice(String),
    /// Something is wrong on a line, counted from 1.
    OnLine(usize, Box<Error>),
    /// Something is wrong in this file.
    InFile(PathBuf, Box<Error>),
    /// A file cannot be read.
    Unreadable(PathBuf, ErrorKind),
    /// `JPKI_PKCS11_CONFIG` names a file by a path that depends on where the program was started.
    NotAbsolute(PathBuf),
    /// A file is none that can be read to its end: a pipe, a device, a folder.
    NotRegular,
    /// A file is larger than 64 kB.
    TooLarge,
    /// A file belongs to this user, who is neither root nor the program's user.
    OtherOwner(u32),
    /// Others than its owner may write a file.
    WritableByOthers,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::NoEntry => f.write_str("key = value was expected"),
            Error::NoValue(key) => write!(f, "{key:?} has no value; an empty one is written as \"\""),
            Error::NoClosingQuote => f.write_str("a value has no closing quote"),
            Error::BehindValue => f.write_str(
                "something stands behind a value; one with a space, # or = in it is written in double quotes",
            ),
            Error::ControlCharacter => f.write_str("there is a control character"),
            Error::UnknownKey(key, None) => write!(f, "there is no setting {key:?}"),
            Error::UnknownKey(key, Some(near)) => write!(f, "there is no setting {key:?}; did you mean {near:?}?"),
            Error::WrongValue { key, value, expected } => {
                write!(f, "the setting {key:?} takes {expected}, not {value:?}")
            }
            Error::Twice(key) => write!(f, "the setting {key:?} is there twice"),
            Error::OnLine(line, error) => write!(f, "line {line}: {error}"),
            Error::InFile(path, error) => write!(f, "{}: {error}", path.display()),
            Error::Unreadable(path, kind) => write!(f, "{}: {kind}", path.display()),
            Error::NotAbsolute(path) => write!(
                f,
                "JPKI_PKCS11_CONFIG is {:?}, which depends on where the program was started; it takes an absolute path",
                path.display().to_string()
            ),
            Error::NotRegular => f.write_str("not a regular file; settings are read from no other"),
            Error::TooLarge => f.write_str("larger than 64 kB, which no settings are; is it another file?"),
            Error::OtherOwner(user) => write!(
                f,
                "the file belongs to user {user}, and settings are taken from files of root and of the program's own user \
                 only; change its owner, or name another file (after sudo: sudo -H)"
            ),
            Error::WritableByOthers => {
                f.write_str("others than its owner may write the file; take that away from them (chmod go-w)")
            }
        }
    }
}

impl std::error::Error for Error {}
