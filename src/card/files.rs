//! Where things are on the card: applications, files, and which PIN and key belong together (card-facts §1.2, §2).

use std::ops::RangeInclusive;

/// An application identifier.
pub(super) type Aid = &'static [u8];

/// 公的個人認証AP, the JPKI application.
pub(super) const JPKI: Aid = &[0xD3, 0x92, 0xF0, 0x00, 0x26, 0x01, 0x00, 0x00, 0x00, 0x01];
/// 共通カードAP, which knows the card's number.
pub(super) const COMMON: Aid = &[0xD3, 0x92, 0x10, 0x00, 0x31, 0x00, 0x01, 0x01, 0x01, 0x00];
/// GlobalPlatform's issuer security domain, selected at power-up (single source).
pub(super) const ISSUER_SECURITY_DOMAIN: Aid = &[0xA0, 0x00, 0x00, 0x01, 0x51, 0x00, 0x00];

/// A file identifier below the JPKI application. All are 0001 to 001E, so the low byte is the short identifier.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Ef(pub(super) u8);

impl Ef {
    /// The two bytes of SELECT.
    pub(super) fn identifier(self) -> [u8; 2] {
        [0, self.0]
    }

    /// P1 of READ BINARY, P2 of VERIFY and of COMPUTE DIGITAL SIGNATURE, by short identifier. Single source but for
    /// READ BINARY, so every user falls back to SELECT.
    pub(super) fn short(self) -> u8 {
        0x80 | self.0
    }
}

/// Serialised token info, 160 bytes; its label is the first 32.
pub(super) const TOKEN_INFO: Ef = Ef(0x06);
/// Three bytes: which certificates are there.
pub(super) const AVAILABILITY: Ef = Ef(0x08);

/// One of the two key pairs of the card, with all that belongs to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyPair {
    /// 利用者証明用: proves who logs in.
    Authentication,
    /// 署名用: signs documents.
    Signature,
}

impl KeyPair {
    /// Both, in the order of their slots.
    pub const ALL: [KeyPair; 2] = [KeyPair::Authentication, KeyPair::Signature];

    /// How many wrong tries in a row lock the PIN (card-facts §4.3).
    #[must_use]
    pub fn tries(self) -> u8 {
        match self {
            KeyPair::Authentication => 3,
            KeyPair::Signature => 5,
        }
    }

    /// How many characters the PIN has (card-facts §4.3).
    #[must_use]
    pub fn pin_length(self) -> RangeInclusive<u8> {
        match self {
            KeyPair::Authentication => 4..=4,
            KeyPair::Signature => 6..=16,
        }
    }

    pub(super) fn pin(self) -> Ef {
        match self {
            KeyPair::Authentication => Ef(0x18),
            KeyPair::Signature => Ef(0x1B),
        }
    }

    pub(super) fn private_key(self) -> Ef {
        match self {
            KeyPair::Authentication => Ef(0x17),
            KeyPair::Signature => Ef(0x1A),
        }
    }
}

/// A file that holds one certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CertificateFile {
    /// The holder's own.
    EndEntity(KeyPair),
    /// That of the CA which issued the holder's own.
    Ca(KeyPair),
}

impl CertificateFile {
    pub(super) fn ef(self) -> Ef {
        match self {
            CertificateFile::EndEntity(KeyPair::Signature) => Ef(0x01),
            CertificateFile::Ca(KeyPair::Signature) => Ef(0x02),
            CertificateFile::EndEntity(KeyPair::Authentication) => Ef(0x0A),
            CertificateFile::Ca(KeyPair::Authentication) => Ef(0x0B),
        }
    }
}
