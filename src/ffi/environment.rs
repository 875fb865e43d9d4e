//! What the program and its environment say at C_Initialize: the settings.

use std::ffi::{OsString, c_int, c_void};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use crate::core::Error;
use crate::logging::complain;
use crate::settings::{FromFiles, Places, Settings};

/// The longest settings string, terminator included. Nothing sensible is longer, and a pointer to something else is
/// not followed for ever.
const TEXT_MAX: usize = 4096;

/// The settings of the files, and above them those of the string that came with C_Initialize.
///
/// `reserved` may be any number: PKCS#11 wants NULL there, and a program that means something else by it than settings
/// must not be ended by that.
///
/// # Errors
/// [`Error::ArgumentsBad`] for what is no string, [`Error::GeneralError`] for a file with a mistake in it. Standard error
/// says which, because there is no log yet.
pub(super) fn settings(reserved: *const c_void) -> Result<Settings, Error> {
    let places = Places {
        only: variable("JPKI_PKCS11_CONFIG"),
        config_home: variable("XDG_CONFIG_HOME"),
        home: variable("HOME"),
        user: effective_user(),
    };
    let FromFiles { mut settings, passed_over } = Settings::from_files(&places).map_err(|error| {
        complain(&error.to_string());
        Error::GeneralError
    })?;
    if let Some(passed_over) = passed_over {
        complain(&passed_over.to_string());
    }
    if !reserved.is_null() {
        let probe = Probe::new()?;
        let text = text(|place| probe.read(reserved.cast::<u8>().wrapping_add(place)))?;
        settings.apply_string(&text).map_err(|error| {
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

/// The user whose rights the process has.
pub(super) fn effective_user() -> u32 {
    // SAFETY: asks the kernel for one number.
    unsafe { libc::geteuid() }
}

/// Reads memory of which nothing is known: the kernel copies it through a pipe, and refuses what is no memory.
struct Probe {
    from: OwnedFd,
    to: OwnedFd,
}

impl Probe {
    fn new() -> Result<Self, Error> {
        let mut ends: [c_int; 2] = [0; 2];
        // SAFETY: room for two descriptors.
        if unsafe { libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC) } != 0 {
            return Err(Error::GeneralError);
        }
        let [from, to] = ends;
        // SAFETY: two open descriptors that nobody else has.
        Ok(unsafe { Probe { from: OwnedFd::from_raw_fd(from), to: OwnedFd::from_raw_fd(to) } })
    }

    /// One byte at a time: what is behind the end of a string is not ours.
    fn read(&self, address: *const u8) -> Result<u8, Error> {
        let mut byte = 0_u8;
        // SAFETY: only the kernel reads the first address, the second is the byte's.
        let copied = unsafe {
            libc::write(self.to.as_raw_fd(), address.cast(), 1) == 1
                && libc::read(self.from.as_raw_fd(), (&raw mut byte).cast(), 1) == 1
        };
        if copied { Ok(byte) } else { Err(Error::ArgumentsBad) }
    }
}

/// A string of printable characters. Whatever else is there ends the reading at its first byte that no such string has.
fn text(read: impl Fn(usize) -> Result<u8, Error>) -> Result<String, Error> {
    let mut bytes = Vec::new();
    for place in 0..TEXT_MAX {
        match read(place)? {
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
        text(|place| bytes.get(place).copied().ok_or(Error::ArgumentsBad))
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

    #[test]
    #[cfg_attr(miri, ignore = "in Miri there is no kernel to refuse what is no memory")]
    fn what_is_no_memory_is_refused() {
        let probe = Probe::new().unwrap();
        assert_eq!(probe.read(b"ab".as_ptr().wrapping_add(1)), Ok(b'b'));
        // The lowest page is nobody's.
        assert_eq!(probe.read(std::ptr::without_provenance(1)), Err(Error::ArgumentsBad));
        assert_eq!(probe.read(b"c".as_ptr()), Ok(b'c'), "the next one is not in the way");
    }
}
