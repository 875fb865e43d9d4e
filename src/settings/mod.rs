//! What can be set. The module works without any setting.
//!
//! The same keys come from two places: a TOML file ([`files`]) and the string that a program may hand over when it
//! loads the module ([`Settings::apply_text`]), which is stronger.

mod files;
mod toml;

use std::fmt;
use std::path::PathBuf;

pub use self::files::Places;

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
    pub slots: Slots,
    /// `labels`: the language of the token labels.
    pub labels: Labels,
    /// `always-authenticate`: each signature with the signing key asks for its PIN anew.
    pub always_authenticate: bool,
    /// `last-try = "refuse"`: never risk the last try of a PIN.
    pub spare_last_try: bool,
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
            slots: Slots::default(),
            labels: Labels::default(),
            always_authenticate: false,
            spare_last_try: false,
            pin_pad: PinPads::default(),
            ca_certificates: true,
            readers: Vec::new(),
            log: log::LevelFilter::Off,
            log_file: None,
        }
    }
}

/// What is wrong with a setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// No setting has this name.
    UnknownKey(String),
    /// The setting has no such value. The text tells which ones it has.
    WrongValue(String, &'static str),
    /// The text does not have the form of settings.
    WrongForm(String),
    /// Something is wrong in this file.
    InFile(PathBuf, Box<Error>),
    /// A file that was named cannot be read.
    Unreadable(PathBuf, std::io::ErrorKind),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::UnknownKey(key) => write!(f, "there is no setting {key:?}"),
            Error::WrongValue(key, values) => write!(f, "the setting {key:?} takes {values}"),
            Error::WrongForm(what) => write!(f, "not settings: {what}"),
            Error::InFile(path, error) => write!(f, "{}: {error}", path.display()),
            Error::Unreadable(path, kind) => write!(f, "{}: {kind}", path.display()),
        }
    }
}

impl std::error::Error for Error {}

/// A value on its way into a setting.
enum Value<'a> {
    Text(&'a str),
    Boolean(bool),
    List(Vec<&'a str>),
}

impl Settings {
    /// Sets what a string of the form `key=value key="value with spaces"` says.
    ///
    /// # Errors
    /// [`Error::UnknownKey`], [`Error::WrongValue`], [`Error::WrongForm`].
    pub fn apply_text(&mut self, text: &str) -> Result<(), Error> {
        let mut rest = text.trim_start();
        while !rest.is_empty() {
            let form = || Error::WrongForm("key=value was expected".into());
            let (key, after) = rest.split_once('=').ok_or_else(form)?;
            let (value, after) = match after.strip_prefix('"') {
                Some(quoted) => quoted.split_once('"').ok_or_else(form)?,
                None => after.split_at(after.find(char::is_whitespace).unwrap_or(after.len())),
            };
            if !after.is_empty() && !after.starts_with(char::is_whitespace) {
                return Err(form());
            }
            self.set(key.trim_end(), &Value::Text(value))?;
            rest = after.trim_start();
        }
        Ok(())
    }

    /// Sets one setting.
    fn set(&mut self, key: &str, value: &Value<'_>) -> Result<(), Error> {
        let wrong = |values| Error::WrongValue(key.to_owned(), values);
        match (key, value) {
            ("slots", Value::Text("both")) => self.slots = Slots::Both,
            ("slots", Value::Text("auth")) => self.slots = Slots::Authentication,
            ("slots", Value::Text("sign")) => self.slots = Slots::Signature,
            ("slots", _) => return Err(wrong("both, auth or sign")),
            ("labels", Value::Text("en")) => self.labels = Labels::English,
            ("labels", Value::Text("ja")) => self.labels = Labels::Japanese,
            ("labels", _) => return Err(wrong("en or ja")),
            ("last-try", Value::Text("allow")) => self.spare_last_try = false,
            ("last-try", Value::Text("refuse")) => self.spare_last_try = true,
            ("last-try", _) => return Err(wrong("allow or refuse")),
            ("pin-pad", Value::Text("auto")) => self.pin_pad = PinPads::Auto,
            ("pin-pad", Value::Text("letters")) => self.pin_pad = PinPads::Letters,
            ("pin-pad", Value::Text("off")) => self.pin_pad = PinPads::Off,
            ("pin-pad", _) => return Err(wrong("auto, letters or off")),
            ("always-authenticate", value) => self.always_authenticate = truth(value).ok_or_else(|| wrong(TRUTH))?,
            ("ca-certificates", value) => self.ca_certificates = truth(value).ok_or_else(|| wrong(TRUTH))?,
            ("readers", Value::List(patterns)) => {
                self.readers = patterns.iter().map(|pattern| (*pattern).to_owned()).collect();
            }
            ("readers", Value::Text(patterns)) => {
                self.readers = patterns.split(',').map(|pattern| pattern.trim().to_owned()).collect();
            }
            ("readers", Value::Boolean(_)) => return Err(wrong("patterns of reader names")),
            ("log", Value::Text(level @ ("off" | "error" | "info" | "debug" | "trace"))) => {
                self.log = level.parse().unwrap_or(log::LevelFilter::Off);
            }
            ("log", _) => return Err(wrong("off, error, info, debug or trace")),
            ("log-file", Value::Text(path)) => self.log_file = Some(PathBuf::from(path)),
            ("log-file", _) => return Err(wrong("a path")),
            _ => return Err(Error::UnknownKey(key.to_owned())),
        }
        Ok(())
    }

    /// Whether a reader is one of those that the settings name.
    #[must_use]
    pub fn wants_reader(&self, name: &str) -> bool {
        self.readers.is_empty() || self.readers.iter().any(|pattern| fits(pattern, name))
    }
}

/// The values of a setting that is one or the other.
const TRUTH: &str = "true or false";

fn truth(value: &Value<'_>) -> Option<bool> {
    match value {
        Value::Boolean(truth) => Some(*truth),
        Value::Text("true") => Some(true),
        Value::Text("false") => Some(false),
        Value::Text(_) | Value::List(_) => None,
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

    fn from(text: &str) -> Result<Settings, Error> {
        let mut settings = Settings::default();
        settings.apply_text(text).map(|()| settings)
    }

    #[test]
    fn no_text_changes_nothing() {
        assert_eq!(from(""), Ok(Settings::default()));
        assert_eq!(from("  "), Ok(Settings::default()));
    }

    #[test]
    fn every_key() {
        let settings = from(
            "slots=auth labels=ja last-try=refuse pin-pad=letters always-authenticate=true\tca-certificates=false  readers=\"ACS *, Sony*\" \
             log=debug log-file=\"/a b/c\"",
        )
        .unwrap();
        let expected = Settings {
            slots: Slots::Authentication,
            labels: Labels::Japanese,
            always_authenticate: true,
            spare_last_try: true,
            pin_pad: PinPads::Letters,
            ca_certificates: false,
            readers: vec!["ACS *".into(), "Sony*".into()],
            log: log::LevelFilter::Debug,
            log_file: Some("/a b/c".into()),
        };
        assert_eq!(settings, expected);
    }

    #[test]
    fn mistakes_are_told() {
        for text in [
            "slots",
            "slots=",
            "slots=all",
            "slot=auth",
            "labels=\"ja",
            "labels=\"ja\"x",
            "=",
            "log=loud",
            "pin-pad=on",
            "ca-certificates=1",
        ] {
            assert!(from(text).is_err(), "{text}");
        }
    }

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
