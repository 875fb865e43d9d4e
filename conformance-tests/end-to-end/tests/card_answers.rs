//! `pkcs11-tool-scripts/card-answers`: it finds what a virtual card does differently, sends nothing that could cost a
//! try, and prints nothing that identifies a card or a person.

use std::fs;
use std::path::Path;
use std::process::Command;

use jpki_end_to_end::{Output, Reader, Turn, VirtualCard, lasting, raw_apdu, run, scratch, virtual_card_path};

/// The number of the card, its municipality and its last day, and the number in the token information.
const NUMBERS: [&str; 4] = ["990000000000017", "13999", "20350401", "99900001"];

/// VERIFY of the signing PIN, and the certificate that it opens.
const UNLOCK: [&str; 2] = ["00A4040C0AD392F000260100000001", "0020009B06414243313233"];

fn script(arguments: &[&str]) -> Output {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../pkcs11-tool-scripts/card-answers");
    run(Command::new(path).args(["--reader", Reader::First.name()]).args(arguments))
}

/// A card started with these options, and the lines that the script prints about it.
fn answers(options: &[&str], arguments: &[&str]) -> (VirtualCard, Vec<String>) {
    let card = VirtualCard::start(Reader::First, options);
    card.clear();
    let text = script(arguments).good();
    (card, text.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect())
}

fn beginning_with<'a>(lines: &'a [String], verdict: &str) -> Vec<&'a str> {
    lines.iter().map(String::as_str).filter(|line| line.starts_with(verdict)).collect()
}

#[test]
fn every_fact_of_an_ordinary_card_is_confirmed_or_open() {
    let _turn = Turn::take();
    let (_card, lines) = answers(&[], &[]);
    assert_eq!(beginning_with(&lines, "CONTRADICTED"), [""; 0]);
    assert_eq!(beginning_with(&lines, "not answered"), [""; 0]);
    let not_asked = beginning_with(&lines, "not asked");
    let expected = |line: &&str| line.contains("virtual card") || line.contains("--five-byte-verify");
    assert!(not_asked.iter().all(expected), "{not_asked:#?}");
    let (confirmed, new) = (beginning_with(&lines, "confirmed").len(), beginning_with(&lines, "new").len());
    assert!(confirmed >= 70, "only {confirmed} facts are confirmed: {lines:#?}");
    assert_eq!(lines.last().unwrap(), &format!("{confirmed} confirmed, 0 contradicted, {new} new, 0 not answered"));
}

#[test]
fn what_a_card_does_otherwise_is_contradicted() {
    let _turn = Turn::take();
    for (options, contradictions) in [
        (&["--no-short-identifiers"][..], &["READ BINARY with a short identifier", "§4.1*"][..]),
        (&["--no-common-ap"], &["SELECT of the common application: expected 9000, the card answers 6A82"]),
        (&["--sign-tries", "0", "--sign-pin-query", "6A88"], &["tries left of the signing PIN"]),
        (&["--auth-tries", "0", "--auth-pin-query", "6984"], &["tries left of the authentication PIN"]),
        (&["--token-label", "SOMETHING7"], &["the label (digits as 9): expected JPKIAPICCTOKEN2"]),
        (&["--ef-size", "2048"], &["EF 000A has 3808 bytes: the last one: expected 9000, the card answers 6B00"]),
        (&["--sign-certificate", "blank"], &["the signing certificate without its PIN", "answers 008F00"]),
        (&["--sign-certificate", "missing"], &["its files: ", "the signing certificate without its PIN"]),
        (&["--auth-certificate", "empty"], &["the authentication certificate (card)", "answers 8F0000"]),
        (&["--auth-ca-certificate", "missing"], &["its files: ", "the certificate of its authority"]),
        (&["--leave", "refused"], &["SELECT of the issuer security domain"]),
        (&["--phone", "android", "--token-label", "JPKIAPICCTOKEN2"], &["certificate (card): expected 9000"]),
    ] {
        let (_card, lines) = answers(options, &[]);
        let found = beginning_with(&lines, "CONTRADICTED");
        for contradiction in contradictions {
            let said = found.iter().any(|line| line.contains(contradiction));
            assert!(said, "{options:?}: no {contradiction:?} in {found:#?}");
        }
    }
}

#[test]
fn what_may_differ_from_card_to_card_contradicts_nothing() {
    let _turn = Turn::take();
    for (options, said) in [
        (&["--phone", "android"][..], "authentication certificate (Android): 6982"),
        (&["--phone", "iphone"], "the label, of an iPhone: JPKIAPIOSTOKEN"),
        (&["--contactless"], "the ATR is in the table"),
        (&["--ca-generation", "2015"], "this is the project's virtual card"),
        (&["--first-command-6f00"], "(one card was seen to answer 6F00): 6F00"),
        (&["--auth-tries", "1", "--sign-tries", "0"], "tries left of the signing PIN: 63C0"),
        (&["--filler", "mixed"], "behind the certificate is FF or 00: yes"),
        // An ATR without T=1: VERIFY without data would become the five-byte form.
        (&["--atr", "3B00"], "not asked     §4.2   the tries left"),
    ] {
        let (_card, lines) = answers(options, &[]);
        assert_eq!(beginning_with(&lines, "CONTRADICTED"), [""; 0], "{options:?}");
        assert!(lines.iter().any(|line| line.contains(said)), "{options:?}: no {said:?} in {lines:#?}");
    }
}

