//! What a case comes to.

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
