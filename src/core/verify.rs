//! Verification of signatures, in software (PKCS#11 3.2 §5.15).

use cryptoki_sys::CK_OBJECT_HANDLE;

use super::call::Call;
use super::error::Error;
use super::mechanism::{Mechanism, Message};
use super::operations::{Data, VerifyOperation};

/// When a program passes the signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Signature {
    /// At the start: C_VerifySignatureInit and the functions that follow it (PKCS#11 3.2).
    First,
    /// At the end.
    Last,
}

impl VerifyOperation {
    /// Fails if a call does not go on with this operation: each of the two ways has functions of its own.
    fn expect(&self, signature: Signature) -> Result<(), Error> {
        let is = if self.signature.is_some() { Signature::First } else { Signature::Last };
        if is == signature { Ok(()) } else { Err(Error::OperationNotInitialized) }
    }
}

impl Call {
    /// C_VerifyInit.
    ///
    /// # Errors
    /// [`Error::OperationActive`], [`Error::KeyHandleInvalid`], [`Error::KeyFunctionNotPermitted`] for a private key,
    /// [`Error::MechanismInvalid`], [`Error::MechanismParamInvalid`].
    pub fn verify_init(&self, mechanism: Mechanism, key: CK_OBJECT_HANDLE) -> Result<(), Error> {
        self.operations().verify.begin(|| self.start_verification(mechanism, key, None))
    }

    /// C_VerifySignatureInit: the signature comes first.
    ///
    /// # Errors
    /// Those of [`Self::verify_init`]. A signature of a wrong length shows at the end: this function has no return value
    /// for it (PKCS#11 3.2 §5.15.7).
    pub fn verify_signature_init(
        &self,
        mechanism: Mechanism,
        key: CK_OBJECT_HANDLE,
        signature: &[u8],
    ) -> Result<(), Error> {
        self.operations().verify.begin(|| self.start_verification(mechanism, key, Some(signature)))
    }

    fn start_verification(
        &self,
        mechanism: Mechanism,
        key: CK_OBJECT_HANDLE,
        signature: Option<&[u8]>,
    ) -> Result<VerifyOperation, Error> {
        let signing = mechanism.signing(self.session.token.knows_pss())?;
        let certificate = self.verifying_certificate(key)?;
        // No more of it than shows that it is too long: a caller's length must not decide how much memory we take.
        let longest = certificate.public_key().size() + 1;
        let signature = signature.map(|signature| signature.get(..longest).unwrap_or(signature).to_vec());
        Ok(VerifyOperation { message: Message::new(signing), certificate, signature })
    }

    /// C_VerifyUpdate.
    ///
    /// # Errors
    /// [`Error::OperationNotInitialized`]; [`Error::DataLenRange`] ends the operation.
    pub fn verify_update(&self, part: &[u8]) -> Result<(), Error> {
        self.update_verification(Signature::Last, part)
    }

    /// C_VerifySignatureUpdate.
    ///
    /// # Errors
    /// Those of [`Self::verify_update`].
    pub fn verify_signature_update(&self, part: &[u8]) -> Result<(), Error> {
        self.update_verification(Signature::First, part)
    }

    fn update_verification(&self, way: Signature, part: &[u8]) -> Result<(), Error> {
        let add = |operation: &mut VerifyOperation| {
            operation.message.in_parts = true;
            operation.message.add(part)
        };
        self.operations().verify.update(|operation| operation.expect(way), add)
    }

    /// C_Verify: the whole message, and its signature.
    ///
    /// # Errors
    /// [`Error::OperationNotInitialized`]; [`Error::OperationActive`] after parts of a message;
    /// [`Error::SignatureLenRange`], [`Error::SignatureInvalid`], [`Error::DataLenRange`].
    pub fn verify(&self, data: &[u8], signature: &[u8]) -> Result<(), Error> {
        self.take_verification(Signature::Last, Data::Whole)?.finish(data, Some(signature))
    }

    /// C_VerifyFinal: the signature of a message in parts.
    ///
    /// # Errors
    /// Those of [`Self::verify`].
    pub fn verify_final(&self, signature: &[u8]) -> Result<(), Error> {
        self.take_verification(Signature::Last, Data::InParts)?.finish(&[], Some(signature))
    }

    /// C_VerifySignature: the whole message, whose signature came first.
    ///
    /// # Errors
    /// Those of [`Self::verify`].
    pub fn verify_signature(&self, data: &[u8]) -> Result<(), Error> {
        self.take_verification(Signature::First, Data::Whole)?.finish(data, None)
    }

    /// C_VerifySignatureFinal: the end of a message in parts, whose signature came first.
    ///
    /// # Errors
    /// Those of [`Self::verify`].
    pub fn verify_signature_final(&self) -> Result<(), Error> {
        self.take_verification(Signature::First, Data::InParts)?.finish(&[], None)
    }

    fn take_verification(&self, way: Signature, data: Data) -> Result<VerifyOperation, Error> {
        self.operations().verify.take(|operation| {
            operation.expect(way)?;
            match data {
                Data::Whole if operation.message.in_parts => Err(Error::OperationActive),
                Data::Whole | Data::InParts => Ok(()),
            }
        })
    }
}

impl VerifyOperation {
    /// Ends the message after `last`, and verifies its signature: this one, or the one that came first.
    fn finish(self, last: &[u8], signature: Option<&[u8]>) -> Result<(), Error> {
        let VerifyOperation { mut message, certificate, signature: first } = self;
        let signature = signature.or(first.as_deref()).unwrap_or_default();
        message.add(last)?;
        let scheme = message.scheme();
        let input = message.finish()?;
        if signature.len() != certificate.public_key().size() {
            return Err(Error::SignatureLenRange);
        }
        let right = certificate.public_key().accepts(scheme, &input, signature);
        if right { Ok(()) } else { Err(Error::SignatureInvalid) }
    }
}
