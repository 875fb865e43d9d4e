//! Properties that hold for all arguments: random arguments from a seed, against a model made of the simplest calls.

use std::collections::BTreeMap;
use std::ptr;

use cryptoki_sys::*;

use crate::case::{Case, table};
use crate::chapters::{ABC, ATTRIBUTES};
use crate::check::{among, equal, fail, is, ok, supported, that};
use crate::context::{Context, Template, mechanism};
use crate::memory::Room;
use crate::names::name;
use crate::numbers::Numbers;
use crate::verdict::{Outcome, Verdict};

/// An object's attributes as single queries have returned them.
type Model = BTreeMap<CK_ATTRIBUTE_TYPE, Result<Vec<u8>, CK_RV>>;

pub(crate) fn cases() -> Vec<Case> {
    table! {
        "property/templates", "§5.7 C_GetAttributeValue" => templates;
        "property/filters", "§5.7 C_FindObjectsInit" => filters;
        "property/buffers-digest", "§5.2, §5.12 C_Digest" => |c| {
            let session = c.session()?;
            let start = || supported("C_DigestInit", c.m.C_DigestInit(session, &mut mechanism(CKM_SHA256)));
            buffers(c, &start, &|room, length| c.m.C_Digest(session, ABC.as_ptr().cast_mut(), 3, room, length))
        };
        "property/buffers-digest-final", "§5.2, §5.12 C_DigestFinal" => |c| {
            let session = c.session()?;
            let start = || {
                supported("C_DigestInit", c.m.C_DigestInit(session, &mut mechanism(CKM_SHA256)))?;
                ok("C_DigestUpdate", c.m.C_DigestUpdate(session, ABC.as_ptr().cast_mut(), 3))
            };
            buffers(c, &start, &|room, length| c.m.C_DigestFinal(session, room, length))
        };
        "property/buffers-sign", "§5.2, §5.13 C_Sign" => |c| {
            let (session, keys) = c.ready()?;
            let start = || c.sign_init(session, &keys, CKM_SHA256_RSA_PKCS);
            buffers(c, &start, &|room, length| c.m.C_Sign(session, ABC.as_ptr().cast_mut(), 3, room, length))
        };
        "property/buffers-sign-final", "§5.2, §5.13 C_SignFinal" => |c| {
            let (session, keys) = c.ready()?;
            let start = || {
                c.sign_init(session, &keys, CKM_SHA256_RSA_PKCS)?;
                ok("C_SignUpdate", c.m.C_SignUpdate(session, ABC.as_ptr().cast_mut(), 3))
            };
            buffers(c, &start, &|room, length| c.m.C_SignFinal(session, room, length))
        };
        "property/buffers-sign-recover", "§5.2, §5.13 C_SignRecover" => |c| {
            let (session, keys) = c.ready()?;
            let start = || {
                let rv = c.m.C_SignRecoverInit(session, &mut mechanism(CKM_RSA_PKCS), keys.private);
                supported("C_SignRecoverInit", rv)?;
                c.pin_again(session)
            };
            buffers(c, &start, &|room, length| c.m.C_SignRecover(session, ABC.as_ptr().cast_mut(), 3, room, length))
        };
        "property/digest-parts", "§5.12 C_DigestUpdate" => digest_parts;
    }
}

fn model(c: &Context, session: CK_SESSION_HANDLE, object: CK_OBJECT_HANDLE) -> Model {
    ATTRIBUTES.iter().map(|attribute| (*attribute, c.get(session, object, *attribute))).collect()
}

