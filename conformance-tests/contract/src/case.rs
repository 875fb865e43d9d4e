//! What a case is.

use crate::context::Context;
use crate::verdict::Outcome;

type Run = Box<dyn Fn(&mut Context) -> Outcome>;

/// One check of a module, which starts in a process that has loaded the module and called none of its functions.
pub struct Case {
    /// The chapter and the check, as in `sign/short-buffer`.
    pub name: String,
    /// The section of PKCS#11 3.2 and the function, as in `§5.13 C_Sign`.
    pub clause: String,
    run: Run,
}

impl Case {
    pub(crate) fn new(
        name: impl Into<String>,
        clause: impl Into<String>,
        run: impl Fn(&mut Context) -> Outcome + 'static,
    ) -> Self {
        Case { name: name.into(), clause: clause.into(), run: Box::new(run) }
    }

    /// Runs the case.
    ///
    /// # Errors
    /// The verdict, if the case has not passed.
    pub fn run(&self, context: &mut Context) -> Outcome {
        (self.run)(context)
    }
}

/// A chapter's table of cases: name, clause, function.
macro_rules! table {
    ($($name:literal, $clause:literal => $run:expr;)*) => {
        vec![$($crate::case::Case::new($name, $clause, $run)),*]
    };
}
pub(crate) use table;
