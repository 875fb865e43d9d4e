//! A program cancels (pthread_cancel) a thread of its own that is in the module: the call is finished first, and the
//! program goes on. The C library would unwind the thread in the middle of the call otherwise.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use jpki_end_to_end::{
    Helper, Key, LOCKED, Reader, Turn, VirtualCard, bystander, module_path, raw_signature, run, scratch,
};

/// The compiled C program.
struct Program(PathBuf);

impl Program {
    fn new() -> Self {
        let (here, program) = (Path::new(env!("CARGO_MANIFEST_DIR")), scratch("cancelled"));
        let mut compiler = Command::new("cc");
        compiler.args(["-std=c99", "-Wall", "-Wextra", "-Werror", "-I/usr/include/p11-kit-1", "-I"]);
        compiler.arg(here.join("../../include")).arg(here.join("c/cancelled.c")).arg("-o").arg(&program);
        let _ = run(compiler.args(["-ldl", "-pthread"])).good();
        Program(program)
    }

    fn start(&self, call: &str) -> Helper {
        let [program, module] = [&self.0, &module_path()].map(|path| path.to_str().expect("UTF-8").to_owned());
        Helper::start_with(&program, &[&module, call], &[("JPKI_PKCS11_CONFIG", "/dev/null".as_ref())])
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// The card is locked and free for other programs, and the program that had a thread cancelled signs once more.
#[track_caller]
fn others_and_the_program_go_on(mut program: Helper, card: &VirtualCard) {
    program.expect("ready");
    assert_eq!(card.state().verified, "", "what the card has verified");
    for key in Key::ALL {
        assert_eq!(raw_signature(Reader::First, key), LOCKED, "the {} key", key.name());
    }
    assert_eq!(program.end(), ["signed"]);
}

#[test]
fn a_thread_that_waits_for_an_event_waits_until_the_end_of_the_module() {
    let _turn = Turn::take();
    let card = VirtualCard::start(Reader::First, &[]);
    let program = Program::new();
    let mut program = program.start("wait");
    program.expect("the thread goes on");
    program.expect("the thread was cancelled after the call's 0x190");
    others_and_the_program_go_on(program, &card);
}

#[test]
fn a_thread_that_signs_finishes_the_signature() {
    let _turn = Turn::take();
    let card = VirtualCard::start(Reader::First, &["--sign-delay-ms", "1000"]);
    // Without another program pcscd would cut the power at the end.
    let _bystander = bystander(Reader::First);
    let program = Program::new();
    let mut program = program.start("sign");
    program.expect("the thread was cancelled after the call's 0");
    others_and_the_program_go_on(program, &card);
}
