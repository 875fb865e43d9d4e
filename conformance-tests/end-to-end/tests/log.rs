//! The log that the settings turn on: only its owner can read the file, and it never holds a PIN or anything of the
//! signing certificate.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use cryptoki::error::RvError;
use cryptoki::mechanism::rsa::{PkcsMgfType, PkcsPssParams};
use cryptoki::mechanism::{Mechanism, MechanismType};
use cryptoki::session::UserType;
use jpki_end_to_end::{
    Helper, Key, Module, Objects, Output, Reader, Turn, VirtualCard, is, pin, program, run, scratch,
};

/// PINs that do not occur in a log by chance.
const PINS: [(Key, &str, &str); 2] = [(Key::Auth, "8642", "9753"), (Key::Sign, "SECRET86", "WRONGPW9")];

/// A card with these PINs.
fn card() -> VirtualCard {
    VirtualCard::start(Reader::First, &["--auth-pin", PINS[0].1, "--sign-pin", PINS[1].1])
}

/// A place for a log file, in a folder that is removed with this value.
struct Place(PathBuf);

impl Place {
    fn new() -> Self {
        let folder = scratch("log");
        fs::create_dir(&folder).unwrap();
        Place(folder)
    }

    fn file(&self) -> PathBuf {
        self.0.join("a log.txt")
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The module with a log of this level in this file, set in one of the two ways.
fn logging(way: &str, level: &str, file: &Path) -> Module {
    let file = file.display();
    let (string, text) = match way {
        "string" => (format!("log={level} log-file=\"{file}\""), String::new()),
        _ => (String::new(), format!("log = {level}\nlog-file = \"{file}\"\n")),
    };
    Module::start_with(&string, &text).expect("C_Initialize")
}

/// Logs in with wrong and right PINs, reads the certificate and signs with both keys. Returns the signing certificate.
fn work(module: &Module) -> Vec<u8> {
    let mut certificate = Vec::new();
    for (key, right, wrong) in PINS {
        let session = module.session(key);
        is(session.login(UserType::User, Some(&pin("no PIN at all"))), RvError::PinIncorrect);
        is(session.login(UserType::User, Some(&pin(wrong))), RvError::PinIncorrect);
        session.login(UserType::User, Some(&pin(&right.to_lowercase()))).unwrap();
        certificate = session.certificate();
        session.sign_with_key(&Mechanism::Sha256RsaPkcs, b"the document").unwrap();
        session.logout().unwrap();
    }
    certificate
}

/// The forms in which bytes can get into a log, in small letters: text, hexadecimal digits, a list of numbers.
fn forms(secret: &[u8]) -> Vec<String> {
    let joined = |separator: &str, form: fn(&u8) -> String| secret.iter().map(form).collect::<Vec<_>>().join(separator);
    let mut forms = vec![joined(", ", |byte| byte.to_string())];
    forms.extend(["", " ", ":", ", "].map(|separator| joined(separator, |byte| format!("{byte:02x}"))));
    forms.extend(["", " ", ", "].map(|separator| joined(separator, |byte| format!("0x{byte:02x}"))));
    forms.extend(std::str::from_utf8(secret).ok().map(str::to_lowercase));
    forms
}

#[test]
fn at_trace_level_it_has_the_commands_and_no_secret() {
    let _turn = Turn::take();
    for way in ["string", "file"] {
        let (_card, place) = (card(), Place::new());
        let module = logging(way, "trace", &place.file());
        let certificate = work(&module);
        drop(module);
        let log = fs::read_to_string(place.file()).expect("the log").to_lowercase();
        assert!(log.lines().count() > 30, "by {way}: hardly anything was logged:\n{log}");
        assert!(log.lines().all(|line| line.starts_with("jpki-pkcs11 ")), "by {way}:\n{log}");
        // The headers of SELECT of the application and of VERIFY with both PINs.
        for command in ["00a4040c", "00200098", "0020009b"] {
            assert!(log.contains(command), "by {way}: {command} is not in the log:\n{log}");
        }
        let mut secrets =
            vec![("a wrong form", b"no PIN at all".to_vec()), ("what was signed", b"the document".to_vec())];
        for (_, right, wrong) in PINS {
            secrets.extend([right, wrong].map(|pin| ("a PIN", pin.into())));
        }
        // The holder's name and address as in the certificate, and every piece of it that a dump would contain.
        for name in ["花子", "東京都幻想市"] {
            assert!(certificate.windows(name.len()).any(|window| window == name.as_bytes()), "not in the certificate");
            secrets.push(("the holder", name.into()));
        }
        secrets.extend(certificate.chunks_exact(8).map(|piece| ("the signing certificate", piece.to_vec())));
        for (what, secret) in secrets {
            for form in forms(&secret) {
                assert!(!log.contains(&form), "by {way}: {what} is in the log as {form:?}");
            }
        }
    }
}

#[test]
fn the_file_is_its_owners_alone() {
    let _turn = Turn::take();
    let _card = card();
    for way in ["string", "file"] {
        let place = Place::new();
        drop(logging(way, "info", &place.file()));
        let made = place.file().metadata().expect("the file is made at C_Initialize");
        assert_eq!(made.permissions().mode() & 0o7777, 0o600, "by {way}");
    }
}

#[test]
fn a_file_that_is_there_is_added_to() {
    let _turn = Turn::take();
    let (_card, place) = (card(), Place::new());
    for _ in 0..2 {
        let before = fs::read_to_string(place.file()).unwrap_or_default();
        let module = logging("string", "trace", &place.file());
        work(&module);
        drop(module);
        let after = fs::read_to_string(place.file()).unwrap();
        assert!(after.len() > before.len() && after.starts_with(&before));
    }
}

#[test]
fn a_symbolic_link_is_not_followed() {
    let _turn = Turn::take();
    let _card = card();
    for way in ["string", "file"] {
        let place = Place::new();
        let [target, missing] = ["target", "missing"].map(|name| place.0.join(name));
        fs::write(&target, "untouched").unwrap();
        let before = target.metadata().unwrap();
        for leads_to in [&target, &missing] {
            symlink(leads_to, place.file()).unwrap();
            // The module works even if it cannot write the log.
            let module = logging(way, "error", &place.file());
            work(&module);
            drop(module);
            fs::remove_file(place.file()).unwrap();
        }
        assert_eq!(fs::read_to_string(&target).unwrap(), "untouched", "by {way}");
        let after = target.metadata().unwrap();
        assert_eq!((after.mode(), after.mtime_nsec()), (before.mode(), before.mtime_nsec()), "by {way}");
        assert!(!missing.exists(), "by {way}: a file was made at the end of a link");
    }
}

#[test]
fn a_mechanism_that_cannot_be_had_is_told_at_info() {
    let _turn = Turn::take();
    let (_card, place) = (card(), Place::new());
    let module = logging("string", "info", &place.file());
    let session = module.session(Key::Auth);
    session.login(UserType::User, Some(&pin(PINS[0].1))).unwrap();
    let salt_of_20 = PkcsPssParams { hash_alg: MechanismType::SHA1, mgf: PkcsMgfType::MGF1_SHA1, s_len: 20.into() };
    is(session.sign_with_key(&Mechanism::RsaPkcsPss(salt_of_20), &[0; 20]), RvError::MechanismParamInvalid);
    is(session.sign_with_key(&Mechanism::RsaX509, &[0; 256]), RvError::MechanismInvalid);
    drop(session);
    drop(module);
    let log = fs::read_to_string(place.file()).unwrap();
    for told in [
        "CKM_RSA_PKCS_PSS with hashAlg CKM_SHA_1, mgf CKG_MGF1_SHA1, sLen 20; the card can do only hashAlg CKM_SHA256, \
         mgf CKG_MGF1_SHA256, sLen 32",
        "CKM_RSA_X_509 (number 0x3), which the token does not have for this; it has CKM_RSA_PKCS, ",
    ] {
        let line = log.lines().find(|line| line.contains(told));
        assert!(line.is_some_and(|line| line.starts_with("jpki-pkcs11 INFO ")), "{told}:\n{log}");
    }
}

/// What a process of its own says that is to log to this path, within a time that is long for it.
fn process_logging_to(path: &Path) -> String {
    let mut command = Command::new("timeout");
    command
        .arg("20")
        .arg(program("module-user"))
        .args(["tokens", &format!("log=trace log-file=\"{}\"", path.display())]);
    run(command.env("JPKI_PKCS11_CONFIG", "/dev/null")).good()
}

#[test]
fn a_log_file_that_is_none_ends_and_hangs_nothing() {
    let _turn = Turn::take();
    let (_card, place) = (card(), Place::new());
    assert!(Command::new("mkfifo").arg(place.file()).status().unwrap().success());
    for (path, complaint) in [
        (place.file().as_path(), "not a regular file"),
        (Path::new("/dev/null"), "not a regular file"),
        (Path::new("a log.txt"), "not an absolute path"),
    ] {
        let text = process_logging_to(path);
        assert!(text.contains("C_Initialize: OK") && text.contains("slot 0: JPKI"), "{}: {text}", path.display());
        let told: Vec<_> = text.lines().filter(|line| line.starts_with("jpki-pkcs11")).collect();
        // One line, and no log in another place.
        let [told] = told.as_slice() else { panic!("{}: {text}", path.display()) };
        assert!(told.contains(&format!("log-file {}: {complaint}", path.display())), "{told}");
    }
    assert!(!Path::new("a log.txt").exists());
}

#[test]
fn as_root_another_users_file_takes_no_log() {
    let _turn = Turn::take();
    let (_card, place) = (card(), Place::new());
    fs::write(place.file(), "before\n").unwrap();
    chown(place.file(), Some(65534), None).unwrap_or_else(|error| {
        panic!("only root can give a file away, which this test needs ({error}): leave it out with --skip as_root_")
    });
    let text = process_logging_to(&place.file());
    assert!(text.contains("C_Initialize: OK") && text.contains("belongs to user 65534"), "{text}");
    assert_eq!(fs::read_to_string(place.file()).unwrap(), "before\n");
}

#[test]
fn without_a_level_there_is_no_file() {
    let _turn = Turn::take();
    let (_card, place) = (card(), Place::new());
    for string in ["", "log=off"] {
        let file = format!("log-file = \"{}\"\n", place.file().display());
        let module = Module::start_with(string, &file).unwrap();
        work(&module);
        drop(module);
        assert!(!place.file().exists(), "{string:?}");
    }
    // A later C_Initialize without a log ends the log of the process.
    drop(logging("string", "trace", &place.file()));
    let module = Module::start();
    let size = place.file().metadata().unwrap().len();
    work(&module);
    drop(module);
    assert_eq!(place.file().metadata().unwrap().len(), size);
}

#[test]
fn the_file_is_closed_with_the_module() {
    let _turn = Turn::take();
    let (_card, place) = (card(), Place::new());
    for _ in 0..2 {
        drop(logging("string", "trace", &place.file()));
    }
    let open = fs::read_dir("/proc/self/fd").unwrap().flatten();
    let open = open.filter(|descriptor| fs::read_link(descriptor.path()).is_ok_and(|path| path == place.file()));
    assert_eq!(open.count(), 0, "open descriptors of the log file");
}

/// A program of its own that logs on its standard error, which is odd in some way. What it has written there.
#[track_caller]
fn logging_on_standard_error(that_is: &str) -> String {
    let _card = VirtualCard::start(Reader::First, &[]);
    let mut command = Command::new(program("module-user"));
    command.args([&format!("stderr-{that_is}"), "auth"]).env("JPKI_PKCS11_CONFIG", "/dev/null");
    let Output { success, text, bytes } = run(&mut command);
    assert!(success, "{that_is}: the program was ended:\n{text}");
    let said = String::from_utf8(bytes).unwrap();
    assert_eq!(said, "refused\nsigned\n", "{that_is}");
    text.replace(&said, "")
}

#[test]
fn without_standard_error_no_other_descriptor_gets_it() {
    let _turn = Turn::take();
    // The connection to pcscd gets the number 2.
    assert_eq!(logging_on_standard_error("closed"), "");
}

#[test]
fn standard_error_that_is_closed_later_is_written_to_all_the_same() {
    let _turn = Turn::take();
    let log = logging_on_standard_error("given-up");
    assert!(log.starts_with("jpki-pkcs11: there is no setting \"no\""), "{log}");
    assert!(log.contains("\njpki-pkcs11 DEBUG C_Sign: CKR_OK\n"), "{log}");
}

#[test]
fn standard_error_that_nobody_reads_does_not_end_the_program() {
    let _turn = Turn::take();
    assert_eq!(logging_on_standard_error("unread"), "");
}

#[test]
fn a_file_that_has_got_the_number_of_the_log_is_left_alone() {
    let _turn = Turn::take();
    let _card = VirtualCard::start(Reader::First, &[]);
    assert_eq!(Helper::start("module-user", &["swept", "auth"]).end(), ["open, 0 bytes"]);
}
