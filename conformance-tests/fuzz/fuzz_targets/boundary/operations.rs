//! Signatures, verifications and digests.

use jpki_fuzz::input::Input;
use jpki_pkcs11::ffi::*;

use crate::arguments::{Bytes, fill, with_mechanism};
use crate::program::Program;

impl Program {
    /// The call with this number.
    pub(crate) fn operation(&self, number: u8, input: &mut Input<'_>) {
        // SAFETY: as in `one_call`.
        unsafe {
            match number {
                27 | 28 => {
                    let (session, key) = (self.session(input), self.object(input));
                    with_mechanism(input, |mechanism| C_SignInit(session, mechanism, key));
                }
                29 | 30 => {
                    let (session, mut data) = (self.session(input), Bytes::new(input));
                    fill::<u8>(input, "C_Sign", |out, length| {
                        C_Sign(session, data.pointer(), data.length, out, length)
                    });
                    data.check("C_Sign");
                }
                31 => {
                    let (session, mut data) = (self.session(input), Bytes::new(input));
                    C_SignUpdate(session, data.pointer(), data.length);
                    data.check("C_SignUpdate");
                }
                32 => {
                    let session = self.session(input);
                    fill::<u8>(input, "C_SignFinal", |out, length| C_SignFinal(session, out, length));
                }
                33 => {
                    let (session, key) = (self.session(input), self.object(input));
                    with_mechanism(input, |mechanism| C_SignRecoverInit(session, mechanism, key));
                }
                34 => {
                    let (session, mut data) = (self.session(input), Bytes::new(input));
                    fill::<u8>(input, "C_SignRecover", |out, length| {
                        C_SignRecover(session, data.pointer(), data.length, out, length)
                    });
                    data.check("C_SignRecover");
                }
                35 => {
                    let (session, key) = (self.session(input), self.object(input));
                    with_mechanism(input, |mechanism| C_VerifyInit(session, mechanism, key));
                }
                36 => {
                    let (session, mut data, mut signature) =
                        (self.session(input), Bytes::new(input), Bytes::new(input));
                    C_Verify(session, data.pointer(), data.length, signature.pointer(), signature.length);
                    data.check("C_Verify");
                    signature.check("C_Verify");
                }
                37 => {
                    let (session, mut data) = (self.session(input), Bytes::new(input));
                    C_VerifyUpdate(session, data.pointer(), data.length);
                    C_VerifySignatureUpdate(session, data.pointer(), data.length);
                    data.check("C_VerifyUpdate");
                }
                38 => {
                    let (session, mut signature) = (self.session(input), Bytes::new(input));
                    C_VerifyFinal(session, signature.pointer(), signature.length);
                    signature.check("C_VerifyFinal");
                }
                39 => {
                    let (session, key) = (self.session(input), self.object(input));
                    with_mechanism(input, |mechanism| C_VerifyRecoverInit(session, mechanism, key));
                }
                40 => {
                    let (session, mut signature) = (self.session(input), Bytes::new(input));
                    fill::<u8>(input, "C_VerifyRecover", |out, length| {
                        C_VerifyRecover(session, signature.pointer(), signature.length, out, length)
                    });
                    signature.check("C_VerifyRecover");
                }
                41 => {
                    let (session, key, mut signature) = (self.session(input), self.object(input), Bytes::new(input));
                    let (pointer, length) = (signature.pointer(), signature.length);
                    with_mechanism(input, |mechanism| C_VerifySignatureInit(session, mechanism, key, pointer, length));
                    signature.check("C_VerifySignatureInit");
                }
                42 => {
                    let (session, mut data) = (self.session(input), Bytes::new(input));
                    C_VerifySignature(session, data.pointer(), data.length);
                    data.check("C_VerifySignature");
                }
                43 => {
                    C_VerifySignatureFinal(self.session(input));
                }
                44 => {
                    let session = self.session(input);
                    with_mechanism(input, |mechanism| C_DigestInit(session, mechanism));
                }
                45 => {
                    let (session, mut data) = (self.session(input), Bytes::new(input));
                    fill::<u8>(input, "C_Digest", |out, length| {
                        C_Digest(session, data.pointer(), data.length, out, length)
                    });
                    data.check("C_Digest");
                }
                46 => {
                    let (session, mut data) = (self.session(input), Bytes::new(input));
                    C_DigestUpdate(session, data.pointer(), data.length);
                    data.check("C_DigestUpdate");
                }
                47 => {
                    let session = self.session(input);
                    fill::<u8>(input, "C_DigestFinal", |out, length| C_DigestFinal(session, out, length));
                }
                48 => {
                    C_DigestKey(self.session(input), self.object(input));
                }
                _ => {}
            }
        }
    }
}
