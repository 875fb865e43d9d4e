//! Signatures that give their data back (PKCS#11 3.2 §5.13.5 and §5.13.6, §5.15.5 and §5.15.6): CKM_RSA_PKCS, whose
//! padding holds the data.

use cryptoki_sys::{CK_OBJECT_HANDLE, CKM_RSA_PKCS};
use zeroize::Zeroizing;

use super::call::Call;
use super::error::Error;
use super::mechanism::Mechanism;
use super::operations::{VerifyRecoverOperation, any};
use crate::token::RAW_INPUT_MAX;

/// Only the mechanism that signs data as they are can give them back.
fn require_raw(mechanism: Mechanism) -> Result<(), Error> {
    if mechanism.kind == CKM_RSA_PKCS {
        return Ok(());
    }
    mechanism.log_refused(std::iter::once(CKM_RSA_PKCS));
    Err(Error::MechanismInvalid)
}

impl Call {
    /// C_SignRecoverInit.
    ///
    /// # Errors
    /// Those of [`Self::sign_init`].
    pub fn sign_recover_init(&self, mechanism: Mechanism, key: CK_OBJECT_HANDLE) -> Result<(), Error> {
        self.operations().sign_recover.begin(|| {
            require_raw(mechanism)?;
            self.start_signature(mechanism, key)
        })
    }

    /// The length of the signature to come. Does not ask the card.
    ///
    /// # Errors
    /// [`Error::OperationNotInitialized`].
    pub fn sign_recover_length(&self) -> Result<usize, Error> {
        self.operations().sign_recover.with(|operation| operation.length)
    }

    /// C_SignRecover. Whatever comes of it, the operation has ended.
    ///
    /// # Errors
    /// Those of [`Self::sign_final`].
    pub fn sign_recover(&self, data: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
        self.finish_signature(self.operations().sign_recover.take(any)?, data)
    }

    /// C_VerifyRecoverInit.
    ///
    /// # Errors
    /// Those of [`Self::verify_init`].
    pub fn verify_recover_init(&self, mechanism: Mechanism, key: CK_OBJECT_HANDLE) -> Result<(), Error> {
        self.operations().verify_recover.begin(|| {
            require_raw(mechanism)?;
            mechanism.signing(true)?;
            self.verifying_certificate(key).map(VerifyRecoverOperation)
        })
    }

    /// The most bytes that can be recovered.
    ///
    /// # Errors
    /// [`Error::OperationNotInitialized`].
    pub fn verify_recover_length(&self) -> Result<usize, Error> {
        self.operations().verify_recover.with(|_| RAW_INPUT_MAX)
    }

    /// C_VerifyRecover: the data that were signed. Leaves the operation open, because the caller's buffer may be too small
    /// for them; [`Self::session_cancel`] ends it.
    ///
    /// # Errors
    /// [`Error::OperationNotInitialized`], [`Error::SignatureLenRange`], [`Error::SignatureInvalid`].
    pub fn verify_recover(&self, signature: &[u8]) -> Result<Vec<u8>, Error> {
        self.operations().verify_recover.with(|VerifyRecoverOperation(certificate)| {
            let key = certificate.public_key();
            if signature.len() != key.size() {
                return Err(Error::SignatureLenRange);
            }
            key.recover(signature).ok_or(Error::SignatureInvalid)
        })?
    }
}
