//! What the standard calls its numbers, for the log.

use cryptoki_sys::*;

macro_rules! names {
    ($($name:ident)+) => {
        &[$(($name, stringify!($name))),+]
    };
}

/// The mechanisms that programs may ask of an RSA key, and the hash functions.
const MECHANISMS: &[(CK_MECHANISM_TYPE, &str)] = names! {
    CKM_RSA_PKCS CKM_RSA_9796 CKM_RSA_X_509 CKM_RSA_X9_31 CKM_RSA_PKCS_OAEP CKM_RSA_PKCS_PSS
    CKM_SHA1_RSA_PKCS CKM_SHA224_RSA_PKCS CKM_SHA256_RSA_PKCS CKM_SHA384_RSA_PKCS CKM_SHA512_RSA_PKCS
    CKM_SHA1_RSA_PKCS_PSS CKM_SHA224_RSA_PKCS_PSS CKM_SHA256_RSA_PKCS_PSS CKM_SHA384_RSA_PKCS_PSS CKM_SHA512_RSA_PKCS_PSS
    CKM_SHA_1 CKM_SHA224 CKM_SHA256 CKM_SHA384 CKM_SHA512 CKM_SHA3_224 CKM_SHA3_256 CKM_SHA3_384 CKM_SHA3_512
    CKM_ECDSA CKM_MD5
};

/// The mask generation functions of PSS.
const MASKS: &[(CK_RSA_PKCS_MGF_TYPE, &str)] = names! {
    CKG_MGF1_SHA1 CKG_MGF1_SHA224 CKG_MGF1_SHA256 CKG_MGF1_SHA384 CKG_MGF1_SHA512
    CKG_MGF1_SHA3_224 CKG_MGF1_SHA3_256 CKG_MGF1_SHA3_384 CKG_MGF1_SHA3_512
};

/// The name of a mechanism or hash function: `CKM_SHA256`, or `CKM_ 0x80000001` for one without a name here.
pub(super) fn mechanism(kind: CK_MECHANISM_TYPE) -> String {
    name(MECHANISMS, "CKM_", kind)
}

/// The name of a mask generation function, in the same way.
pub(super) fn mask(kind: CK_RSA_PKCS_MGF_TYPE) -> String {
    name(MASKS, "CKG_", kind)
}

fn name(names: &[(CK_ULONG, &str)], prefix: &str, number: CK_ULONG) -> String {
    let known = names.iter().find(|(other, _)| *other == number);
    known.map_or_else(|| format!("{prefix} {number:#010x}"), |(_, name)| (*name).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_has_the_name_of_the_standard_or_none() {
        assert_eq!(mechanism(CKM_SHA_1), "CKM_SHA_1");
        assert_eq!(mechanism(CKM_RSA_PKCS), "CKM_RSA_PKCS");
        assert_eq!(mechanism(CKM_VENDOR_DEFINED + 1), "CKM_ 0x80000001");
        assert_eq!(mask(CKG_MGF1_SHA384), "CKG_MGF1_SHA384");
        assert_eq!(mask(0), "CKG_ 0x00000000");
    }
}
