//! OpenSC's pkcs11-tool with the module.

use std::fs;
use std::path::{Path, PathBuf};

use jpki_end_to_end::{Key, Pkcs11Tool, Reader, Turn, VirtualCard, run, scratch, slot_name, verifies};

const MESSAGE: &[u8] = b"the message\n";

/// A card and the tool, without a module in this process.
fn stand(options: &[&str]) -> (Pkcs11Tool, VirtualCard, Turn) {
    let turn = Turn::take();
    (Pkcs11Tool::default(), VirtualCard::start(Reader::First, options), turn)
}

/// A file that is removed with this value.
struct File(PathBuf);

impl File {
    fn with(content: &[u8]) -> File {
        let path = scratch("file");
        fs::write(&path, content).unwrap();
        File(path)
    }

    fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// A hash of the message by OpenSSL.
fn hash(name: &str) -> Vec<u8> {
    let file = File::with(MESSAGE);
    let output = run(std::process::Command::new("openssl").args(["dgst", name, "-binary", file.path()]));
    assert!(output.success, "{}", output.text);
    output.bytes
}

/// Makes the tool sign, and returns the signature.
#[track_caller]
fn sign(tool: &Pkcs11Tool, key: Key, data: &[u8], mechanism: &[&str]) -> Vec<u8> {
    let (input, output) = (File::with(data), File::with(b""));
    let mut arguments = vec!["--sign", "--input-file", input.path(), "--output-file", output.path(), "--mechanism"];
    arguments.extend(mechanism);
    let _ = tool.on(key, true, &arguments).good();
    fs::read(Path::new(output.path())).unwrap()
}

#[test]
fn it_lists_two_tokens() {
    let (tool, _card, _turn) = stand(&[]);
    let text = tool.run(&["--list-slots"]).good();
    for reader in [Reader::First, Reader::Second] {
        for key in Key::ALL {
            assert!(text.contains(&slot_name(reader, key)), "{text}");
        }
    }
    for key in Key::ALL {
        let lines: Vec<_> = text.lines().filter(|line| line.contains("token label")).collect();
        assert_eq!(lines.iter().filter(|line| line.contains(key.token_label())).count(), 1, "{text}");
    }
    assert!(text.contains("login required") && text.contains("PIN initialized"), "{text}");
    let text = tool.run(&["--list-token-slots"]).good();
    assert!(!text.contains(Reader::Second.name()), "{text}");
    let text = tool.run(&["--show-info"]).good();
    assert!(text.contains("Cryptoki version 3.2"), "{text}");
    let text = tool.run(&["--list-mechanisms", "--token-label", Key::Sign.token_label()]).good();
    for mechanism in ["RSA-PKCS,", "SHA256-RSA-PKCS,", "SHA512-RSA-PKCS,", "RSA-PKCS-PSS,", "SHA256,"] {
        assert!(text.contains(mechanism), "{mechanism} is not in:\n{text}");
    }
}

#[test]
fn it_lists_objects() {
    let (tool, _card, _turn) = stand(&[]);
    let count = |text: &str, object: &str| text.lines().filter(|line| line.starts_with(object)).count();
    let objects = |key, login| {
        let text = tool.on(key, login, &["--list-objects"]).good();
        [count(&text, "Private Key Object"), count(&text, "Public Key Object"), count(&text, "Certificate Object")]
    };
    assert_eq!(objects(Key::Auth, false), [0, 1, 2], "certificate, public key and CA certificate are public");
    assert_eq!(objects(Key::Auth, true), [1, 1, 2]);
    assert_eq!(objects(Key::Sign, false), [0, 0, 1], "the signing token has only its CA certificate public");
    assert_eq!(objects(Key::Sign, true), [1, 1, 2]);
}

#[test]
fn it_signs_with_every_mechanism() {
    let (tool, card, _turn) = stand(&[]);
    for key in Key::ALL {
        let certificate = tool.certificate(key);
        for name in ["SHA1", "SHA224", "SHA256", "SHA384", "SHA512"] {
            let option = format!("-{}", name.to_lowercase());
            let signature = sign(&tool, key, MESSAGE, &[&format!("{name}-RSA-PKCS")]);
            assert!(verifies(&certificate, &[&option], MESSAGE, &signature), "{key:?}, {name}-RSA-PKCS");
            assert!(!verifies(&certificate, &[&option], b"another message", &signature));
        }

        // DigestInfo of SHA-256 (RFC 8017 §9.2, note 1), made by the caller.
        let prefix = b"\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20";
        let info = [prefix.as_slice(), &hash("-sha256")].concat();
        let signature = sign(&tool, key, &info, &["RSA-PKCS"]);
        assert!(verifies(&certificate, &["-sha256"], MESSAGE, &signature), "{key:?}, RSA-PKCS");

        let pss = ["-sha256", "-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:32"];
        let options = ["--mgf", "MGF1-SHA256", "--salt-len", "32"];
        let with = |mechanism: &[&'static str]| [mechanism, &options].concat();
        let signature = sign(&tool, key, MESSAGE, &with(&["SHA256-RSA-PKCS-PSS"]));
        assert!(verifies(&certificate, &pss, MESSAGE, &signature), "{key:?}, SHA256-RSA-PKCS-PSS");
        let signature = sign(&tool, key, &hash("-sha256"), &with(&["RSA-PKCS-PSS", "--hash-algorithm", "SHA256"]));
        assert!(verifies(&certificate, &pss, MESSAGE, &signature), "{key:?}, RSA-PKCS-PSS");
        assert_eq!(card.state().verified, "");
    }
}

#[test]
fn its_self_test_passes() {
    let (tool, card, _turn) = stand(&[]);
    for key in Key::ALL {
        let text = tool.on(key, true, &["--test"]).good();
        assert!(text.contains("No errors"), "{key:?}:\n{text}");
        assert!(!text.to_lowercase().contains("err:") && !text.contains("ERR"), "{key:?}:\n{text}");
        assert_eq!(card.state().verified, "");
    }
}

#[test]
fn it_changes_pins() {
    let (tool, card, _turn) = stand(&[]);
    for (key, new) in [(Key::Auth, "9876"), (Key::Sign, "NEW456")] {
        let change = |old: &str, new: &str| {
            tool.run(&["--token-label", key.token_label(), "--login", "--pin", old, "--change-pin", "--new-pin", new])
        };
        let _ = change(key.pin(), new).good();
        assert!(!tool.on(key, true, &["--list-objects"]).success, "{key:?}: the old PIN still works");
        let _ = change(new, key.pin()).good();
        let _ = tool.on(key, true, &["--list-objects"]).good();
        let bad = change(key.pin(), "A");
        assert!(!bad.success && bad.text.contains("PIN"), "{}", bad.text);
        assert_eq!(card.state().verified, "");
    }
}

#[test]
fn it_gets_random_numbers_from_the_card() {
    let (tool, _card, _turn) = stand(&[]);
    let random = || {
        let output = File::with(b"");
        let arguments = ["--generate-random", "300", "--output-file", output.path()];
        let _ = tool.on(Key::Auth, false, &arguments).good();
        fs::read(output.path()).unwrap()
    };
    let (one, two) = (random(), random());
    assert_eq!((one.len(), two.len()), (300, 300));
    assert_ne!(one, two);
}

#[test]
fn it_says_what_is_wrong_with_a_pin() {
    let (tool, _card, _turn) = stand(&["--sign-tries", "0"]);
    let login =
        |key: Key, pin| tool.run(&["--token-label", key.token_label(), "--list-objects", "--login", "--pin", pin]);
    assert!(login(Key::Auth, "0000").text.contains("CKR_PIN_INCORRECT"));
    assert!(login(Key::Sign, "ABC123").text.contains("CKR_PIN_LOCKED"));
    let text = tool.run(&["--list-slots"]).good();
    assert!(text.contains("user PIN locked") && text.contains("user PIN count low"), "{text}");
}
