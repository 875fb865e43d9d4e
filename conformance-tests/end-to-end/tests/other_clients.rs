//! Programs of others, with the module and with the virtual card.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use jpki_end_to_end::{
    Key, Pkcs11Tool, Reader, Turn, VirtualCard, certificate_key, module_path, run, scratch, verifies,
};

/// The first of these files that exists.
fn installed(candidates: &[&str]) -> Option<String> {
    candidates.iter().find(|path| Path::new(path).exists()).map(|path| (*path).to_owned())
}

#[test]
fn p11tool_tells_the_tokens_of_two_cards_apart() {
    let _turn = Turn::take();
    let _cards =
        [VirtualCard::start(Reader::First, &[]), VirtualCard::start(Reader::Second, &["--serial", "990000000000025"])];
    let tokens = run(Command::new("p11tool").arg("--provider").arg(module_path()).arg("--list-token-urls")).good();
    let tokens: BTreeSet<_> = tokens.lines().filter(|line| line.starts_with("pkcs11:")).collect();
    assert_eq!(tokens.len(), 4, "{tokens:?}");
    let serials: BTreeSet<_> =
        tokens.iter().filter_map(|uri| uri.split(';').find(|part| part.starts_with("serial="))).collect();
    assert_eq!(serials.len(), 2, "{tokens:?}");

    let mut objects = Vec::new();
    for token in &tokens {
        let text = run(Command::new("p11tool").arg("--provider").arg(module_path()).args(["--list-all", token])).good();
        let urls = text.lines().filter_map(|line| line.trim().strip_prefix("URL: "));
        // p11tool does not know profile objects, and shows the URL of the token for each.
        objects.extend(urls.filter(|url| url.contains(";type=")).map(str::to_owned));
    }
    let distinct: BTreeSet<_> = objects.iter().collect();
    assert_eq!(distinct.len(), objects.len(), "{objects:#?}");
    let count = |kind| objects.iter().filter(|url| url.ends_with(kind)).count();
    assert_eq!(count("type=cert"), 6, "two of each authentication token, one of each signing token: {objects:#?}");
    assert_eq!(count("type=public"), 2, "{objects:#?}");
}

#[test]
fn p11tool_signs() {
    let _turn = Turn::take();
    let card = VirtualCard::start(Reader::First, &[]);
    for key in Key::ALL {
        let [token, object] = [key.token_label(), key.token_label().trim_start_matches("JPKI ")];
        let url = format!("pkcs11:token={token};object={object};type=private").replace(' ', "%20");
        let mut command = Command::new("p11tool");
        command.env("GNUTLS_PIN", key.pin()).arg("--provider").arg(module_path());
        let text = run(command.args(["--login", "--test-sign", &url])).good();
        assert!(text.contains("Verifying against public key in the token... ok"), "{key:?}: {text}");
        assert_eq!(card.state().verified, "");
    }
}

#[test]
fn openssl_builds_the_chain_inside_of_each_token() {
    let _turn = Turn::take();
    let _card = VirtualCard::start(Reader::First, &[]);
    let tool = Pkcs11Tool::default();
    for key in Key::ALL {
        let [ca, certificate] = ["ca", "certificate"].map(scratch);
        fs::write(&ca, tool.ca_certificate(key)).unwrap();
        let mut command = Command::new("openssl");
        let pem = run(command.args(["x509", "-inform", "DER", "-in"]).arg(&ca)).good();
        fs::write(&ca, pem).unwrap();
        fs::write(&certificate, tool.certificate(key)).unwrap();
        let mut command = Command::new("openssl");
        let text = run(command.args(["verify", "-CAfile"]).arg(&ca).arg(&certificate)).good();
        assert!(text.contains("OK"), "{text}");
        for file in [ca, certificate] {
            let _ = fs::remove_file(file);
        }
    }
}

/// The keys that OpenSSH finds with these settings, in its form, without the comments.
fn ssh_keys(settings: &str) -> Vec<String> {
    let file = scratch("settings");
    fs::write(&file, settings).unwrap();
    let mut command = Command::new("ssh-keygen");
    let text = run(command.env("JPKI_PKCS11_CONFIG", &file).arg("-D").arg(module_path())).good();
    fs::remove_file(&file).unwrap();
    let keys = text.lines().filter(|line| line.starts_with("ssh-"));
    keys.map(|line| line.split(' ').take(2).collect::<Vec<_>>().join(" ")).collect()
}

