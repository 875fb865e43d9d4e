//! What each layer may know: the table of docs/architecture.md ("Layers"), enforced on the source text.
//!
//! A layer imports only from the layers below it, and must never use certain words. Comments and the contents of string
//! literals do not count.

use std::fs;
use std::path::Path;

use crate::code::{code_of, is_word, says, sources};

/// From the top to the bottom.
const LAYERS: [&str; 5] = ["ffi", "core", "token", "card", "transport"];

/// The imports and the forbidden words of a layer. Words match as a whole; a word that ends in `_` matches as a prefix.
struct Rule {
    layer: &'static str,
    /// The layers that the layer may name with `crate::`.
    imports: &'static [&'static str],
    forbidden: &'static [&'static str],
}

const PC_SC: &[&str] = &["pcsc", "SCard", "SCARD_"];
const CRYPTOKI: &[&str] =
    &["cryptoki_sys", "CK_", "CKA_", "CKF_", "CKK_", "CKM_", "CKO_", "CKR_", "CKS_", "CKU_", "CKP_"];
const COMMANDS: &[&str] = &["Command", "StatusWord", "transmit", "apdu", "Apdu", "APDU", "Ef", "Aid"];
const POINTERS: &[&str] = &["*mut", "*const", "unsafe", "NonNull", "as_ptr", "as_mut_ptr"];

const RULES: [Rule; 5] = [
    Rule { layer: "ffi", imports: &["core", "token", "settings", "logging"], forbidden: &[] },
    Rule { layer: "core", imports: &["token", "settings"], forbidden: POINTERS },
    Rule { layer: "token", imports: &["card", "transport"], forbidden: &["Slot", "Session", "slot_id", "session"] },
    Rule {
        layer: "card",
        imports: &["transport"],
        forbidden: &["Slot", "Session", "slot", "session", "login", "logout"],
    },
    Rule { layer: "transport", imports: &[], forbidden: &["Application", "KeyPair", "Pin", "pin", "verify", "login"] },
];

/// All words that a layer must not use: its own list, and those that follow from its place.
fn forbidden(rule: &Rule) -> Vec<&'static str> {
    let mut words = rule.forbidden.to_vec();
    if rule.layer != "transport" {
        words.extend(PC_SC);
    }
    if matches!(rule.layer, "ffi" | "core" | "token") {
        words.extend(COMMANDS);
    }
    if matches!(rule.layer, "ffi" | "core") {
        // The token layer may use it, to pass it on.
        words.push("Channel");
    }
    if matches!(rule.layer, "token" | "card" | "transport") {
        words.extend(CRYPTOKI);
    }
    words
}

/// The names that a text imports from the crate: `crate::x`, and the members of `crate::{x, y}`.
fn crate_names(code: &str) -> Vec<String> {
    let name = |text: &str| text.trim_start().chars().take_while(|character| is_word(*character)).collect::<String>();
    let mut names = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        if code[..at].ends_with(is_word) {
            continue;
        }
        let path = &code[at + "crate::".len()..];
        match path.strip_prefix('{') {
            None => names.push(name(path)),
            Some(group) => {
                let (mut depth, mut start) = (1, 0);
                for (at, character) in group.char_indices() {
                    depth = match character {
                        '{' => depth + 1,
                        '}' => depth - 1,
                        _ => depth,
                    };
                    if depth == 0 || (depth == 1 && character == ',') {
                        names.push(name(&group[start..at]));
                        start = at + 1;
                    }
                    if depth == 0 {
                        break;
                    }
                }
            }
        }
    }
    names.retain(|name| !name.is_empty());
    names
}

/// What is wrong with a file of a layer.
fn violations(rule: &Rule, source: &str) -> Vec<String> {
    let code = code_of(source);
    let mut found = Vec::new();
    for name in crate_names(&code) {
        if name != rule.layer && !rule.imports.contains(&name.as_str()) {
            found.push(format!("names crate::{name}"));
        }
    }
    for (number, line) in code.lines().enumerate() {
        for word in forbidden(rule) {
            if says(line, word) {
                found.push(format!("line {}: says {word}", number + 1));
            }
        }
        // A super:: that leaves the folder would evade the check of crate names.
        if line.contains("super::super::") {
            found.push(format!("line {}: leaves the folder", number + 1));
        }
        if rule.layer != "ffi" && says(line, "unsafe") {
            found.push(format!("line {}: unsafe", number + 1));
        }
    }
    found
}

fn source_folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

#[test]
fn layers_know_what_they_may() {
    for rule in &RULES {
        let files = sources(&source_folder().join(rule.layer));
        assert!(files.len() > 1, "{}: no sources found", rule.layer);
        for (name, source) in files {
            let found = violations(rule, &source);
            assert!(found.is_empty(), "{name} breaks the rule of its layer:\n  {}", found.join("\n  "));
        }
    }
}

