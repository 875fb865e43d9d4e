//! A check of signatures that does not depend on the module.

use ::rsa::traits::PublicKeyParts as _;
use ::rsa::{BigUint, Pkcs1v15Sign, Pss, RsaPublicKey};
use cryptoki_sys::{CK_MECHANISM_TYPE, CKM_SHA_1, CKM_SHA224, CKM_SHA256, CKM_SHA384, CKM_SHA512};
use sha1::Sha1;
use sha2::{Digest as _, Sha224, Sha256, Sha384, Sha512};

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

    /// Whether this is the PKCS#1 1.5 signature over a DigestInfo, or over other bytes that were given to be signed.
    pub(crate) fn accepts(&self, content: &[u8], signature: &[u8]) -> bool {
        self.key().is_some_and(|key| key.verify(Pkcs1v15Sign::new_unprefixed(), content, signature).is_ok())
    }

    /// Whether this is a signature of this kind over a message.
    pub(crate) fn signed(&self, signed: Signed, message: &[u8], signature: &[u8]) -> bool {
        let Some(key) = self.key() else { return false };
        let verifies = |scheme: Pkcs1v15Sign, digest: &[u8]| key.verify(scheme, digest, signature);
        match signed {
            Signed::Sha1 => verifies(Pkcs1v15Sign::new::<Sha1>(), &Sha1::digest(message)),
            Signed::Sha224 => verifies(Pkcs1v15Sign::new::<Sha224>(), &Sha224::digest(message)),
            Signed::Sha256 => verifies(Pkcs1v15Sign::new::<Sha256>(), &Sha256::digest(message)),
            Signed::Sha384 => verifies(Pkcs1v15Sign::new::<Sha384>(), &Sha384::digest(message)),
            Signed::Sha512 => verifies(Pkcs1v15Sign::new::<Sha512>(), &Sha512::digest(message)),
            Signed::Pss => key.verify(Pss::new_with_salt::<Sha256>(32), &Sha256::digest(message), signature),
        }
        .is_ok()
    }
}

/// The kinds of signatures over a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signed {
    Sha1,
    Sha224,
    Sha256,
    Sha384,
    Sha512,
    /// With SHA-256 throughout and a salt of 32 bytes.
    Pss,
}

/// The digest that a mechanism gives; empty for a mechanism that is no digest.
pub(crate) fn digest(kind: CK_MECHANISM_TYPE, message: &[u8]) -> Vec<u8> {
    match kind {
        CKM_SHA_1 => Sha1::digest(message).to_vec(),
        CKM_SHA224 => Sha224::digest(message).to_vec(),
        CKM_SHA256 => Sha256::digest(message).to_vec(),
        CKM_SHA384 => Sha384::digest(message).to_vec(),
        CKM_SHA512 => Sha512::digest(message).to_vec(),
        _ => Vec::new(),
    }
}

/// A digest, for mechanisms that take one from the program.
pub(crate) fn sha256(message: &[u8]) -> Vec<u8> {
    Sha256::digest(message).to_vec()
}
