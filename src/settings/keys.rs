//! The table of keys: what each is called, which values it has, and what a value sets.

use log::LevelFilter;

use super::values::{Labels, LastTry, PinPads, Settings, ShownTokens};

/// A key: a row of the table.
#[derive(Debug)]
pub struct Key {
    /// What it is called.
    pub name: &'static str,
    /// Which values it has.
    pub values: Values,
    /// What it is for: a cell of the README's table.
    pub purpose: &'static str,
}

/// A value that is a word, and what sets it.
pub type Word = (&'static str, fn(&mut Settings));

/// The values of a key.
#[derive(Debug)]
pub enum Values {
    /// Some words. The first is the default.
    Words(&'static [Word]),
    /// Texts. The default is the empty one.
    Texts {
        /// What kind of text.
        kind: &'static str,
        /// Sets the value of a text; `None` if the text is not of the kind.
        set: fn(&mut Settings, &str) -> Option<()>,
    },
}

/// All keys, in the order of the README's table.
pub static KEYS: [Key; 9] = [
    Key {
        name: "slots",
        values: Values::Words(&[
            ("both", |settings| settings.slots = ShownTokens::Both),
            ("auth", |settings| settings.slots = ShownTokens::Authentication),
            ("sign", |settings| settings.slots = ShownTokens::Signature),
        ]),
        purpose: "a browser needs only `auth`, and then never asks for the signing PIN",
    },
    Key {
        name: "labels",
        values: Values::Words(&[
            ("en", |settings| settings.labels = Labels::English),
            ("ja", |settings| settings.labels = Labels::Japanese),
        ]),
        purpose: "the language of the token labels, which password prompts show",
    },
    Key {
        name: "always-authenticate",
        values: Values::Words(&[
            ("false", |settings| settings.always_authenticate = false),
            ("true", |settings| settings.always_authenticate = true),
        ]),
        purpose: "`true`: each signature with the signing key asks for its PIN anew; many programs cannot do that",
    },
    Key {
        name: "last-try",
        values: Values::Words(&[
            ("allow", |settings| settings.last_try = LastTry::Allow),
            ("refuse", |settings| settings.last_try = LastTry::Spare),
        ]),
        purpose: "`refuse` never risks the last try of a PIN: for services that retry by themselves",
    },
    Key {
        name: "pin-pad",
        values: Values::Words(&[
            ("auto", |settings| settings.pin_pad = PinPads::Auto),
            ("letters", |settings| settings.pin_pad = PinPads::Letters),
            ("off", |settings| settings.pin_pad = PinPads::Off),
        ]),
        purpose: "`auto` uses the readers' PIN pads for the four digits; `letters` says that they can type capital letters \
                  as well, for the signing PIN",
    },
    Key {
        name: "ca-certificates",
        values: Values::Words(&[
            ("true", |settings| settings.ca_certificates = true),
            ("false", |settings| settings.ca_certificates = false),
        ]),
        purpose: "show the CA certificates",
    },
    Key {
        name: "readers",
        values: Values::Texts { kind: "patterns of reader names with commas between them", set: set_readers },
        purpose: "leave other readers alone; in a pattern `*` stands for any characters, also for a comma",
    },
    Key {
        name: "log",
        values: Values::Words(&[
            ("off", |settings| settings.log = LevelFilter::Off),
            ("error", |settings| settings.log = LevelFilter::Error),
            ("info", |settings| settings.log = LevelFilter::Info),
            ("debug", |settings| settings.log = LevelFilter::Debug),
            ("trace", |settings| settings.log = LevelFilter::Trace),
        ]),
        purpose: "never with a PIN or anything of the signing certificate",
    },
    Key {
        name: "log-file",
        values: Values::Texts { kind: "an absolute path", set: set_log_file },
        purpose: "without it the log goes to standard error",
    },
];

/// An empty pattern would fit no reader, so it is a mistake.
fn set_readers(settings: &mut Settings, text: &str) -> Option<()> {
    let mut patterns = Vec::new();
    if !text.is_empty() {
        patterns.extend(text.split(',').map(|pattern| pattern.trim_matches([' ', '\t']).to_owned()));
    }
    if patterns.iter().any(String::is_empty) {
        return None;
    }
    settings.readers = patterns;
    Some(())
}

fn set_log_file(settings: &mut Settings, text: &str) -> Option<()> {
    settings.log_file = (!text.is_empty()).then(|| text.into());
    Some(())
}

impl Key {
    /// The key of this name.
    pub(super) fn named(name: &str) -> Option<&'static Key> {
        KEYS.iter().find(|key| key.name == name)
    }

    /// The known name that somebody who wrote this one may have meant: at most two letters are wrong, and fewer than half.
    pub(super) fn nearest(name: &str) -> Option<&'static str> {
        let near = KEYS.iter().map(|key| (distance(name, key.name), key.name));
        near.filter(|(wrong, name)| *wrong <= 2 && 2 * wrong < name.len()).min().map(|(_, name)| name)
    }

    /// Sets the key to a value; `None` if it has no such value.
    pub(super) fn set(&self, settings: &mut Settings, value: &str) -> Option<()> {
        match &self.values {
            Values::Words(words) => words.iter().find(|(word, _)| *word == value).map(|(_, set)| set(settings)),
            Values::Texts { set, .. } => set(settings, value),
        }
    }

    /// The values in words, for whoever wrote another: `en or ja`.
    pub(super) fn expected(&self) -> String {
        match &self.values {
            Values::Words(words) => {
                let mut text = String::new();
                for (place, (word, _)) in words.iter().enumerate() {
                    text += match place {
                        0 => "",
                        _ if place + 1 == words.len() => " or ",
                        _ => ", ",
                    };
                    text += word;
                }
                text
            }
            Values::Texts { kind, .. } => (*kind).to_owned(),
        }
    }
}

