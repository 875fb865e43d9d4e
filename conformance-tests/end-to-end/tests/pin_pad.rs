//! A reader with a PIN pad. A preloaded library simulates the pad; the card, pcscd and the module are the usual ones.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use jpki_end_to_end::{
    Helper, Key, LOCKED, Output, Pkcs11Tool, Reader, Turn, VirtualCard, module_path, raw_signature, run, scratch,
    verifies,
};
use pcsc::{Context, Disposition, Protocols, Scope, ShareMode};

/// A card and the pad's library, without a module in this process.
struct Stand {
    pad: PathBuf,
    settings: PathBuf,
    card: VirtualCard,
    _turn: Turn,
}

impl Stand {
    fn new(options: &[&str]) -> Self {
        let turn = Turn::take();
        let (pad, settings) = (scratch("pin-pad.so"), scratch("settings"));
        let mut compiler = Command::new("cc");
        compiler.args(["-std=c99", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-I/usr/include/PCSC"]);
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("c/pin_pad.c");
        let _ = run(compiler.arg(source).arg("-o").arg(&pad).arg("-lpcsclite")).good();
        fs::write(&settings, "pin-pad = letters\n").expect("a settings file");
        Stand { pad, settings, card: VirtualCard::start(Reader::First, options), _turn: turn }
    }

    /// Runs pkcs11-tool without any PIN in its arguments, while a user types at the pad.
    fn tool(&self, typed: &str, key: Key, arguments: &[&str]) -> Output {
        let mut command = Command::new("pkcs11-tool");
        command.env("LD_PRELOAD", &self.pad).env("JPKI_PIN_PAD", typed).env("JPKI_PKCS11_CONFIG", &self.settings);
        command.arg("--module").arg(module_path()).args(["--token-label", key.token_label()]).args(arguments);
        run(&mut command)
    }

    /// A program that logs in at the pad with the authentication token, signs twice, and waits.
    fn program(&self) -> Helper {
        self.program_that("pad")
    }

    /// The same with another task of module-user.
    fn program_that(&self, task: &str) -> Helper {
        let environment = [("LD_PRELOAD", self.pad.as_os_str()), ("JPKI_PIN_PAD", "1234".as_ref())];
        let mut program = Helper::start_with("module-user", &[task, "auth"], &environment);
        program.expect("ready");
        program
    }

    #[track_caller]
    fn is_locked(&self, after: &str) {
        for key in Key::ALL {
            assert_eq!(raw_signature(Reader::First, key), LOCKED, "after {after}: the {} key", key.name());
        }
    }

    /// The card is locked without a new connection. vpcd sends the power-down to the card and does not wait for it, so
    /// the card may get it a moment after the end of the program. After five seconds pcscd would power an idle card
    /// down by itself, so this waits for less.
    #[track_caller]
    fn is_locked_soon(&self, when: &str) {
        let start = Instant::now();
        while !self.card.state().verified.is_empty() {
            assert!(start.elapsed() < Duration::from_secs(1), "{when}: {} is verified", self.card.state().verified);
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Stand {
    fn drop(&mut self) {
        let _ = (fs::remove_file(&self.pad), fs::remove_file(&self.settings));
    }
}

/// The result for another program that opens a shared connection to the card.
fn connect() -> Result<(), pcsc::Error> {
    let context = Context::establish(Scope::User)?;
    let name = std::ffi::CString::new(Reader::First.name()).expect("a name");
    let card = context.connect(&name, ShareMode::Shared, Protocols::ANY)?;
    card.disconnect(Disposition::LeaveCard).map_err(|(_, error)| error)
}

#[test]
fn a_program_signs_with_a_pin_that_it_never_sees() {
    let stand = Stand::new(&[]);
    for key in Key::ALL {
        let slots = stand.tool("", key, &["--list-slots"]).good();
        assert_eq!(slots.matches("PIN pad present").count(), 2, "{slots}");
        let (data, signature) = (scratch("data"), scratch("signature"));
        fs::write(&data, "the message\n").expect("a file");
        let files = [data.to_str().expect("a path"), signature.to_str().expect("a path")];
        let arguments =
            ["--login", "--sign", "--mechanism", "SHA256-RSA-PKCS", "--input-file", files[0], "--output-file"];
        let _ = stand.tool(key.pin(), key, &[&arguments[..], &[files[1]]].concat()).good();
        stand.is_locked("a signature");
        let certificate = Pkcs11Tool::default().certificate(key);
        let bytes = fs::read(&signature).expect("the signature");
        assert!(verifies(&certificate, &["-sha256"], b"the message\n", &bytes));
        let _ = (fs::remove_file(&data), fs::remove_file(&signature));
    }
}

#[test]
fn what_the_user_does_at_the_pad() {
    let stand = Stand::new(&[]);
    let login = |typed| stand.tool(typed, Key::Auth, &["--login", "--list-objects"]);
    for (typed, expected) in [("!6401", "FUNCTION_CANCELED"), ("", "FUNCTION_CANCELED"), ("12", "CKR_PIN_INCORRECT")] {
        let output = login(typed);
        assert!(!output.success && output.text.contains(expected), "{typed}: {}", output.text);
    }
    assert_eq!(stand.card.verifications(), 0, "no try was spent");
    let output = login("9999");
    assert!(!output.success && output.text.contains("CKR_PIN_INCORRECT"), "{}", output.text);
    assert_eq!(stand.card.verifications(), 1);
    stand.is_locked("a wrong PIN");
    let _ = login("1234").good();
    stand.is_locked("the right PIN");
}

#[test]
fn the_pins_are_changed_at_the_pad() {
    let stand = Stand::new(&[]);
    for (key, new) in [(Key::Auth, "4321"), (Key::Sign, "NEW5678")] {
        let different = format!("{},{new},{}", key.pin(), key.wrong_pins()[0]);
        let output = stand.tool(&different, key, &["--login", "--change-pin"]);
        assert!(!output.success, "{}", output.text);
        let typed = format!("{},{new},{new}", key.pin());
        let output = stand.tool(&typed, key, &["--change-pin"]);
        assert!(output.success, "{}", output.text);
        stand.is_locked("the change");
        let _ = stand.tool(new, key, &["--login", "--list-objects"]).good();
    }
}

#[test]
fn the_card_is_kept_from_login_to_logout() {
    for options in [&[][..], &["--leave", "refused-all"], &["--leave", "lies"]] {
        let stand = Stand::new(options);
        let program = stand.program();
        assert_eq!(connect(), Err(pcsc::Error::SharingViolation), "another program meanwhile");
        assert_eq!(stand.card.state().verified, "auth");
        assert_eq!(program.end(), ["logout: None"]);
        stand.is_locked_soon(&format!("before another program connects, {options:?}"));
        assert_eq!(connect(), Ok(()));
        stand.is_locked(&format!("the end of the program, {options:?}"));
    }
}

#[test]
fn a_program_that_ends_without_logout_gives_the_card_back_locked() {
    // pcscd resets the card after the program, but a reset need not lock a card that leaving does not lock.
    let stand = Stand::new(&[]);
    let program = stand.program_that("pad-exit");
    assert_eq!(stand.card.state().verified, "auth");
    assert_eq!(program.end(), [""; 0]);
    stand.is_locked_soon("before another program connects");
    assert_eq!(connect(), Ok(()));
    stand.is_locked("the end of the program");
}

#[test]
fn a_program_that_is_killed_leaves_no_unlocked_card() {
    let stand = Stand::new(&[]);
    stand.program().kill();
    jpki_end_to_end::wait_until("pcscd notices", || stand.card.state().verified.is_empty());
    jpki_end_to_end::wait_until("the card is free", || connect().is_ok());
    stand.is_locked("SIGKILL");
}

#[test]
fn the_card_is_pulled_out_during_the_login() {
    let stand = Stand::new(&[]);
    let program = stand.program();
    stand.card.remove();
    stand.card.insert();
    // The program's next call notices the removal.
    assert_eq!(program.end(), ["logout: Some(SessionHandleInvalid)"]);
    assert_eq!(connect(), Ok(()));
    stand.is_locked("the card came back");
}
