//! What PKCS#11 means: the life of the module, slots, sessions, objects, mechanisms, operations.
//!
//! This layer speaks PKCS#11's values and the tokens of the layer below. It never sees a caller's pointer, and knows
//! nothing of how a token does what it does.

mod attributes;
mod call;
mod digest;
mod error;
mod events;
mod login;
mod mechanism;
mod module;
mod names;
mod object;
mod operations;
mod recover;
mod search;
mod session;
mod sign;
mod slot;
mod text;
mod verify;

pub use self::attributes::ATTRIBUTES;
pub use self::call::Call;
pub use self::error::Error;
pub use self::mechanism::{Mechanism, Parameter, PssParameters};
pub use self::module::Module;
pub use self::operations::Data;
pub use crate::token::PinEntry;