/// The compiler refuses `unsafe` as well (src/lib.rs), unless a file allows it again.
#[test]
fn unsafe_lives_at_the_boundary() {
    let boundary = source_folder().join("ffi").display().to_string();
    for (name, source) in sources(&source_folder()).into_iter().filter(|(name, _)| !name.starts_with(&boundary)) {
        let code = code_of(&source);
        assert!(!code.lines().any(|line| says(line, "unsafe")), "{name} has an unsafe block");
    }
}

#[test]
fn what_stands_beside_the_layers_knows_little() {
    for (name, imports) in [("settings", &["settings", "token"][..]), ("logging", &[])] {
        let folder = source_folder().join(name);
        let files = if folder.is_dir() {
            sources(&folder)
        } else {
            let file = source_folder().join(format!("{name}.rs"));
            vec![(file.display().to_string(), fs::read_to_string(&file).expect("a text"))]
        };
        assert!(!files.is_empty(), "{name}: no sources found");
        for (file, source) in files {
            let code = code_of(&source);
            let wrong: Vec<_> =
                crate_names(&code).into_iter().filter(|name| !imports.contains(&name.as_str())).collect();
            assert!(wrong.is_empty(), "{file} names {wrong:?} of the crate");
            // The settings return a mistake, and the C boundary prints it.
            if name == "settings" {
                assert!(!["stderr", "eprintln", "println"].iter().any(|word| says(&code, word)), "{file} writes");
            }
        }
    }
}

#[test]
fn no_layer_is_forgotten() {
    let ruled: Vec<_> = RULES.iter().map(|rule| rule.layer).collect();
    assert_eq!(ruled, LAYERS);
    for entry in fs::read_dir(source_folder()).expect("src") {
        let path = entry.expect("an entry").path();
        let name = path.file_stem().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let known = LAYERS.contains(&name.as_str()) || matches!(name.as_str(), "lib" | "settings" | "logging");
        assert!(known, "src/{name} is neither a layer nor one of the three modules beside them");
    }
}

/// The violations of a made-up file in a layer.
fn found(layer: &str, source: &str) -> Vec<String> {
    violations(RULES.iter().find(|rule| rule.layer == layer).expect("a layer"), source)
}

#[test]
fn violations_are_found() {
    for (layer, source) in [
        ("ffi", "use crate::card::Application;"),
        ("ffi", "use crate::transport;"),
        ("ffi", "fn f() { crate::card::Quirks::default(); }"),
        ("ffi", "let context = pcsc::Context::establish(scope);"),
        ("ffi", "let status: StatusWord = x;"),
        ("core", "use crate::{card, token};"),
        ("core", "use crate::{token::{Token, Tries}, transport::Error};"),
        ("core", "use crate::ffi::table;"),
        ("core", "crate::MANUFACTURER"),
        ("core", "pub fn f(p: *mut u8) {}"),
        ("core", "pub fn f(p: *const u8) {}"),
        ("core", "fn f() { unsafe { g() } }"),
        ("core", "channel.transmit(b);"),
        ("token", "use cryptoki_sys::CK_RV;"),
        ("token", "return CKR_PIN_LOCKED;"),
        ("token", "let mechanism = CKM_RSA_PKCS;"),
        ("token", "use crate::core::Error;"),
        ("token", "let x = unsafe { y };"),
        ("token", "channel.transmit(&[0x00, 0xA4])?;"),
        ("token", "use crate::card::StatusWord;"),
        ("card", "use crate::token::Token;"),
        ("card", "struct Session;"),
        ("card", "use pcsc::Card;"),
        ("transport", "use crate::card::KeyPair;"),
        ("transport", "use cryptoki_sys::*;"),
        ("transport", "use super::super::card;"),
    ] {
        assert!(!found(layer, source).is_empty(), "{layer} must not: {source}");
        let hidden = format!("// {source}\n/* {source} */\n/// {source}\nconst TEXT: &str = {source:?};");
        assert_eq!(found(layer, &hidden), Vec::<String>::new(), "{layer} may in comments and texts: {source}");
        let after =
            format!("const A: char = '\"'; const B: &str = \"//\"; const C: &str = r#\"\"/*\"#; // x\n{source}");
        assert!(!found(layer, &after).is_empty(), "{layer} must not, behind literals: {source}");
    }
}

#[test]
fn what_is_allowed_is_not_found() {
    for (layer, source) in [
        ("ffi", "use crate::core::{Error, Module};\nunsafe { *pointer = CKR_OK }"),
        ("core", "use crate::token::{Token, Tries};\nuse crate::settings::Settings;\nlet x: CK_RV = CKR_OK;"),
        ("token", "use crate::card::{self, Application};\nuse crate::transport::{self, Ending};"),
        ("token", "use super::inserted_card::InUse;\nlet is_unsafe_name = 1;"),
        ("card", "use crate::transport::Channel;\nfn f<'a>(x: &'a str) -> char { 'x' }"),
        ("transport", "use pcsc::{Card, Context};\nuse super::{Channel, Error};"),
    ] {
        assert_eq!(found(layer, source), Vec::<String>::new(), "{layer} may: {source}");
    }
}
