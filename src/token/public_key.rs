//! RSA public keys: what verifies signatures, in software.

use rsa::pkcs1v15::Pkcs1v15Sign;
use rsa::pkcs8::spki::SubjectPublicKeyInfoRef;
use rsa::traits::{PublicKeyParts, SignatureScheme as _};
use rsa::{BigUint, Pss, RsaPublicKey};
use sha2::Sha256;

use super::error::Error;
use crate::card::Scheme;

/// The public half of a key pair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey(RsaPublicKey);

impl PublicKey {
    /// A key from a certificate's SubjectPublicKeyInfo; `None` if it is no RSA key.
    pub(super) fn from_info(info: SubjectPublicKeyInfoRef<'_>) -> Option<Self> {
        RsaPublicKey::try_from(info).ok().map(PublicKey)
    }

    /// The modulus, big-endian, without leading zeros.
    #[must_use]
    pub fn modulus(&self) -> Vec<u8> {
        self.0.n().to_bytes_be()
    }

    /// The public exponent, big-endian, without leading zeros.
    #[must_use]
    pub fn exponent(&self) -> Vec<u8> {
        self.0.e().to_bytes_be()
    }

    /// The length of the modulus in bits.
    #[must_use]
    pub fn bits(&self) -> usize {
        self.0.n().bits()
    }

    /// The length of the modulus, and so of a signature, in bytes.
    #[must_use]
    pub fn size(&self) -> usize {
        self.0.size()
    }

    /// Whether `signature` is one over `input`, which is what the card would have been given: the bytes that PKCS#1
    /// v1.5 pads, or the SHA-256 hash for PSS with a salt of 32 bytes.
    #[must_use]
    pub fn accepts(&self, scheme: Scheme, input: &[u8], signature: &[u8]) -> bool {
        match scheme {
            Scheme::Pkcs1 => Pkcs1v15Sign::new_unprefixed().verify(&self.0, input, signature),
            Scheme::PssSha256 => Pss::new_with_salt::<Sha256>(32).verify(&self.0, input, signature),
        }
        .is_ok()
    }

    /// The bytes that PKCS#1 v1.5 padded when the signature was made; `None` if it is no such signature.
    #[must_use]
    pub fn recover(&self, signature: &[u8]) -> Option<Vec<u8>> {
        if signature.len() != self.size() {
            return None;
        }
        let number = BigUint::from_bytes_be(signature);
        if number >= *self.0.n() {
            return None;
        }
        let padded = number.modpow(self.0.e(), self.0.n()).to_bytes_be();
        // RFC 8017 §9.2: 00 01 FF..FF 00 T with at least eight FF; the leading zero byte is gone with the number.
        let rest = padded.strip_prefix(&[0x01])?;
        if padded.len() + 1 != self.size() {
            return None;
        }
        let filler = rest.iter().take_while(|byte| **byte == 0xFF).count();
        let (_, after) = rest.split_at_checked(filler)?;
        match after {
            [0x00, message @ ..] if filler >= 8 => Some(message.to_vec()),
            _ => None,
        }
    }

    /// Checks a signature before it is given out: a wrong one could show what it should not of the key.
    pub(super) fn check(&self, scheme: Scheme, input: &[u8], signature: &[u8]) -> Result<(), Error> {
        if self.accepts(scheme, input, signature) { Ok(()) } else { Err(Error::WrongSignature) }
    }
}
