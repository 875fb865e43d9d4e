//! What can be set. The module works without any setting.
//!
//! The same keys ([`KEYS`]) come from files ([`Settings::from_files`]) and from the string that a program may pass when it
//! loads the module ([`Settings::apply_string`]), which is stronger. Both are written in one grammar: `grammar.rs`.

mod error;
mod files;
mod grammar;
mod keys;
mod reading;
mod values;

pub use self::error::Error;
pub use self::files::{FromFiles, Places};
pub use self::keys::{KEYS, Key, Values, Word};
pub use self::values::{Labels, LastTry, PinPads, Settings, ShownTokens};
