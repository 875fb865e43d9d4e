//! The names of its crate that a file uses: its child modules, its `use` declarations, and every other path in its
//! code. The tests inside of a file (`#[cfg(test)]`) do not count.

use crate::code::{code_of, is_word};

/// One name that a `use` declaration imports.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Use {
    /// The whole path, without `as` and without a `self` at its end.
    pub(crate) path: Vec<String>,
    /// Its name in the file; `*` for all names.
    pub(crate) name: String,
    /// Whether other files can import it from this file.
    pub(crate) public: bool,
}

/// The names that a file uses.
#[derive(Debug, Default)]
pub(crate) struct Imports {
    /// `mod x;`
    pub(crate) children: Vec<String>,
    pub(crate) uses: Vec<Use>,
    /// Paths outside of `use` declarations: all words with a `::` behind them.
    pub(crate) paths: Vec<Vec<String>>,
    /// All other words.
    words: Vec<String>,
}

impl Imports {
    /// The names that the code of a file uses.
    pub(crate) fn of(source: &str) -> Self {
        let code = code_of(source);
        let tokens = tokens(&code);
        let mut found = Imports::default();
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            at = match tokens[at..] {
                ["#", "[", "cfg", "(", "test", ")", "]", ..] => end_of_item(&tokens, at + 7),
                ["mod", name, ";", ..] => {
                    found.children.push(name.to_owned());
                    at + 3
                }
                ["use", ..] => {
                    let public = at > 0 && matches!(tokens[at - 1], "pub" | ")");
                    found.read_use(&tokens, at + 1, &[], public)
                }
                [name, "::", ..] if name.starts_with(is_word) => found.read_path(&tokens, at),
                _ => {
                    found.words.push((*token).to_owned());
                    at + 1
                }
            };
        }
        found
    }

    /// Whether the code contains a name outside of its `use` declarations.
    pub(crate) fn mentions(&self, name: &str) -> bool {
        self.words.iter().any(|word| word == name) || self.paths.iter().any(|path| path[0] == name)
    }

    /// Whether the file defines an item of this name.
    pub(crate) fn defines(&self, name: &str) -> bool {
        const KEYWORDS: [&str; 8] = ["fn", "struct", "enum", "union", "trait", "type", "const", "static"];
        self.words.windows(2).any(|pair| KEYWORDS.contains(&pair[0].as_str()) && pair[1] == name)
    }

    /// Reads a `use` tree at a place among the tokens. Returns the place behind it.
    fn read_use(&mut self, tokens: &[&str], mut at: usize, before: &[String], public: bool) -> usize {
        let mut path = before.to_vec();
        let mut name = None;
        while let Some(token) = tokens.get(at) {
            at += 1;
            match *token {
                "::" => {}
                "{" => {
                    while !matches!(tokens.get(at), None | Some(&"}")) {
                        at = self.read_use(tokens, at, &path, public);
                        at += usize::from(tokens.get(at) == Some(&","));
                    }
                    return at + 1;
                }
                "as" => {
                    name = tokens.get(at).map(|name| (*name).to_owned());
                    at += 1;
                }
                "*" => name = Some("*".to_owned()),
                word if word.starts_with(is_word) => path.push(word.to_owned()),
                _ => {
                    at -= 1;
                    break;
                }
            }
        }
        if path.last().is_some_and(|last| last == "self") {
            path.pop();
        }
        if let Some(name) = name.or_else(|| path.last().cloned()) {
            self.uses.push(Use { path, name, public });
        }
        at
    }

    /// Reads a path in the code at a place among the tokens. Returns the place behind it.
    fn read_path(&mut self, tokens: &[&str], mut at: usize) -> usize {
        let mut path = vec![tokens[at].to_owned()];
        while let ["::", name, ..] = tokens[at + 1..] {
            if !name.starts_with(is_word) {
                break;
            }
            path.push(name.to_owned());
            at += 2;
        }
        self.paths.push(path);
        at + 1
    }
}

/// Words, `::`, and all other characters one by one.
fn tokens(code: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let mut rest = code.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = match first {
            _ if is_word(first) => rest.find(|character| !is_word(character)).unwrap_or(rest.len()),
            ':' if rest.starts_with("::") => 2,
            _ => first.len_utf8(),
        };
        tokens.push(&rest[..length]);
        rest = rest[length..].trim_start();
    }
    tokens
}

/// The place behind an item. The item ends with its first block or with a semicolon.
fn end_of_item(tokens: &[&str], start: usize) -> usize {
    let mut depth = 0;
    for (at, token) in tokens.iter().enumerate().skip(start) {
        match *token {
            "{" => depth += 1,
            "}" => depth -= 1,
            ";" => {}
            _ => continue,
        }
        if depth == 0 {
            return at + 1;
        }
    }
    tokens.len()
}

#[test]
fn a_file_names_what_it_imports() {
    let imports = Imports::of(
        "//! use crate::comment;\n\
         mod child;\n\
         pub(crate) use self::child::Thing;\n\
         use super::{self as parent, file::{self, One, Two as Deux}, *};\n\
         fn f() -> Vec::<u8> { let text = \"crate::text\"; crate::far::away(Deux::new(), word) }\n\
         #[cfg(test)]\nmod tests {\n    use crate::only_for_tests;\n    mod inner { }\n}\n\
         const LAST: u8 = 1;",
    );
    let uses: Vec<_> = imports.uses.iter().map(|found| format!("{} = {}", found.name, found.path.join("::"))).collect();
    let expected = ["Thing = self::child::Thing", "parent = super", "file = super::file", "One = super::file::One"];
    assert_eq!(uses[..4], expected);
    assert_eq!(uses[4..], ["Deux = super::file::Two", "* = super"]);
    assert_eq!(imports.uses.iter().filter(|found| found.public).count(), 1);
    assert_eq!(imports.children, ["child"]);
    let paths: Vec<_> = imports.paths.iter().map(|path| path.join("::")).collect();
    assert_eq!(paths, ["Vec", "crate::far::away", "Deux::new"]);
    assert!(imports.mentions("word") && imports.mentions("Deux") && !imports.mentions("Thing"));
    assert!(imports.defines("f") && imports.defines("LAST") && !imports.defines("word"));
}
