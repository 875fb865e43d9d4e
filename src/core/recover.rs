//! Signatures that give their data back (PKCS#11 3.2 §5.13.5 and §5.13.6, §5.15.5 and §5.15.6): CKM_RSA_PKCS, whose
//! padding holds the data.

use cryptoki_sys::{CK_OBJECT_HANDLE, CK_SESSION_HANDLE, CKM_RSA_PKCS};
use zeroize::Zeroizing;

use super::error::Error;
use super::mechanism::Mechanism;
use super::module::Module;
use super::operations::{VerifyRecoverOperation, begin};
use crate::token::RAW_INPUT_MAX;

/// Only the mechanism that signs data as they are can give them back.
fn only_raw(mechanism: Mechanism) -> Result<(), Error> {
    if mechanism.kind == CKM_RSA_PKCS { Ok(()) } else { Err(Error::MechanismInvalid) }
}

impl Module {
    /// C_SignRecoverInit.
    ///
    /// # Errors
    /// Those of [`Self::sign_init`].
    pub fn sign_recover_init(
        &self,
        session: CK_SESSION_HANDLE,
        mechanism: Mechanism,
        key: CK_OBJECT_HANDLE,
    ) -> Result<(), Error> {
        let session = self.session(session)?;
        if session.operations.lock().sign_recover.is_some() {
            return Err(Error::OperationActive);
        }
        only_raw(mechanism)?;
        let operation = self.start_signature(&session, mechanism, key)?;
        begin(&mut session.operations.lock().sign_recover, operation)
    }

    /// The length of the signature to come. The card is not asked.
    ///
    /// # Errors
    /// [`Error::OperationNotInitialized`].
    pub fn sign_recover_length(&self, session: CK_SESSION_HANDLE) -> Result<usize, Error> {
        let session = self.session(session)?;
        let operations = session.operations.lock();
        operations.sign_recover.as_ref().map(|operation| operation.length()).ok_or(Error::OperationNotInitialized)
    }

    /// C_SignRecover. Whatever comes of it, the operation has ended.
    ///
    /// # Errors
    /// Those of [`Self::sign_final`].
    pub fn sign_recover(&self, session: CK_SESSION_HANDLE, data: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
        let session = self.session(session)?;
        let operation = session.operations.lock().sign_recover.take();
        operation.ok_or(Error::OperationNotInitialized)?.finish(&session, data)
    }

    /// C_VerifyRecoverInit.
    ///
    /// # Errors
    /// Those of [`Self::verify_init`].
    pub fn verify_recover_init(
        &self,
        session: CK_SESSION_HANDLE,
        mechanism: Mechanism,
        key: CK_OBJECT_HANDLE,
    ) -> Result<(), Error> {
        let session = self.session(session)?;
        if session.operations.lock().verify_recover.is_some() {
            return Err(Error::OperationActive);
        }
        only_raw(mechanism)?;
        mechanism.signing(true)?;
        let certificate = self.verifying_certificate(&session, key)?;
        begin(&mut session.operations.lock().verify_recover, VerifyRecoverOperation(certificate))
    }

    /// The most bytes that can be recovered.
    ///
    /// # Errors
    /// [`Error::OperationNotInitialized`].
    pub fn verify_recover_length(&self, session: CK_SESSION_HANDLE) -> Result<usize, Error> {
        let session = self.session(session)?;
        let under_way = session.operations.lock().verify_recover.is_some();
        if under_way { Ok(RAW_INPUT_MAX) } else { Err(Error::OperationNotInitialized) }
    }

    /// C_VerifyRecover: the data that were signed. Leaves the operation open, for the caller's buffer may be too small
    /// for them; [`Self::session_cancel`] ends it.
    ///
    /// # Errors
    /// [`Error::OperationNotInitialized`], [`Error::SignatureLenRange`], [`Error::SignatureInvalid`].
    pub fn verify_recover(&self, session: CK_SESSION_HANDLE, signature: &[u8]) -> Result<Vec<u8>, Error> {
        let session = self.session(session)?;
        let operations = session.operations.lock();
        let VerifyRecoverOperation(certificate) =
            operations.verify_recover.as_ref().ok_or(Error::OperationNotInitialized)?;
        let key = certificate.public_key();
        if signature.len() != key.size() {
            return Err(Error::SignatureLenRange);
        }
        key.recover(signature).ok_or(Error::SignatureInvalid)
    }
}
