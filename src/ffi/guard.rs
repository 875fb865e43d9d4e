//! The one place through which every call comes in and goes out.

use std::panic::{AssertUnwindSafe, catch_unwind};

use cryptoki_sys::{CK_RV, CKR_GENERAL_ERROR, CKR_OK};

use super::thread::Uncancelled;
use crate::core::Error;

/// What a function does: any closure. Not FnMut itself, whose table of functions has an entry more for each of the 104.
pub(super) trait Body {
    fn run(&mut self) -> Result<(), Error>;
}

impl<F: FnMut() -> Result<(), Error>> Body for F {
    fn run(&mut self) -> Result<(), Error> {
        self()
    }
}

/// Runs one function, and turns its outcome into the value that C gets. A panic ends here: it must not unwind into the
/// program, nor end it. A cancellation of the thread waits until the function is done.
///
/// `body` is a trait object, so this code is in the module once and not once for each function.
pub(super) fn guard(function: &str, body: &mut dyn Body) -> CK_RV {
    let _uncancelled = Uncancelled::new();
    // No state is left broken behind a panic: the locks are parking_lot's, which do not poison, and what they guard is
    // replaced as a whole. A card that was in use is powered down by the unwinding.
    match catch_unwind(AssertUnwindSafe(|| body.run())) {
        Ok(Ok(())) => {
            log::debug!("{function}: CKR_OK");
            CKR_OK
        }
        Ok(Err(error)) => {
            log::debug!("{function}: {}", error.name());
            error.rv()
        }
        Err(_) => {
            log::error!("{function}: panic");
            CKR_GENERAL_ERROR
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_a_general_error() {
        assert_eq!(guard("C_Test", &mut || panic!("on purpose")), CKR_GENERAL_ERROR);
        assert_eq!(guard("C_Test", &mut || Err(Error::ArgumentsBad)), Error::ArgumentsBad.rv());
        assert_eq!(guard("C_Test", &mut || Ok(())), CKR_OK);
    }
}
