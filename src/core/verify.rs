//! Verification of signatures, in software (PKCS#11 3.2 §5.15).

use std::sync::Arc;

use cryptoki_sys::{CK_OBJECT_HANDLE, CK_SESSION_HANDLE};

use super::error::Error;
use super::mechanism::{Mechanism, Message};
use super::module::Module;
use super::object::Kind;
use super::operations::{VerifyOperation, begin};
use super::session::Session;
use crate::token::Certificate;

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
        self.start_verification(session, mechanism, key, None)
    }

    /// C_VerifySignatureInit: the signature comes first.
    ///
    /// # Errors
    /// Those of [`Self::verify_init`]. A signature of a wrong length shows at the end: this function has no return value
    /// for it (PKCS#11 3.2 §5.15.7).
    pub fn verify_signature_init(
        &self,
        session: CK_SESSION_HANDLE,
        mechanism: Mechanism,
        key: CK_OBJECT_HANDLE,
        signature: &[u8],
    ) -> Result<(), Error> {
        self.start_verification(session, mechanism, key, Some(signature))
    }

    fn start_verification(
        &self,
        session: CK_SESSION_HANDLE,
        mechanism: Mechanism,
        key: CK_OBJECT_HANDLE,
        signature: Option<&[u8]>,
    ) -> Result<(), Error> {
        let session = self.session(session)?;
        if session.operations.lock().verify.is_some() {
            return Err(Error::OperationActive);
        }
        let signing = mechanism.signing(session.token.knows_pss())?;
        let certificate = self.verifying_certificate(&session, key)?;
        let message = Message::new(signing);
        // No more of it than tells that it is too long: a caller's length must not decide how much memory is taken.
        let longest = certificate.public_key().size() + 1;
        let signature = signature.map(|signature| signature.get(..longest).unwrap_or(signature).to_vec());
        begin(&mut session.operations.lock().verify, VerifyOperation { message, certificate, signature })
    }

    /// The certificate of a public key, for a key handle that a program gives for verification.
    pub(super) fn verifying_certificate(
        &self,
        session: &Session,
        key: CK_OBJECT_HANDLE,
    ) -> Result<Arc<Certificate>, Error> {
        let key = self.candidate(&session.token, key).ok_or(Error::KeyHandleInvalid)?;
        if !key.is_visible(self)? {
            return Err(Error::KeyHandleInvalid);
        }
        match key.kind {
            Kind::PublicKey => key.certificate()?.ok_or(Error::KeyHandleInvalid),
            Kind::PrivateKey => Err(Error::KeyFunctionNotPermitted),
            Kind::Certificate | Kind::CaCertificate | Kind::Profile(_) => Err(Error::KeyHandleInvalid),
        }
    }

    /// C_VerifyUpdate, or C_VerifySignatureUpdate where the signature was `given_first`.
    ///
    /// # Errors
    /// [`Error::OperationNotInitialized`]; [`Error::DataLenRange`] ends the operation.
    pub fn verify_update(&self, session: CK_SESSION_HANDLE, given_first: bool, part: &[u8]) -> Result<(), Error> {
        let session = self.session(session)?;
        let mut operations = session.operations.lock();
        let operation = operations.verify.as_mut().filter(|operation| operation.signature.is_some() == given_first);
        let message = &mut operation.ok_or(Error::OperationNotInitialized)?.message;
        message.in_parts = true;
        let answer = message.add(part);
        if answer.is_err() {
            operations.verify = None;
        }
        answer
    }

    /// Ends the message and verifies its signature: with the whole message (`Some`: C_Verify, C_VerifySignature), or
    /// with nothing more of it (`None`: C_VerifyFinal, C_VerifySignatureFinal). The signature is `None` where it was
    /// given at the start.
    ///
    /// # Errors
    /// [`Error::OperationNotInitialized`]; [`Error::OperationActive`] for the whole message after parts of it;
    /// [`Error::SignatureLenRange`], [`Error::SignatureInvalid`], [`Error::DataLenRange`].
    pub fn verify_final(
        &self,
        session: CK_SESSION_HANDLE,
        whole: Option<&[u8]>,
        signature: Option<&[u8]>,
    ) -> Result<(), Error> {
        let session = self.session(session)?;
        let operation = {
            let mut operations = session.operations.lock();
            let under_way = operations.verify.as_ref().ok_or(Error::OperationNotInitialized)?;
            if under_way.signature.is_some() == signature.is_some() {
                return Err(Error::OperationNotInitialized);
            }
            if whole.is_some() && under_way.message.in_parts {
                return Err(Error::OperationActive);
            }
            operations.verify.take().ok_or(Error::OperationNotInitialized)?
        };
        let VerifyOperation { mut message, certificate, signature: given_first } = operation;
        let signature = signature.or(given_first.as_deref()).unwrap_or_default();
        message.add(whole.unwrap_or_default())?;
        let scheme = message.scheme();
        let input = message.finish()?;
        if signature.len() != certificate.public_key().size() {
            return Err(Error::SignatureLenRange);
        }
        let right = certificate.public_key().accepts(scheme, &input, signature);
        if right { Ok(()) } else { Err(Error::SignatureInvalid) }
    }
}