/// Templates with any attributes in any order, each as a size query or with a buffer of any size: every entry gets the
/// same result as a single query for it, and the return value is that of one of these queries.
fn templates(c: &mut Context) -> Outcome {
    let mut numbers = Numbers::new(c.target.seed);
    let session = c.logged_in()?;
    for object in c.find(session, &Vec::new())? {
        let model = model(c, session, object);
        for round in 0..c.target.rounds {
            let here = |what: &str| format!("object {object}, template {round}: {what}");
            let attributes: Vec<_> = (0..numbers.below(12)).map(|_| numbers.pick(ATTRIBUTES)).collect();
            let mut rooms: Vec<Option<Room>> = Vec::new();
            for attribute in &attributes {
                let size = model[attribute].as_ref().map_or(8, Vec::len);
                let sizes = [0, size.saturating_sub(1), size, size, size + 1, size + 100];
                rooms.push((numbers.below(4) > 0).then(|| Room::new(numbers.pick(&sizes))));
            }
            let mut template: Vec<_> =
                attributes.iter().zip(&mut rooms).map(|(attribute, room)| entry(*attribute, room)).collect();
            let rv = c.m.C_GetAttributeValue(session, object, template.as_mut_ptr(), template.len() as CK_ULONG);
            let mut errors = Vec::new();
            for ((attribute, room), entry) in attributes.iter().zip(&rooms).zip(&template) {
                let what = here(&format!("attribute {attribute:#x}"));
                let (written, length) = match (&model[attribute], room) {
                    (Ok(value), None) => (0, value.len() as CK_ULONG),
                    (Ok(value), Some(room)) if room.length() >= value.len() as CK_ULONG => {
                        equal(&what, room.first(value.len()), value)?;
                        (value.len(), value.len() as CK_ULONG)
                    }
                    (Ok(_), Some(_)) => {
                        errors.push(CKR_BUFFER_TOO_SMALL);
                        (0, CK_UNAVAILABLE_INFORMATION)
                    }
                    (Err(rv), _) => {
                        errors.push(*rv);
                        (0, CK_UNAVAILABLE_INFORMATION)
                    }
                };
                equal(&format!("{what}: length"), entry.ulValueLen, length)?;
                let clean = room.as_ref().is_none_or(|room| room.untouched_after(written));
                that(&format!("{what}: no more was written"), clean)?;
            }
            if errors.is_empty() {
                errors.push(CKR_OK);
            }
            // The standard lets a module refuse a template without entries.
            if template.is_empty() {
                errors.push(CKR_ARGUMENTS_BAD);
            }
            among(&here("C_GetAttributeValue"), rv, &errors)?;
        }
    }
    Ok(())
}

fn entry(type_: CK_ATTRIBUTE_TYPE, room: &mut Option<Room>) -> CK_ATTRIBUTE {
    match room {
        Some(room) => CK_ATTRIBUTE { type_, pValue: room.pointer().cast(), ulValueLen: room.length() },
        // With NULL it is a size query, whatever the length is.
        None => CK_ATTRIBUTE { type_, pValue: ptr::null_mut(), ulValueLen: 12345 },
    }
}

/// Filters of up to four attributes with values that objects have, some of them changed: a search finds the objects
/// whose attributes have these values, and no others.
fn filters(c: &mut Context) -> Outcome {
    let mut numbers = Numbers::new(c.target.seed);
    let session = c.logged_in()?;
    let objects = c.find(session, &Vec::new())?;
    let models: Vec<_> = objects.iter().map(|object| model(c, session, *object)).collect();
    for round in 0..c.target.rounds {
        let mut filter: Template = Vec::new();
        let model = &models[numbers.below(models.len())];
        for _ in 0..numbers.below(5) {
            let attribute = numbers.pick(ATTRIBUTES);
            let Ok(mut value) = model[&attribute].clone() else { continue };
            match (numbers.below(8), value.last_mut()) {
                (0, Some(last)) => *last ^= 1,
                (1, Some(_)) => _ = value.pop(),
                _ => {}
            }
            filter.push((attribute, value));
        }
        let fits = |model: &Model| filter.iter().all(|(attribute, value)| model[attribute].as_ref() == Ok(value));
        let wanted: Vec<_> =
            objects.iter().zip(&models).filter(|(_, model)| fits(model)).map(|(object, _)| *object).collect();
        let mut found = match c.find(session, &filter) {
            // A changed boolean or number may no longer be a valid one.
            Err(Verdict::Fail(why)) if wanted.is_empty() && why.contains("ATTRIBUTE_VALUE_INVALID") => Vec::new(),
            found => found?,
        };
        found.sort_unstable();
        let mut wanted = wanted;
        wanted.sort_unstable();
        equal(&format!("filter {round}: {filter:02x?}"), found, wanted)?;
    }
    Ok(())
}

