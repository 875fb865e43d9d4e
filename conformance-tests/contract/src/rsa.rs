//! An opinion on signatures that is not the module's own.

use ::rsa::traits::PublicKeyParts as _;
use ::rsa::{BigUint, Pkcs1v15Sign, Pss, RsaPublicKey};
use sha2::{Digest as _, Sha256};

/// A public key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PublicKey {
    pub(crate) modulus: Vec<u8>,
    pub(crate) exponent: Vec<u8>,
}

impl PublicKey {
    fn key(&self) -> Option<RsaPublicKey> {
        RsaPublicKey::new(BigUint::from_bytes_be(&self.modulus), BigUint::from_bytes_be(&self.exponent)).ok()
    }

    /// The length of its signatures.
    pub(crate) fn size(&self) -> usize {
        self.key().map_or(0, |key| key.size())
    }

    /// Whether a signature is that of PKCS#1 1.5 over a DigestInfo, or over whatever else was given to be signed.
    pub(crate) fn accepts(&self, content: &[u8], signature: &[u8]) -> bool {
        self.key().is_some_and(|key| key.verify(Pkcs1v15Sign::new_unprefixed(), content, signature).is_ok())
    }

    /// Whether a signature is that of PSS over a message, with SHA-256 throughout and a salt of 32 bytes.
    pub(crate) fn accepts_pss(&self, message: &[u8], signature: &[u8]) -> bool {
        let scheme = Pss::new_with_salt::<Sha256>(32);
        self.key().is_some_and(|key| key.verify(scheme, &Sha256::digest(message), signature).is_ok())
    }
}
