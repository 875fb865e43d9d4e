//! The functions that the module does not have.

use cryptoki_sys::*;
use jpki_fuzz::input::Input;
use jpki_pkcs11::ffi::*;

use crate::arguments::{Bytes, Number};
use crate::program::Program;

impl Program {
    /// These functions leave the memory behind their pointers unchanged.
    pub(crate) fn unsupported(&self, input: &mut Input<'_>) {
        let (s, o, mut data) = (self.session(input), self.object(input), Bytes::new(input));
        let (p, n) = (data.pointer(), data.length);
        let mut length = Number::new(input, n);
        let l = length.pointer();
        // SAFETY: as in `one_call`; nothing is read or written.
        let rv = unsafe {
            match input.byte() % 56 {
                0 => C_InitToken(s, p, n, p),
                1 => C_InitPIN(s, p, n),
                2 => C_GetOperationState(s, p, l),
                3 => C_SetOperationState(s, p, n, o, o),
                4 => C_CreateObject(s, p.cast(), n, l),
                5 => C_CopyObject(s, o, p.cast(), n, l),
                6 => C_DestroyObject(s, o),
                7 => C_SetAttributeValue(s, o, p.cast(), n),
                8 => C_EncryptInit(s, p.cast(), o),
                9 => C_Encrypt(s, p, n, p, l),
                10 => C_EncryptUpdate(s, p, n, p, l),
                11 => C_EncryptFinal(s, p, l),
                12 => C_DecryptInit(s, p.cast(), o),
                13 => C_Decrypt(s, p, n, p, l),
                14 => C_DecryptUpdate(s, p, n, p, l),
                15 => C_DecryptFinal(s, p, l),
                16 => C_DigestEncryptUpdate(s, p, n, p, l),
                17 => C_DecryptDigestUpdate(s, p, n, p, l),
                18 => C_SignEncryptUpdate(s, p, n, p, l),
                19 => C_DecryptVerifyUpdate(s, p, n, p, l),
                20 => C_GenerateKey(s, p.cast(), p.cast(), n, l),
                21 => C_GenerateKeyPair(s, p.cast(), p.cast(), n, p.cast(), n, l, l),
                22 => C_WrapKey(s, p.cast(), o, o, p, l),
                23 => C_UnwrapKey(s, p.cast(), o, p, n, p.cast(), n, l),
                24 => C_DeriveKey(s, p.cast(), o, p.cast(), n, l),
                25 => C_SeedRandom(s, p, n),
                26 => C_GetFunctionStatus(s),
                27 => C_CancelFunction(s),
                28 => C_MessageSignInit(s, p.cast(), o),
                29 => C_SignMessage(s, p.cast(), n, p, n, p, l),
                30 => C_MessageVerifyInit(s, p.cast(), o),
                31 => C_VerifyMessage(s, p.cast(), n, p, n, p, n),
                32 => C_AsyncComplete(s, p, p.cast()),
                33 => C_WrapKeyAuthenticated(s, p.cast(), o, o, p, n, p, l),
                34 => C_MessageEncryptInit(s, p.cast(), o),
                35 => C_EncryptMessage(s, p.cast(), n, p, n, p, n, p, l),
                36 => C_EncryptMessageBegin(s, p.cast(), n, p, n),
                37 => C_EncryptMessageNext(s, p.cast(), n, p, n, p, l, n),
                38 => C_MessageEncryptFinal(s),
                39 => C_MessageDecryptInit(s, p.cast(), o),
                40 => C_DecryptMessage(s, p.cast(), n, p, n, p, n, p, l),
                41 => C_DecryptMessageBegin(s, p.cast(), n, p, n),
                42 => C_DecryptMessageNext(s, p.cast(), n, p, n, p, l, n),
                43 => C_MessageDecryptFinal(s),
                44 => C_SignMessageBegin(s, p.cast(), n),
                45 => C_SignMessageNext(s, p.cast(), n, p, n, p, l),
                46 => C_MessageSignFinal(s),
                47 => C_VerifyMessageBegin(s, p.cast(), n),
                48 => C_VerifyMessageNext(s, p.cast(), n, p, n, p, n),
                49 => C_MessageVerifyFinal(s),
                50 => C_EncapsulateKey(s, p.cast(), o, p.cast(), n, p, l, l),
                51 => C_DecapsulateKey(s, p.cast(), o, p.cast(), n, p, n, l),
                52 => C_GetSessionValidationFlags(s, n, l),
                53 => C_AsyncGetID(s, p, l),
                54 => C_AsyncJoin(s, p, n, p, n),
                _ => C_UnwrapKeyAuthenticated(s, p.cast(), o, p, n, p.cast(), n, p, n, l),
            }
        };
        assert_ne!(rv, CKR_OK, "an unsupported function has succeeded");
        data.check("an unsupported function");
        length.check("an unsupported function");
        assert!(length.buffer.is_none() || length.value() == n, "an unsupported function has written a length");
    }
}
