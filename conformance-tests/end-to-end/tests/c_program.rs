//! A C program with the project's header, compiled with Debian's header of the standard.

use std::fs;
use std::path::Path;
use std::process::Command;

use jpki_end_to_end::{Reader, Turn, VirtualCard, module_path, run, scratch};

/// A file of this project.
fn source(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

#[test]
fn the_header_says_what_the_module_does() {
    let _turn = Turn::take();
    let _card = VirtualCard::start(Reader::First, &[]);
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (program, settings) = (scratch("header"), scratch("settings"));
    fs::write(&settings, "labels = ja\n").unwrap();
    let mut compiler = Command::new("cc");
    compiler.args(["-std=c99", "-Wall", "-Wextra", "-Werror", "-I/usr/include/p11-kit-1", "-I"]);
    compiler.arg(here.join("../../include")).arg(here.join("c/header.c")).arg("-o").arg(&program).arg("-ldl");
    // libp11-kit-dev has the header.
    let _ = run(&mut compiler).good();
    let mut command = Command::new(&program);
    let output = run(command.arg(module_path()).arg(&settings).env("JPKI_PKCS11_CONFIG", "/dev/null")).good();
    let (said, complaints): (Vec<_>, Vec<_>) = output.lines().partition(|line| !line.starts_with("jpki-pkcs11: "));
    let japanese = ["JPKI 利用者証明用 (4桁)", "JPKI 署名用 (英数6-16桁)"];
    assert_eq!(said[..2], ["JPKI User Authentication", "JPKI Digital Signature"]);
    assert_eq!(said[4..8], [japanese, japanese].concat(), "by the string, and by the file that the variable names");
    // Standard error reports a mistake in the settings.
    assert_eq!(complaints.len(), 10, "{complaints:#?}");
    assert_eq!(complaints.last(), Some(&"jpki-pkcs11: there is no setting \"no\""));
    let _ = (fs::remove_file(&program), fs::remove_file(&settings));
}

#[test]
fn the_program_looks_at_every_constant_of_the_header() {
    let (header, program) = (source("../../include/jpki_pkcs11.h"), source("c/header.c"));
    let names = header.lines().filter_map(|line| line.strip_prefix("#define ")?.split_whitespace().next());
    let names: Vec<_> = names.filter(|name| *name != "JPKI_PKCS11_H").collect();
    assert!(names.len() > 20, "{names:?}");
    let words: Vec<_> = program.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').collect();
    for name in names {
        assert!(words.contains(&name), "{name}");
    }
}
