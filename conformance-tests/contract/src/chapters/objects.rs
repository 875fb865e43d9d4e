//! Objects and their attributes (PKCS#11 3.2 §5.7).

use std::ptr;

use cryptoki_sys::*;

use crate::case::{Case, table};
use crate::check::{among, equal, fail, is, ok, that};
use crate::context::{Context, attributes, number, to_number};
use crate::memory::Room;
use crate::names::name;
use crate::verdict::{Outcome, Verdict};

/// A handle that no object has.
const NO_OBJECT: CK_OBJECT_HANDLE = 0x7FFF_FFFF;

pub(super) fn cases() -> Vec<Case> {
    table! {
        "objects/common-attributes", "§4.2 CKA_CLASS, §4.4 common attributes" => |c| {
            let session = c.logged_in()?;
            for object in c.find(session, &Vec::new())? {
                let class = c.must_get(session, object, CKA_CLASS)?;
                that("CKA_CLASS is a number", to_number(&class).is_some())?;
                // Profiles have only what §4.14 says.
                if to_number(&class) == Some(CKO_PROFILE) {
                    continue;
                }
                equal("CKA_TOKEN", c.must_get(session, object, CKA_TOKEN)?, vec![CK_TRUE])?;
                for attribute in [CKA_PRIVATE, CKA_MODIFIABLE] {
                    let value = c.must_get(session, object, attribute)?;
                    that("CKA_PRIVATE and CKA_MODIFIABLE are booleans", value == [CK_TRUE] || value == [CK_FALSE])?;
                }
            }
            Ok(())
        };
        "objects/unique-ids", "§4.4 CKA_UNIQUE_ID" => |c| {
            c.since(3, 0)?;
            let session = c.logged_in()?;
            let mut seen = std::collections::BTreeSet::new();
            for object in c.find(session, &Vec::new())? {
                match c.get(session, object, CKA_UNIQUE_ID) {
                    Ok(id) => that("another CKA_UNIQUE_ID for each object", seen.insert(id))?,
                    Err(CKR_ATTRIBUTE_TYPE_INVALID) => return crate::check::skip("no CKA_UNIQUE_ID"),
                    Err(rv) => return fail(name(rv)),
                }
            }
            Ok(())
        };
        "objects/key-pair-belongs-together", "§4.8 key objects" => |c| {
            let (session, keys) = c.ready()?;
            equal("CKA_KEY_TYPE", c.must_get(session, keys.private, CKA_KEY_TYPE)?, number(CKK_RSA))?;
            equal("CKA_MODULUS of the private key", c.must_get(session, keys.private, CKA_MODULUS)?, keys.key.modulus)?;
            if let Some(certificate) = keys.certificate {
                let value = c.must_get(session, certificate, CKA_VALUE)?;
                that("CKA_VALUE is DER", value.first() == Some(&0x30))?;
                equal("certificate type", c.must_get(session, certificate, CKA_CERTIFICATE_TYPE)?, number(CKC_X_509))?;
                let subject = c.must_get(session, certificate, CKA_SUBJECT)?;
                let within = value.windows(subject.len().max(1)).any(|part| part == subject);
                that("CKA_SUBJECT is in the certificate", within)?;
            }
            Ok(())
        };
        "objects/secrets-stay", "§4.10, §5.7 C_GetAttributeValue, CKR_ATTRIBUTE_SENSITIVE" => |c| {
            let (session, keys) = c.ready()?;
            for secret in [CKA_PRIVATE_EXPONENT, CKA_PRIME_1, CKA_PRIME_2, CKA_EXPONENT_1, CKA_EXPONENT_2, CKA_COEFFICIENT] {
                let mut room = Room::new(512);
                let mut entry = CK_ATTRIBUTE { type_: secret, pValue: room.pointer().cast(), ulValueLen: 512 };
                let rv = c.m.C_GetAttributeValue(session, keys.private, &raw mut entry, 1);
                is(&format!("attribute {secret:#x}"), rv, CKR_ATTRIBUTE_SENSITIVE)?;
                equal("its length", entry.ulValueLen, CK_UNAVAILABLE_INFORMATION)?;
                that("nothing was written", room.untouched_after(0))?;
            }
            Ok(())
        };
        "objects/get-arguments", "§5.7 C_GetAttributeValue" => |c| {
            let (session, keys) = c.ready()?;
            let get = |template, count| c.m.C_GetAttributeValue(session, keys.private, template, count);
            is("NULL template", get(ptr::null_mut(), 1), CKR_ARGUMENTS_BAD)?;
            let mut entry = CK_ATTRIBUTE { type_: CKA_CLASS, ..Default::default() };
            among("no entries", get(&raw mut entry, 0), &[CKR_OK, CKR_ARGUMENTS_BAD])?;
            for object in [CK_INVALID_HANDLE, NO_OBJECT, CK_ULONG::MAX] {
                let rv = c.m.C_GetAttributeValue(session, object, &raw mut entry, 1);
                is(&format!("object {object:#x}"), rv, CKR_OBJECT_HANDLE_INVALID)?;
            }
            Ok(())
        };
        "robust/attributes-huge-count", "§5.7 C_GetAttributeValue" => |c| {
            let (session, keys) = c.ready()?;
            let mut entry = CK_ATTRIBUTE { type_: CKA_CLASS, ..Default::default() };
            for count in [CK_ULONG::MAX, CK_ULONG::MAX / 16] {
                let rv = c.m.C_GetAttributeValue(session, keys.private, &raw mut entry, count);
                among("a count that no memory has", rv, &[CKR_ARGUMENTS_BAD, CKR_HOST_MEMORY])?;
            }
            Ok(())
        };
        "objects/get-mixed", "§5.7 C_GetAttributeValue, all entries are processed" => get_mixed;
        "objects/get-short", "§5.7 C_GetAttributeValue, CKR_BUFFER_TOO_SMALL" => |c| {
            let (session, keys) = c.ready()?;
            let mut room = Room::new(7);
            let mut entry = CK_ATTRIBUTE { type_: CKA_CLASS, pValue: room.pointer().cast(), ulValueLen: 7 };
            let rv = c.m.C_GetAttributeValue(session, keys.private, &raw mut entry, 1);
            is("C_GetAttributeValue", rv, CKR_BUFFER_TOO_SMALL)?;
            equal("the length", entry.ulValueLen, CK_UNAVAILABLE_INFORMATION)?;
            that("nothing was written", room.untouched_after(0))
        };
        "objects/get-unaligned", "§5.7 C_GetAttributeValue" => |c| {
            let (session, keys) = c.ready()?;
            let mut room = Room::new(8);
            let mut entry = CK_ATTRIBUTE { type_: CKA_CLASS, pValue: room.pointer().cast(), ulValueLen: 8 };
            ok("C_GetAttributeValue", c.m.C_GetAttributeValue(session, keys.private, &raw mut entry, 1))?;
            equal("CKA_CLASS", to_number(room.first(8)), Some(CKO_PRIVATE_KEY))?;
            that("no more was written", room.untouched_after(8))
        };
        "objects/get-in-other-session", "§5.7 C_GetAttributeValue, handles are the token's" => |c| {
            let (_, keys) = c.ready()?;
            let other = c.session()?;
            equal("CKA_CLASS", c.get(other, keys.private, CKA_CLASS), Ok(number(CKO_PRIVATE_KEY)))
        };
        "objects/size", "§5.7 C_GetObjectSize" => |c| {
            let (session, keys) = c.ready()?;
            let mut size = 0;
            let rv = c.m.C_GetObjectSize(session, keys.private, &raw mut size);
            crate::check::supported("C_GetObjectSize", rv)?;
            that("a size above 0", size > 0)?;
            is("NULL", c.m.C_GetObjectSize(session, keys.private, ptr::null_mut()), CKR_ARGUMENTS_BAD)?;
            let rv = c.m.C_GetObjectSize(session, NO_OBJECT, &raw mut size);
            is("no such object", rv, CKR_OBJECT_HANDLE_INVALID)
        };
        "objects/create-read-only", "§5.7 C_CreateObject" => |c| {
            let session = c.logged_in()?;
            let data = number(CKO_DATA);
            let template = vec![(CKA_CLASS, data), (CKA_TOKEN, vec![CK_TRUE]), (CKA_VALUE, b"value".to_vec())];
            let (mut entries, mut object) = (attributes(&template), 0);
            let rv = c.m.C_CreateObject(session, entries.as_mut_ptr(), entries.len() as CK_ULONG, &raw mut object);
            let refused = [CKR_SESSION_READ_ONLY, CKR_TOKEN_WRITE_PROTECTED, CKR_FUNCTION_NOT_SUPPORTED];
            among("a token object in a R/O session", rv, &refused)
        };
        "objects/change-read-only", "§5.7 C_SetAttributeValue, C_CopyObject, C_DestroyObject" => |c| {
            let (session, keys) = c.ready()?;
            let refused = [
                CKR_SESSION_READ_ONLY,
                CKR_ACTION_PROHIBITED,
                CKR_TOKEN_WRITE_PROTECTED,
                CKR_ATTRIBUTE_READ_ONLY,
                CKR_FUNCTION_NOT_SUPPORTED,
            ];
            let label = vec![(CKA_LABEL, c.must_get(session, keys.private, CKA_LABEL)?)];
            let (mut entries, mut object) = (attributes(&label), 0);
            let rv = c.m.C_SetAttributeValue(session, keys.private, entries.as_mut_ptr(), 1);
            among("C_SetAttributeValue", rv, &refused)?;
            let rv = c.m.C_CopyObject(session, keys.private, entries.as_mut_ptr(), 1, &raw mut object);
            among("C_CopyObject", rv, &refused)?;
            // Only if the token says that it is write-protected.
            if c.token_info(c.slot()?)?.flags & CKF_WRITE_PROTECTED != 0 {
                among("C_DestroyObject", c.m.C_DestroyObject(session, keys.private), &refused)?;
                equal("CKA_CLASS afterwards", c.get(session, keys.private, CKA_CLASS), Ok(number(CKO_PRIVATE_KEY)))?;
            }
            Ok(())
        };
        "objects/change-no-such-object", "§5.7 C_SetAttributeValue, C_CopyObject, C_DestroyObject" => |c| {
            let session = c.session()?;
            let refused = [
                CKR_OBJECT_HANDLE_INVALID,
                CKR_SESSION_READ_ONLY,
                CKR_TOKEN_WRITE_PROTECTED,
                CKR_FUNCTION_NOT_SUPPORTED,
            ];
            let label = vec![(CKA_LABEL, b"label".to_vec())];
            let (mut entries, mut object) = (attributes(&label), 0);
            let rv = c.m.C_SetAttributeValue(session, NO_OBJECT, entries.as_mut_ptr(), 1);
            among("C_SetAttributeValue", rv, &refused)?;
            let rv = c.m.C_CopyObject(session, NO_OBJECT, entries.as_mut_ptr(), 1, &raw mut object);
            among("C_CopyObject", rv, &refused)?;
            among("C_DestroyObject", c.m.C_DestroyObject(session, NO_OBJECT), &refused)
        };
        "objects/token-writes-nothing-when-protected", "§5.7 C_CreateObject, CKF_WRITE_PROTECTED" => |c| {
            if c.token_info(c.slot()?)?.flags & CKF_WRITE_PROTECTED == 0 {
                return crate::check::skip("the token can be written to");
            }
            let session = c.open(CKF_RW_SESSION)?;
            let template = vec![(CKA_CLASS, number(CKO_DATA)), (CKA_TOKEN, vec![CK_TRUE])];
            let (mut entries, mut object) = (attributes(&template), 0);
            let rv = c.m.C_CreateObject(session, entries.as_mut_ptr(), entries.len() as CK_ULONG, &raw mut object);
            let refused = [CKR_TOKEN_WRITE_PROTECTED, CKR_FUNCTION_NOT_SUPPORTED, CKR_USER_NOT_LOGGED_IN];
            among("C_CreateObject in a R/W session", rv, &refused)
        };
    }
}

