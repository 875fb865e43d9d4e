//! The whole suite for the project's own module, with both tokens of a virtual card in a private PC/SC stack.

mod returns;

use std::env;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

const HOW: &str = "run this with: conformance-tests/stack cargo test -p pkcs11-contract";

/// A built file: the path in a variable, or a file in cargo's target folder of this build or of the workspace.
fn built(variable: &str, names: &[&str], how: &str) -> PathBuf {
    if let Some(path) = env::var_os(variable).filter(|path| !path.is_empty()) {
        return path.into();
    }
    let own = Path::new(env!("CARGO_BIN_EXE_pkcs11-contract")).ancestors().nth(2).expect("cargo's target folder");
    let folders = [own.to_owned(), Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target")];
    let all = folders.iter().flat_map(|folder| names.iter().map(move |name| folder.join(name)));
    let found = all.into_iter().find(|path| path.exists());
    found.unwrap_or_else(|| panic!("{} is not built: {how}, or give its path in {variable}", names.join(" or ")))
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
        BufReader::new(output).read_line(&mut line).expect("the virtual card's first line");
        assert!(line.starts_with("ready"), "the virtual card is not in the reader: {line}");
        // pcscd checks each reader for a card a few times a second.
        let seen = || {
            let output = Command::new("opensc-tool").arg("--list-readers").output().expect("opensc-tool");
            String::from_utf8_lossy(&output.stdout).lines().any(|line| line.contains("Yes") && line.ends_with("00 00"))
        };
        let mut tries = 0;
        while !seen() {
            tries += 1;
            assert!(tries < 100, "pcscd sees no card");
            thread::sleep(Duration::from_millis(100));
        }
        card
    }
}

impl Drop for Card {
    fn drop(&mut self) {
        // An error means that the program has already ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A run of the suite: settings of the module, token, and how many cases must pass. The other cases have nothing to
/// test: attributes that no object has, a token without a generator, a key that does not require the PIN for each
/// signature, a profile that the token does not claim.
struct Run {
    settings: &'static str,
    token: &'static str,
    pin: &'static str,
    at_least: usize,
}

const RUNS: [Run; 3] = [
    Run { settings: "", token: "JPKI User Authentication", pin: "1234", at_least: AT_LEAST + 2 },
    Run { settings: "", token: "JPKI Digital Signature", pin: "ABC123", at_least: AT_LEAST },
    Run {
        settings: "always-authenticate = true",
        token: "JPKI Digital Signature",
        pin: "ABC123",
        at_least: AT_LEAST + 2,
    },
];

const AT_LEAST: usize = 744;

#[test]
fn the_contract_holds_on_both_tokens() {
    assert!(env::var_os("JPKI_STACK").is_some(), "this test needs a PC/SC stack: {HOW}");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("contract");
    fs::create_dir_all(&folder).expect("a folder in cargo's target folder");
    let (settings, returned) = (folder.join("settings"), folder.join("returned.txt"));
    let names = ["release/libjpki_pkcs11.so"];
    let module = built("JPKI_PKCS11_MODULE", &names, "cargo build --release --package jpki-pkcs11");

    let _card = Card::start(&folder);
    let mut seen = returns::Seen::default();
    for Run { settings: text, token, pin, at_least } in RUNS {
        // The settings of the user who runs this test must not matter.
        fs::write(&settings, text).expect("a file in cargo's target folder");
        let mut program = Command::new(env!("CARGO_BIN_EXE_pkcs11-contract"));
        // The virtual card starts anew, so a wrong PIN may cost a try.
        program.args(["--quiet", "--risk-tries", "--token", token, "--at-least", &at_least.to_string()]);
        program.arg("--module").arg(&module).arg("--returns").arg(&returned);
        program.env("PKCS11_CONTRACT_PIN", pin).env("JPKI_PKCS11_CONFIG", &settings);
        let output = program.output().expect("the program starts");
        let (text, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        println!("{token}\n{text}");
        assert!(output.status.success(), "{token}:\n{text}{errors}");
        seen.add(&returned);
    }
    let complaints = returns::complaints(&seen);
    assert!(complaints.is_empty(), "return values:\n{}", complaints.join("\n"));
}
