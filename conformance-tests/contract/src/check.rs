//! Checks of what a module has answered.

use std::fmt::Debug;

use cryptoki_sys::*;

use crate::names::{ABSENT, name};
use crate::verdict::{Outcome, Verdict};

/// The return values of a module that does not have a function or mechanism at all.
pub(crate) const UNSUPPORTED: [CK_RV; 2] = [CKR_FUNCTION_NOT_SUPPORTED, CKR_MECHANISM_INVALID];

/// Fails the case.
pub(crate) fn fail<T>(why: impl Into<String>) -> Result<T, Verdict> {
    Err(Verdict::Fail(why.into()))
}

/// Skips the case: there is nothing to test.
pub(crate) fn skip<T>(why: impl Into<String>) -> Result<T, Verdict> {
    Err(Verdict::Skip(why.into()))
}

/// A call must have returned one of several values. If the module does not have the function, the case is skipped.
pub(crate) fn among(what: &str, rv: CK_RV, wanted: &[CK_RV]) -> Outcome {
    if wanted.contains(&rv) {
        return Ok(());
    }
    if rv == ABSENT {
        return skip(format!("{what}: the module has no such function"));
    }
    let wanted: Vec<_> = wanted.iter().map(|rv| name(*rv)).collect();
    fail(format!("{what}: expected {}, got {}", wanted.join(" or "), name(rv)))
}

/// A call must have returned this value.
pub(crate) fn is(what: &str, rv: CK_RV, wanted: CK_RV) -> Outcome {
    among(what, rv, &[wanted])
}

/// A call must have succeeded.
pub(crate) fn ok(what: &str, rv: CK_RV) -> Outcome {
    is(what, rv, CKR_OK)
}

/// A call must have succeeded. If it says that the module does not have the function or mechanism, the case is skipped.
pub(crate) fn supported(what: &str, rv: CK_RV) -> Outcome {
    if UNSUPPORTED.contains(&rv) { skip(format!("{what}: {}", name(rv))) } else { ok(what, rv) }
}

/// Something must hold.
pub(crate) fn that(what: &str, holds: bool) -> Outcome {
    if holds { Ok(()) } else { fail(format!("expected: {what}")) }
}

/// Two things must be equal.
pub(crate) fn equal<T: PartialEq + Debug>(what: &str, got: T, wanted: T) -> Outcome {
    if got == wanted { Ok(()) } else { fail(format!("{what}: expected {wanted:?}, got {got:?}")) }
}
