//! The layers of the module, one after the other, over virtual cards in the same process.
//!
//! [`machine`] takes the place of PC/SC: readers, cards that come and go, other programs. Each layer has a folder of
//! tests that use its own interface; the tests of what a program notices are at the top, in `core`.

mod card;
mod concurrency;
mod core;
mod logs;
mod machine;
mod support;
mod token;
mod transport;
