//! Readers and tokens, through the interface that the core uses.

mod absent;
mod failures;
mod locked;
mod login;
mod pad;
mod pad_both;
mod pad_faults;
mod recognition;
mod refusals;
mod replugged;
mod signatures;
mod swaps;
mod unanswered;

pub(crate) use self::pad::at_pad;
