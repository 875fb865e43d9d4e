//! The part of TOML 1.0 that flat settings are written in: keys with texts, truth values and lists of texts.
//!
//! Our own, because a library that reads all of TOML makes the module 45 kB larger, of the 800 kB that it may have. What
//! this reads means the same in all of TOML (the fuzz target `settings` compares it with the crate `toml`); what it
//! does not read it refuses, with the line.

use super::{Error, Value};

/// Hands each setting of a document to `set`.
///
/// # Errors
/// [`Error::WrongForm`] with the line of the mistake; what `set` says.
pub(super) fn read(text: &str, set: &mut dyn FnMut(&str, &Value<'_>) -> Result<(), Error>) -> Result<(), Error> {
    let mut document = Document { rest: text.strip_prefix('\u{FEFF}').unwrap_or(text) };
    let mut keys = Vec::new();
    loop {
        match document.entry(&keys) {
            Ok(Some(Entry { key, value })) => {
                let value = match &value {
                    Item::Text(text) => Value::Text(text),
                    Item::Boolean(truth) => Value::Boolean(*truth),
                    Item::List(texts) => Value::List(texts.iter().map(String::as_str).collect()),
                };
                set(&key, &value)?;
                keys.push(key);
            }
            Ok(None) => return Ok(()),
            Err(what) => {
                let before = text.len() - document.rest.len();
                let line = text.bytes().take(before).filter(|byte| *byte == b'\n').count() + 1;
                return Err(Error::WrongForm(format!("line {line}: {what}")));
            }
        }
    }
}

/// What is wrong with the form of a document, at the place where reading has stopped.
type Mistake = &'static str;

const VALUES: Mistake = "a value is a text in quotes, true, false, or a list of texts";

/// A key and what stands behind it.
struct Entry {
    key: String,
    value: Item,
}

enum Item {
    Text(String),
    Boolean(bool),
    List(Vec<String>),
}

/// A document while it is read.
struct Document<'a> {
    rest: &'a str,
}

impl Document<'_> {
    /// The next setting; `None` at the end.
    fn entry(&mut self, earlier: &[String]) -> Result<Option<Entry>, Mistake> {
        self.skip_blank_lines()?;
        let key = match self.peek() {
            None => return Ok(None),
            Some('[') => return Err("a table"),
            Some('"' | '\'') => self.text()?,
            Some(_) => self.word(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')).to_owned(),
        };
        if earlier.contains(&key) {
            return Err("a setting that is there twice");
        }
        self.skip_spaces();
        match self.peek() {
            Some('.') => return Err("a key with a dot"),
            Some('=') if !key.is_empty() => self.skip(1),
            _ => return Err("key = value was expected"),
        }
        self.skip_spaces();
        let value = match self.peek() {
            Some('"' | '\'') => Item::Text(self.text()?),
            Some('[') => Item::List(self.list()?),
            _ => match self.word(|c| !c.is_ascii_whitespace() && c != '#') {
                "true" => Item::Boolean(true),
                "false" => Item::Boolean(false),
                _ => return Err(VALUES),
            },
        };
        self.skip_spaces();
        match self.peek() {
            None | Some('\r' | '\n' | '#') => Ok(Some(Entry { key, value })),
            Some(_) => Err("something stands behind a value"),
        }
    }

    /// A list of texts, over several lines where that is wanted, with or without a comma at its end.
    fn list(&mut self) -> Result<Vec<String>, Mistake> {
        let mut texts = Vec::new();
        // The bracket.
        self.skip(1);
        loop {
            self.skip_blank_lines()?;
            match self.peek() {
                Some(']') => break,
                Some('"' | '\'') => texts.push(self.text()?),
                Some(_) => return Err(VALUES),
                None => return Err("a list without an end"),
            }
            self.skip_blank_lines()?;
            match self.peek() {
                Some(',') => self.skip(1),
                Some(']') => break,
                _ => return Err("the texts of a list have commas between them"),
            }
        }
        self.skip(1);
        Ok(texts)
    }

    /// A text in quotes: in double ones with escapes, in single ones as it stands.
    fn text(&mut self) -> Result<String, Mistake> {
        const ENDLESS: Mistake = "a text without an end";
        if self.rest.starts_with("\"\"\"") || self.rest.starts_with("'''") {
            return Err("a text over several lines");
        }
        let mut text = String::new();
        let quote = self.next().ok_or(ENDLESS)?;
        loop {
            match self.peek().ok_or(ENDLESS)? {
                '\r' | '\n' => return Err(ENDLESS),
                c if is_forbidden(c) => return Err("a control character"),
                c => {
                    self.skip(c.len_utf8());
                    match c {
                        '\\' if quote == '"' => text.push(self.escaped().ok_or("an escape that does not exist")?),
                        c if c == quote => return Ok(text),
                        c => text.push(c),
                    }
                }
            }
        }
    }

    /// The character that an escape stands for. `None` where there is no such escape.
    fn escaped(&mut self) -> Option<char> {
        let digits = match self.next()? {
            'b' => return Some('\u{8}'),
            't' => return Some('\t'),
            'n' => return Some('\n'),
            'f' => return Some('\u{C}'),
            'r' => return Some('\r'),
            c @ ('"' | '\\') => return Some(c),
            'u' => 4,
            'U' => 8,
            _ => return None,
        };
        (0..digits).try_fold(0, |code, _| Some(code << 4 | self.next()?.to_digit(16)?)).and_then(char::from_u32)
    }

    /// Skips spaces, ends of lines and comments.
    fn skip_blank_lines(&mut self) -> Result<(), Mistake> {
        loop {
            self.skip_spaces();
            match self.peek() {
                Some('\n') => self.skip(1),
                Some('\r') if self.rest.starts_with("\r\n") => self.skip(2),
                Some('#') => {
                    let comment = self.word(|c| c != '\r' && c != '\n');
                    if comment.contains(is_forbidden) {
                        return Err("a control character");
                    }
                }
                _ => return Ok(()),
            }
        }
    }

    fn skip_spaces(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t']);
    }

    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.skip(next.len_utf8());
        Some(next)
    }

    fn skip(&mut self, bytes: usize) {
        self.rest = self.rest.get(bytes..).unwrap_or_default();
    }
}

