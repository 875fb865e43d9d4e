//! A contract suite of PKCS#11 3.2 for signing tokens.
//!
//! It loads a module as any program does, and checks what the standard says about each function: its return values, its
//! rules for buffers and templates, the states of sessions and operations. A [`Case`] is one such check with the clause
//! that it rests on; if the standard leaves a choice, the case accepts every answer that the standard allows.
//!
//! [`run`] starts the program `pkcs11-contract` anew for each case: no case sees what another has left behind, and a
//! module that crashes or hangs fails one case.

mod case;
mod catalogue;
mod chapters;
mod check;
mod context;
mod known;
mod loading;
mod memory;
mod names;
mod numbers;
mod pages;
mod profiles;
mod properties;
mod raw;
mod returns;
mod rsa;
mod runner;
mod sequences;
mod verdict;

pub use case::Case;
pub use catalogue::{cases, find};
pub use chapters::ATTRIBUTES;
pub use context::{Context, Target, TokenChoice};
pub use known::Known;
pub use raw::Module;
pub use returns::{Documented, Returned, documented, report};
pub use runner::{Plan, Summary, run, run_here};
pub use verdict::{Outcome, Verdict};
