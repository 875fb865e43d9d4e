//! How settings are written: one grammar for files and for the string of C_Initialize.
//!
//! ```text
//! entry  = key [space] "=" [space] value
//! key    = word
//! value  = word | '"' any characters but '"' '"'
//! word   = one or more characters, but none of space, '=', '#', '"'
//! space  = spaces and tabs
//! file   = lines, each with an entry or none, and with a comment or none: '#' and the rest of the line
//! string = entries with space between them
//! ```
//!
//! A comment stands at the start of a line or behind a space; the string has none. A value has no escapes and no `"`.
//! A key may be there once in a file, and once in the string. No character is a control character other than a tab. A
//! file may begin with a byte order mark, and its lines may end with CR and LF, because some editors write files so.

use super::error::Error;
use super::keys::Key;
use super::values::Settings;

/// The space between the parts of an entry.
const SPACE: [char; 2] = [' ', '\t'];

impl Settings {
    /// Sets what the text of a file says. After an error some of it may be set.
    ///
    /// # Errors
    /// [`Error::OnLine`].
    pub fn apply_lines(&mut self, text: &str) -> Result<(), Error> {
        let mut source = Source { settings: self, keys: Vec::new() };
        for (place, line) in text.strip_prefix('\u{FEFF}').unwrap_or(text).lines().enumerate() {
            source.line(line).map_err(|error| Error::OnLine(place + 1, Box::new(error)))?;
        }
        Ok(())
    }

    /// Sets what a string of the form `key=value key="value with spaces"` says. After an error some of it may be set.
    ///
    /// # Errors
    /// All but [`Error::OnLine`], [`Error::InFile`] and [`Error::Unreadable`].
    pub fn apply_string(&mut self, text: &str) -> Result<(), Error> {
        let mut source = Source { settings: self, keys: Vec::new() };
        let mut rest = printable(text)?.trim_start_matches(SPACE);
        while !rest.is_empty() {
            let (entry, behind) = entry(rest)?;
            source.set(entry)?;
            rest = behind;
        }
        Ok(())
    }
}

/// A file or a string while it is read.
struct Source<'a> {
    settings: &'a mut Settings,
    /// The keys that were there so far.
    keys: Vec<&'static str>,
}

/// A name and a value, as they stand in a text.
struct Entry<'a> {
    name: &'a str,
    value: &'a str,
}

impl Source<'_> {
    /// Reads a line of a file.
    fn line(&mut self, line: &str) -> Result<(), Error> {
        let line = printable(line)?.trim_start_matches(SPACE);
        if ends(line) {
            return Ok(());
        }
        let (entry, behind) = entry(line)?;
        if ends(behind) { self.set(entry) } else { Err(Error::BehindValue) }
    }

    fn set(&mut self, Entry { name, value }: Entry<'_>) -> Result<(), Error> {
        let key = Key::named(name).ok_or_else(|| Error::UnknownKey(name.to_owned(), Key::nearest(name)))?;
        if self.keys.contains(&key.name) {
            return Err(Error::Twice(name.to_owned()));
        }
        self.keys.push(key.name);
        let wrong = || Error::WrongValue { key: name.to_owned(), value: value.to_owned(), expected: key.expected() };
        key.set(self.settings, value).ok_or_else(wrong)
    }
}

/// The entry at the start of a text, and what stands behind it and its space.
fn entry(text: &str) -> Result<(Entry<'_>, &str), Error> {
    let (name, rest) = word(text);
    let rest = rest.trim_start_matches(SPACE).strip_prefix('=').filter(|_| !name.is_empty());
    let rest = rest.ok_or(Error::NoEntry)?.trim_start_matches(SPACE);
    let (value, rest) = match rest.strip_prefix('"') {
        Some(quoted) => quoted.split_once('"').ok_or(Error::NoClosingQuote)?,
        None => {
            Some(word(rest)).filter(|(value, _)| !value.is_empty()).ok_or_else(|| Error::NoValue(name.to_owned()))?
        }
    };
    if !rest.is_empty() && !rest.starts_with(SPACE) {
        return Err(Error::BehindValue);
    }
    Ok((Entry { name, value }, rest.trim_start_matches(SPACE)))
}

