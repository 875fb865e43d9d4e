//! Status words, and what they mean (card-facts §8).

use std::fmt;

/// A status word SW1-SW2. The meanings are JICSAP's (card-facts §8).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct StatusWord(pub u16);

impl StatusWord {
    /// Success.
    pub const OK: Self = Self(0x9000);
    /// From a PIN pad: nobody has typed in time (PC/SC part 10 §2.5.2). The card's own 6400 is an execution error.
    pub const PAD_TIMEOUT: Self = Self(0x6400);
    /// From a PIN pad: cancelled with its key for that.
    pub const PAD_CANCELLED: Self = Self(0x6401);
    /// From a PIN pad: the new PIN was typed in two ways.
    pub const PAD_MISMATCH: Self = Self(0x6402);
    /// From a PIN pad: too few or too many characters.
    pub const PAD_LENGTH: Self = Self(0x6403);
    /// Wrong PIN on a reference without a counter.
    pub const WRONG_PIN: Self = Self(0x6300);
    /// Wrong file type for the command: reading a key or PIN file.
    pub const FILE_TYPE: Self = Self(0x6981);
    /// Security status not satisfied: the PIN was not verified.
    pub const SECURITY_STATUS: Self = Self(0x6982);
    /// ISO's "authentication method blocked". Two programs assume it, nobody has seen it here (card-facts, conflict 2).
    pub const BLOCKED_ISO: Self = Self(0x6983);
    /// The PIN is locked (measured; single source, consistent with JICSAP).
    pub const BLOCKED: Self = Self(0x6984);
    /// No current EF (single source).
    pub const NO_CURRENT_FILE: Self = Self(0x6986);
    /// Function not supported.
    pub const NOT_SUPPORTED: Self = Self(0x6A81);
    /// File or application not found.
    pub const NOT_FOUND: Self = Self(0x6A82);
    /// Wrong P1 or P2: unknown signing scheme, or a form of the command that the card does not know.
    pub const WRONG_PARAMETERS: Self = Self(0x6A86);
    /// Referenced key not set.
    pub const NO_REFERENCE: Self = Self(0x6A88);
    /// Offset outside of the EF.
    pub const OUTSIDE: Self = Self(0x6B00);
    /// Internal error; on one card the answer to the first command after power-up (card-facts §1.3, single source).
    pub const INTERNAL: Self = Self(0x6F00);

    /// Tries left in a 63Cx answer.
    #[must_use]
    pub fn tries_left(self) -> Option<u8> {
        let [high, low] = self.0.to_be_bytes();
        (high == 0x63 && low & 0xF0 == 0xC0).then_some(low & 0x0F)
    }

    /// The PIN is locked, in any of the ways a card could say so.
    #[must_use]
    pub fn is_blocked(self) -> bool {
        matches!(self, Self::BLOCKED | Self::BLOCKED_ISO) || self.tries_left() == Some(0)
    }

    /// Something went wrong on the card, which says nothing of what is there: execution, memory or internal errors.
    #[must_use]
    pub fn is_failure(self) -> bool {
        let [high, _] = self.0.to_be_bytes();
        matches!(high, 0x64 | 0x65 | 0x6F)
    }

    /// The card does not know this form of the command, so another form may do. None of these is an answer to a
    /// PIN that was compared.
    #[must_use]
    pub fn refuses_form(self) -> bool {
        matches!(
            self,
            Self::WRONG_PARAMETERS
                | Self::NOT_FOUND
                | Self::NOT_SUPPORTED
                | Self::NO_REFERENCE
                | Self::NO_CURRENT_FILE
                | Self::OUTSIDE
        )
    }
}

impl fmt::Display for StatusWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04X}", self.0)
    }
}

impl fmt::Debug for StatusWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tries_in_a_status_word() {
        assert_eq!(StatusWord(0x63C3).tries_left(), Some(3));
        assert_eq!(StatusWord(0x6300).tries_left(), None);
        assert_eq!(StatusWord(0x62C3).tries_left(), None);
        assert!(StatusWord(0x63C0).is_blocked() && !StatusWord(0x63C1).is_blocked());
    }
}
