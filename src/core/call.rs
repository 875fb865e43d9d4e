//! One call of a program in one of its sessions.

use std::sync::Arc;

use cryptoki_sys::*;
use zeroize::Zeroizing;

use super::error::Error;
use super::module::Module;
use super::object::{Kind, Object};
use super::operations::Operations;
use super::session::Session;
use crate::token::Certificate;

/// A call in a session: the handle is resolved, and the reader was asked whether the card is still there. Both happen once a
/// call, in [`Module::call`].
pub struct Call {
    pub(super) module: Arc<Module>,
    pub(super) session: Arc<Session>,
}

impl Module {
    /// Begins a call in a session.
    ///
    /// # Errors
    /// [`Error::SessionHandleInvalid`], also if the card is gone: that closes its sessions (PKCS#11 3.2 §5.1.2).
    pub fn call(self: &Arc<Self>, session: CK_SESSION_HANDLE) -> Result<Call, Error> {
        Ok(Call { session: self.sessions().get(session)?, module: Arc::clone(self) })
    }
}

impl Call {
    /// C_GetSessionInfo. Costs no APDU.
    #[must_use]
    pub fn session_info(&self) -> CK_SESSION_INFO {
        self.session.info()
    }

    /// C_SessionCancel: ends the operations that the flags name (PKCS#11 3.2 §5.6.5). An operation that is not under way
    /// is no error, nor is a kind of operation that the module does not have.
    pub fn session_cancel(&self, flags: CK_FLAGS) {
        self.operations().cancel(flags);
    }

    /// C_GenerateRandom: bytes from the card.
    ///
    /// # Errors
    /// [`Error::HostMemory`], and those of talking to the card.
    pub fn random(&self, length: usize) -> Result<Zeroizing<Vec<u8>>, Error> {
        Ok(self.session.token.random(length)?)
    }

    pub(super) fn operations(&self) -> &Operations {
        &self.session.operations
    }

    /// Every object that the token could have.
    pub(super) fn candidates(&self) -> impl Iterator<Item = Object> + use<> {
        Object::candidates(&self.session.token, self.module.settings())
    }

    /// The object that a handle stands for, whether or not it is visible.
    pub(super) fn candidate(&self, handle: CK_OBJECT_HANDLE) -> Option<Object> {
        self.candidates().find(|object| object.handle() == handle)
    }

    /// An object by its handle, as the session sees it.
    ///
    /// # Errors
    /// [`Error::ObjectHandleInvalid`], and those of reading the card.
    pub(super) fn object(&self, handle: CK_OBJECT_HANDLE) -> Result<Object, Error> {
        let object = self.candidate(handle).ok_or(Error::ObjectHandleInvalid)?;
        if object.is_visible()? { Ok(object) } else { Err(Error::ObjectHandleInvalid) }
    }

    /// The certificate of a public key, for a key handle that a program passes for verification.
    ///
    /// # Errors
    /// [`Error::KeyHandleInvalid`], [`Error::KeyFunctionNotPermitted`] for a private key.
    pub(super) fn verifying_certificate(&self, key: CK_OBJECT_HANDLE) -> Result<Arc<Certificate>, Error> {
        let key = self.candidate(key).ok_or(Error::KeyHandleInvalid)?;
        if !key.is_visible()? {
            return Err(Error::KeyHandleInvalid);
        }
        match key.kind {
            Kind::PublicKey => key.certificate()?.ok_or(Error::KeyHandleInvalid),
            Kind::PrivateKey => Err(Error::KeyFunctionNotPermitted),
            Kind::Certificate | Kind::CaCertificate | Kind::Profile(_) => Err(Error::KeyHandleInvalid),
        }
    }
}
