//! A program's calls in a session, each like a call from C: the handle is resolved anew each time.

use cryptoki_sys::*;
use jpki_pkcs11::core::{Data, Error, Mechanism, PinEntry};
use zeroize::Zeroizing;

use super::Program;

/// Methods of [`jpki_pkcs11::core::Call`] under the same names, with the session's handle as the first argument.
macro_rules! calls {
    ($($name:ident($($argument:ident: $type:ty),*) -> $answer:ty;)+) => {
        impl Program {
            $(pub(crate) fn $name(&self, session: CK_SESSION_HANDLE, $($argument: $type),*) -> Result<$answer, Error> {
                self.module.call(session)?.$name($($argument),*)
            })+
        }
    };
}

calls! {
    logout() -> ();
    random(length: usize) -> Zeroizing<Vec<u8>>;
    object_size(object: CK_OBJECT_HANDLE) -> usize;
    prohibited(object: CK_OBJECT_HANDLE) -> ();
    find_objects_init(filter: &[(CK_ATTRIBUTE_TYPE, Vec<u8>)]) -> ();
    find_objects(count: usize) -> Vec<CK_OBJECT_HANDLE>;
    find_objects_final() -> ();
    digest_init(mechanism: Mechanism) -> ();
    digest_length(data: Data) -> usize;
    digest_update(part: &[u8]) -> ();
    digest_key(key: CK_OBJECT_HANDLE) -> ();
    digest_final(last: &[u8]) -> Vec<u8>;
    sign_init(mechanism: Mechanism, key: CK_OBJECT_HANDLE) -> ();
    signature_length(data: Data) -> usize;
    sign_update(part: &[u8]) -> ();
    sign_final(last: &[u8]) -> Zeroizing<Vec<u8>>;
    sign_recover_init(mechanism: Mechanism, key: CK_OBJECT_HANDLE) -> ();
    sign_recover_length() -> usize;
    sign_recover(data: &[u8]) -> Zeroizing<Vec<u8>>;
    verify_init(mechanism: Mechanism, key: CK_OBJECT_HANDLE) -> ();
    verify_update(part: &[u8]) -> ();
    verify(data: &[u8], signature: &[u8]) -> ();
    verify_final(signature: &[u8]) -> ();
    verify_signature_init(mechanism: Mechanism, key: CK_OBJECT_HANDLE, signature: &[u8]) -> ();
    verify_signature_update(part: &[u8]) -> ();
    verify_signature(data: &[u8]) -> ();
    verify_signature_final() -> ();
    verify_recover_init(mechanism: Mechanism, key: CK_OBJECT_HANDLE) -> ();
    verify_recover_length() -> usize;
    verify_recover(signature: &[u8]) -> Vec<u8>;
}

impl Program {
    /// C_GetSessionInfo.
    pub(crate) fn session_info(&self, session: CK_SESSION_HANDLE) -> Result<CK_SESSION_INFO, Error> {
        Ok(self.module.call(session)?.session_info())
    }

    /// C_SessionCancel.
    pub(crate) fn session_cancel(&self, session: CK_SESSION_HANDLE, flags: CK_FLAGS) -> Result<(), Error> {
        self.module.call(session)?.session_cancel(flags);
        Ok(())
    }

    /// C_GetAttributeValue, for one attribute at a time.
    pub(crate) fn attributes(
        &self,
        session: CK_SESSION_HANDLE,
        object: CK_OBJECT_HANDLE,
    ) -> Result<impl Fn(CK_ATTRIBUTE_TYPE) -> Result<Zeroizing<Vec<u8>>, Error> + use<>, Error> {
        self.module.call(session)?.attributes(object)
    }

    /// C_Login.
    pub(crate) fn login(&self, session: CK_SESSION_HANDLE, user: CK_USER_TYPE, pin: &[u8]) -> Result<(), Error> {
        self.module.call(session)?.login(user, PinEntry::Typed(pin))
    }

    /// C_Login with NULL for the PIN.
    pub(crate) fn login_on_pad(&self, session: CK_SESSION_HANDLE, user: CK_USER_TYPE) -> Result<(), Error> {
        self.module.call(session)?.login(user, PinEntry::OnPad)
    }

    /// C_SetPIN.
    pub(crate) fn set_pin(&self, session: CK_SESSION_HANDLE, old: &[u8], new: &[u8]) -> Result<(), Error> {
        self.module.call(session)?.set_pin(PinEntry::Typed(old), PinEntry::Typed(new))
    }

    /// C_SetPIN with NULL for both PINs.
    pub(crate) fn set_pin_on_pad(&self, session: CK_SESSION_HANDLE) -> Result<(), Error> {
        self.module.call(session)?.set_pin(PinEntry::OnPad, PinEntry::OnPad)
    }
}
