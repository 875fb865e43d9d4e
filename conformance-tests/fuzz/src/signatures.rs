//! A check of signatures without the code of the module.

use rsa::{BigUint, Pss, RsaPublicKey};
use sha1::Sha1;
use sha2::{Digest, Sha224, Sha256, Sha384, Sha512};

use cryptoki_sys::*;

/// DigestInfo of RFC 8017 §9.2, note 1, up to the hash, and the hash of `message`.
fn digest_info(mechanism: CK_MECHANISM_TYPE, message: &[u8]) -> Option<Vec<u8>> {
    let sha2 = |number: u8, length: u8| {
        let mut info = vec![0x30, 17 + length, 0x30, 0x0D, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02];
        info.extend([number, 0x05, 0x00, 0x04, length]);
        info
    };
    Some(match mechanism {
        CKM_RSA_PKCS => message.to_vec(),
        CKM_SHA1_RSA_PKCS => {
            let mut info =
                vec![0x30, 0x21, 0x30, 0x09, 0x06, 0x05, 0x2B, 0x0E, 0x03, 0x02, 0x1A, 0x05, 0x00, 0x04, 0x14];
            info.extend(Sha1::digest(message));
            info
        }
        CKM_SHA224_RSA_PKCS => [sha2(4, 28), Sha224::digest(message).to_vec()].concat(),
        CKM_SHA256_RSA_PKCS => [sha2(1, 32), Sha256::digest(message).to_vec()].concat(),
        CKM_SHA384_RSA_PKCS => [sha2(2, 48), Sha384::digest(message).to_vec()].concat(),
        CKM_SHA512_RSA_PKCS => [sha2(3, 64), Sha512::digest(message).to_vec()].concat(),
        _ => return None,
    })
}

/// Whether `signature` is right for `message` and the key with this modulus and exponent.
pub fn verifies(
    mechanism: CK_MECHANISM_TYPE,
    message: &[u8],
    signature: &[u8],
    modulus: &[u8],
    exponent: &[u8],
) -> bool {
    let (n, e) = (BigUint::from_bytes_be(modulus), BigUint::from_bytes_be(exponent));
    let hash = match mechanism {
        CKM_RSA_PKCS_PSS => Some(message.to_vec()),
        CKM_SHA256_RSA_PKCS_PSS => Some(Sha256::digest(message).to_vec()),
        _ => None,
    };
    if let Some(hash) = hash {
        let key = RsaPublicKey::new(n, e);
        return key.is_ok_and(|key| key.verify(Pss::new_with_salt::<Sha256>(32), &hash, signature).is_ok());
    }
    let Some(message) = digest_info(mechanism, message) else { return false };
    let size = modulus.len();
    if signature.len() != size || size < message.len() + 11 {
        return false;
    }
    let mut padded = BigUint::from_bytes_be(signature).modpow(&e, &n).to_bytes_be();
    padded.splice(..0, vec![0; size - padded.len()]);
    let mut expected = vec![0xFF; size];
    expected[..2].copy_from_slice(&[0x00, 0x01]);
    expected[size - message.len() - 1] = 0x00;
    expected[size - message.len()..].copy_from_slice(&message);
    padded == expected
}
