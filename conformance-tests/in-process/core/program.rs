//! A program's calls in a session, each as one call of C.

use cryptoki_sys::{CK_SESSION_HANDLE, CK_USER_TYPE};
use jpki_pkcs11::core::{Error, PinEntry};

use super::Program;

impl Program {
    /// C_Login.
    pub(crate) fn login(&self, session: CK_SESSION_HANDLE, user: CK_USER_TYPE, pin: &[u8]) -> Result<(), Error> {
        self.module.login(session, user, PinEntry::Typed(pin))
    }

    /// C_Login with NULL for the PIN.
    pub(crate) fn login_on_pad(&self, session: CK_SESSION_HANDLE, user: CK_USER_TYPE) -> Result<(), Error> {
        self.module.login(session, user, PinEntry::OnPad)
    }

    /// C_SetPIN.
    pub(crate) fn set_pin(&self, session: CK_SESSION_HANDLE, old: &[u8], new: &[u8]) -> Result<(), Error> {
        self.module.set_pin(session, PinEntry::Typed(old), PinEntry::Typed(new))
    }

    /// C_SetPIN with NULL for both PINs.
    pub(crate) fn set_pin_on_pad(&self, session: CK_SESSION_HANDLE) -> Result<(), Error> {
        self.module.set_pin(session, PinEntry::OnPad, PinEntry::OnPad)
    }
}
