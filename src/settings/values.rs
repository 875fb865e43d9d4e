//! The settings, their values and their defaults.

use std::path::PathBuf;

pub use crate::token::LastTry;

/// Which tokens a program sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ShownTokens {
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

/// What the PIN pads of the readers are used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PinPads {
    /// The authentication PIN, which has digits only.
    #[default]
    Auto,
    /// The signing PIN as well: the pads can type letters.
    Letters,
    /// Nothing.
    Off,
}

/// All settings, with their defaults.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// `slots`: which tokens a program sees.
    pub slots: ShownTokens,
    /// `labels`: the language of the token labels.
    pub labels: Labels,
    /// `always-authenticate`: each signature with the signing key asks for its PIN anew.
    pub always_authenticate: bool,
    /// `last-try`: whether the last try of a PIN may be risked.
    pub last_try: LastTry,
    /// `pin-pad`: what PIN pads are used for.
    pub pin_pad: PinPads,
    /// `ca-certificates`: show the CA certificates.
    pub ca_certificates: bool,
    /// `readers`: patterns of reader names, with `*` for any characters; none stands for all readers.
    pub readers: Vec<String>,
    /// `log`: how much is written down.
    pub log: log::LevelFilter,
    /// `log-file`: where; standard error without it.
    pub log_file: Option<PathBuf>,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            slots: ShownTokens::default(),
            labels: Labels::default(),
            always_authenticate: false,
            last_try: LastTry::default(),
            pin_pad: PinPads::default(),
            ca_certificates: true,
            readers: Vec::new(),
            log: log::LevelFilter::Off,
            log_file: None,
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
    let mut parts = pattern.split('*');
    // What stands before the first `*` begins the name, what stands behind the last one ends it, and the parts between
    // come one after the other: the first place where a part fits is as good as any.
    let Some(mut rest) = parts.next().and_then(|start| name.strip_prefix(start)) else { return false };
    let Some(end) = parts.next_back() else { return rest.is_empty() };
    for part in parts {
        let Some((_, after)) = rest.split_once(part) else { return false };
        rest = after;
    }
    rest.ends_with(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reader_patterns() {
        assert!(fits("ACS*", "ACS ACR1252 00 00"));
        assert!(fits("*00 01", "Virtual PCD 00 01"));
        assert!(fits("*PCD*", "Virtual PCD 00 01"));
        assert!(fits("V*PCD*1", "Virtual PCD 00 01"));
        assert!(!fits("*PCD", "Virtual PCD 00 01"));
        assert!(!fits("ab*bc", "abc"));
        assert!(!fits("", "x"));
        let settings = Settings { readers: vec!["Sony*".into(), "ACS*".into()], ..Settings::default() };
        assert!(settings.wants_reader("ACS ACR1252 00 00"));
        assert!(!settings.wants_reader("Virtual PCD 00 00"));
        assert!(Settings::default().wants_reader("Virtual PCD 00 00"));
    }
}
