//! The Rust files of a folder, and their code: the text without comments, and with empty string literals.

use std::fs;
use std::path::Path;

/// All Rust files below a folder, with their text.
pub(crate) fn sources(folder: &Path) -> Vec<(String, String)> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push((path.display().to_string(), fs::read_to_string(&path).expect("a text")));
        }
    }
    files
}

/// The text without comments, and with empty string literals. Keeps the lines.
pub(crate) fn code_of(source: &str) -> String {
    let mut code = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(first) = rest.chars().next() {
        // The replacement and the length of a comment or literal at this place.
        let skipped = match first {
            '/' if rest.starts_with("//") => Some(("", rest.find('\n').unwrap_or(rest.len()))),
            '/' if rest.starts_with("/*") => Some(("", length_of_comment(rest))),
            '"' => Some(("\"\"", length_of_string(rest))),
            'r' if !code.ends_with(is_word) => length_of_raw_string(rest).map(|length| ("\"\"", length)),
            '\'' => length_of_character(rest).map(|length| ("' '", length)),
            _ => None,
        };
        let (replacement, length) = skipped.unwrap_or((&rest[..first.len_utf8()], first.len_utf8()));
        code.push_str(replacement);
        if skipped.is_some() {
            code.extend(rest[..length].chars().filter(|character| *character == '\n'));
        }
        rest = &rest[length..];
    }
    code
}

/// Block comments nest.
fn length_of_comment(text: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        if rest.starts_with("/*") {
            (depth, at) = (depth + 1, at + 2);
        } else if rest.starts_with("*/") {
            (depth, at) = (depth - 1, at + 2);
            if depth == 0 {
                return at;
            }
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

fn length_of_string(text: &str) -> usize {
    let mut escaped = false;
    for (at, character) in text.char_indices().skip(1) {
        match character {
            '"' if !escaped => return at + 1,
            '\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    text.len()
}

/// `r"…"`, `r#"…"#` and so on.
fn length_of_raw_string(text: &str) -> Option<usize> {
    let hashes = text[1..].chars().take_while(|character| *character == '#').count();
    let start = 1 + hashes;
    let content = text[start..].strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    Some(start + 1 + content.find(&end).map_or(content.len(), |at| at + end.len()))
}

/// A character literal; `None` for a lifetime.
fn length_of_character(text: &str) -> Option<usize> {
    let rest = &text[1..];
    let first = rest.chars().next()?;
    let content = if first == '\\' { 1 + rest[1..].find('\'')? } else { first.len_utf8() };
    let content = if rest.starts_with("\\'") { 2 } else { content };
    rest[content..].starts_with('\'').then_some(content + 2)
}

pub(crate) fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

/// Whether a line of code contains a word.
pub(crate) fn says(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        let starts = !word.starts_with(is_word) || !before.is_some_and(is_word);
        let ends = word.ends_with('_') || !after.is_some_and(is_word);
        starts && ends
    })
}
