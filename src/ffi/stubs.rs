//! What a signing token that cannot be written to does not do.

use cryptoki_sys::{CK_SESSION_HANDLE, CK_SLOT_ID};

use super::library::{call, module};
use crate::core::Error;

/// A function that the module does not have, asked of a session.
pub(super) fn unsupported(session: CK_SESSION_HANDLE) -> Result<(), Error> {
    call(session)?;
    Err(Error::FunctionNotSupported)
}

/// A function that the module does not have, asked of the token in a slot.
pub(super) fn unsupported_by_token(slot: CK_SLOT_ID) -> Result<(), Error> {
    module()?.require_token(slot)?;
    Err(Error::FunctionNotSupported)
}

/// A function that would make, change or destroy an object.
pub(super) fn write_protected(session: CK_SESSION_HANDLE) -> Result<(), Error> {
    call(session)?;
    Err(Error::TokenWriteProtected)
}
