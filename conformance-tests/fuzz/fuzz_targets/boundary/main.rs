//! A program that calls the exported functions in any order, with any arguments whose pointers are NULL or valid:
//! nothing crashes, nothing panics, and nothing is written to the wrong place.
//!
//! The input: the number of bytes for the card's answers, three bytes for the card, the answers, and then the calls.
#![no_main]

mod arguments;
mod operations;
mod program;
mod unsupported;

use std::ptr::null_mut;

use jpki_fuzz::answers::Answers;
use jpki_fuzz::cards::VirtualCard;
use jpki_fuzz::input::Input;
use jpki_fuzz::machine;
use jpki_pkcs11::ffi::C_Finalize;
use libfuzzer_sys::fuzz_target;

use crate::program::Program;

/// More calls than this show nothing new. It must stay below the number of refused PINs that the module remembers.
const CALLS_MAX: usize = 28;

fuzz_target!(init: {
    // SAFETY: before anything else runs.
    unsafe { std::env::set_var("JPKI_PKCS11_CONFIG", "/dev/null") };
}, |data: &[u8]| {
    let mut input = Input::new(data);
    let answers = input.byte();
    let card = VirtualCard::new(&mut input);
    machine::set_up(Box::new(card), Answers::new(input.take(answers.into())));
    let mut program = Program::default();
    for _ in 0..CALLS_MAX {
        if input.is_empty() {
            break;
        }
        program.one_call(&mut input);
    }
    machine::call();
    // SAFETY: the standard requires NULL.
    unsafe { C_Finalize(null_mut()) };
    machine::tear_down();
});
