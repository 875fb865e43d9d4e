//! What a program in the target `card_answers` chooses from.

use cryptoki_sys::*;

/// PINs of every form: the right ones, others of the right form, and what no PIN can be.
pub const PINS: [&[u8]; 14] = [
    b"1234",
    b"ABC123",
    b"abc123",
    b"1234",
    b"0000",
    b"9999",
    b"4321",
    b"WRONG9",
    b"A1B2C3",
    b"",
    b"12",
    b"12a4",
    b"ABCDEF",
    b"ABCDEF0123456789X",
];

/// Attributes of every kind of object, and some that none has.
pub const ATTRIBUTES: [CK_ATTRIBUTE_TYPE; 28] = [
    CKA_CLASS,
    CKA_LABEL,
    CKA_UNIQUE_ID,
    CKA_PRIVATE,
    CKA_ID,
    CKA_VALUE,
    CKA_SUBJECT,
    CKA_ISSUER,
    CKA_SERIAL_NUMBER,
    CKA_START_DATE,
    CKA_END_DATE,
    CKA_PUBLIC_KEY_INFO,
    CKA_CHECK_VALUE,
    CKA_HASH_OF_SUBJECT_PUBLIC_KEY,
    CKA_HASH_OF_ISSUER_PUBLIC_KEY,
    CKA_KEY_TYPE,
    CKA_ALLOWED_MECHANISMS,
    CKA_MODULUS,
    CKA_MODULUS_BITS,
    CKA_PUBLIC_EXPONENT,
    CKA_SIGN,
    CKA_ALWAYS_AUTHENTICATE,
    CKA_PRIVATE_EXPONENT,
    CKA_CERTIFICATE_CATEGORY,
    CKA_PROFILE_ID,
    CKA_TRUSTED,
    CKA_KEY_GEN_MECHANISM,
    0x8000_1234,
];