/// How many letters have to be added, removed or replaced to get from one text to the other (Levenshtein).
fn distance(from: &str, to: &str) -> usize {
    // The distances from what was read of `from` to each start of `to`, but for the empty one, beginning with nothing.
    let mut row: Vec<usize> = (1..=to.chars().count()).collect();
    let mut whole = row.len();
    for (read, letter) in from.chars().enumerate() {
        // To the empty start: before this letter, and with it.
        let (mut diagonal, mut left) = (read, read + 1);
        for (cell, other) in row.iter_mut().zip(to.chars()) {
            let replaced = diagonal + usize::from(letter != other);
            diagonal = *cell;
            left = replaced.min(diagonal + 1).min(left + 1);
            *cell = left;
        }
        whole = left;
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Settings of which none is the default.
    fn unusual() -> Settings {
        Settings {
            slots: ShownTokens::Signature,
            labels: Labels::Japanese,
            always_authenticate: true,
            last_try: LastTry::Spare,
            pin_pad: PinPads::Off,
            ca_certificates: false,
            readers: vec!["ACS*".into()],
            log: LevelFilter::Trace,
            log_file: Some("/a/log".into()),
        }
    }

    /// Every key, every value, and what the value sets.
    fn every_value() -> Vec<(&'static str, &'static str, Settings)> {
        let default = Settings::default;
        vec![
            ("slots", "both", Settings { slots: ShownTokens::Both, ..default() }),
            ("slots", "auth", Settings { slots: ShownTokens::Authentication, ..default() }),
            ("slots", "sign", Settings { slots: ShownTokens::Signature, ..default() }),
            ("labels", "en", Settings { labels: Labels::English, ..default() }),
            ("labels", "ja", Settings { labels: Labels::Japanese, ..default() }),
            ("always-authenticate", "false", Settings { always_authenticate: false, ..default() }),
            ("always-authenticate", "true", Settings { always_authenticate: true, ..default() }),
            ("last-try", "allow", Settings { last_try: LastTry::Allow, ..default() }),
            ("last-try", "refuse", Settings { last_try: LastTry::Spare, ..default() }),
            ("pin-pad", "auto", Settings { pin_pad: PinPads::Auto, ..default() }),
            ("pin-pad", "letters", Settings { pin_pad: PinPads::Letters, ..default() }),
            ("pin-pad", "off", Settings { pin_pad: PinPads::Off, ..default() }),
            ("ca-certificates", "true", Settings { ca_certificates: true, ..default() }),
            ("ca-certificates", "false", Settings { ca_certificates: false, ..default() }),
            ("log", "off", Settings { log: LevelFilter::Off, ..default() }),
            ("log", "error", Settings { log: LevelFilter::Error, ..default() }),
            ("log", "info", Settings { log: LevelFilter::Info, ..default() }),
            ("log", "debug", Settings { log: LevelFilter::Debug, ..default() }),
            ("log", "trace", Settings { log: LevelFilter::Trace, ..default() }),
        ]
    }

    #[test]
    fn each_value_sets_what_it_says_and_nothing_else() {
        for (name, value, expected) in every_value() {
            let key = Key::named(name).unwrap();
            let mut settings = Settings::default();
            assert_eq!(key.set(&mut settings, value), Some(()), "{name} = {value}");
            assert_eq!(settings, expected, "{name} = {value}");
        }
        let listed = every_value().into_iter().map(|(name, value, _)| (name, value));
        let table = KEYS.iter().filter_map(|key| match key.values {
            Values::Words(words) => Some(words.iter().map(|(word, _)| (key.name, *word))),
            Values::Texts { .. } => None,
        });
        assert!(table.flatten().eq(listed), "the table has other words than this test");
    }

    #[test]
    fn the_default_is_the_first_value_or_the_empty_one() {
        let mut settings = unusual();
        for (place, key) in KEYS.iter().enumerate() {
            let before = settings.clone();
            let default = match key.values {
                Values::Words(words) => words[0].0,
                Values::Texts { .. } => "",
            };
            assert_eq!(key.set(&mut settings, default), Some(()), "{}", key.name);
            assert_ne!(settings, before, "{}", key.name);
            assert_eq!(settings == Settings::default(), place == KEYS.len() - 1, "{}", key.name);
        }
    }

    #[test]
    fn a_value_that_a_key_has_not_changes_nothing_and_is_told_the_others() {
        for (name, wrong, expected) in [
            ("slots", "all", "both, auth or sign"),
            ("slots", "Both", "both, auth or sign"),
            ("slots", "", "both, auth or sign"),
            ("labels", "fr", "en or ja"),
            ("always-authenticate", "yes", "false or true"),
            ("always-authenticate", "1", "false or true"),
            ("last-try", "true", "allow or refuse"),
            ("pin-pad", "on", "auto, letters or off"),
            ("ca-certificates", "no", "true or false"),
            ("readers", ",", "patterns of reader names with commas between them"),
            ("readers", "ACS*,", "patterns of reader names with commas between them"),
            ("readers", ",ACS*", "patterns of reader names with commas between them"),
            ("readers", "ACS*, ,Sony*", "patterns of reader names with commas between them"),
            ("readers", " ", "patterns of reader names with commas between them"),
            ("log", "warn", "off, error, info, debug or trace"),
            ("log", "loud", "off, error, info, debug or trace"),
        ] {
            let key = Key::named(name).unwrap();
            let mut settings = unusual();
            assert_eq!(key.set(&mut settings, wrong), None, "{name} = {wrong:?}");
            assert_eq!(settings, unusual(), "{name} = {wrong:?}");
            assert_eq!(key.expected(), expected);
        }
        // Any path may be one.
        assert_eq!(Key::named("log-file").unwrap().expected(), "an absolute path");
    }

    #[test]
    fn readers_are_patterns_with_commas_between_them() {
        let readers = Key::named("readers").unwrap();
        for (text, expected) in [
            ("ACS*", &["ACS*"][..]),
            ("ACS *, Sony*", &["ACS *", "Sony*"]),
            (" \tACS ,Sony\t", &["ACS", "Sony"]),
            ("カードリーダー*,*", &["カードリーダー*", "*"]),
        ] {
            let mut settings = Settings::default();
            assert_eq!(readers.set(&mut settings, text), Some(()));
            assert_eq!(
                settings,
                Settings { readers: expected.iter().map(|p| (*p).into()).collect(), ..Settings::default() }
            );
        }
    }

    #[test]
    fn a_log_file_is_a_path_as_it_stands() {
        let mut settings = Settings::default();
        assert_eq!(Key::named("log-file").unwrap().set(&mut settings, " /a b/c#d"), Some(()));
        assert_eq!(settings, Settings { log_file: Some(" /a b/c#d".into()), ..Settings::default() });
    }

    #[test]
    fn names_are_compared_whole() {
        assert!(KEYS.iter().all(|key| Key::named(key.name).is_some_and(|found| found.name == key.name)));
        for name in ["", "slot", "slotss", "Slots", "log-", "logfile"] {
            assert!(Key::named(name).is_none(), "{name:?}");
        }
    }

    #[test]
    fn the_nearest_name_is_found_only_if_it_is_near() {
        for (name, nearest) in [
            ("slot", Some("slots")),
            ("Slots", Some("slots")),
            ("sltos", Some("slots")),
            ("label", Some("labels")),
            ("always_authenticate", Some("always-authenticate")),
            ("lasttries", None),
            ("lastry", Some("last-try")),
            ("pinpad", Some("pin-pad")),
            ("ca-certificate", Some("ca-certificates")),
            ("reader", Some("readers")),
            ("logs", Some("log")),
            ("log_file", Some("log-file")),
            ("logfile", Some("log-file")),
            ("slots\u{3000}", Some("slots")),
            ("no", None),
            ("l", None),
            ("", None),
            ("password", None),
            ("log-level", None),
        ] {
            assert_eq!(Key::nearest(name), nearest, "{name:?}");
        }
    }

    #[test]
    fn distances() {
        for (from, to, expected) in [
            ("", "", 0),
            ("", "abc", 3),
            ("abc", "", 3),
            ("kitten", "sitting", 3),
            ("abc", "abc", 0),
            ("ab", "ba", 2),
            ("日本", "日", 1),
        ] {
            assert_eq!(distance(from, to), expected, "{from:?} {to:?}");
        }
    }
}
