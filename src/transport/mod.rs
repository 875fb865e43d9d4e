//! Bytes to a card and back: readers, connections, transactions.
//!
//! This layer knows PC/SC and nothing of what the bytes mean. The layers above see it through three traits, and the
//! tests put a card in process behind them: [`ResourceManager`] (the readers), [`Connection`] (a card in one of them)
//! and [`Channel`] (the card during a transaction).

mod connection;
mod error;
mod handle;
mod mute;
mod pin_pad;
mod reader_name;
mod reported;
mod resource_manager;
mod service;
mod status;
mod traits;

pub use self::error::Error;
pub use self::pin_pad::{PadCommand, PadEntry, PinPad};
pub use self::reader_name::ReaderName;
pub use self::reported::Reported;
pub use self::resource_manager::PcscResourceManager;
pub use self::traits::{Channel, Connection, Ending, Presence, ReaderState, ResourceManager};
