//! What can be set. The module works without any setting.

/// Which tokens a program sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Slots {
    /// Both key pairs of each card.
    #[default]
    Both,
    /// The authentication token only: for browsers, which then never ask for the signing PIN.
    Authentication,
    /// The signature token only.
    Signature,
}

/// The language of the token labels, which password prompts show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Labels {
    /// English.
    #[default]
    English,
    /// Japanese.
    Japanese,
}

/// All settings, with their defaults.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Which tokens a program sees.
    pub slots: Slots,
    /// The language of the token labels.
    pub labels: Labels,
    /// Never risk the last try of a PIN.
    pub spare_last_try: bool,
    /// Show the CA certificates.
    pub ca_certificates: bool,
    /// Patterns of reader names, with `*` for any characters; none stands for all readers.
    pub readers: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            slots: Slots::default(),
            labels: Labels::default(),
            spare_last_try: false,
            ca_certificates: true,
            readers: Vec::new(),
        }
    }
}

impl Settings {
    /// Whether a reader is one of those that the settings name.
    #[must_use]
    pub fn wants_reader(&self, name: &str) -> bool {
        self.readers.is_empty() || self.readers.iter().any(|pattern| fits(pattern, name))
    }
}

/// Whether `name` fits `pattern`, in which `*` stands for any number of any characters.
fn fits(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((start, rest)) => name.strip_prefix(start).is_some_and(|tail| {
            tail.char_indices().map(|(at, _)| at).chain([tail.len()]).any(|at| fits(rest, tail.get(at..).unwrap_or("")))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reader_patterns() {
        assert!(fits("ACS*", "ACS ACR1252 00 00"));
        assert!(fits("*00 01", "Virtual PCD 00 01"));
        assert!(fits("*PCD*", "Virtual PCD 00 01"));
        assert!(!fits("*PCD", "Virtual PCD 00 01"));
        assert!(!fits("", "x"));
        let settings = Settings { readers: vec!["Sony*".into(), "ACS*".into()], ..Settings::default() };
        assert!(settings.wants_reader("ACS ACR1252 00 00"));
        assert!(!settings.wants_reader("Virtual PCD 00 00"));
        assert!(Settings::default().wants_reader("Virtual PCD 00 00"));
    }
}
