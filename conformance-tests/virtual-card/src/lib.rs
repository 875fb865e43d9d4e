//! A virtual My Number Card (マイナンバーカード): its public personal authentication application (公的個人認証, JPKI),
//! for everybody who needs a card to test against and has none.
//!
//! [`Card`] is the card: like a card in a reader, it gets power, answers command APDUs, and loses power again. Tests
//! use it in process; the program `jpki-virtual-card` puts it into vsmartcard's virtual PC/SC reader, where every
//! program on the machine finds it.
//!
//! ```
//! use jpki_virtual_card::{Card, Options, test_identity};
//!
//! let mut card = Card::new(test_identity(), Options::default());
//! card.power_on();
//! let answer = card.transmit(b"\x00\xA4\x04\x0C\x0A\xD3\x92\xF0\x00\x26\x01\x00\x00\x00\x01");
//! assert_eq!(answer.as_deref(), Some(b"\x90\x00".as_slice()));
//! ```
//!
//! The card follows the project's collection of published facts about real cards, `docs/card-facts.md`; comments cite
//! its sections. Nobody has yet compared this card with a real one bit for bit: if behaviour rests on a single source
//! or on a guess, a comment in its code says so.
//!
//! The keys and certificates are made on first use ([`Identity::load_or_create`]) under a hierarchy of their own,
//! `O=JPKI-DEMO`, in the shape of the certificates of a real card. They prove nothing about anybody.

#![forbid(unsafe_code)]

mod apdu;
mod application;
mod card;
mod certificate;
mod commands;
mod error;
mod exchange;
mod file_system;
mod generation;
mod hierarchy;
mod identity;
mod options;
mod pin_kind;
mod pins;
mod sign;

pub use application::Application;
pub use card::Card;
pub use error::Error;
pub use exchange::Exchange;
pub use generation::CaGeneration;
pub use identity::{Identity, test_identity, test_identity_named, test_identity_of};
pub use options::{Filler, LeaveBehaviour, LockedQuery, Options, Phone, Presence};
pub use pin_kind::PinKind;

/// The example in README.md is compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
