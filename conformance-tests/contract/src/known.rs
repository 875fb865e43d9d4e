//! Lists of a module's known deviations.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// Names of cases that are known to fail with a module, and why.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known(BTreeMap<String, Deviation>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Deviation {
    why: String,
    /// The case fails in some runs only.
    may_pass: bool,
}

impl Known {
    /// Reads lists: `case-name: why` on each line, `case-name?: why` for a case that fails in some runs only. A comment
    /// begins with `#`.
    ///
    /// # Errors
    /// A message for people that says what is wrong with a file.
    pub fn read(paths: &[impl AsRef<Path>]) -> Result<Self, String> {
        let mut all = Known::default();
        for path in paths.iter().map(AsRef::as_ref) {
            let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
            let Known(list) =
                Self::parse(&text).map_err(|line| format!("{}: not `case-name: why`: {line}", path.display()))?;
            all.0.extend(list);
        }
        Ok(all)
    }

    fn parse(text: &str) -> Result<Self, String> {
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        let entry = |line: &str| match line.split_once(':') {
            Some((name, why)) => {
                let name = name.trim();
                let may_pass = name.ends_with('?');
                Ok((name.trim_end_matches('?').to_owned(), Deviation { why: why.trim().to_owned(), may_pass }))
            }
            None => Err(line.to_owned()),
        };
        lines.map(entry).collect::<Result<_, _>>().map(Known)
    }

    /// Why a case is known to fail.
    #[must_use]
    pub fn why(&self, case: &str) -> Option<&str> {
        self.0.get(case).map(|deviation| deviation.why.as_str())
    }

    /// Whether a case is known to fail in some runs only.
    #[must_use]
    pub fn may_pass(&self, case: &str) -> bool {
        self.0.get(case).is_some_and(|deviation| deviation.may_pass)
    }

    /// All names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists() {
        let known = Known::parse("# a comment\n\nsign/one: because: of this\nsign/three?: sometimes\n").unwrap();
        assert_eq!(known.why("sign/one"), Some("because: of this"));
        assert_eq!(known.why("sign/two"), None);
        assert_eq!(known.why("sign/three"), Some("sometimes"));
        assert_eq!(["sign/one", "sign/two", "sign/three"].map(|case| known.may_pass(case)), [false, false, true]);
        assert_eq!(Known::parse("no colon"), Err("no colon".into()));
    }
}
