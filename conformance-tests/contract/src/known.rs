//! Lists of a module's known deviations.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// Names of cases that are known to fail with a module, and why.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known(BTreeMap<String, String>);

impl Known {
    /// Reads lists: `case-name: why` on each line; `#` begins a comment.
    ///
    /// # Errors
    /// What is wrong with a file, for people.
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
            Some((name, why)) => Ok((name.trim().to_owned(), why.trim().to_owned())),
            None => Err(line.to_owned()),
        };
        lines.map(entry).collect::<Result<_, _>>().map(Known)
    }

    /// Why a case is known to fail.
    #[must_use]
    pub fn why(&self, case: &str) -> Option<&str> {
        self.0.get(case).map(String::as_str)
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
        let known = Known::parse("# a comment\n\nsign/one: because: of this\n").unwrap();
        assert_eq!(known.why("sign/one"), Some("because: of this"));
        assert_eq!(known.why("sign/two"), None);
        assert_eq!(Known::parse("no colon"), Err("no colon".into()));
    }
}