impl<'a> Document<'a> {
    /// All characters from here that fit.
    fn word(&mut self, fits: fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|c| !fits(c)).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        word
    }
}

/// TOML allows no control characters but the tab.
fn is_forbidden(c: char) -> bool {
    c.is_ascii_control() && c != '\t'
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The settings of a document, each as a line of our own.
    fn lines(text: &str) -> Result<Vec<String>, Error> {
        let mut lines = Vec::new();
        read(text, &mut |key, value| {
            lines.push(match value {
                Value::Text(text) => format!("{key}: {text:?}"),
                Value::Boolean(truth) => format!("{key}: {truth}"),
                Value::List(texts) => format!("{key}: {texts:?}"),
            });
            Ok(())
        })?;
        Ok(lines)
    }

    fn mistake(text: &str) -> String {
        lines(text).unwrap_err().to_string()
    }

    #[test]
    fn all_that_settings_need() {
        let text = "\u{FEFF}# comment\r\n\r\n a = \"x\" # more\n\t'b'=true\n\"c\" = 'C:\\x'\nd-_1 = false#\n\
                    e = [ \"1\", # one\n '2',\n]\nf = []\ng = [\"\"]";
        assert_eq!(
            lines(text).unwrap(),
            ["a: \"x\"", "b: true", "c: \"C:\\\\x\"", "d-_1: false", "e: [\"1\", \"2\"]", "f: []", "g: [\"\"]"]
        );
        assert_eq!(lines("").unwrap(), Vec::<String>::new());
    }

    #[test]
    fn escapes() {
        assert_eq!(
            lines(r#"a = "\b\t\n\f\r\"\\\u30AB\U0001F4B3""#).unwrap(),
            [format!("a: {:?}", "\u{8}\t\n\u{C}\r\"\\カ💳")]
        );
        for wrong in [r#""\x41""#, r#""\u30a""#, r#""\uD800""#, r#""\U00110000""#, r#""\"#, r#""\u+041""#] {
            assert!(lines(&format!("a = {wrong}")).is_err(), "{wrong}");
        }
    }

    #[test]
    fn mistakes_are_told_with_their_line() {
        for (text, expected) in [
            ("[a]", "line 1: a table"),
            ("\n\na.b = 1", "line 3: a key with a dot"),
            ("a = 'b'\na = 'c'", "line 2: a setting that is there twice"),
            ("a = 1", "line 1: a value is a text in quotes, true, false, or a list of texts"),
            ("a = 'b' 'c'", "line 1: something stands behind a value"),
            ("a = [\n['b']]", "line 2: a value is a text in quotes, true, false, or a list of texts"),
            ("a = ['b' 'c']", "line 1: the texts of a list have commas between them"),
            ("a = [\n", "line 2: a list without an end"),
            ("a = \"b\nc\"", "line 1: a text without an end"),
            ("a = \"\"\"b\"\"\"", "line 1: a text over several lines"),
            ("a = 'b\u{0}'", "line 1: a control character"),
            ("# \u{7}", "line 1: a control character"),
            ("a", "line 1: key = value was expected"),
            ("= 'b'", "line 1: key = value was expected"),
            ("a = true\r", "line 1: key = value was expected"),
        ] {
            assert_eq!(mistake(text), format!("not settings: {expected}"), "{text:?}");
        }
        for text in
            ["a =", "a = truer", "a = {}", "a = [,]", "a = ['b',,]", "ä = 'b'", "a = 'b", "\r", "a = 'b'\rc = 'd'"]
        {
            assert!(lines(text).is_err(), "{text:?}");
        }
    }
}
