//! What a case is, and the list of all cases.

use crate::context::Context;
use crate::{chapters, profiles, properties, sequences};

/// Why a case has not passed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The module, the token or the options leave nothing to test here.
    Skip(String),
    /// The module does something else than the standard says.
    Fail(String),
}

/// What a case comes to.
pub type Outcome = Result<(), Verdict>;

type Run = Box<dyn Fn(&mut Context) -> Outcome>;

/// One check of a module, which starts in a process that has loaded the module and called none of its functions.
pub struct Case {
    /// The chapter and what is checked, as in `sign/short-buffer`.
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

    /// Runs it.
    ///
    /// # Errors
    /// The verdict, where it has not passed.
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

/// Every case, in the order of the standard's chapters.
#[must_use]
pub fn cases() -> Vec<Case> {
    let mut cases = chapters::cases();
    cases.extend(properties::cases());
    cases.extend(sequences::cases());
    cases.extend(profiles::cases());
    cases
}

/// A case by its name.
#[must_use]
pub fn find(name: &str) -> Option<Case> {
    cases().into_iter().find(|case| case.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_different_and_clauses_are_sections() {
        let cases = cases();
        let names: std::collections::BTreeSet<_> = cases.iter().map(|case| &case.name).collect();
        assert_eq!(names.len(), cases.len());
        for case in &cases {
            assert!(case.clause.starts_with('§'), "{}: {}", case.name, case.clause);
            assert!(!case.name.contains([' ', ':']), "{}", case.name);
        }
    }
}
