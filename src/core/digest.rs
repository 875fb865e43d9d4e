//! Digests, in software (PKCS#11 3.2 §5.12).

use cryptoki_sys::CK_OBJECT_HANDLE;

use super::call::Call;
use super::error::Error;
use super::mechanism::Mechanism;
use super::object::Kind;
use super::operations::{Data, DigestOperation, any};

impl Call {
    /// C_DigestInit.
    ///
    /// # Errors
    /// [`Error::OperationActive`], [`Error::MechanismInvalid`].
    pub fn digest_init(&self, mechanism: Mechanism) -> Result<(), Error> {
        let begin = || Ok(DigestOperation { hasher: mechanism.digest()?.start(), in_parts: false });
        self.operations().digest.begin(begin)
    }

    /// The length of the digest to come, for a call that asks for it or whose buffer is to be checked. C_Digest has the
    /// whole data, and cannot end a digest in parts.
    ///
    /// # Errors
    /// [`Error::OperationNotInitialized`], [`Error::OperationActive`].
    pub fn digest_length(&self, data: Data) -> Result<usize, Error> {
        self.operations().digest.with(|operation| match data {
            Data::Whole if operation.in_parts => Err(Error::OperationActive),
            Data::Whole | Data::InParts => Ok(operation.hasher.output_size()),
        })?
    }

    /// C_DigestUpdate.
    ///
    /// # Errors
    /// [`Error::OperationNotInitialized`].
    pub fn digest_update(&self, part: &[u8]) -> Result<(), Error> {
        self.operations().digest.update(any, |operation| {
            operation.in_parts = true;
            operation.hasher.update(part);
            Ok(())
        })
    }

    /// C_DigestKey: there is no secret key whose value could be digested (PKCS#11 3.2 §5.12.4).
    ///
    /// # Errors
    /// [`Error::OperationNotInitialized`], [`Error::KeyHandleInvalid`]; else always [`Error::KeyIndigestible`].
    pub fn digest_key(&self, key: CK_OBJECT_HANDLE) -> Result<(), Error> {
        self.digest_length(Data::InParts)?;
        match self.object(key).map(|object| object.kind) {
            Ok(Kind::PrivateKey | Kind::PublicKey) => Err(Error::KeyIndigestible),
            Ok(_) | Err(Error::ObjectHandleInvalid) => Err(Error::KeyHandleInvalid),
            Err(error) => Err(error),
        }
    }

    /// Ends the digest after `last`: C_Digest with the whole of the data, C_DigestFinal with nothing.
    ///
    /// # Errors
    /// [`Error::OperationNotInitialized`].
    pub fn digest_final(&self, last: &[u8]) -> Result<Vec<u8>, Error> {
        let mut hasher = self.operations().digest.take(any)?.hasher;
        hasher.update(last);
        Ok(hasher.finalize().into_vec())
    }
}
