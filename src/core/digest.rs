//! Digests, in software (PKCS#11 3.2 §5.12).

use cryptoki_sys::{CK_OBJECT_HANDLE, CK_SESSION_HANDLE};

use super::error::Error;
use super::mechanism::Mechanism;
use super::module::Module;
use super::object::Kind;
use super::operations::DigestOperation;

impl Module {
    /// C_DigestInit.
    ///
    /// # Errors
    /// [`Error::OperationActive`], [`Error::MechanismInvalid`].
    pub fn digest_init(&self, session: CK_SESSION_HANDLE, mechanism: Mechanism) -> Result<(), Error> {
        let session = self.session(session)?;
        let mut operations = session.operations.lock();
        if operations.digest.is_some() {
            return Err(Error::OperationActive);
        }
        operations.digest = Some(DigestOperation { hasher: mechanism.digest()?.start(), in_parts: false });
        Ok(())
    }

    /// The length of the digest to come, for a call that asks for it or whose buffer is to be checked. `one_shot`: the
    /// call is C_Digest, which cannot end a digest in parts.
    ///
    /// # Errors
    /// [`Error::OperationNotInitialized`], [`Error::OperationActive`].
    pub fn digest_length(&self, session: CK_SESSION_HANDLE, one_shot: bool) -> Result<usize, Error> {
        let session = self.session(session)?;
        let operations = session.operations.lock();
        let operation = operations.digest.as_ref().ok_or(Error::OperationNotInitialized)?;
        if one_shot && operation.in_parts {
            return Err(Error::OperationActive);
        }
        Ok(operation.hasher.output_size())
    }

    /// C_DigestUpdate.
    ///
    /// # Errors
    /// [`Error::OperationNotInitialized`].
    pub fn digest_update(&self, session: CK_SESSION_HANDLE, part: &[u8]) -> Result<(), Error> {
        let session = self.session(session)?;
        let mut operations = session.operations.lock();
        let operation = operations.digest.as_mut().ok_or(Error::OperationNotInitialized)?;
        operation.in_parts = true;
        operation.hasher.update(part);
        Ok(())
    }

    /// C_DigestKey: there is no secret key whose value could be digested (PKCS#11 3.2 §5.12.4).
    ///
    /// # Errors
    /// [`Error::OperationNotInitialized`], [`Error::KeyHandleInvalid`]; else always [`Error::KeyIndigestible`].
    pub fn digest_key(&self, session: CK_SESSION_HANDLE, key: CK_OBJECT_HANDLE) -> Result<(), Error> {
        let session = self.session(session)?;
        if session.operations.lock().digest.is_none() {
            return Err(Error::OperationNotInitialized);
        }
        match self.object(&session, key).map(|object| object.kind) {
            Ok(Kind::PrivateKey | Kind::PublicKey) => Err(Error::KeyIndigestible),
            Ok(_) | Err(Error::ObjectHandleInvalid) => Err(Error::KeyHandleInvalid),
            Err(error) => Err(error),
        }
    }

    /// Ends the digest after `last`: C_Digest with the whole of the data, C_DigestFinal with nothing.
    ///
    /// # Errors
    /// [`Error::OperationNotInitialized`].
    pub fn digest_final(&self, session: CK_SESSION_HANDLE, last: &[u8]) -> Result<Vec<u8>, Error> {
        let session = self.session(session)?;
        let operation = session.operations.lock().digest.take();
        let mut hasher = operation.ok_or(Error::OperationNotInitialized)?.hasher;
        hasher.update(last);
        Ok(hasher.finalize().into_vec())
    }
}