/// Any number of size queries and short buffers leaves the operation unchanged, and then the result comes.
fn buffers(c: &Context, start: &dyn Fn() -> Outcome, call: &dyn Fn(*mut CK_BYTE, *mut CK_ULONG) -> CK_RV) -> Outcome {
    let mut numbers = Numbers::new(c.target.seed);
    let (mut wanted, mut length) = (vec![0; 1024], 1024);
    start()?;
    ok("the result", call(wanted.as_mut_ptr(), &raw mut length))?;
    wanted.truncate(length as usize);
    for round in 0..(c.target.rounds / 20).max(1) {
        start()?;
        for _ in 0..numbers.below(6) {
            if numbers.below(3) == 0 {
                let mut length = numbers.below(2000) as CK_ULONG;
                ok(&format!("round {round}: size query"), call(ptr::null_mut(), &raw mut length))?;
                that("the length is enough", length as usize >= wanted.len())?;
            } else {
                let mut room = Room::new(numbers.below(wanted.len()));
                let mut length = room.length();
                let rv = call(room.pointer(), &raw mut length);
                is(&format!("round {round}: room for {}", room.length()), rv, CKR_BUFFER_TOO_SMALL)?;
                that("the length is enough", length as usize >= wanted.len())?;
                that("nothing was written", room.untouched_after(0))?;
            }
        }
        let mut room = Room::new(wanted.len() + numbers.below(40));
        let mut length = room.length();
        ok(&format!("round {round}: room for {}", room.length()), call(room.pointer(), &raw mut length))?;
        equal("the result", room.first(length as usize), &wanted)?;
        that("no more was written", room.untouched_after(wanted.len()))?;
        let mut length = 0;
        match call(ptr::null_mut(), &raw mut length) {
            CKR_OPERATION_NOT_INITIALIZED => {}
            rv => return fail(format!("round {round}: the operation goes on: {}", name(rv))),
        }
    }
    Ok(())
}

/// The digest is that of the whole data, whatever parts they are cut into.
fn digest_parts(c: &mut Context) -> Outcome {
    let mut numbers = Numbers::new(c.target.seed);
    let session = c.session()?;
    for round in 0..c.target.rounds {
        let kind = numbers.pick(&[CKM_SHA_1, CKM_SHA256, CKM_SHA384, CKM_SHA512]);
        let size = numbers.below(1000);
        let data = numbers.bytes(size);
        let (mut whole, mut parts, mut length) = ([0; 64], [0; 64], 64);
        let init = || supported("C_DigestInit", c.m.C_DigestInit(session, &mut mechanism(kind)));
        init()?;
        let rv = c.m.C_Digest(
            session,
            data.as_ptr().cast_mut(),
            data.len() as CK_ULONG,
            whole.as_mut_ptr(),
            &raw mut length,
        );
        ok("C_Digest", rv)?;
        init()?;
        let mut rest = &data[..];
        while !rest.is_empty() {
            let (part, after) = rest.split_at(numbers.below(rest.len() + 1));
            ok("C_DigestUpdate", c.m.C_DigestUpdate(session, part.as_ptr().cast_mut(), part.len() as CK_ULONG))?;
            rest = after;
        }
        length = 64;
        ok("C_DigestFinal", c.m.C_DigestFinal(session, parts.as_mut_ptr(), &raw mut length))?;
        equal(&format!("round {round}: the digest"), parts, whole)?;
    }
    Ok(())
}
