//! What is under way in a session: at most one operation of each kind.

use std::sync::Arc;

use cryptoki_sys::*;
use parking_lot::Mutex;

use super::error::Error;
use super::mechanism::{Hasher, Message};
use crate::token::Certificate;

/// How a program passes the data of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Data {
    /// In one call, which ends the operation.
    Whole,
    /// In parts.
    InParts,
}

/// A digest that has begun.
pub(super) struct DigestOperation {
    pub(super) hasher: Hasher,
    pub(super) in_parts: bool,
}

/// A signature that has begun.
pub(super) struct SignOperation {
    pub(super) message: Message,
    /// The length of the signature to come, in bytes.
    pub(super) length: usize,
    /// The key asks for the PIN anew, and nobody has shown it yet for this signature (CKA_ALWAYS_AUTHENTICATE).
    pub(super) waits_for_pin: bool,
}

/// A verification that has begun.
pub(super) struct VerifyOperation {
    pub(super) message: Message,
    /// The certificate whose key verifies.
    pub(super) certificate: Arc<Certificate>,
    /// The signature, if it came first: with C_VerifySignatureInit (PKCS#11 3.2).
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
    pub(super) search: UnderWay<SearchOperation>,
    pub(super) digest: UnderWay<DigestOperation>,
    pub(super) sign: UnderWay<SignOperation>,
    pub(super) sign_recover: UnderWay<SignOperation>,
    pub(super) verify: UnderWay<VerifyOperation>,
    pub(super) verify_recover: UnderWay<VerifyRecoverOperation>,
}

impl Operations {
    /// Ends the operations that the flags of C_SessionCancel name.
    pub(super) fn cancel(&self, flags: CK_FLAGS) {
        let named = |flag| flags & flag != 0;
        self.search.end_if(named(CKF_FIND_OBJECTS));
        self.digest.end_if(named(CKF_DIGEST));
        self.sign.end_if(named(CKF_SIGN));
        self.sign_recover.end_if(named(CKF_SIGN_RECOVER));
        self.verify.end_if(named(CKF_VERIFY));
        self.verify_recover.end_if(named(CKF_VERIFY_RECOVER));
    }

    /// Whether a signature waits for the PIN.
    pub(super) fn any_waits_for_pin(&self) -> bool {
        let waits = |signature: &UnderWay<SignOperation>| signature.with(|operation| operation.waits_for_pin);
        [&self.sign, &self.sign_recover].into_iter().any(|signature| waits(signature) == Ok(true))
    }

    /// Lets the signature go on that waits for the PIN, which the card has accepted. Lets one go on, not two.
    pub(super) fn accept_pin(&self) {
        let accept = |operation: &mut SignOperation| std::mem::take(&mut operation.waits_for_pin);
        let _ = [&self.sign, &self.sign_recover].into_iter().find(|signature| signature.with(accept) == Ok(true));
    }
}

/// Any operation of the kind will do.
pub(super) fn any<T>(_: &T) -> Result<(), Error> {
    Ok(())
}

/// The operation of one kind, if one is under way. No lock is held while the card works.
pub(super) struct UnderWay<T>(Mutex<Option<T>>);

impl<T> Default for UnderWay<T> {
    fn default() -> Self {
        UnderWay(Mutex::new(None))
    }
}

impl<T> UnderWay<T> {
    /// Begins the operation that `make` makes, perhaps with the help of the card.
    ///
    /// # Errors
    /// [`Error::OperationActive`], also if another thread has begun one while the card worked; those of `make`.
    pub(super) fn begin(&self, make: impl FnOnce() -> Result<T, Error>) -> Result<(), Error> {
        if self.0.lock().is_some() {
            return Err(Error::OperationActive);
        }
        let operation = make()?;
        match &mut *self.0.lock() {
            Some(_) => Err(Error::OperationActive),
            none => {
                *none = Some(operation);
                Ok(())
            }
        }
    }

    /// Asks the operation something, or changes it.
    ///
    /// # Errors
    /// [`Error::OperationNotInitialized`].
    pub(super) fn with<R>(&self, ask: impl FnOnce(&mut T) -> R) -> Result<R, Error> {
        self.0.lock().as_mut().map(ask).ok_or(Error::OperationNotInitialized)
    }

    /// Adds to the operation, if it is the one that `check` expects. If `add` fails, the operation ends.
    ///
    /// # Errors
    /// [`Error::OperationNotInitialized`]; those of `check` and `add`.
    pub(super) fn update(
        &self,
        check: impl FnOnce(&T) -> Result<(), Error>,
        add: impl FnOnce(&mut T) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut place = self.0.lock();
        let operation = place.as_mut().ok_or(Error::OperationNotInitialized)?;
        check(operation)?;
        let answer = add(operation);
        if answer.is_err() {
            *place = None;
        }
        answer
    }

    /// Takes the operation out, if it is the one that `check` expects: its last call. The card's work then keeps no lock
    /// that another call would wait for.
    ///
    /// # Errors
    /// [`Error::OperationNotInitialized`]; those of `check`.
    pub(super) fn take(&self, check: impl FnOnce(&T) -> Result<(), Error>) -> Result<T, Error> {
        let mut place = self.0.lock();
        check(place.as_ref().ok_or(Error::OperationNotInitialized)?)?;
        place.take().ok_or(Error::OperationNotInitialized)
    }

    /// Ends the operation, if there is one and `condition` holds.
    pub(super) fn end_if(&self, condition: bool) {
        if condition {
            *self.0.lock() = None;
        }
    }
}
