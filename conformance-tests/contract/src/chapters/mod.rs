//! The tables of cases, one file for each chapter of the standard's section 5.

mod additions;
mod digest;
mod every;
mod general;
mod login;
mod mechanisms;
mod memory;
mod objects;
mod random;
mod recover;
mod robust;
mod searching;
mod sessions;
mod sign;
mod slots;
mod unsupported;
mod verify;

use crate::case::Case;

pub(crate) use digest::ABC;
pub use searching::ATTRIBUTES;

pub(crate) fn cases() -> Vec<Case> {
    let chapters = [
        general::cases,
        slots::cases,
        sessions::cases,
        login::cases,
        objects::cases,
        searching::cases,
        digest::cases,
        sign::cases,
        verify::cases,
        recover::cases,
        mechanisms::cases,
        random::cases,
        additions::cases,
        memory::cases,
        robust::cases,
        unsupported::cases,
        every::cases,
    ];
    chapters.into_iter().flat_map(|chapter| chapter()).collect()
}