/// Whether a line has nothing more but a comment.
fn ends(rest: &str) -> bool {
    rest.is_empty() || rest.starts_with('#')
}

/// The word at the start of a text, which may be empty, and what stands behind it.
fn word(text: &str) -> (&str, &str) {
    let end = text.find(|letter| SPACE.contains(&letter) || matches!(letter, '=' | '#' | '"'));
    text.split_at(end.unwrap_or(text.len()))
}

/// The text, if it has no control characters.
fn printable(text: &str) -> Result<&str, Error> {
    let control = text.contains(|letter: char| letter.is_control() && letter != '\t');
    if control { Err(Error::ControlCharacter) } else { Ok(text) }
}

#[cfg(test)]
mod tests {
    use log::LevelFilter;

    use super::*;
    use crate::settings::keys::{KEYS, Values};
    use crate::settings::values::{Labels, LastTry, PinPads, ShownTokens};

    fn from_lines(text: &str) -> Result<Settings, Error> {
        let mut settings = Settings::default();
        settings.apply_lines(text).map(|()| settings)
    }

    fn from_string(text: &str) -> Result<Settings, Error> {
        let mut settings = Settings::default();
        settings.apply_string(text).map(|()| settings)
    }

    fn on_line(line: usize, error: Error) -> Result<Settings, Error> {
        Err(Error::OnLine(line, Box::new(error)))
    }

    /// What both forms of `every_key` say.
    fn all() -> Settings {
        Settings {
            slots: ShownTokens::Authentication,
            labels: Labels::Japanese,
            always_authenticate: true,
            last_try: LastTry::Spare,
            pin_pad: PinPads::Letters,
            ca_certificates: false,
            readers: vec!["ACS *".into(), "Sony*".into()],
            log: LevelFilter::Debug,
            log_file: Some("/a b/c".into()),
        }
    }

    #[test]
    fn every_key_in_a_string() {
        let text = "slots=auth labels=ja last-try=refuse pin-pad=letters always-authenticate=true\tca-certificates=false  \
                    readers=\"ACS *, Sony*\" log=debug log-file=\"/a b/c\"";
        assert_eq!(from_string(text), Ok(all()));
    }

    #[test]
    fn every_key_in_a_file() {
        let text = "# for browsers\nslots = auth\nlabels = ja\nlast-try = refuse\npin-pad = letters\n\
                    always-authenticate = true\nca-certificates = false\nreaders = \"ACS *, Sony*\"\n\nlog = debug\n\
                    log-file = \"/a b/c\"\n";
        assert_eq!(from_lines(text), Ok(all()));
    }

    #[test]
    fn a_value_of_the_table_means_the_same_in_a_file_and_in_the_string() {
        for key in &KEYS {
            let values = match key.values {
                Values::Words(words) => words.iter().map(|(word, _)| *word).collect(),
                Values::Texts { .. } => vec!["", "a", "a b", "a#b", "a=b", "a, b", "#", "日本"],
            };
            for value in values {
                let mut expected = Settings::default();
                key.set(&mut expected, value).unwrap();
                let entries = [format!("{}=\"{value}\"", key.name), format!("\t{} = \"{value}\" ", key.name)];
                let bare = format!("{}={value}", key.name);
                let is_word = !value.is_empty() && word(value).1.is_empty();
                for entry in entries.into_iter().chain(is_word.then_some(bare)) {
                    assert_eq!(from_string(&entry), Ok(expected.clone()), "{entry}");
                    assert_eq!(from_lines(&entry), Ok(expected.clone()), "{entry}");
                }
            }
        }
    }

    #[test]
    fn no_entry_changes_nothing() {
        for text in ["", " ", "\t "] {
            assert_eq!(from_string(text), Ok(Settings::default()), "{text:?}");
        }
        for text in ["", " ", "\n\n", "\r\n", "\u{FEFF}", "# slots = auth", " \t# slots = auth\n#\n", "\u{FEFF}#"] {
            assert_eq!(from_lines(text), Ok(Settings::default()), "{text:?}");
        }
    }

