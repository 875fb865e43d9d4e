//! The outcome of a case.

/// Why a case has not passed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The module, the token or the options leave nothing to test here.
    Skip(String),
    /// The module does not do what the standard says.
    Fail(String),
}

/// The outcome of a case.
pub type Outcome = Result<(), Verdict>;
