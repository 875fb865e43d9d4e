//! The JPKI application of the My Number Card: its files, PINs, keys and status words.
//!
//! Everything known of the card is in `docs/card-facts.md`; "card-facts §4.5" behind a constant or a branch names the
//! fact. A fact that only one source gives is marked so, and the code gets on with its opposite: by falling back, by
//! remembering it in [`Quirks`], or by an error that loses nothing.

mod apdu;
mod application;
mod error;
mod files;
mod number;
mod pins;
mod quirks;
mod reading;
mod signing;
mod status_word;

pub use self::application::Application;
pub use self::error::Error;
pub use self::files::{CertificateFile, KeyPair};
pub use self::number::{CardNumber, card_number};
pub use self::quirks::Quirks;
pub use self::reading::Availability;
pub use self::signing::{RAW_INPUT_MAX, Scheme};
pub use self::status_word::StatusWord;
