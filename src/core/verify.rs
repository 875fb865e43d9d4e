//! Verification of signatures, in software (PKCS#11 3.2 §5.15).

use std::sync::Arc;

use cryptoki_sys::{CK_OBJECT_HANDLE, CK_SESSION_HANDLE};

use super::error::Error;
use super::mechanism::{Mechanism, Message};
use super::module::Module;
use super::object::{Kind, Object};
use crate::token::Certificate;

/// A verification that has begun.
pub(super) struct VerifyOperation {
    message: Message,
    /// The certificate whose key verifies.
    certificate: Arc<Certificate>,
}

impl Module {
    /// C_VerifyInit.
    ///
    /// # Errors
    /// [`Error::OperationActive`], [`Error::KeyHandleInvalid`], [`Error::KeyFunctionNotPermitted`] for a private key,
    /// [`Error::MechanismInvalid`], [`Error::MechanismParamInvalid`].
    pub fn verify_init(
        &self,
        session: CK_SESSION_HANDLE,
        mechanism: Mechanism,
        key: CK_OBJECT_HANDLE,
    ) -> Result<(), Error> {
        let session = self.session(session)?;
        if session.operations.lock().verify.is_some() {
            return Err(Error::OperationActive);
        }
        let signing = mechanism.signing(session.token.knows_pss())?;
        let key = Object::by_handle(&session.token, key).ok_or(Error::KeyHandleInvalid)?;
        if !key.is_visible(self)? {
            return Err(Error::KeyHandleInvalid);
        }
        match key.kind {
            Kind::PublicKey => {}
            Kind::PrivateKey => return Err(Error::KeyFunctionNotPermitted),
            Kind::Certificate | Kind::CaCertificate | Kind::Profile(_) => return Err(Error::KeyHandleInvalid),
        }
        let certificate = key.certificate()?.ok_or(Error::KeyHandleInvalid)?;
        session.operations.lock().verify = Some(VerifyOperation { message: Message::new(signing), certificate });
        Ok(())
    }

    /// C_VerifyUpdate.
    ///
    /// # Errors
    /// [`Error::OperationNotInitialized`]; [`Error::DataLenRange`] ends the operation.
    pub fn verify_update(&self, session: CK_SESSION_HANDLE, part: &[u8]) -> Result<(), Error> {
        let session = self.session(session)?;
        let mut operations = session.operations.lock();
        let message = &mut operations.verify.as_mut().ok_or(Error::OperationNotInitialized)?.message;
        message.in_parts = true;
        let answer = message.add(part);
        if answer.is_err() {
            operations.verify = None;
        }
        answer
    }

    /// Ends the message and verifies its signature: C_Verify with the whole message (`Some`), C_VerifyFinal with
    /// nothing more of it (`None`).
    ///
    /// # Errors
    /// [`Error::OperationNotInitialized`]; [`Error::OperationActive`] for C_Verify after parts;
    /// [`Error::SignatureLenRange`], [`Error::SignatureInvalid`], [`Error::DataLenRange`].
    pub fn verify_final(
        &self,
        session: CK_SESSION_HANDLE,
        whole: Option<&[u8]>,
        signature: &[u8],
    ) -> Result<(), Error> {
        let session = self.session(session)?;
        let operation = {
            let mut operations = session.operations.lock();
            let under_way = operations.verify.as_ref().ok_or(Error::OperationNotInitialized)?;
            if whole.is_some() && under_way.message.in_parts {
                return Err(Error::OperationActive);
            }
            operations.verify.take().ok_or(Error::OperationNotInitialized)?
        };
        let VerifyOperation { mut message, certificate } = operation;
        message.add(whole.unwrap_or_default())?;
        let scheme = message.scheme();
        let input = message.finish()?;
        if signature.len() != certificate.public_key().size() {
            return Err(Error::SignatureLenRange);
        }
        let right = certificate.public_key().accepts(scheme, &input, signature);
        if right { Ok(()) } else { Err(Error::SignatureInvalid) }
    }

    /// Ends the operation without a result.
    pub fn verify_cancel(&self, session: CK_SESSION_HANDLE) {
        if let Ok(session) = self.session(session) {
            session.operations.lock().verify = None;
        }
    }
}
