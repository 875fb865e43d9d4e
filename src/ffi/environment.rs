//! What the program and its environment say at C_Initialize: the settings.

use std::ffi::{OsString, c_void};

use super::pointers::read;
use crate::core::Error;
use crate::logging::complain;
use crate::settings::{Places, Settings};

/// The longest settings string, terminator included. Nothing sensible is longer, and a pointer to something else is
/// not followed for ever.
const TEXT_MAX: usize = 4096;

/// The settings of the files, and above them those of the string that came with C_Initialize.
///
/// # Errors
/// [`Error::ArgumentsBad`] for a string that is none, [`Error::GeneralError`] for a file with a mistake in it, which
/// standard error tells: there is no log yet.
///
/// # Safety
/// `reserved` is NULL or points to a string with a terminator, or to memory with a byte that is not printable.
pub(super) unsafe fn settings(reserved: *const c_void) -> Result<Settings, Error> {
    let places = Places {
        only: variable("JPKI_PKCS11_CONFIG"),
        config_home: variable("XDG_CONFIG_HOME"),
        home: variable("HOME"),
    };
    let mut settings = Settings::from_files(&places).map_err(|error| {
        complain(&error.to_string());
        Error::GeneralError
    })?;
    if !reserved.is_null() {
        // SAFETY: by this function's contract.
        let text = unsafe { text(reserved.cast()) }?;
        settings.apply_text(&text).map_err(|error| {
            complain(&error.to_string());
            Error::ArgumentsBad
        })?;
    }
    Ok(settings)
}

/// A variable of the environment; none in a program that runs with more rights than its user.
fn variable(name: &str) -> Option<OsString> {
    // SAFETY: reads one number that the kernel gave the process when it started.
    let privileged = unsafe { libc::getauxval(libc::AT_SECURE) } != 0;
    if privileged { None } else { std::env::var_os(name) }
}

/// A string of printable characters. Whatever else the pointer leads to ends the reading at its first byte that no
/// such string has.
///
/// # Safety
/// As for [`settings`].
unsafe fn text(pointer: *const u8) -> Result<String, Error> {
    let mut bytes = Vec::new();
    for place in 0..TEXT_MAX {
        // SAFETY: all bytes before were printable, so this one belongs to the string, or is its terminator.
        match unsafe { read(pointer.wrapping_add(place)) }? {
            0 => return String::from_utf8(bytes).map_err(|_| Error::ArgumentsBad),
            control if control.is_ascii_control() && control != b'\t' => break,
            byte => bytes.push(byte),
        }
    }
    Err(Error::ArgumentsBad)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The string in memory that ends with these bytes.
    fn read_from(bytes: &[u8]) -> Result<String, Error> {
        let memory = bytes.to_vec().into_boxed_slice();
        // SAFETY: each of the tests has a terminator in it, or a byte that is not printable, or is long enough.
        unsafe { text(memory.as_ptr()) }
    }

    #[test]
    fn a_string_ends_at_its_terminator() {
        assert_eq!(read_from(b"\0"), Ok(String::new()));
        assert_eq!(read_from(b"slots=auth\tlabels=ja\0"), Ok("slots=auth\tlabels=ja".into()));
        assert_eq!(read_from("readers=日本\0".as_bytes()), Ok("readers=日本".into()));
        assert_eq!(read_from(b"\xFF\0"), Err(Error::ArgumentsBad));
    }

    #[test]
    fn what_is_no_string_is_not_followed() {
        for junk in [&b"\x01"[..], b"abc\x7F", b"line\n"] {
            assert_eq!(read_from(junk), Err(Error::ArgumentsBad), "{junk:?}");
        }
        assert_eq!(read_from(&[b'a'; TEXT_MAX]), Err(Error::ArgumentsBad), "without an end");
    }
}
