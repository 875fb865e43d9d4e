//! The six signing schemes of `80 2A` (card-facts §5).

use rand::rngs::OsRng;
use rsa::{Pkcs1v15Sign, Pss, RsaPrivateKey};
use sha2::{Digest, Sha256};

use crate::apdu::Status;

/// What the card does with the bytes of the command: P1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scheme {
    /// 00: pads the bytes as they are. The only one confirmed by many sources.
    Verbatim,
    /// 01: hashes a message and pads the bare hash. Single source, as are 02 to 04.
    BareHashOfMessage,
    /// 02: puts a SHA-256 hash into a DigestInfo and pads it.
    Hash,
    /// 03: hashes a message, then as `Hash`.
    Message,
    /// 04: RSASSA-PSS of a SHA-256 hash, with MGF1-SHA-256 and 32 bytes of salt.
    PssOfHash,
    /// 05: hashes a message, then as `PssOfHash`. Confirmed for the card's operating system.
    PssOfMessage,
}

impl Scheme {
    /// The scheme that P1 names; 6A86 if there is none, or if this card has no PSS.
    pub(crate) fn from_p1(p1: u8, pss: bool) -> Result<Scheme, Status> {
        match p1 {
            0x00 => Ok(Scheme::Verbatim),
            0x01 => Ok(Scheme::BareHashOfMessage),
            0x02 => Ok(Scheme::Hash),
            0x03 => Ok(Scheme::Message),
            0x04 if pss => Ok(Scheme::PssOfHash),
            0x05 if pss => Ok(Scheme::PssOfMessage),
            _ => Err(Status::WRONG_PARAMETERS),
        }
    }

    /// It is not known which bad length gets 6700 and which 6985. This card answers 6700 if there is nothing to sign,
    /// and 6985 otherwise.
    fn check_length(self, length: usize) -> Result<(), Status> {
        let accepted = match self {
            Scheme::Verbatim => 1..=245,
            Scheme::Hash | Scheme::PssOfHash => 32..=32,
            Scheme::BareHashOfMessage | Scheme::Message | Scheme::PssOfMessage => 1..=255,
        };
        match length {
            0 => Err(Status::WRONG_LENGTH),
            _ if accepted.contains(&length) => Ok(()),
            _ => Err(Status::CONDITIONS_OF_USE),
        }
    }

    /// The signature over `input`: 256 bytes.
    pub(crate) fn sign(self, key: &RsaPrivateKey, input: &[u8]) -> Result<Vec<u8>, Status> {
        self.check_length(input.len())?;
        let hash = Sha256::digest(input);
        let raw = Pkcs1v15Sign::new_unprefixed;
        let wrapped = Pkcs1v15Sign::new::<Sha256>;
        let pss = Pss::new::<Sha256>;
        match self {
            Scheme::Verbatim => key.sign_with_rng(&mut OsRng, raw(), input),
            Scheme::BareHashOfMessage => key.sign_with_rng(&mut OsRng, raw(), &hash),
            Scheme::Hash => key.sign_with_rng(&mut OsRng, wrapped(), input),
            Scheme::Message => key.sign_with_rng(&mut OsRng, wrapped(), &hash),
            Scheme::PssOfHash => key.sign_with_rng(&mut OsRng, pss(), input),
            Scheme::PssOfMessage => key.sign_with_rng(&mut OsRng, pss(), &hash),
        }
        .map_err(|_| Status::INTERNAL)
    }
}
