//! Searches (PKCS#11 3.2 §5.7).

use std::collections::BTreeSet;
use std::ptr;

use cryptoki_sys::*;

use crate::case::{Case, table};
use crate::check::{among, equal, fail, is, ok, that};
use crate::context::{Context, attributes, number};
use crate::names::name;
use crate::verdict::Outcome;

/// Attributes that objects of a signing token may have, and two that they do not have.
pub const ATTRIBUTES: &[CK_ATTRIBUTE_TYPE] = &[
    CKA_CLASS,
    CKA_TOKEN,
    CKA_PRIVATE,
    CKA_LABEL,
    CKA_UNIQUE_ID,
    CKA_VALUE,
    CKA_CERTIFICATE_TYPE,
    CKA_ISSUER,
    CKA_SERIAL_NUMBER,
    CKA_TRUSTED,
    CKA_CERTIFICATE_CATEGORY,
    CKA_JAVA_MIDP_SECURITY_DOMAIN,
    CKA_NAME_HASH_ALGORITHM,
    CKA_HASH_OF_SUBJECT_PUBLIC_KEY,
    CKA_HASH_OF_ISSUER_PUBLIC_KEY,
    CKA_URL,
    CKA_CHECK_VALUE,
    CKA_KEY_TYPE,
    CKA_SUBJECT,
    CKA_ID,
    CKA_SENSITIVE,
    CKA_ENCRYPT,
    CKA_DECRYPT,
    CKA_WRAP,
    CKA_UNWRAP,
    CKA_WRAP_WITH_TRUSTED,
    CKA_ENCAPSULATE,
    CKA_DECAPSULATE,
    CKA_SIGN,
    CKA_SIGN_RECOVER,
    CKA_VERIFY,
    CKA_VERIFY_RECOVER,
    CKA_DERIVE,
    CKA_START_DATE,
    CKA_END_DATE,
    CKA_MODULUS,
    CKA_MODULUS_BITS,
    CKA_PUBLIC_EXPONENT,
    CKA_PRIVATE_EXPONENT,
    CKA_PUBLIC_KEY_INFO,
    CKA_EXTRACTABLE,
    CKA_LOCAL,
    CKA_KEY_GEN_MECHANISM,
    CKA_NEVER_EXTRACTABLE,
    CKA_ALWAYS_SENSITIVE,
    CKA_MODIFIABLE,
    CKA_COPYABLE,
    CKA_DESTROYABLE,
    CKA_ALWAYS_AUTHENTICATE,
    CKA_ALLOWED_MECHANISMS,
    CKA_PROFILE_ID,
    CKA_PIXEL_X,
    CKA_VENDOR_DEFINED | 0x1234,
];