    #[test]
    fn lines_end_as_editors_end_them() {
        let expected =
            Ok(Settings { slots: ShownTokens::Authentication, labels: Labels::Japanese, ..Settings::default() });
        for text in [
            "slots=auth\nlabels=ja",
            "slots = auth\r\nlabels = ja\r\n",
            "\u{FEFF}slots\t=\tauth\n\n\nlabels =ja",
            "  slots= \"auth\"  # sign\r\n\tlabels = \"ja\" ",
        ] {
            assert_eq!(from_lines(text), expected, "{text:?}");
        }
    }

    #[test]
    fn a_comment_begins_behind_a_space_and_outside_of_quotes() {
        let auth = Settings { slots: ShownTokens::Authentication, ..Settings::default() };
        assert_eq!(from_lines("slots = auth # sign"), Ok(auth.clone()));
        assert_eq!(from_lines("slots = auth\t#"), Ok(auth));
        let path = Settings { log_file: Some("/a #b".into()), ..Settings::default() };
        assert_eq!(from_lines("log-file = \"/a #b\" # c"), Ok(path.clone()));
        assert_eq!(from_string("log-file=\"/a #b\""), Ok(path));
        // Nothing of a value is lost.
        assert_eq!(from_lines("log-file = /a#b"), on_line(1, Error::BehindValue));
        assert_eq!(from_lines("log-file = \"/a\"#b"), on_line(1, Error::BehindValue));
        assert_eq!(from_string("log-file=/a#b"), Err(Error::BehindValue));
        // The string has no comments.
        assert_eq!(from_string("slots=auth # sign"), Err(Error::NoEntry));
        assert_eq!(from_string("#"), Err(Error::NoEntry));
    }

    #[test]
    fn quotes_keep_a_value_as_it_stands() {
        for (text, path) in
            [("\" /a\\b\t\"", " /a\\b\t"), ("\"'\"", "'"), ("'/a'", "'/a'"), ("\"=\"", "="), ("/a,b", "/a,b")]
        {
            let expected = Settings { log_file: Some(path.into()), ..Settings::default() };
            assert_eq!(from_string(&format!("log-file={text}")), Ok(expected.clone()), "{text}");
            assert_eq!(from_lines(&format!("log-file = {text}")), Ok(expected), "{text}");
        }
        let mut settings = all();
        settings.apply_lines("log-file = \"\"\nreaders = \"\"").unwrap();
        assert_eq!(settings, Settings { log_file: None, readers: Vec::new(), ..all() });
    }