/// One template with everything: values with room, a size query, a value without room, a secret, an unknown attribute.
fn get_mixed(c: &mut Context) -> Outcome {
    let (session, keys) = c.ready()?;
    let whole = |attribute| -> Result<Vec<u8>, Verdict> { c.must_get(session, keys.private, attribute) };
    let (id, modulus) = (whole(CKA_ID)?, whole(CKA_MODULUS)?);
    let (mut class, mut short, mut secret, mut last) = (Room::new(8), Room::new(2), Room::new(512), Room::new(600));
    let entry =
        |type_, room: &mut Room| CK_ATTRIBUTE { type_, pValue: room.pointer().cast(), ulValueLen: room.length() };
    let mut template = [
        entry(CKA_CLASS, &mut class),
        CK_ATTRIBUTE { type_: CKA_MODULUS, pValue: ptr::null_mut(), ulValueLen: 0 },
        entry(CKA_MODULUS, &mut short),
        entry(CKA_PRIVATE_EXPONENT, &mut secret),
        CK_ATTRIBUTE { type_: CKA_PIXEL_X, pValue: ptr::null_mut(), ulValueLen: 0 },
        entry(CKA_MODULUS, &mut last),
    ];
    let rv = c.m.C_GetAttributeValue(session, keys.private, template.as_mut_ptr(), template.len() as CK_ULONG);
    let any = [CKR_ATTRIBUTE_SENSITIVE, CKR_ATTRIBUTE_TYPE_INVALID, CKR_BUFFER_TOO_SMALL];
    among("C_GetAttributeValue", rv, &any)?;
    let none = CK_UNAVAILABLE_INFORMATION;
    let size = modulus.len() as CK_ULONG;
    equal("the lengths", template.map(|entry| entry.ulValueLen), [8, size, none, none, none, size])?;
    equal("the first value", to_number(class.first(8)), Some(CKO_PRIVATE_KEY))?;
    equal("the last value", last.first(modulus.len()), &modulus)?;
    that("nothing else was written", short.untouched_after(0) && secret.untouched_after(0))?;
    that("no more was written", class.untouched_after(8) && last.untouched_after(modulus.len()))?;
    that("CKA_ID is there", !id.is_empty())
}