#[test]
fn ssh_finds_the_authentication_key_first() {
    let _turn = Turn::take();
    let _card = VirtualCard::start(Reader::First, &[]);
    let certificate = Pkcs11Tool::default().certificate(Key::Auth);
    let file = scratch("key");
    fs::write(&file, certificate_key(&certificate)).unwrap();
    let expected = run(Command::new("ssh-keygen").args(["-i", "-m", "PKCS8", "-f"]).arg(&file)).good();
    fs::remove_file(&file).unwrap();
    assert_eq!(ssh_keys("").first().map(String::as_str), Some(expected.trim()));
}

/// OpenSSH takes a key from each certificate that it sees, also from those of CAs, so the README advises to leave these
/// out.
#[test]
fn ssh_is_offered_no_key_of_a_ca_where_the_settings_leave_them_out() {
    let _turn = Turn::take();
    let _card = VirtualCard::start(Reader::First, &[]);
    let keys = ssh_keys("ca-certificates = false");
    assert_eq!(keys.len(), 1, "{keys:#?}");
}

#[test]
fn openssl_signs_through_the_engine_of_libp11() {
    let _turn = Turn::take();
    let engines = ["x86_64-linux-gnu", "aarch64-linux-gnu"].map(|host| format!("/usr/lib/{host}/engines-3/pkcs11.so"));
    let _ = installed(&engines.each_ref().map(String::as_str)).expect("libengine-pkcs11-openssl is installed");
    let card = VirtualCard::start(Reader::First, &[]);
    let [data, signature] = ["data", "signature"].map(scratch);
    fs::write(&data, b"data").unwrap();
    for key in Key::ALL {
        let uri =
            format!("pkcs11:token={};type=private;pin-value={}", key.token_label().replace(' ', "%20"), key.pin());
        let pss: &[&str] = &["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:32"];
        for options in [&[][..], pss] {
            let mut command = Command::new("openssl");
            command.env("PKCS11_MODULE_PATH", module_path());
            command.args(["dgst", "-sha256", "-engine", "pkcs11", "-keyform", "engine", "-sign", &uri]).args(options);
            let _ = run(command.arg("-out").arg(&signature).arg(&data)).good();
            let certificate = Pkcs11Tool::default().certificate(key);
            let made = fs::read(&signature).unwrap();
            assert!(verifies(&certificate, &[&["-sha256"], options].concat(), b"data", &made), "{key:?} {options:?}");
        }
    }
    assert_eq!(card.state().verified, "");
    for file in [data, signature] {
        let _ = fs::remove_file(file);
    }
}

/// OpenSC's own module supports the real card, so it is an independent check of the virtual one.
#[test]
fn opensc_works_with_the_virtual_card() {
    let _turn = Turn::take();
    let card = VirtualCard::start(Reader::First, &[]);
    let modules = ["x86_64-linux-gnu", "aarch64-linux-gnu"].map(|host| format!("/usr/lib/{host}/opensc-pkcs11.so"));
    let module = installed(&modules.each_ref().map(String::as_str)).expect("opensc-pkcs11 is installed");
    let tool = Pkcs11Tool::with_module(Path::new(&module));
    let text = tool.run(&["--list-token-slots"]).good();
    assert!(text.contains("JPKI"), "{text}");
    let [data, signature] = ["data", "signature"].map(scratch);
    fs::write(&data, b"data").unwrap();
    let paths = [&data, &signature].map(|path| path.to_str().unwrap());
    // OpenSC shows the two PINs in this order, as the tokens of two slots.
    for (slot, key) in ["0", "1"].into_iter().zip(Key::ALL) {
        let login = ["--slot-index", slot, "--login", "--pin", key.pin()];
        let objects = tool.run(&[&login[..], &["--list-objects"]].concat()).good();
        assert!(objects.contains("Private Key Object"), "{key:?}: {objects}");
        let sign = ["--sign", "--mechanism", "SHA256-RSA-PKCS", "--input-file", paths[0], "--output-file", paths[1]];
        let _ = tool.run(&[&login[..], &sign[..]].concat()).good();
        // The certificate that our module reads.
        let certificate = Pkcs11Tool::default().certificate(key);
        assert!(verifies(&certificate, &["-sha256"], b"data", &fs::read(&signature).unwrap()), "{key:?}");
        let wrong = ["--slot-index", slot, "--login", "--pin", key.wrong_pins()[0], "--list-objects"];
        assert!(!tool.run(&wrong).success, "{key:?}: a wrong PIN");
        let state = card.state();
        let left = if key == Key::Auth { state.auth_tries } else { state.sign_tries };
        assert_eq!(left, key.tries() - 1, "{key:?}");
    }
    for file in [data, signature] {
        let _ = fs::remove_file(file);
    }
}
