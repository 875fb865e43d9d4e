//! What the fuzz targets share: a machine with one reader, as the module sees it through PC/SC.
//!
//! [`pcsc`] defines the functions of libpcsclite anew, so the module's own transport runs above it, and the module
//! needs no change for the fuzzers. [`machine`] is the reader, [`cards`] are the cards in it, [`answers`] says what
//! happens to each command, and [`watch`] checks all that goes to the card.

pub mod answers;
pub mod cards;
pub mod choices;
pub mod input;
pub mod machine;
pub mod memory;
pub mod pad;
pub mod pcsc;
pub mod signatures;
pub mod watch;
