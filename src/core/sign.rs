//! Signatures, made by the card (PKCS#11 3.2 §5.13).

use cryptoki_sys::CK_OBJECT_HANDLE;
use zeroize::Zeroizing;

use super::call::Call;
use super::error::Error;
use super::mechanism::{Mechanism, Message};
use super::object::Kind;
use super::operations::{Data, SignOperation, any};

impl Call {
    /// C_SignInit. Uses the card only to read the certificate, if it was not read yet.
    ///
    /// # Errors
    /// [`Error::OperationActive`], [`Error::UserNotLoggedIn`], [`Error::KeyHandleInvalid`],
    /// [`Error::KeyFunctionNotPermitted`] for any object but a private key, [`Error::MechanismInvalid`],
    /// [`Error::MechanismParamInvalid`].
    pub fn sign_init(&self, mechanism: Mechanism, key: CK_OBJECT_HANDLE) -> Result<(), Error> {
        self.operations().sign.begin(|| self.start_signature(mechanism, key))
    }

    /// Checks mechanism and key, and starts a signature with them.
    pub(super) fn start_signature(&self, mechanism: Mechanism, key: CK_OBJECT_HANDLE) -> Result<SignOperation, Error> {
        let token = &self.session.token;
        let signing = mechanism.signing(token.knows_pss())?;
        let key = self.candidate(key).ok_or(Error::KeyHandleInvalid)?;
        if key.kind == Kind::PrivateKey && !token.is_logged_in() {
            return Err(Error::UserNotLoggedIn);
        }
        if !key.is_visible()? {
            return Err(Error::KeyHandleInvalid);
        }
        match key.kind {
            Kind::PrivateKey => {}
            Kind::PublicKey => return Err(Error::KeyFunctionNotPermitted),
            Kind::Certificate | Kind::CaCertificate | Kind::Profile(_) => return Err(Error::KeyHandleInvalid),
        }
        let length = key.certificate()?.ok_or(Error::KeyHandleInvalid)?.public_key().size();
        Ok(SignOperation { message: Message::new(signing), length, waits_for_pin: key.always_authenticate })
    }

    /// The length of the signature to come, for a call that asks for it or whose buffer is to be checked. Does not ask the
    /// card. C_Sign has the whole message, and cannot end a message in parts.
    ///
    /// # Errors
    /// [`Error::OperationNotInitialized`], [`Error::OperationActive`].
    pub fn signature_length(&self, data: Data) -> Result<usize, Error> {
        self.operations().sign.with(|operation| match data {
            Data::Whole if operation.message.in_parts => Err(Error::OperationActive),
            Data::Whole | Data::InParts => Ok(operation.length),
        })?
    }

    /// C_SignUpdate. A mechanism without a hash of its own takes parts as well, as long as they fit together.
    ///
    /// # Errors
    /// [`Error::OperationNotInitialized`]; [`Error::DataLenRange`] ends the operation.
    pub fn sign_update(&self, part: &[u8]) -> Result<(), Error> {
        self.operations().sign.update(any, |operation| {
            operation.message.in_parts = true;
            operation.message.add(part)
        })
    }

    /// Ends the message after `last`, and has it signed: C_Sign with the whole message, C_SignFinal with nothing.
    /// Whatever comes of it, the operation has ended.
    ///
    /// # Errors
    /// [`Error::OperationNotInitialized`], [`Error::DataLenRange`], [`Error::UserNotLoggedIn`] if somebody logged out or
    /// the card refuses the held PIN, and all that can go wrong with a card.
    pub fn sign_final(&self, last: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
        self.finish_signature(self.operations().sign.take(any)?, last)
    }

    /// Ends the message of a signature after `last`, and has it signed.
    pub(super) fn finish_signature(&self, operation: SignOperation, last: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
        let SignOperation { mut message, waits_for_pin, .. } = operation;
        if waits_for_pin {
            return Err(Error::UserNotLoggedIn);
        }
        message.add(last)?;
        let scheme = message.scheme();
        let input = message.finish()?;
        Ok(self.session.token.sign(scheme, &input)?)
    }
}
