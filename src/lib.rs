//! `jpki-pkcs11`: a PKCS#11 module for the JPKI application (公的個人認証) of the My Number Card.
//!
//! Programs load the cdylib and call the functions of [`ffi`]. A `C_Sign` goes down through one folder after the other,
//! each knowing only those below it: [`ffi`] reads the caller's pointers, [`core`] knows what PKCS#11 means, [`token`] what
//! a key pair and its PIN are, [`card`] the APDUs, and [`transport`] how they get to the card. `docs/architecture.md`
//! tells the whole.

// All of it is at the boundary.
#![deny(unsafe_code)]
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::todo,
        clippy::unimplemented,
        clippy::unreachable
    )
)]

pub mod card;
pub mod core;
#[allow(unsafe_code)]
pub mod ffi;
mod logging;
pub mod settings;
pub mod token;
pub mod transport;