pub(super) fn cases() -> Vec<Case> {
    let mut cases = table! {
        "search/init-arguments", "§5.7 C_FindObjectsInit" => |c| {
            let session = c.session()?;
            is("NULL", c.m.C_FindObjectsInit(session, ptr::null_mut(), 1), CKR_ARGUMENTS_BAD)?;
            ok("no template", c.m.C_FindObjectsInit(session, ptr::null_mut(), 0))?;
            ok("C_FindObjectsFinal", c.m.C_FindObjectsFinal(session))
        };
        "robust/search-huge-count", "§5.7 C_FindObjectsInit" => |c| {
            let session = c.session()?;
            let template = vec![(CKA_CLASS, number(CKO_CERTIFICATE))];
            let mut entries = attributes(&template);
            for count in [CK_ULONG::MAX, CK_ULONG::MAX / 16] {
                let rv = c.m.C_FindObjectsInit(session, entries.as_mut_ptr(), count);
                among("a count that no memory has", rv, &[CKR_ARGUMENTS_BAD, CKR_HOST_MEMORY])?;
            }
            c.find(session, &template).map(|_| ())
        };
        "robust/search-value-null", "§5.7 C_FindObjectsInit" => |c| {
            let session = c.session()?;
            let mut entry = CK_ATTRIBUTE { type_: CKA_LABEL, pValue: ptr::null_mut(), ulValueLen: 10 };
            let rv = c.m.C_FindObjectsInit(session, &raw mut entry, 1);
            among("C_FindObjectsInit", rv, &[CKR_ARGUMENTS_BAD, CKR_ATTRIBUTE_VALUE_INVALID])
        };
        "search/active-twice", "§5.7 C_FindObjectsInit" => |c| {
            let (session, other) = (c.session()?, c.session()?);
            ok("C_FindObjectsInit", c.m.C_FindObjectsInit(session, ptr::null_mut(), 0))?;
            is("again", c.m.C_FindObjectsInit(session, ptr::null_mut(), 0), CKR_OPERATION_ACTIVE)?;
            ok("in another session", c.m.C_FindObjectsInit(other, ptr::null_mut(), 0))?;
            ok("C_FindObjectsFinal", c.m.C_FindObjectsFinal(session))?;
            ok("C_FindObjectsInit afterwards", c.m.C_FindObjectsInit(session, ptr::null_mut(), 0))
        };
        "search/not-started", "§5.7 C_FindObjects, C_FindObjectsFinal" => |c| {
            let (session, mut objects, mut count) = (c.session()?, [0; 4], 0);
            let rv = c.m.C_FindObjects(session, objects.as_mut_ptr(), 4, &raw mut count);
            is("C_FindObjects", rv, CKR_OPERATION_NOT_INITIALIZED)?;
            is("C_FindObjectsFinal", c.m.C_FindObjectsFinal(session), CKR_OPERATION_NOT_INITIALIZED)
        };
        "search/null-results", "§5.7 C_FindObjects" => |c| {
            let (session, mut objects, mut count) = (c.session()?, [0; 4], 0);
            ok("C_FindObjectsInit", c.m.C_FindObjectsInit(session, ptr::null_mut(), 0))?;
            let rv = c.m.C_FindObjects(session, ptr::null_mut(), 4, &raw mut count);
            is("NULL for the handles", rv, CKR_ARGUMENTS_BAD)?;
            let rv = c.m.C_FindObjects(session, objects.as_mut_ptr(), 4, ptr::null_mut());
            is("NULL for the count", rv, CKR_ARGUMENTS_BAD)
        };
        "search/no-room", "§5.7 C_FindObjects" => |c| {
            let (session, mut objects, mut count) = (c.logged_in()?, [99; 4], 77);
            let all = c.find(session, &Vec::new())?;
            ok("C_FindObjectsInit", c.m.C_FindObjectsInit(session, ptr::null_mut(), 0))?;
            let rv = c.m.C_FindObjects(session, objects.as_mut_ptr(), 0, &raw mut count);
            if among("room for 0", rv, &[CKR_OK, CKR_ARGUMENTS_BAD]).is_ok() && rv == CKR_OK {
                equal("the count", count, 0)?;
            }
            equal("nothing was written", objects, [99; 4])?;
            let mut all_again = vec![0; all.len() + 1];
            let room = all_again.len() as CK_ULONG;
            ok("C_FindObjects", c.m.C_FindObjects(session, all_again.as_mut_ptr(), room, &raw mut count))?;
            equal("none was lost", &all_again[..count as usize], &all)
        };
        "search/one-by-one", "§5.7 C_FindObjects" => |c| {
            let session = c.logged_in()?;
            let all = c.find(session, &Vec::new())?;
            ok("C_FindObjectsInit", c.m.C_FindObjectsInit(session, ptr::null_mut(), 0))?;
            let mut found = Vec::new();
            loop {
                let (mut objects, mut count) = ([0, 0xA5A5], 0);
                ok("C_FindObjects", c.m.C_FindObjects(session, objects.as_mut_ptr(), 1, &raw mut count))?;
                equal("no more was written", objects[1], 0xA5A5)?;
                match count {
                    0 => break,
                    1 => found.push(objects[0]),
                    _ => return fail(format!("{count} objects, but there is room for one")),
                }
            }
            equal("the same objects", found.iter().collect::<BTreeSet<_>>(), all.iter().collect())?;
            equal("each once", found.len(), all.len())?;
            let (mut object, mut count) = (0, 7);
            ok("C_FindObjects at the end", c.m.C_FindObjects(session, &raw mut object, 1, &raw mut count))?;
            equal("the count at the end", count, 0)?;
            ok("C_FindObjectsFinal", c.m.C_FindObjectsFinal(session))
        };
        "search/ended-early", "§5.7 C_FindObjectsFinal" => |c| {
            let (session, mut object, mut count) = (c.logged_in()?, 0, 0);
            ok("C_FindObjectsInit", c.m.C_FindObjectsInit(session, ptr::null_mut(), 0))?;
            ok("C_FindObjects", c.m.C_FindObjects(session, &raw mut object, 1, &raw mut count))?;
            ok("C_FindObjectsFinal", c.m.C_FindObjectsFinal(session))?;
            let rv = c.m.C_FindObjects(session, &raw mut object, 1, &raw mut count);
            is("C_FindObjects afterwards", rv, CKR_OPERATION_NOT_INITIALIZED)
        };
        "search/nothing-found", "§5.7 C_FindObjects" => |c| {
            let session = c.logged_in()?;
            let nothing = [
                (CKA_LABEL, b"no object has this label".to_vec()),
                (CKA_CLASS, number(0xCE53_4353)),
                (CKA_CLASS, number(CKO_DOMAIN_PARAMETERS)),
                (CKA_TOKEN, vec![CK_FALSE]),
                (CKA_CLASS, vec![3]),
                (CKA_PIXEL_X, number(1)),
                (CKA_VENDOR_DEFINED | 0x1234, vec![1]),
            ];
            let refused = [CKR_ATTRIBUTE_TYPE_INVALID, CKR_ATTRIBUTE_VALUE_INVALID];
            for entry in nothing {
                let filter = vec![entry];
                let mut entries = attributes(&filter);
                let rv = c.m.C_FindObjectsInit(session, entries.as_mut_ptr(), 1);
                if !refused.contains(&rv) {
                    ok(&format!("C_FindObjectsInit {filter:02x?}"), rv)?;
                    ok("C_FindObjectsFinal", c.m.C_FindObjectsFinal(session))?;
                    equal(&format!("objects with {filter:02x?}"), c.find(session, &filter)?.len(), 0)?;
                }
            }
            Ok(())
        };
        "search/several-attributes", "§5.7 C_FindObjectsInit, all must match" => |c| {
            let (session, keys) = c.ready()?;
            let id = c.must_get(session, keys.private, CKA_ID)?;
            let both = vec![(CKA_ID, id.clone()), (CKA_CLASS, number(CKO_PRIVATE_KEY))];
            equal("class and id", c.find(session, &both)?, vec![keys.private])?;
            let never = vec![(CKA_ID, id), (CKA_CLASS, number(CKO_PRIVATE_KEY)), (CKA_SIGN, vec![CK_FALSE])];
            equal("and one that does not match", c.find(session, &never)?, Vec::new())?;
            let torn = vec![(CKA_CLASS, number(CKO_PRIVATE_KEY)), (CKA_CLASS, number(CKO_CERTIFICATE))];
            equal("two classes", c.find(session, &torn)?, Vec::new())
        };
        "search/digest-beside-it", "§5.1 CKR_OPERATION_ACTIVE, operations of a session" => |c| {
            let session = c.session()?;
            let kind = &mut crate::context::mechanism(CKM_SHA256);
            crate::check::supported("C_DigestInit", c.m.C_DigestInit(session, kind))?;
            // The standard lets one operation prevent the start of another.
            match c.m.C_FindObjectsInit(session, ptr::null_mut(), 0) {
                CKR_OPERATION_ACTIVE => return crate::check::skip("no search beside a digest, which the standard allows"),
                rv => ok("C_FindObjectsInit", rv)?,
            }
            ok("C_FindObjectsFinal", c.m.C_FindObjectsFinal(session))?;
            let mut byte = 1;
            ok("C_DigestUpdate", c.m.C_DigestUpdate(session, &raw mut byte, 1))
        };
    };
    for attribute in ATTRIBUTES {
        let name = format!("search/by-attribute-{attribute:#x}");
        cases.push(Case::new(name, "§5.7 C_FindObjectsInit", move |c| by_attribute(c, *attribute)));
    }
    cases
}

/// A search by the attribute's value finds every object that has it, and no object that has another value.
fn by_attribute(c: &mut Context, attribute: CK_ATTRIBUTE_TYPE) -> Outcome {
    let session = c.logged_in()?;
    let objects = c.find(session, &Vec::new())?;
    let mut some = false;
    for object in &objects {
        let value = match c.get(session, *object, attribute) {
            Ok(value) => value,
            Err(CKR_ATTRIBUTE_TYPE_INVALID | CKR_ATTRIBUTE_SENSITIVE) => continue,
            Err(rv) => return fail(format!("C_GetAttributeValue of object {object}: {}", name(rv))),
        };
        some = true;
        let found = c.find(session, &vec![(attribute, value.clone())])?;
        that(&format!("object {object} is found by its value {value:02x?}"), found.contains(object))?;
        for other in found {
            equal(
                &format!("the value of object {other}, which was found"),
                c.get(session, other, attribute),
                Ok(value.clone()),
            )?;
        }
    }
    if some { Ok(()) } else { crate::check::skip("no object has it") }
}
