//! What can be set. The module works without any setting.
//!
//! The same keys come from two places: a TOML file ([`files`]) and the string that a program may hand over when it
//! loads the module ([`Settings::apply_text`]), which is stronger.

mod error;
mod files;
mod toml;
mod values;

use std::path::PathBuf;

pub use self::error::Error;
pub use self::files::{FromFiles, Places};
pub use self::values::{Labels, PinPads, Settings, ShownTokens};
pub use crate::token::LastTry;

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
            ("slots", Value::Text("both")) => self.slots = ShownTokens::Both,
            ("slots", Value::Text("auth")) => self.slots = ShownTokens::Authentication,
            ("slots", Value::Text("sign")) => self.slots = ShownTokens::Signature,
            ("slots", _) => return Err(wrong("both, auth or sign")),
            ("labels", Value::Text("en")) => self.labels = Labels::English,
            ("labels", Value::Text("ja")) => self.labels = Labels::Japanese,
            ("labels", _) => return Err(wrong("en or ja")),
            ("last-try", Value::Text("allow")) => self.last_try = LastTry::Allow,
            ("last-try", Value::Text("refuse")) => self.last_try = LastTry::Spare,
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
            slots: ShownTokens::Authentication,
            labels: Labels::Japanese,
            always_authenticate: true,
            last_try: LastTry::Spare,
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
}
