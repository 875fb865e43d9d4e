//! What the fuzz targets share: a machine with one reader, as the module sees it through PC/SC.
//!
//! [`pcsc`] defines the functions of libpcsclite anew, so that the module's own transport runs above it, and nothing
//! of the module has to know that it is fuzzed. [`machine`] is the reader, [`cards`] what lies in it, [`answers`] says
//! what becomes of each command, and [`watch`] looks at all that goes to the card and knows what never may.

pub mod answers;
pub mod cards;
pub mod input;
pub mod machine;
pub mod memory;
pub mod pad;
pub mod pcsc;
pub mod signatures;
pub mod watch;
