//! The suite provokes every return value that the standard lists for a function, or not-provoked.txt says why not, and
//! which other test shows it. Functions that docs/conformance.md lists as not supported return what the page says.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use pkcs11_contract::{Documented, documented};

/// What the functions have returned, by their names.
#[derive(Default)]
pub(crate) struct Seen(BTreeMap<String, BTreeSet<String>>);

impl Seen {
    /// Adds the return values of a run, from its file of `--returns`.
    pub(crate) fn add(&mut self, file: &Path) {
        for line in fs::read_to_string(file).expect("the return values of a run").lines() {
            let (head, values) = line.split_once(':').expect("C_Name §5.x.y: values");
            let function = head.split(' ').next().expect("a name").to_owned();
            let seen = values.split_whitespace().filter(|value| !value.starts_with('-'));
            self.0.entry(function).or_default().extend(seen.map(|value| value[1..].to_owned()));
        }
    }

    fn of(&self, function: &str) -> BTreeSet<String> {
        self.0.get(function).cloned().unwrap_or_default()
    }
}

/// `CKR_VALUE C_Function: why`, or `*` for all functions. A line that begins with `!` is for a value that is seen,
/// although the standard does not list it.
fn reasons() -> BTreeSet<(String, String)> {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/contract/not-provoked.txt"));
    let text = text.expect("the list of what is not provoked");
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let mut all = BTreeSet::new();
    for line in lines {
        let (head, why) = line.split_once(": ").expect("a reason");
        let (value, functions) = head.split_once(' ').expect("a value and its functions");
        assert!(!why.is_empty(), "{line}");
        for function in functions.split_whitespace() {
            assert!(all.insert((value.to_owned(), function.to_owned())), "twice: {value} {function}");
        }
    }
    all
}

/// The functions that docs/conformance.md lists as not supported.
fn unsupported() -> BTreeSet<String> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/conformance.md");
    let page = fs::read_to_string(page).expect("docs/conformance.md");
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` |"));
    let refused = rows.filter(|(_, rest)| rest.contains("| CKR_FUNCTION_NOT_SUPPORTED"));
    refused.map(|(function, _)| function.to_owned()).collect()
}

/// What is wrong, one line for each.
pub(crate) fn complaints(seen: &Seen) -> Vec<String> {
    let (reasons, unsupported) = (reasons(), unsupported());
    assert!(unsupported.len() > 40, "the rows of docs/conformance.md were not found");
    let explained = |value: &str, function: &str| reasons.contains(&(value.to_owned(), function.to_owned()));
    let mut complaints = Vec::new();
    for (function, Documented { values, .. }) in documented() {
        let seen = seen.of(&function);
        if unsupported.contains(&function) {
            // The function makes the checks that come first, and then says that it is not supported.
            let handle = if function == "C_InitToken" { "CKR_SLOT_ID_INVALID" } else { "CKR_SESSION_HANDLE_INVALID" };
            let exact = ["CKR_CRYPTOKI_NOT_INITIALIZED", handle, "CKR_FUNCTION_NOT_SUPPORTED"];
            let exact = exact.into_iter().filter(|value| !explained(value, &function)).map(str::to_owned);
            if seen != exact.collect() {
                complaints.push(format!("{function} is not supported, but has returned {seen:?}"));
            }
            continue;
        }
        for value in &values {
            let because = explained(value, &function);
            match (seen.contains(value), because || explained(value, "*")) {
                (false, false) => complaints.push(format!("{function}: {value} is listed, but was not provoked")),
                (true, _) if because => {
                    complaints.push(format!("{function}: {value} was provoked: no reason is needed"))
                }
                _ => {}
            }
        }
        for value in seen.difference(&values) {
            if !explained(&format!("!{value}"), &function) {
                complaints.push(format!("{function} has returned {value}, which the standard does not list"));
            }
        }
    }
    complaints
}
