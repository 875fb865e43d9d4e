//! The list of all cases.

use crate::case::Case;
use crate::{chapters, profiles, properties, sequences};

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
