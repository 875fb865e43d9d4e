//! Settings from any text: no panic, and what was set can be written down and set again.
#![no_main]

use std::path::Path;

use jpki_pkcs11::settings::{Labels, LastTry, PinPads, Settings, ShownTokens};
use libfuzzer_sys::fuzz_target;

/// A TOML basic string, with every character escaped.
fn quoted(text: &str) -> String {
    let escaped: String = text.chars().map(|c| format!("\\U{:08X}", u32::from(c))).collect();
    format!("\"{escaped}\"")
}

fn pin_pad(settings: &Settings) -> &'static str {
    match settings.pin_pad {
        PinPads::Auto => "auto",
        PinPads::Letters => "letters",
        PinPads::Off => "off",
    }
}

/// The document that says what these settings are.
fn document(settings: &Settings) -> String {
    let slots = match settings.slots {
        ShownTokens::Both => "both",
        ShownTokens::Authentication => "auth",
        ShownTokens::Signature => "sign",
    };
    let labels = match settings.labels {
        Labels::English => "en",
        Labels::Japanese => "ja",
    };
    let readers: Vec<_> = settings.readers.iter().map(|pattern| quoted(pattern)).collect();
    let mut lines = vec![
        format!("slots = {}", quoted(slots)),
        format!("labels = '{labels}'"),
        format!("always-authenticate = {}", settings.always_authenticate),
        format!("\"last-try\" = \"{}\"", if settings.last_try == LastTry::Spare { "refuse" } else { "allow" }),
        format!("pin-pad = {}", quoted(pin_pad(settings))),
        format!("ca-certificates = {}", settings.ca_certificates),
        format!("readers = [{}]", readers.join(", ")),
        format!("log = \"{}\"", settings.log.as_str().to_lowercase()),
    ];
    lines
        .extend(settings.log_file.as_deref().and_then(Path::to_str).map(|path| format!("log-file = {}", quoted(path))));
    lines.join("\n")
}

/// What a name must be to fit a pattern, tried out in the plainest way.
fn fits(pattern: &[u8], name: &[u8]) -> bool {
    let (mut place, mut at, mut star, mut back) = (0, 0, None, 0);
    while at < name.len() {
        if pattern.get(place) == Some(&b'*') {
            (star, back) = (Some(place), at);
            place += 1;
        } else if pattern.get(place) == Some(&name[at]) {
            (place, at) = (place + 1, at + 1);
        } else if let Some(star) = star {
            back += 1;
            (place, at) = (star + 1, back);
        } else {
            return false;
        }
    }
    pattern[place..].iter().all(|byte| *byte == b'*')
}

fn check(settings: &Settings) {
    let document = document(settings);
    let mut again = Settings::default();
    again.apply_toml(&document).unwrap_or_else(|error| panic!("{error}: {document}"));
    assert_eq!(again, *settings, "{document}");
    for name in ["", "ACS ACR1252 00 00", "Virtual PCD 00 01", "a*b", "カードリーダー 00 00"] {
        let wanted = settings.readers.is_empty()
            || settings.readers.iter().any(|pattern| fits(pattern.as_bytes(), name.as_bytes()));
        assert_eq!(settings.wants_reader(name), wanted, "{:?} {name}", settings.readers);
    }
}

/// What a second parser reads from a document that was taken.
fn compare(settings: &Settings, text: &str) {
    let table: toml::Table = match text.parse() {
        Ok(table) => table,
        Err(error) => panic!("a document is taken that is not TOML: {error}"),
    };
    for (key, value) in table {
        let (text, truth) = (value.as_str(), value.as_bool());
        let truth = truth.or(text.and_then(|text| text.parse().ok()));
        match key.as_str() {
            "slots" => assert_eq!(text == Some("both"), settings.slots == ShownTokens::Both),
            "labels" => assert_eq!(text == Some("ja"), settings.labels == Labels::Japanese),
            "last-try" => assert_eq!(text == Some("refuse"), settings.last_try == LastTry::Spare),
            "pin-pad" => assert_eq!(text, Some(pin_pad(settings))),
            "always-authenticate" => assert_eq!(truth, Some(settings.always_authenticate)),
            "ca-certificates" => assert_eq!(truth, Some(settings.ca_certificates)),
            "log" => assert_eq!(text.and_then(|text| text.parse().ok()), Some(settings.log)),
            "log-file" => assert_eq!(text.map(Path::new), settings.log_file.as_deref()),
            "readers" => match value.as_array() {
                Some(list) => {
                    let list: Vec<_> = list.iter().filter_map(|item| item.as_str()).collect();
                    assert_eq!(list, settings.readers);
                }
                None => assert!(text.is_some()),
            },
            _ => panic!("an unknown setting is passed over: {key}"),
        }
    }
}

fuzz_target!(|text: &str| {
    let mut settings = Settings::default();
    match settings.apply_text(text) {
        Ok(()) => check(&settings),
        Err(error) => drop(error.to_string()),
    }
    let mut settings = Settings::default();
    match settings.apply_toml(text) {
        Ok(()) => {
            compare(&settings, text);
            check(&settings);
        }
        Err(error) => drop(error.to_string()),
    }
    // Above settings that are there already, a mistake says nothing but that.
    let mut settings = Settings { last_try: LastTry::Spare, ..Settings::default() };
    let _ = settings.apply_text(text);
});
