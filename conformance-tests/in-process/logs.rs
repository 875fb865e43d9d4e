//! What the module logs: never a PIN, never anything of the signing certificate.

use std::sync::Mutex;
use std::thread::{self, ThreadId};

use cryptoki_sys::*;
use jpki_virtual_card::Options;
use log::{LevelFilter, Log, Metadata, Record};

use crate::core::{Program, plain, pss};
use crate::support::{AUTH, SIGN, certificate};

/// The number of the card.
const NUMBER: &str = "992718281828459";

/// Keeps every logged line with its thread, to tell the tests apart: the module has no threads of its own.
struct LogLines(Mutex<Vec<(ThreadId, String)>>);

static LINES: LogLines = LogLines(Mutex::new(Vec::new()));

impl Log for LogLines {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        let line = format!("{} {} {}", record.level(), record.target(), record.args());
        self.0.lock().expect("no panic").push((thread::current().id(), line));
    }

    fn flush(&self) {}
}

/// All that the module logs in this thread while `work` runs.
fn logged(work: impl FnOnce()) -> String {
    if log::set_logger(&LINES).is_ok() {
        log::set_max_level(LevelFilter::Trace);
    }
    work();
    let this = thread::current().id();
    let lines = LINES.0.lock().expect("no panic");
    lines.iter().filter(|(thread, _)| *thread == this).map(|(_, line)| line.as_str()).collect::<Vec<_>>().join("\n")
}

/// The forms in which bytes can get into a log: text, hexadecimal digits, a list of numbers.
fn forms(secret: &[u8]) -> Vec<String> {
    let joined = |separator: &str, form: fn(&u8) -> String| secret.iter().map(form).collect::<Vec<_>>().join(separator);
    let mut forms = vec![joined(", ", |byte| format!("{byte}"))];
    for separator in ["", " ", ":", ", "] {
        forms.push(joined(separator, |byte| format!("{byte:02X}")));
        forms.push(joined(separator, |byte| format!("{byte:02x}")));
        forms.push(joined(separator, |byte| format!("0x{byte:02X}")));
        forms.push(joined(separator, |byte| format!("0x{byte:02x}")));
    }
    forms.extend(std::str::from_utf8(secret).ok().map(str::to_owned));
    forms
}

fn assert_silent(log: &str, what: &str, secret: &[u8]) {
    for form in forms(secret) {
        assert!(!log.contains(&form), "{what} is in the log as {form:?}");
    }
}

#[test]
fn no_pin_and_no_name_gets_into_the_log() {
    let pins: [&[u8]; 6] = [b"8642", b"7531", b"9753", b"SECRET86", b"HIDDEN75", b"WRONGPW9"];
    let log = logged(|| {
        let options = Options {
            auth_pin: "8642".into(),
            sign_pin: "SECRET86".into(),
            serial: NUMBER.into(),
            ..Options::default()
        };
        let program = Program::with_card(options);
        for (key_pair, pin, new, wrong) in [(AUTH, pins[0], pins[1], pins[2]), (SIGN, pins[3], pins[4], pins[5])] {
            let session = program.open(key_pair);
            program.login(session, CKU_USER, b"no PIN at all").expect_err("a wrong form");
            program.login(session, CKU_USER, wrong).expect_err("a wrong PIN");
            program.login(session, CKU_USER, &pin.to_ascii_lowercase()).expect("the right PIN");
            let object = program.object(session, CKO_CERTIFICATE);
            program.value(session, object, CKA_VALUE);
            program.classes(session);
            program.sign(session, plain(CKM_SHA256_RSA_PKCS), b"document").expect("a signature");
            program.sign(session, pss(CKM_SHA256_RSA_PKCS_PSS), b"document").expect("a signature");
            program.set_pin(session, pin, new).expect("a new PIN");
            program.sign(session, plain(CKM_SHA256_RSA_PKCS), b"document").expect("a signature");
            program.random(session, 300).expect("random bytes");
            program.logout(session).expect("logged in");
        }
        program.finalize();
    });
    assert!(log.lines().count() > 50, "hardly anything was logged:\n{log}");
    assert!(log.replace(' ', "").contains("00A4040C"), "the commands are not in the log:\n{log}");
    for pin in pins {
        assert_silent(&log, "a PIN", pin);
        assert_silent(&log, "a PIN", &pin.to_ascii_lowercase());
    }
    assert_silent(&log, "a wrong form", b"no PIN at all");
    assert_silent(&log, "what was signed", b"document");
    for name in ["見本　花子", "花子", "東京都幻想市", "420010401"] {
        let holders = certificate(SIGN).windows(name.len()).any(|window| window == name.as_bytes());
        assert!(holders, "{name} is in the certificate");
        assert_silent(&log, "the holder", name.as_bytes());
    }
    // Any dump of the certificate contains one of these pieces as a whole.
    for piece in certificate(SIGN).chunks_exact(8) {
        assert_silent(&log, "the signing certificate", piece);
    }
    // The card's number identifies its holder (card-facts §1.4).
    assert_silent(&log, "the number of the card", NUMBER.as_bytes());
}

#[test]
fn a_failing_card_gives_nothing_away_either() {
    let log = logged(|| {
        let program = Program::with_card(Options { auth_pin: "8642".into(), ..Options::default() });
        let session = program.open(AUTH);
        for answer in [vec![], vec![0x90], vec![0x6F, 0x00], b"8642\x90\x00".to_vec()] {
            program.card.card().answer_matching(0x20, 1, answer);
            let _ = program.login(session, CKU_USER, b"8642");
            let _ = program.logout(session);
        }
        program.card.card().set_tries_left(jpki_virtual_card::PinKind::Authentication, 0);
        let _ = program.login(session, CKU_USER, b"8642");
    });
    assert_silent(&log, "a PIN", b"8642");
}
