//! The return values of each function that a run has seen, beside those that the standard lists.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Mutex;

use cryptoki_sys::CK_RV;

use crate::names::{ABSENT, name};

/// The lists of the standard: `C_Name §5.x.y: CKR_A CKR_B` on each line.
const DOCUMENTED: &str = include_str!("../documented.txt");

/// What functions have returned, by their names.
pub type Returned = BTreeSet<(String, String)>;

/// What this process has seen.
static SEEN: Mutex<BTreeSet<(&str, CK_RV)>> = Mutex::new(BTreeSet::new());

/// Records what a function has returned, and returns it.
pub(crate) fn record(function: &'static str, rv: CK_RV) -> CK_RV {
    if let (Ok(mut seen), true) = (SEEN.lock(), rv != ABSENT) {
        seen.insert((function, rv));
    }
    rv
}

/// What this process has seen since the last call.
pub(crate) fn take() -> Returned {
    let seen = SEEN.lock().map(|mut seen| std::mem::take(&mut *seen)).unwrap_or_default();
    seen.into_iter().map(|(function, rv)| (function.to_owned(), name(rv))).collect()
}

/// The form in which a case's process reports return values: `C_A=CKR_OK C_B=CKR_OK`.
pub(crate) fn to_line(returned: &Returned) -> String {
    returned.iter().map(|(function, rv)| format!("{function}={rv} ")).collect()
}

/// Reads the form of [`to_line`].
pub(crate) fn from_line(line: &str) -> Returned {
    let pair = |word: &str| word.split_once('=').map(|(function, rv)| (function.to_owned(), rv.to_owned()));
    line.split_whitespace().filter_map(pair).collect()
}

/// A function of the standard: its section, and the return values that are listed for it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Documented {
    /// As in `§5.6.8`.
    pub section: String,
    /// Their names.
    pub values: BTreeSet<String>,
}

/// The lists of the standard, by the functions' names.
#[must_use]
pub fn documented() -> BTreeMap<String, Documented> {
    let lines = DOCUMENTED.lines().filter(|line| line.starts_with("C_"));
    let function = |line: &str| {
        let (head, values) = line.split_once(':')?;
        let (function, section) = head.split_once(' ')?;
        let values = values.split_whitespace().map(str::to_owned).collect();
        Some((function.to_owned(), Documented { section: section.to_owned(), values }))
    };
    lines.filter_map(function).collect()
}

/// A text for people: each function with its listed values, `+` before those that were seen, and what else was seen.
#[must_use]
pub fn report(returned: &Returned) -> String {
    let mut text = String::new();
    for (function, Documented { section, values }) in documented() {
        let seen = |rv: &str| returned.contains(&(function.clone(), rv.to_owned()));
        let others = returned.iter().filter(|(other, rv)| *other == function && !values.contains(rv));
        let listed = values.iter().map(|rv| format!(" {}{rv}", if seen(rv) { "+" } else { "-" }));
        let all: String = listed.chain(others.map(|(_, rv)| format!(" !{rv}"))).collect();
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{function} {section}:{all}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::raw::FUNCTIONS;

    #[test]
    fn every_function_is_documented() {
        let documented = documented();
        assert_eq!(documented.len(), FUNCTIONS.len());
        for function in FUNCTIONS {
            let entry = documented.get(function.name).expect(function.name);
            assert!(entry.section.starts_with("§5."), "{}: {}", function.name, entry.section);
            // "as returned by the named function"
            assert!(entry.values.contains("CKR_OK") || function.name == "C_AsyncComplete", "{}", function.name);
        }
    }

    #[test]
    fn lines_there_and_back() {
        let returned = Returned::from([("C_A".into(), "CKR_OK".into()), ("C_B".into(), "0x80000001".into())]);
        assert_eq!(from_line(&to_line(&returned)), returned);
        assert_eq!(from_line("nothing of that kind"), Returned::new());
    }

    #[test]
    fn reports_tell_three_kinds_apart() {
        let of = |rv: &str| ("C_GetFunctionStatus".to_owned(), rv.to_owned());
        let text = report(&Returned::from([of("CKR_FUNCTION_NOT_PARALLEL"), of("CKR_FUNCTION_NOT_SUPPORTED")]));
        let line = text.lines().find(|line| line.starts_with("C_GetFunctionStatus ")).expect("its line");
        for word in ["+CKR_FUNCTION_NOT_PARALLEL", "-CKR_SESSION_CLOSED", "!CKR_FUNCTION_NOT_SUPPORTED"] {
            assert!(line.split(' ').any(|other| other == word), "{word} is not in: {line}");
        }
    }
}
