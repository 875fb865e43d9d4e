//! What is known of the forms that one card understands.

///
/// Each starts with what card-facts expect and is given up at the first sign of the opposite.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Habits {
    /// Files may be addressed by short identifier, which saves a SELECT each (card-facts §1.3).
    pub short_identifiers: bool,
    /// SELECT of another application locks the PINs again (card-facts §4.5, single source). False once a card was
    /// seen unlocked after that: then only a power-down locks it.
    pub leaving_locks: bool,
}

impl Default for Habits {
    fn default() -> Self {
        Habits { short_identifiers: true, leaving_locks: true }
    }
}
