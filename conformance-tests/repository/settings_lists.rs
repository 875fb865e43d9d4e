//! The lists of settings for users agree with the module's table of keys: the README's table, the example in the
//! Japanese README, and the constants of the C header.

use std::fs;
use std::path::Path;

use jpki_pkcs11::settings::{KEYS, Key, Settings, Values};

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).expect(path)
}

/// The values of a key, the default first, with each word between two `mark`s.
fn values(key: &Key, mark: &str) -> String {
    match key.values {
        Values::Words(words) => {
            words.iter().map(|(word, _)| format!("{mark}{word}{mark}")).collect::<Vec<_>>().join(", ")
        }
        Values::Texts { kind, .. } => format!("empty, or {kind}"),
    }
}

/// The text between two lines, without these lines.
fn between<'a>(text: &'a str, first: &str, end: &str) -> &'a str {
    let (_, rest) = text.split_once(&format!("\n{first}\n")).unwrap_or_else(|| panic!("no line {first:?}"));
    rest.split_once(&format!("\n{end}\n")).unwrap_or_else(|| panic!("no line {end:?} behind {first:?}")).0
}

/// The blocks of code in a page that are settings files.
fn examples(page: &str) -> Vec<&str> {
    let blocks = page.split("\n```ini\n").skip(1);
    blocks.map(|block| block.split_once("\n```\n").expect("the end of a block").0).collect()
}

#[test]
fn the_readme_has_every_key() {
    let page = read("README.md");
    let table = between(&page, "| key | values (the first is the default) | what for |\n|---|---|---|", "");
    let expected: Vec<_> =
        KEYS.iter().map(|key| format!("| `{}` | {} | {} |", key.name, values(key, "`"), key.purpose)).collect();
    assert_eq!(table, expected.join("\n"), "README.md");
}

#[test]
fn the_header_has_every_key() {
    let header = read("include/jpki_pkcs11.h");
    let lines: Vec<_> = header.lines().filter(|line| line.starts_with("#define JPKI_PKCS11_SETTING_")).collect();
    let expected = KEYS.iter().map(|key| {
        let constant = key.name.to_uppercase().replace('-', "_");
        format!("#define JPKI_PKCS11_SETTING_{constant} \"{}\" /* {} */", key.name, values(key, ""))
    });
    assert_eq!(lines, expected.collect::<Vec<_>>(), "include/jpki_pkcs11.h");
}

#[test]
fn examples_are_settings_files() {
    for name in ["README.md", "README.ja.md"] {
        let page = read(name);
        let examples = examples(&page);
        assert_eq!(examples.len(), 1, "{name}");
        let mut settings = Settings::default();
        settings.apply_lines(examples[0]).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_ne!(settings, Settings::default(), "{name}");
    }
}

/// The Japanese page has an example instead of a table: a line for each key that it lists, with all values of the key.
#[test]
fn the_japanese_example_has_every_value_of_its_keys() {
    let page = read("README.ja.md");
    let lines: Vec<_> = examples(&page).into_iter().flat_map(str::lines).collect();
    assert!(lines.len() > 3, "{lines:?}");
    for line in lines {
        let key = line.split(' ').next().and_then(|name| KEYS.iter().find(|key| key.name == name));
        let Some(Key { values: Values::Words(words), .. }) = key else { panic!("{line}: no key with words") };
        let said: Vec<_> = line.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '-').collect();
        for (word, _) in *words {
            assert!(said.contains(word), "{line}: {word}");
        }
    }
}
