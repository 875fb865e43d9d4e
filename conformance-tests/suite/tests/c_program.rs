//! A C program with the project's header, compiled against the standard's header as Debian has it.

use std::path::Path;
use std::process::Command;

use jpki_conformance_suite::{Reader, Turn, VirtualCard, module_path, run, scratch};

#[test]
fn a_c_program_loads_the_module_with_settings() {
    let _turn = Turn::take();
    let _card = VirtualCard::start(Reader::First, &[]);
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let program = scratch("header");
    let mut compiler = Command::new("cc");
    compiler.args(["-std=c99", "-Wall", "-Wextra", "-Werror", "-I/usr/include/p11-kit-1", "-I"]);
    compiler.arg(here.join("../../include")).arg(here.join("c/header.c")).arg("-o").arg(&program).arg("-ldl");
    // libp11-kit-dev has the header.
    let _ = run(&mut compiler).good();
    let output = run(Command::new(&program).arg(module_path())).good();
    let lines: Vec<_> = output.lines().map(str::trim_end).collect();
    // The last one is the module's own: a mistake in the settings is told on standard error.
    let complaint = "jpki-pkcs11: there is no setting \"no\"";
    assert_eq!(lines, ["JPKI 利用者証明用 (4桁)", "JPKI 署名用 (英数6-16桁)", complaint]);
    std::fs::remove_file(&program).unwrap();
}
