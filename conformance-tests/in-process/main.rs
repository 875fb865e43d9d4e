//! The layers of the module, one after the other, over virtual cards in the same process.
//!
//! [`machine`] stands in the place of PC/SC: readers, cards that come and go, other programs. Each layer has a folder
//! of tests that go through its own interface; what a program notices is asked at the top, in `core`.

mod card;
mod concurrency;
mod core;
mod logs;
mod machine;
mod support;
mod token;
mod transport;