    #[test]
    fn mistakes_are_told_alike_and_in_a_file_with_their_line() {
        let value = |key: &str, value: &str, expected: &str| Error::WrongValue {
            key: key.into(),
            value: value.into(),
            expected: expected.into(),
        };
        for (entry, error) in [
            ("slots", Error::NoEntry),
            ("[slots]", Error::NoEntry),
            ("=", Error::NoEntry),
            ("= auth", Error::NoEntry),
            ("\"slots\" = auth", Error::NoEntry),
            ("slots: auth", Error::NoEntry),
            ("slots＝auth", Error::NoEntry),
            ("slots=", Error::NoValue("slots".into())),
            ("slots = # auth", Error::NoValue("slots".into())),
            ("slots==auth", Error::NoValue("slots".into())),
            ("slots=\"auth", Error::NoClosingQuote),
            ("slots=\"", Error::NoClosingQuote),
            ("slots=\"auth\"x", Error::BehindValue),
            ("slots=\"auth\"\"x\"", Error::BehindValue),
            ("slots=auth\"x\"", Error::BehindValue),
            ("log-file=/a=b", Error::BehindValue),
            ("slot=auth", Error::UnknownKey("slot".into(), Some("slots"))),
            ("colour=red", Error::UnknownKey("colour".into(), None)),
            ("slots\u{A0}=auth", Error::UnknownKey("slots\u{A0}".into(), Some("slots"))),
            ("slots=all", value("slots", "all", "both, auth or sign")),
            ("slots=\"\"", value("slots", "", "both, auth or sign")),
            ("ca-certificates=1", value("ca-certificates", "1", "true or false")),
            ("readers=ACS*,", value("readers", "ACS*,", "patterns of reader names with commas between them")),
            ("slots=auth\u{7}", Error::ControlCharacter),
            ("slots=au\u{0}th", Error::ControlCharacter),
            ("slots=auth\rlabels=ja", Error::ControlCharacter),
            ("log-file=\"\u{85}\"", Error::ControlCharacter),
        ] {
            assert_eq!(from_string(entry), Err(error.clone()), "{entry:?}");
            assert_eq!(from_string(&format!("log=info {entry}")), Err(error.clone()), "{entry:?}");
            assert_eq!(from_lines(entry), on_line(1, error.clone()), "{entry:?}");
            assert_eq!(from_lines(&format!("\u{FEFF}# a\r\n\nlog=info\n {entry}\nx")), on_line(4, error), "{entry:?}");
        }
        assert_eq!(from_lines("# a bell \u{7}"), on_line(1, Error::ControlCharacter), "also in a comment");
        assert_eq!(from_lines("slots=auth\r"), on_line(1, Error::ControlCharacter), "a CR without its LF");
        assert_eq!(from_string("slots=auth\nlabels=ja"), Err(Error::ControlCharacter), "a string has no lines");
        assert_eq!(from_string("\u{FEFF}slots=auth").map_err(|error| error.to_string()).unwrap_err(), {
            "there is no setting \"\\u{feff}slots\"; did you mean \"slots\"?"
        });
    }

    #[test]
    fn a_line_has_one_entry() {
        assert_eq!(from_lines("slots=auth labels=ja"), on_line(1, Error::BehindValue));
        assert_eq!(from_lines("readers = ACS*, Sony*"), on_line(1, Error::BehindValue));
        assert_eq!(from_lines("labels=ja\nslots = \"both\" \"auth\""), on_line(2, Error::BehindValue));
    }

    #[test]
    fn a_value_that_is_forgotten_takes_no_other_entry_for_itself() {
        assert_eq!(from_string("log-file= log=debug"), Err(Error::BehindValue));
        assert_eq!(from_string("labels=ja log-file="), Err(Error::NoValue("log-file".into())));
    }

    #[test]
    fn a_key_is_there_once_in_each_source() {
        let twice = Error::Twice("last-try".into());
        assert_eq!(from_lines("last-try = refuse\n\nlast-try = allow"), on_line(3, twice.clone()));
        assert_eq!(from_string("last-try=refuse slots=auth last-try=refuse"), Err(twice));
        // A stronger source may say it again.
        let mut settings = from_lines("slots = auth\nlabels = ja").unwrap();
        settings.apply_lines("slots = sign").unwrap();
        assert_eq!((settings.slots, settings.labels), (ShownTokens::Signature, Labels::Japanese));
        settings.apply_string("slots=both").unwrap();
        assert_eq!((settings.slots, settings.labels), (ShownTokens::Both, Labels::Japanese));
    }

    #[test]
    fn mistakes_in_words() {
        for (text, words) in [
            ("slots", "line 1: key = value was expected"),
            ("slots =", "line 1: \"slots\" has no value; an empty one is written as \"\""),
            ("slots = \"auth", "line 1: a value has no closing quote"),
            (
                "log-file = /a b",
                "line 1: something stands behind a value; one with a space, # or = in it is written in double quotes",
            ),
            ("# \u{1B}", "line 1: there is a control character"),
            ("\nslot = auth", "line 2: there is no setting \"slot\"; did you mean \"slots\"?"),
            ("no = such", "line 1: there is no setting \"no\""),
            ("labels = fr", "line 1: the setting \"labels\" takes en or ja, not \"fr\""),
            ("log = off\nlog = off", "line 2: the setting \"log\" is there twice"),
        ] {
            assert_eq!(from_lines(text).unwrap_err().to_string(), words);
        }
    }
}
