//! The effect of each setting of the built module, set by the string of C_Initialize (pReserved, PKCS#11 3.2 §5.4.1)
//! and by a settings file. The tests of the log are in `log.rs`.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use cryptoki::error::RvError;
use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, AttributeType, ObjectClass};
use cryptoki::session::{Session, UserType};
use jpki_end_to_end::{
    Key, Module, Objects, Output, Reader, Turn, VirtualCard, is, outcome, pin, program, run, scratch,
};

/// The module with a setting, once by the string and once by the file.
fn each_way(string: &str, file: &str) -> impl Iterator<Item = (&'static str, Module)> {
    let start = |string, file| Module::start_with(string, file).expect("C_Initialize");
    [("string", string, ""), ("file", "", file)].into_iter().map(move |(way, s, f)| (way, start(s, f)))
}

/// The ids of all slots, with and without a card.
fn slot_ids(module: &Module) -> Vec<u64> {
    module.client.get_all_slots().unwrap().iter().map(|slot| slot.id()).collect()
}

#[test]
fn slots_hides_the_other_token_and_renumbers_nothing() {
    let _turn = Turn::take();
    let card = VirtualCard::start(Reader::First, &[]);
    let module = Module::start();
    let ids = Key::ALL.map(|key| [Reader::First, Reader::Second].map(|reader| module.slot(reader, key).id()));
    drop(module);
    for (key, of_key) in Key::ALL.into_iter().zip(ids) {
        let name = key.name();
        for (way, module) in each_way(&format!("slots={name}"), &format!("slots = {name}")) {
            assert_eq!(slot_ids(&module), of_key, "{name} by {way}");
            let tokens = module.client.get_slots_with_token().unwrap();
            assert_eq!(tokens.iter().map(|slot| slot.id()).collect::<Vec<_>>(), of_key[..1], "{name} by {way}");
            assert_eq!(module.token_info(key).label(), key.token_label(), "{name} by {way}");
            module.logged_in(key).sign_well().unwrap();
        }
    }
    // The id of a hidden slot is invalid.
    let module = Module::start_with("slots=auth", "").unwrap();
    let hidden = cryptoki::slot::Slot::try_from(ids[1][0]).unwrap();
    is(module.client.get_token_info(hidden), RvError::SlotIdInvalid);
    is(module.client.open_ro_session(hidden), RvError::SlotIdInvalid);
    assert_eq!(card.state().verified, "");
}

#[test]
fn labels_speak_japanese() {
    let _turn = Turn::take();
    let _card = VirtualCard::start(Reader::First, &[]);
    for (way, module) in each_way("labels=ja", "labels = ja") {
        assert_eq!(module.token_info(Key::Auth).label(), "JPKI 利用者証明用 (4桁)", "by {way}");
        assert_eq!(module.token_info(Key::Sign).label(), "JPKI 署名用 (英数6-16桁)", "by {way}");
    }
}

#[test]
fn ca_certificates_can_be_left_out() {
    let _turn = Turn::take();
    let _card = VirtualCard::start(Reader::First, &[]);
    for (way, module) in each_way("ca-certificates=false", "ca-certificates = false") {
        for key in Key::ALL {
            let session = module.logged_in(key);
            assert_eq!(session.all(ObjectClass::CERTIFICATE).len(), 1, "{key:?} by {way}: the holder's");
            session.sign_well().unwrap();
        }
    }
}

#[test]
fn last_try_refuse_never_spends_it() {
    let _turn = Turn::take();
    for key in Key::ALL {
        let card = VirtualCard::start(Reader::First, &["--auth-tries", "1", "--sign-tries", "1"]);
        let before = card.state();
        for (way, module) in each_way("last-try=refuse", "last-try = refuse") {
            let session = module.session(key);
            // Also for the right PIN: only the card could show that it is right.
            for typed in [key.wrong_pins()[0], key.pin()] {
                is(session.login(UserType::User, Some(&pin(typed))), RvError::PinLocked);
            }
            assert_eq!(card.state(), before, "{key:?} by {way}");
            assert_eq!(card.verifications(), 0, "{key:?} by {way}: a PIN reached the card");
        }
        // The default risks the try, which shows that the setting was the reason.
        Module::start().logged_in(key).sign_well().unwrap();
    }
}

