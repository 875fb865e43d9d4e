//! Functions that a signing token need not have: they say so, or refuse their arguments, and change nothing.

use cryptoki_sys::*;

use crate::case::{Case, table};
use crate::check::among;
use crate::context::{Context, mechanism};
use crate::raw::{Arguments, FUNCTIONS};
use crate::verdict::Outcome;

/// The errors for a key that does not exist, for an unknown mechanism, or in a R/O session.
const REFUSALS: &[CK_RV] = &[
    CKR_FUNCTION_NOT_SUPPORTED,
    CKR_MECHANISM_INVALID,
    CKR_KEY_HANDLE_INVALID,
    CKR_OPERATION_NOT_INITIALIZED,
    CKR_SESSION_READ_ONLY,
    CKR_TOKEN_WRITE_PROTECTED,
    CKR_USER_NOT_LOGGED_IN,
    CKR_ARGUMENTS_BAD,
    CKR_TEMPLATE_INCOMPLETE,
    CKR_TEMPLATE_INCONSISTENT,
    CKR_ATTRIBUTE_VALUE_INVALID,
    CKR_WRAPPING_KEY_HANDLE_INVALID,
    CKR_UNWRAPPING_KEY_HANDLE_INVALID,
    CKR_OBJECT_HANDLE_INVALID,
    CKR_SAVED_STATE_INVALID,
];

/// Functions that a signing token does not need, with the section of the standard.
const OTHERS: &[(&str, &[&str])] = &[
    ("§5.8", &["C_EncryptInit", "C_Encrypt", "C_EncryptUpdate", "C_EncryptFinal"]),
    (
        "§5.9",
        &[
            "C_MessageEncryptInit",
            "C_EncryptMessage",
            "C_EncryptMessageBegin",
            "C_EncryptMessageNext",
            "C_MessageEncryptFinal",
        ],
    ),
    ("§5.10", &["C_DecryptInit", "C_Decrypt", "C_DecryptUpdate", "C_DecryptFinal"]),
    (
        "§5.11",
        &[
            "C_MessageDecryptInit",
            "C_DecryptMessage",
            "C_DecryptMessageBegin",
            "C_DecryptMessageNext",
            "C_MessageDecryptFinal",
        ],
    ),
    ("§5.14", &["C_MessageSignInit", "C_SignMessage", "C_SignMessageBegin", "C_SignMessageNext", "C_MessageSignFinal"]),
    (
        "§5.16",
        &[
            "C_MessageVerifyInit",
            "C_VerifyMessage",
            "C_VerifyMessageBegin",
            "C_VerifyMessageNext",
            "C_MessageVerifyFinal",
        ],
    ),
    ("§5.17", &["C_DigestEncryptUpdate", "C_DecryptDigestUpdate", "C_SignEncryptUpdate", "C_DecryptVerifyUpdate"]),
    ("§5.18", &["C_GenerateKey", "C_GenerateKeyPair", "C_WrapKey", "C_UnwrapKey", "C_DeriveKey"]),
    ("§5.18", &["C_EncapsulateKey", "C_DecapsulateKey", "C_WrapKeyAuthenticated", "C_UnwrapKeyAuthenticated"]),
    ("§5.6", &["C_SetOperationState"]),
    ("§5 asynchronous functions:", &["C_AsyncComplete", "C_AsyncGetID", "C_AsyncJoin"]),
];

pub(super) fn cases() -> Vec<Case> {
    let mut cases = table! {
        "unsupported/parallel", "§5.20 C_GetFunctionStatus, C_CancelFunction" => |c| {
            let session = c.session()?;
            let may = [CKR_FUNCTION_NOT_PARALLEL, CKR_FUNCTION_NOT_SUPPORTED];
            among("C_GetFunctionStatus", c.m.C_GetFunctionStatus(session), &may)?;
            among("C_CancelFunction", c.m.C_CancelFunction(session), &may)
        };
        "unsupported/init-pin-by-user", "§5.5 C_InitPIN" => |c| {
            let (session, mut pin) = (c.logged_in()?, c.pin()?);
            let refused = [CKR_USER_NOT_LOGGED_IN, CKR_SESSION_READ_ONLY, CKR_FUNCTION_NOT_SUPPORTED];
            let rv = c.m.C_InitPIN(session, pin.as_mut_ptr(), pin.len() as CK_ULONG);
            among("C_InitPIN by the user", rv, &refused)
        };
        "unsupported/decrypt-with-signing-key", "§5.10 C_DecryptInit" => |c| {
            let (session, keys) = c.ready()?;
            if c.get(session, keys.private, CKA_DECRYPT) != Ok(vec![CK_FALSE]) {
                return crate::check::skip("the key decrypts");
            }
            let rv = c.m.C_DecryptInit(session, &mut mechanism(CKM_RSA_PKCS), keys.private);
            among("C_DecryptInit", rv, &[CKR_KEY_FUNCTION_NOT_PERMITTED, CKR_FUNCTION_NOT_SUPPORTED, CKR_MECHANISM_INVALID])
        };
        "unsupported/generate-null-mechanism", "§5.18 C_GenerateKey" => |c| {
            let session = c.session()?;
            let (mut key, null) = (0, std::ptr::null_mut());
            among("C_GenerateKey", c.m.C_GenerateKey(session, null, std::ptr::null_mut(), 0, &raw mut key), REFUSALS)?;
            c.still_there(session)
        };
    };
    for (section, names) in OTHERS {
        for name in *names {
            cases
                .push(Case::new(format!("unsupported/{name}"), format!("{section} {name}"), move |c| refuses(c, name)));
        }
    }
    cases
}

/// The function refuses meaningless arguments in a R/O session without login or operation.
fn refuses(c: &Context, name: &str) -> Outcome {
    let Some(function) = FUNCTIONS.iter().find(|function| function.name == name) else {
        return crate::check::fail("no function of the standard");
    };
    c.since(function.since.0, function.since.1)?;
    let session = c.session()?;
    let rv = (function.call)(c.m, &mut Arguments::new(session, None));
    among(name, rv, REFUSALS)?;
    c.still_there(session)
}
