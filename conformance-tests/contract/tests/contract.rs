//! The whole suite for the project's own module, with both tokens of a virtual card in a private PC/SC stack.

use std::env;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

const HOW: &str = "run this with: conformance-tests/stack cargo test -p pkcs11-contract";

/// The tokens of the virtual card, with their PINs.
const TOKENS: [(&str, &str); 2] = [("JPKI User Authentication", "1234"), ("JPKI Digital Signature", "ABC123")];

/// A program in cargo's target folder of this build, or in the one of the workspace, or where a variable says.
fn built(variable: &str, names: &[&str], how: &str) -> PathBuf {
    if let Some(path) = env::var_os(variable).filter(|path| !path.is_empty()) {
        return path.into();
    }
    let own = Path::new(env!("CARGO_BIN_EXE_pkcs11-contract")).ancestors().nth(2).expect("cargo's target folder");
    let folders = [own.to_owned(), Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target")];
    let all = folders.iter().flat_map(|folder| names.iter().map(move |name| folder.join(name)));
    let found = all.into_iter().find(|path| path.exists());
    found.unwrap_or_else(|| panic!("{} is not built: {how}, or say in {variable} where it is", names.join(" or ")))
}

/// The virtual card's program, which ends with this value.
struct Card(Child);

impl Card {
    fn start(folder: &Path) -> Self {
        let names = ["release/jpki-virtual-card", "debug/jpki-virtual-card"];
        let program = built("JPKI_VIRTUAL_CARD", &names, "cargo build --package jpki-virtual-card");
        let mut command = Command::new(program);
        command.arg("run").arg("--identity").arg(folder.join("identity"));
        let mut card = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().map(Card).expect("the virtual card");
        let mut line = String::new();
        let output = card.0.stdout.take().expect("its output");
        BufReader::new(output).read_line(&mut line).expect("the virtual card says something");
        assert!(line.starts_with("ready"), "the virtual card did not get into the reader: {line}");
        // It looks for a card in each reader a few times a second.
        thread::sleep(Duration::from_secs(1));
        card
    }
}

impl Drop for Card {
    fn drop(&mut self) {
        // Errors say that it has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn the_contract_holds_on_both_tokens() {
    assert!(env::var_os("JPKI_STACK").is_some(), "this test needs a PC/SC stack: {HOW}");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("contract");
    fs::create_dir_all(&folder).expect("a folder in cargo's target folder");
    let settings = folder.join("none.toml");
    fs::write(&settings, "").expect("a file in cargo's target folder");
    let names = ["release/libjpki_pkcs11.so"];
    let module = built("JPKI_PKCS11_MODULE", &names, "cargo build --release --package jpki-pkcs11");

    let _card = Card::start(&folder);
    for (token, pin) in TOKENS {
        let mut program = Command::new(env!("CARGO_BIN_EXE_pkcs11-contract"));
        // The virtual card is made anew, so that a wrong PIN may cost a try.
        program.args(["--quiet", "--risk-tries", "--token", token, "--module"]).arg(&module);
        // Somebody's own settings of the module must not change what it does here.
        program.env("PKCS11_CONTRACT_PIN", pin).env("JPKI_PKCS11_CONFIG", &settings);
        let output = program.output().expect("the program starts");
        let (text, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        println!("{token}\n{text}");
        assert!(output.status.success(), "{token}:\n{text}{errors}");
        let passed = text.lines().last().and_then(|line| line.split(' ').next()).and_then(|word| word.parse().ok());
        assert!(passed > Some(690), "{token}: too few cases passed:\n{text}");
    }
}
