//! What is known of a PIN: the tries left, and who is logged in with it.

use std::sync::Arc;

use super::error::Error;
use super::pin::SecretPin;

/// How many wrong PINs are left before the token locks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tries {
    /// So many; 0 is a locked PIN.
    Left(u8),
    /// The card has to be asked again.
    Stale,
    /// The card does not say.
    Unsaid,
}

/// What is known of a PIN.
pub(super) struct PinState {
    pub(super) tries: Tries,
    pub(super) login: Login,
    /// How many logins there have been.
    pub(super) logins: u64,
}

impl PinState {
    pub(super) fn log_in(&mut self, login: Login) {
        self.login = login;
        self.logins += 1;
    }
}

impl Default for PinState {
    fn default() -> Self {
        PinState { tries: Tries::Stale, login: Login::Nobody, logins: 0 }
    }
}

/// Who is logged in, and where the PIN is meanwhile.
#[derive(Default)]
pub(super) enum Login {
    #[default]
    Nobody,
    /// The user, whose PIN is here; the card is locked between two pieces of work.
    Held {
        /// In an Arc, because a signature in progress still needs it while the user logs out.
        pin: Arc<SecretPin>,
        /// The held PIN, too, is not sent where only one try is left.
        spare_last_try: bool,
    },
    /// The user, who typed the PIN at a PIN pad: the card holds it as verified, and is kept for that.
    OnCard,
}

impl Login {
    pub(super) fn is_on_card(&self) -> bool {
        matches!(self, Login::OnCard)
    }

    /// The held PIN, and whether the last try is spared; `None` where there is no PIN to hold.
    pub(super) fn held(&self) -> Result<Option<(Arc<SecretPin>, bool)>, Error> {
        match self {
            Login::Nobody => Err(Error::NotLoggedIn),
            Login::Held { pin, spare_last_try } => Ok(Some((Arc::clone(pin), *spare_last_try))),
            Login::OnCard => Ok(None),
        }
    }
}
