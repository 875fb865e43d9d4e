//! What the core sees of a token: identity, certificates, PIN state, login, signatures.
//!
//! A [`Reader`] holds a card or not; a JPKI card gives two [`Token`]s, one for each key pair. Whatever is known of a card
//! is known for one insertion: a card that comes back is a new one, with new tokens, so nothing of the old one
//! (a held PIN least of all) can reach it.

mod attempt;
mod certainty;
mod certificate;
mod certificate_file;
mod certificates;
mod error;
mod identity;
mod inserted_card;
mod jpki_token;
mod link;
mod login;
mod pin;
mod pin_state;
mod public_key;
mod reader;
mod refused;
mod serial;
mod signing;

pub use self::certificate::{Certificate, Date};
pub use self::error::Error;
pub use self::inserted_card::InUse;
pub use self::jpki_token::Token;
pub use self::pin::PinEntry;
pub use self::pin_state::{LastTry, Tries};
pub use self::public_key::PublicKey;
pub use self::reader::{Contents, Reader, Readers, Snapshot};
pub use crate::card::{KeyPair, RAW_INPUT_MAX, Scheme};
pub use crate::transport::PinPad;
