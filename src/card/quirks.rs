//! Which forms of commands one card understands, and what locks it.

/// What was learnt of one card since its insertion. Each value starts with what card-facts expects, and changes at the
/// first sign of the opposite.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quirks {
    /// The card accepts short file identifiers, which save a SELECT each (card-facts §1.3).
    pub short_identifiers: bool,
    /// SELECT of another application locks the PINs again (card-facts §4.5, single source). False once the card stayed
    /// unlocked after that: then only a power-down locks it.
    pub leaving_locks: bool,
}

impl Default for Quirks {
    fn default() -> Self {
        Quirks { short_identifiers: true, leaving_locks: true }
    }
}