#[test]
fn readers_leaves_the_others_alone() {
    let _turn = Turn::take();
    let _first = VirtualCard::start(Reader::First, &[]);
    let second = VirtualCard::start(Reader::Second, &["--serial", "990000000000025"]);
    for (string, file) in [
        ("readers=*00*00", "readers = \"*00 00\""),
        ("readers=\"nothing, Virtual PCD 00 00\"", "readers = \"nothing, Virtual PCD 00 00\""),
    ] {
        for (way, module) in each_way(string, file) {
            second.clear();
            let tokens = module.client.get_slots_with_token().unwrap();
            assert_eq!(tokens.len(), 2, "{string} by {way}");
            for slot in module.client.get_all_slots().unwrap() {
                let name = module.client.get_slot_info(slot).unwrap().slot_description().to_owned();
                assert!(name.starts_with(Reader::First.name()), "{string} by {way}: {name}");
            }
            module.logged_in(Key::Auth).sign_well().unwrap();
            assert_eq!(second.stats().apdus, 0, "{string} by {way}: a command reached the second reader's card");
        }
    }
    let module = Module::start_with("readers=Nobody*", "").unwrap();
    assert!(slot_ids(&module).is_empty());
}

/// CKA_ALWAYS_AUTHENTICATE of the private key.
fn always_authenticates(session: &Session) -> bool {
    let key = session.one(ObjectClass::PRIVATE_KEY);
    match session.get_attributes(key, &[AttributeType::AlwaysAuthenticate]).unwrap().as_slice() {
        [Attribute::AlwaysAuthenticate(answer)] => *answer,
        other => panic!("CKA_ALWAYS_AUTHENTICATE: {other:?}"),
    }
}

#[test]
fn always_authenticate_wants_the_signing_pin_for_each_signature() {
    let _turn = Turn::take();
    let card = VirtualCard::start(Reader::First, &[]);
    for (way, module) in each_way("always-authenticate=true", "always-authenticate = true") {
        let auth = module.logged_in(Key::Auth);
        assert!(!always_authenticates(&auth), "by {way}: the authentication key");
        auth.sign_well().expect("the authentication key needs no second PIN");

        let session = module.logged_in(Key::Sign);
        assert!(always_authenticates(&session), "by {way}: the signing key");
        let key = session.one(ObjectClass::PRIVATE_KEY);
        let begin = || session.sign_init(&Mechanism::Sha256RsaPkcs, key).unwrap();
        let reauthenticate = |typed: &str| session.login(UserType::ContextSpecific, Some(&pin(typed)));
        for _ in 0..2 {
            card.clear();
            begin();
            session.sign_update(b"data").unwrap();
            is(session.sign_final(), RvError::UserNotLoggedIn);
            assert_eq!(card.stats().apdus, 0, "by {way}: the card was asked to sign without the PIN");

            begin();
            session.sign_update(b"data").unwrap();
            is(reauthenticate(Key::Sign.wrong_pins()[0]), RvError::PinIncorrect);
            reauthenticate(Key::Sign.pin()).unwrap();
            let signature = session.sign_final().unwrap();
            let certificate = session.certificate();
            assert!(jpki_end_to_end::verifies(&certificate, &["-sha256"], b"data", &signature));
            assert_eq!(card.state().verified, "", "by {way}");
        }
    }
    // Without the setting neither key needs the PIN again.
    let module = Module::start();
    Key::ALL.into_iter().for_each(|key| assert!(!always_authenticates(&module.logged_in(key))));
}

#[test]
fn the_string_is_stronger_than_the_file() {
    let _turn = Turn::take();
    let _card = VirtualCard::start(Reader::First, &[]);
    let file = "labels = ja\nslots = sign\nca-certificates = false\n";
    let module = Module::start_with("labels=en slots=both", file).unwrap();
    for key in Key::ALL {
        assert_eq!(module.token_info(key).label(), key.token_label());
    }
    // A setting that the string leaves out comes from the file.
    assert_eq!(module.logged_in(Key::Auth).all(ObjectClass::CERTIFICATE).len(), 1);
}

