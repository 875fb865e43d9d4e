//! Settings from any text: no panic; settings can be written down and set again; a file and a string with the same
//! entries mean the same.
#![no_main]

use std::path::Path;

use jpki_pkcs11::settings::{Error, Labels, LastTry, PinPads, Settings, ShownTokens};
use libfuzzer_sys::fuzz_target;

/// These settings as text, an entry for each key.
fn entries(settings: &Settings) -> Vec<String> {
    let slots = match settings.slots {
        ShownTokens::Both => "both",
        ShownTokens::Authentication => "auth",
        ShownTokens::Signature => "sign",
    };
    let labels = match settings.labels {
        Labels::English => "en",
        Labels::Japanese => "ja",
    };
    let last_try = match settings.last_try {
        LastTry::Allow => "allow",
        LastTry::Spare => "refuse",
    };
    let pin_pad = match settings.pin_pad {
        PinPads::Auto => "auto",
        PinPads::Letters => "letters",
        PinPads::Off => "off",
    };
    let log_file = settings.log_file.as_deref().and_then(Path::to_str).unwrap_or_default();
    vec![
        format!("slots={slots}"),
        format!("labels = {labels}"),
        format!("always-authenticate\t=\"{}\"", settings.always_authenticate),
        format!("last-try= {last_try}"),
        format!("pin-pad =\t\"{pin_pad}\""),
        format!("ca-certificates = {}", settings.ca_certificates),
        format!("readers=\"{}\"", settings.readers.join(", ")),
        format!("log={}", settings.log.as_str().to_lowercase()),
        format!("log-file = \"{log_file}\""),
    ]
}

/// Whether a name fits a pattern, by the simplest algorithm.
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

fn from_string(text: &str) -> Result<Settings, Error> {
    let mut settings = Settings::default();
    settings.apply_string(text).map(|()| settings)
}

fn from_lines(text: &str) -> Result<Settings, Error> {
    let mut settings = Settings::default();
    settings.apply_lines(text).map(|()| settings)
}

fn check(settings: &Settings) {
    let entries = entries(settings);
    assert_eq!(from_lines(&entries.join("\n")).as_ref(), Ok(settings), "{entries:?}");
    assert_eq!(from_string(&entries.join(" \t")).as_ref(), Ok(settings), "{entries:?}");
    for name in ["", "ACS ACR1252 00 00", "Virtual PCD 00 01", "a*b", "カードリーダー 00 00"] {
        let wanted = settings.readers.is_empty()
            || settings.readers.iter().any(|pattern| fits(pattern.as_bytes(), name.as_bytes()));
        assert_eq!(settings.wants_reader(name), wanted, "{:?} {name}", settings.readers);
    }
}

/// An accepted file as a string: its lines one after the other, without their comments.
fn string_of(file: &str) -> String {
    let mut string = String::new();
    let (mut quoted, mut comment) = (false, false);
    for letter in file.strip_prefix('\u{FEFF}').unwrap_or(file).chars() {
        quoted ^= letter == '"' && !comment;
        comment = (comment || letter == '#' && !quoted) && letter != '\n';
        match letter {
            _ if comment => {}
            '\r' | '\n' => string.push(' '),
            letter => string.push(letter),
        }
    }
    string
}

/// An accepted string as a file: a line for each entry.
fn lines_of(string: &str) -> String {
    let mut lines = String::new();
    let mut rest = string;
    while let Some((key, behind)) = rest.split_once('=') {
        let value = behind.trim_start_matches([' ', '\t']);
        let length = match value.strip_prefix('"') {
            Some(quoted) => quoted.find('"').expect("a closing quote") + 2,
            None => value.find([' ', '\t']).unwrap_or(value.len()),
        };
        lines += &format!("{key}={}\r\n", &value[..length]);
        rest = &value[length..];
    }
    lines
}

fuzz_target!(|text: &str| {
    match from_string(text) {
        Ok(settings) => {
            check(&settings);
            assert_eq!(from_lines(&lines_of(text)), Ok(settings));
        }
        Err(error) => drop(error.to_string()),
    }
    match from_lines(text) {
        Ok(settings) => {
            check(&settings);
            assert_eq!(from_string(&string_of(text)), Ok(settings));
        }
        Err(error) => drop(error.to_string()),
    }
    // A mistake in a string above other settings is no panic either.
    let mut settings = Settings { last_try: LastTry::Spare, ..Settings::default() };
    let _ = settings.apply_string(text);
});
