//! What is under way in a session: at most one operation of each kind.

use std::sync::Arc;

use cryptoki_sys::CK_OBJECT_HANDLE;

use super::error::Error;
use super::mechanism::{Hasher, Message};
use crate::token::Certificate;

/// A digest that has begun.
pub(super) struct DigestOperation {
    pub(super) hasher: Hasher,
    pub(super) in_parts: bool,
}

/// A signature that has begun.
pub(super) struct SignOperation {
    pub(super) message: Message,
    /// The length of the signature to come.
    pub(super) length: usize,
    /// The key asks for the PIN anew, and nobody has shown it yet for this signature.
    pub(super) unconfirmed: bool,
}

impl SignOperation {
    /// The signature still waits for the PIN (CKU_CONTEXT_SPECIFIC).
    pub(super) fn is_unconfirmed(&self) -> bool {
        self.unconfirmed
    }

    /// The PIN was shown for this signature.
    pub(super) fn confirm(&mut self) {
        self.unconfirmed = false;
    }

    /// The length of the signature to come, in bytes.
    pub(super) fn length(&self) -> usize {
        self.length
    }
}

/// A verification that has begun.
pub(super) struct VerifyOperation {
    pub(super) message: Message,
    /// The certificate whose key verifies.
    pub(super) certificate: Arc<Certificate>,
    /// The signature, where it was given at the start: with C_VerifySignatureInit (PKCS#11 3.2).
    pub(super) signature: Option<Vec<u8>>,
}

/// A recovery that has begun: the certificate whose key verifies.
pub(super) struct VerifyRecoverOperation(pub(super) Arc<Certificate>);

/// A search that has begun: what it found, less what was fetched.
pub(super) struct SearchOperation {
    pub(super) found: std::vec::IntoIter<CK_OBJECT_HANDLE>,
}

/// The operations of one session.
#[derive(Default)]
pub(super) struct Operations {
    pub(super) search: Option<SearchOperation>,
    pub(super) digest: Option<DigestOperation>,
    pub(super) sign: Option<SignOperation>,
    pub(super) sign_recover: Option<SignOperation>,
    pub(super) verify: Option<VerifyOperation>,
    pub(super) verify_recover: Option<VerifyRecoverOperation>,
}

/// Begins an operation. To be asked under the lock in which it is stored: the card may have worked since it was first
/// looked whether another one is under way, and another thread may use the same session.
///
/// # Errors
/// [`Error::OperationActive`].
pub(super) fn begin<T>(place: &mut Option<T>, operation: T) -> Result<(), Error> {
    if place.is_some() {
        return Err(Error::OperationActive);
    }
    *place = Some(operation);
    Ok(())
}

impl Operations {
    /// The signature that waits for the PIN to be shown anew.
    pub(super) fn waiting_for_pin(&mut self) -> Option<&mut SignOperation> {
        let signatures = [self.sign.as_mut(), self.sign_recover.as_mut()];
        signatures.into_iter().flatten().find(|operation| operation.is_unconfirmed())
    }
}
