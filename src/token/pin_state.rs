//! What is known of a PIN: the tries left, and who is logged in with it.

use std::sync::Arc;

use super::pin::{Pin, SecretPin};

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

/// Whether the last try of a PIN may be risked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LastTry {
    /// It may: who has mistyped the PIN but once can still get it right.
    #[default]
    Allow,
    /// No PIN is sent if only one try is left, or may be.
    Spare,
}

/// What is known of a PIN.
pub(super) struct PinState {
    pub(super) tries: Tries,
    pub(super) login: Login,
    logins: u64,
}

impl PinState {
    /// How many logins there have been.
    pub(super) fn logins(&self) -> u64 {
        self.logins
    }

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
    /// The user, whose PIN is here; the card is locked between two pieces of work. In an Arc, because a signature in
    /// progress still needs the PIN while the user logs out.
    Held(Arc<SecretPin>),
    /// The user, who typed the PIN at a PIN pad: the card holds it as verified, and is kept for that.
    OnCard,
}

impl Login {
    /// The login that begins when the card has accepted this PIN.
    pub(super) fn with(pin: &Pin) -> Self {
        match pin {
            Pin::Here(pin) => Login::Held(Arc::clone(pin)),
            Pin::OnPad => Login::OnCard,
        }
    }

    pub(super) fn is_on_card(&self) -> bool {
        matches!(self, Login::OnCard)
    }
}