/// The commands of a card's log, in hexadecimal without spaces.
fn commands(card: &VirtualCard) -> Vec<String> {
    card.log().iter().map(|line| line.split("->").next().unwrap_or_default().replace(' ', "")).collect()
}

#[test]
fn it_only_asks() {
    let _turn = Turn::take();
    for options in [&[][..], &["--auth-tries", "1"], &["--phone", "iphone"], &["--no-short-identifiers"]] {
        let card = VirtualCard::start(Reader::First, options);
        let before = card.state();
        card.clear();
        let _ = script(&[]).good();
        let commands = commands(&card);
        assert!(commands.len() > 100, "{commands:#?}");
        for command in &commands {
            // SELECT, READ BINARY, READ RECORD, GET DATA, GET CHALLENGE, and VERIFY without data.
            let harmless = ["A4", "B0", "B2", "CA", "84"].contains(&&command[2..4]);
            assert!(harmless || (&command[2..4] == "20" && command.len() == 8), "{options:?}: {command}");
        }
        assert_eq!(card.verifications(), 0, "{options:?}");
        assert_eq!(card.state(), before, "{options:?}: no try was lost, and nothing is verified");
        assert_eq!(commands.last().unwrap(), "00A4040C07A0000001510000", "{options:?}: the application is left");
    }
}

#[test]
fn the_five_byte_form_is_sent_only_on_request_and_with_all_tries() {
    let _turn = Turn::take();
    let sent = |card: &VirtualCard| commands(card).iter().filter(|command| *command == "0020008000").count();
    let (card, lines) = answers(&[], &["--five-byte-verify"]);
    assert_eq!(sent(&card), 1);
    assert!(
        lines.iter().any(|line| line == "confirmed     §4.2*  the five-byte form 00 20 00 80 00: 6700"),
        "{lines:#?}"
    );
    assert_eq!((card.state().auth_tries, card.state().sign_tries), (3, 5));
    drop(card);
    let (card, _) = answers(&["--auth-tries", "2"], &["--five-byte-verify"]);
    assert_eq!(sent(&card), 0);
}

#[test]
fn a_card_of_another_kind_is_asked_for_the_application_only() {
    let _turn = Turn::take();
    let card = VirtualCard::start(Reader::First, &["--foreign"]);
    card.clear();
    let output = script(&[]);
    assert!(!output.success && output.text.contains("no My Number Card"), "{}", output.text);
    assert_eq!(commands(&card), ["00A4040C0AD392F000260100000001"; 2]);
}

#[test]
fn what_another_program_has_unlocked_is_locked_before_anything_is_read() {
    let _turn = Turn::take();
    let card = VirtualCard::start(Reader::First, &[]);
    assert_eq!(raw_apdu(Reader::First, &UNLOCK), ["9000", "9000"]);
    assert_eq!(card.state().verified, "sign");
    let text = script(&[]).good();
    assert!(text.contains("the signing certificate without its PIN: 6982"), "{text}");
    assert_eq!(card.state().verified, "");
}

/// The serial number, subject, last day and key of a certificate, by OpenSSL.
fn identifying(certificate: &Path) -> Vec<String> {
    let mut command = Command::new("openssl");
    command.args(["x509", "-noout", "-serial", "-subject", "-enddate", "-modulus", "-nameopt", "multiline", "-in"]);
    let text = run(command.arg(certificate)).good();
    let values = text.lines().filter_map(|line| line.split_once('=')).map(|(_, value)| value.trim());
    // Without the country, and other values that are too short to identify a person.
    let values = values.filter(|value| value.len() > 3);
    values.map(|value| value.chars().take(16).collect()).collect()
}

#[test]
fn nothing_in_the_output_is_of_one_card_or_person() {
    let _turn = Turn::take();
    let (identity, folder) = (lasting("identity-1"), scratch("certificates"));
    let card = VirtualCard::start_as(Reader::First, "identity-1", &[]);
    let text = script(&["--five-byte-verify"]).good();
    drop(card);
    let mut command = Command::new(virtual_card_path());
    let _ = run(command.args(["certificates", "--identity"]).arg(identity).arg(&folder)).good();
    let mut secrets: Vec<_> = NUMBERS.map(str::to_owned).into();
    for name in ["auth.pem", "sign.pem"] {
        let of_one = identifying(&folder.join(name));
        assert!(of_one.len() >= 4, "{name}: {of_one:?}");
        secrets.extend(of_one);
    }
    secrets.extend(["見本", "花子", "幻想市", "Gensou"].map(str::to_owned));
    for secret in secrets {
        assert!(!text.contains(&secret), "{secret:?} is in the output");
        let hexadecimal: String = secret.bytes().map(|byte| format!("{byte:02X}")).collect();
        assert!(!text.contains(&hexadecimal), "{secret:?} is in the output, in hexadecimal");
    }
    let _ = fs::remove_dir_all(folder);
}
