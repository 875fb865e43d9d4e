//! The name of a reader, which need not be text.

use std::ffi::{CStr, CString};
use std::fmt;

/// The name that the resource manager gives a reader: the bytes to ask and connect with, and a text to show.
///
/// PC/SC says nothing of an encoding. A reader's entry in pcscd's configuration may be in Shift_JIS, and pcscd cuts a long
/// name after so many bytes, in the middle of a character.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReaderName {
    bytes: CString,
    text: String,
}

impl ReaderName {
    /// The name that these bytes are. The text has U+FFFD in place of what is not UTF-8.
    #[must_use]
    pub fn new(bytes: CString) -> Self {
        ReaderName { text: bytes.to_string_lossy().into_owned(), bytes }
    }

    /// What PC/SC knows the reader by.
    #[must_use]
    pub fn bytes(&self) -> &CStr {
        &self.bytes
    }

    /// What a person sees. Two readers may have the same text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for ReaderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_look_the_same_may_be_two() {
        let [one, other] = [c"\x83J\x81[\x83h", c"\x83J\x81\\\x83h"].map(|bytes| ReaderName::new(bytes.to_owned()));
        assert!(one != other && one.bytes() != other.bytes());
        let cut = ReaderName::new(c"\xE7\xBD\xB2\xE5\x90 00 00".to_owned());
        assert_eq!((cut.text(), cut.bytes()), ("署\u{FFFD} 00 00", c"\xE7\xBD\xB2\xE5\x90 00 00"));
    }
}
