//! Signatures, made by the card (PKCS#11 3.2 §5.13).

use cryptoki_sys::{CK_OBJECT_HANDLE, CK_SESSION_HANDLE};
use zeroize::Zeroizing;

use super::error::Error;
use super::mechanism::{Mechanism, Message};
use super::module::Module;
use super::object::Kind;
use super::operations::{SignOperation, begin};
use super::session::Session;

impl Module {
    /// C_SignInit. Touches the card only to read the certificate, where it was not read yet.
    ///
    /// # Errors
    /// [`Error::OperationActive`], [`Error::UserNotLoggedIn`], [`Error::KeyHandleInvalid`],
    /// [`Error::KeyFunctionNotPermitted`] for any object but a private key, [`Error::MechanismInvalid`],
    /// [`Error::MechanismParamInvalid`].
    pub fn sign_init(
        &self,
        session: CK_SESSION_HANDLE,
        mechanism: Mechanism,
        key: CK_OBJECT_HANDLE,
    ) -> Result<(), Error> {
        let session = self.session(session)?;
        if session.operations.lock().sign.is_some() {
            return Err(Error::OperationActive);
        }
        let operation = self.start_signature(&session, mechanism, key)?;
        begin(&mut session.operations.lock().sign, operation)
    }

    /// Checks mechanism and key, and starts a signature with them.
    pub(super) fn start_signature(
        &self,
        session: &Session,
        mechanism: Mechanism,
        key: CK_OBJECT_HANDLE,
    ) -> Result<SignOperation, Error> {
        let signing = mechanism.signing(session.token.knows_pss())?;
        let key = self.candidate(&session.token, key).ok_or(Error::KeyHandleInvalid)?;
        if key.kind == Kind::PrivateKey && !session.token.is_logged_in() {
            return Err(Error::UserNotLoggedIn);
        }
        if !key.is_visible(self)? {
            return Err(Error::KeyHandleInvalid);
        }
        match key.kind {
            Kind::PrivateKey => {}
            Kind::PublicKey => return Err(Error::KeyFunctionNotPermitted),
            Kind::Certificate | Kind::CaCertificate | Kind::Profile(_) => return Err(Error::KeyHandleInvalid),
        }
        let length = key.certificate()?.ok_or(Error::KeyHandleInvalid)?.public_key().size();
        Ok(SignOperation { message: Message::new(signing), length, unconfirmed: key.always_authenticate })
    }

    /// The length of the signature to come, for a call that asks for it or whose buffer is to be checked. The card is
    /// not asked. `one_shot`: the call is C_Sign, which cannot end a message in parts.
    ///
    /// # Errors
    /// [`Error::OperationNotInitialized`], [`Error::OperationActive`].
    pub fn signature_length(&self, session: CK_SESSION_HANDLE, one_shot: bool) -> Result<usize, Error> {
        let session = self.session(session)?;
        let operations = session.operations.lock();
        let operation = operations.sign.as_ref().ok_or(Error::OperationNotInitialized)?;
        if one_shot && operation.message.in_parts {
            return Err(Error::OperationActive);
        }
        Ok(operation.length)
    }

    /// C_SignUpdate. A mechanism without a hash of its own takes parts as well, as long as they fit together.
    ///
    /// # Errors
    /// [`Error::OperationNotInitialized`]; [`Error::DataLenRange`] ends the operation.
    pub fn sign_update(&self, session: CK_SESSION_HANDLE, part: &[u8]) -> Result<(), Error> {
        let session = self.session(session)?;
        let mut operations = session.operations.lock();
        let message = &mut operations.sign.as_mut().ok_or(Error::OperationNotInitialized)?.message;
        message.in_parts = true;
        let answer = message.add(part);
        if answer.is_err() {
            operations.sign = None;
        }
        answer
    }

    /// Ends the message after `last`, and has it signed: C_Sign with the whole message, C_SignFinal with nothing.
    /// Whatever comes of it, the operation has ended.
    ///
    /// # Errors
    /// [`Error::OperationNotInitialized`], [`Error::DataLenRange`], [`Error::UserNotLoggedIn`] where somebody logged
    /// out or the card refuses the held PIN, and all that can go wrong with a card.
    pub fn sign_final(&self, session: CK_SESSION_HANDLE, last: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
        let session = self.session(session)?;
        // Taken out, so that the card's work keeps no lock that C_Logout or C_GetSessionInfo would wait for.
        let operation = session.operations.lock().sign.take();
        operation.ok_or(Error::OperationNotInitialized)?.finish(&session, last)
    }
}

impl SignOperation {
    /// Ends the message after `last`, and has it signed.
    pub(super) fn finish(self, session: &Session, last: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
        let SignOperation { mut message, unconfirmed, .. } = self;
        if unconfirmed {
            return Err(Error::UserNotLoggedIn);
        }
        message.add(last)?;
        let scheme = message.scheme();
        let input = message.finish()?;
        Ok(session.token.sign(scheme, &input)?)
    }
}
