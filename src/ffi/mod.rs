//! The C boundary: every exported function, the function lists, and the rules for pointers.
//!
//! [`table`] names each function once. [`pointers`] reads what a program passes, and nothing keeps a pointer beyond the
//! call. A panic ends in [`guard`], and a cancellation of the thread waits there. All `unsafe` of the project is in this
//! folder.

mod digesting;
mod environment;
mod general;
mod guard;
mod interfaces;
mod library;
mod objects;
mod operations;
mod pointers;
mod recovering;
mod sessions;
mod signing;
mod slots;
mod stubs;
mod table;
mod thread;
mod verifying;

pub use self::table::*;
