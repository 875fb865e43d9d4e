//! What the module logs: never a PIN, never anything of the signing certificate.

use std::sync::Mutex;
use std::thread::{self, ThreadId};

use cryptoki_sys::*;
use jpki_pkcs11::core::{Error, Mechanism, Parameter, PssParameters};
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
pub(crate) fn logged(work: impl FnOnce()) -> String {
    if log::set_logger(&LINES).is_ok() {
        log::set_max_level(LevelFilter::Trace);
    }
    let before = LINES.0.lock().expect("no panic").len();
    work();
    let this = thread::current().id();
    let lines = LINES.0.lock().expect("no panic");
    lines
        .iter()
        .skip(before)
        .filter(|(thread, _)| *thread == this)
        .map(|(_, line)| line.as_str())
        .collect::<Vec<_>>()
        .join("\n")
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

/// The lines of the level that a user who wants to know why something fails turns on first.
fn lines_at_info(log: &str) -> Vec<&str> {
    log.lines().filter_map(|line| line.strip_prefix("INFO jpki_pkcs11::core::mechanism ")).collect()
}

#[test]
fn a_mechanism_that_cannot_be_had_is_told_with_what_can() {
    let with = |kind, hash, mask, salt| {
        let parameter = Parameter::Pss(PssParameters { hash, mask, salt });
        (Mechanism { kind, parameter }, Error::MechanismParamInvalid)
    };
    let mechanisms = [
        with(CKM_RSA_PKCS_PSS, CKM_SHA_1, CKG_MGF1_SHA1, 20),
        with(CKM_SHA256_RSA_PKCS_PSS, CKM_SHA256, CKG_MGF1_SHA256, 222),
        (plain(CKM_SHA256_RSA_PKCS_PSS), Error::MechanismParamInvalid),
        (Mechanism { parameter: Parameter::Other, ..plain(CKM_SHA256_RSA_PKCS) }, Error::MechanismParamInvalid),
        (plain(CKM_SHA384_RSA_PKCS_PSS), Error::MechanismInvalid),
        (plain(CKM_VENDOR_DEFINED | 0x1234), Error::MechanismInvalid),
    ];
    let card = "the card can do only hashAlg CKM_SHA256, mgf CKG_MGF1_SHA256, sLen 32";
    let token = "which the token does not have for this; it has CKM_RSA_PKCS, CKM_SHA1_RSA_PKCS, CKM_SHA224_RSA_PKCS, \
                 CKM_SHA256_RSA_PKCS, CKM_SHA384_RSA_PKCS, CKM_SHA512_RSA_PKCS, CKM_RSA_PKCS_PSS, CKM_SHA256_RSA_PKCS_PSS";
    let expected = [
        format!("the program asked for CKM_RSA_PKCS_PSS with hashAlg CKM_SHA_1, mgf CKG_MGF1_SHA1, sLen 20; {card}"),
        format!(
            "the program asked for CKM_SHA256_RSA_PKCS_PSS with hashAlg CKM_SHA256, mgf CKG_MGF1_SHA256, sLen 222; {card}"
        ),
        format!("the program asked for CKM_SHA256_RSA_PKCS_PSS with no parameter; {card}"),
        "the program asked for CKM_SHA256_RSA_PKCS with a parameter of another kind; it takes none".to_owned(),
        format!("the program asked for the mechanism CKM_SHA384_RSA_PKCS_PSS (number 0x44), {token}"),
        format!("the program asked for the mechanism CKM_ 0x80001234 (number 0x80001234), {token}"),
    ];
    let program = Program::new();
    let session = program.open_logged_in(AUTH);
    let [private, public] = [CKO_PRIVATE_KEY, CKO_PUBLIC_KEY].map(|class| program.object(session, class));
    for ((mechanism, error), expected) in mechanisms.into_iter().zip(expected) {
        let log = logged(|| assert_eq!(program.sign_init(session, mechanism, private), Err(error)));
        assert_eq!(lines_at_info(&log).last(), Some(&expected.as_str()), "C_SignInit");
        for way in 0..2 {
            let begin = |signature: &[u8]| match way {
                0 => program.verify_init(session, mechanism, public),
                _ => program.verify_signature_init(session, mechanism, public, signature),
            };
            let before = lines_at_info(&logged(|| {})).len();
            let log = logged(|| assert_eq!(begin(&[0; 256]), Err(error)));
            assert_eq!(lines_at_info(&log)[before..], [expected.as_str()], "C_VerifyInit or C_VerifySignatureInit");
        }
    }
    let log = logged(|| {
        let pss = pss(CKM_RSA_PKCS_PSS);
        assert_eq!(program.sign_recover_init(session, pss, private), Err(Error::MechanismInvalid));
        assert_eq!(program.verify_recover_init(session, pss, public), Err(Error::MechanismInvalid));
        assert_eq!(program.digest_init(session, plain(CKM_MD5)), Err(Error::MechanismInvalid));
    });
    let [.., sign, verify, digest] = lines_at_info(&log)[..] else { panic!("{log}") };
    let recover = "the program asked for the mechanism CKM_RSA_PKCS_PSS (number 0xd), which the token does not have for this; \
                   it has CKM_RSA_PKCS";
    assert_eq!([sign, verify], [recover; 2]);
    assert_eq!(
        digest,
        "the program asked for the mechanism CKM_MD5 (number 0x210), which the token does not have for this; it has \
         CKM_SHA_1, CKM_SHA224, CKM_SHA256, CKM_SHA384, CKM_SHA512"
    );
}

#[test]
fn what_can_be_had_is_not_told() {
    let program = Program::new();
    let session = program.open_logged_in(AUTH);
    let log = logged(|| {
        program.sign(session, pss(CKM_RSA_PKCS_PSS), &[1; 32]).expect("a signature");
        program.digest_init(session, plain(CKM_SHA256)).expect("a digest");
    });
    assert_eq!(lines_at_info(&log), [""; 0]);
}