/// The output of another process with a settings file and a string.
fn process_with(file: Option<&str>, string: &str) -> Output {
    let path = scratch("settings");
    if let Some(text) = file {
        fs::write(&path, text).unwrap();
    }
    let mut command = Command::new(program("module-user"));
    let output = run(command.args(["tokens", string]).env("JPKI_PKCS11_CONFIG", &path));
    let _ = fs::remove_file(&path);
    assert!(output.success, "{}", output.text);
    output
}

#[test]
fn a_mistake_in_a_file_is_an_error_and_is_told() {
    let _turn = Turn::take();
    for (file, complaint) in [
        (Some("slot = auth\n"), "line 1: there is no setting \"slot\"; did you mean \"slots\"?"),
        (Some("last-try = refused\n"), "line 1: the setting \"last-try\" takes allow or refuse, not \"refused\""),
        (Some("labels = ja\nslots = [auth\n"), "line 2: the setting \"slots\" takes both, auth or sign"),
        (Some("labels = ja\n\nlabels = en\n"), "line 3: the setting \"labels\" is there twice"),
        (Some("[settings]\n"), "line 1: key = value was expected"),
        (None, ""),
    ] {
        // Also with a valid string.
        for string in ["", "slots=auth"] {
            let output = process_with(file, string);
            assert!(output.text.contains("C_Initialize: GeneralError"), "{file:?}: {}", output.text);
            let line = output.text.lines().find(|line| line.starts_with("jpki-pkcs11: "));
            assert!(
                line.is_some_and(|line| line.contains("-settings: ") && line.contains(complaint)),
                "{file:?}: {}",
                output.text
            );
        }
    }
}

#[test]
fn a_file_that_is_none_to_read_ends_and_hangs_nothing() {
    let _turn = Turn::take();
    let [fifo, large, writable] = ["fifo", "large", "writable"].map(scratch);
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    fs::File::create(&large).unwrap().set_len(8 << 30).unwrap();
    fs::write(&writable, "").unwrap();
    fs::set_permissions(&writable, fs::Permissions::from_mode(0o666)).unwrap();
    let not_regular = "not a regular file";
    for (file, complaint) in [
        (fifo.as_path(), not_regular),
        (Path::new("/dev/zero"), not_regular),
        (Path::new("/"), not_regular),
        (&large, "larger than 64 kB"),
        (&writable, "others than its owner may write the file"),
        // There in the folder of the package, in which this test runs.
        (Path::new("Cargo.toml"), "it takes an absolute path"),
    ] {
        // With no more memory than a gigabyte, so that nobody else suffers from a module that reads it all.
        let mut command = Command::new("prlimit");
        command.args(["--as=1073741824", "timeout", "20"]).arg(program("module-user")).arg("tokens");
        let output = run(command.env("JPKI_PKCS11_CONFIG", file));
        assert!(output.text.contains("C_Initialize: GeneralError"), "{}: {}", file.display(), output.text);
        let told = output.text.lines().find(|line| line.starts_with("jpki-pkcs11: "));
        let told = told.is_some_and(|line| line.contains(file.to_str().unwrap()) && line.contains(complaint));
        assert!(told, "{}: {}", file.display(), output.text);
    }
    [fifo, large, writable].into_iter().for_each(|file| fs::remove_file(file).unwrap());
}

#[test]
fn a_mistake_in_the_string_is_an_error_and_is_told() {
    let _turn = Turn::take();
    for (string, complaint) in [
        ("no=such", "there is no setting \"no\""),
        ("labels=fr", "the setting \"labels\" takes en or ja, not \"fr\""),
        ("slots", "key = value was expected"),
        ("slots=auth always-authenticate=yes", "the setting \"always-authenticate\" takes false or true, not \"yes\""),
    ] {
        let output = process_with(Some(""), string);
        assert!(output.text.contains("C_Initialize: ArgumentsBad"), "{string}: {}", output.text);
        let line = output.text.lines().find(|line| line.starts_with("jpki-pkcs11: "));
        assert!(line.is_some_and(|line| line.contains(complaint)), "{string}: {}", output.text);
    }
    // The same process can try again, and nothing is left of the first try.
    assert_eq!(outcome(Module::start_with("slots=auth labels=fr", "").map(|_| ())), Err(RvError::ArgumentsBad));
    let module = Module::start_with("labels=ja", "").unwrap();
    assert_eq!(slot_ids(&module).len(), 4);
}
