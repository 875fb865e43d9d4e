//! Object management functions (PKCS#11 3.2 §5.7).

use cryptoki_sys::*;

use super::library::call;
use super::pointers::{addresses, bytes, read, write, write_all};
use crate::core::Error;

/// More attributes than any template has that means something.
const TEMPLATE_MAX: CK_ULONG = 4096;

/// C_GetAttributeValue: every entry is answered, whatever becomes of the others (PKCS#11 3.2 §5.7.5).
///
/// # Safety
/// `template` is NULL or points to `count` attributes, each with a value that is NULL or has the room it says.
pub(super) unsafe fn get_attribute_value(
    session: CK_SESSION_HANDLE,
    object: CK_OBJECT_HANDLE,
    template: *mut CK_ATTRIBUTE,
    count: CK_ULONG,
) -> Result<(), Error> {
    let call = call(session)?;
    if template.is_null() || count > TEMPLATE_MAX {
        return Err(Error::ArgumentsBad);
    }
    let value_of = call.attributes(object)?;
    let (mut sensitive, mut invalid, mut too_small) = (false, false, false);
    for place in addresses(template, count)? {
        // SAFETY: one of the caller's attributes.
        let mut entry = unsafe { read(place) }?;
        match value_of(entry.type_) {
            Ok(value) if entry.pValue.is_null() => entry.ulValueLen = value.len() as CK_ULONG,
            // An earlier call may have left this length: that says nothing of any room.
            Ok(value)
                if entry.ulValueLen != CK_UNAVAILABLE_INFORMATION && entry.ulValueLen >= value.len() as CK_ULONG =>
            {
                // SAFETY: no more bytes than the caller says there is room for.
                unsafe { write_all(entry.pValue.cast::<u8>(), &value) }?;
                entry.ulValueLen = value.len() as CK_ULONG;
            }
            answer => {
                entry.ulValueLen = CK_UNAVAILABLE_INFORMATION;
                match answer {
                    Ok(_) => too_small = true,
                    Err(Error::AttributeTypeInvalid) => invalid = true,
                    Err(Error::AttributeSensitive) => sensitive = true,
                    Err(error) => return Err(error),
                }
            }
        }
        // SAFETY: one of the caller's attributes.
        unsafe { write(place, entry) }?;
    }
    // If several are true, any of them is right; the one that a program can do least about comes first.
    match (sensitive, invalid, too_small) {
        (true, _, _) => Err(Error::AttributeSensitive),
        (_, true, _) => Err(Error::AttributeTypeInvalid),
        (_, _, true) => Err(Error::BufferTooSmall),
        _ => Ok(()),
    }
}

/// C_GetObjectSize.
///
/// # Safety
/// `size` is NULL or may be written.
pub(super) unsafe fn get_object_size(
    session: CK_SESSION_HANDLE,
    object: CK_OBJECT_HANDLE,
    size: *mut CK_ULONG,
) -> Result<(), Error> {
    let call = call(session)?;
    if size.is_null() {
        return Err(Error::ArgumentsBad);
    }
    // SAFETY: by this function's contract.
    unsafe { write(size, call.object_size(object)? as CK_ULONG) }
}

/// C_CopyObject, C_DestroyObject and C_SetAttributeValue.
pub(super) fn prohibited(session: CK_SESSION_HANDLE, object: CK_OBJECT_HANDLE) -> Result<(), Error> {
    call(session)?.prohibited(object)
}

/// C_FindObjectsInit.
///
/// # Safety
/// `template` is NULL or points to `count` attributes, each with a value of the length it says.
pub(super) unsafe fn find_objects_init(
    session: CK_SESSION_HANDLE,
    template: *mut CK_ATTRIBUTE,
    count: CK_ULONG,
) -> Result<(), Error> {
    let call = call(session)?;
    if count > TEMPLATE_MAX {
        return Err(Error::ArgumentsBad);
    }
    // The values stay where they are: their lengths, which a caller invents, must not decide how much memory we take.
    let places = addresses(template, count)?;
    let mut filter = Vec::new();
    // Their number is the caller's as well.
    filter.try_reserve_exact(usize::try_from(count).unwrap_or(usize::MAX)).map_err(|_| Error::HostMemory)?;
    for place in places {
        // SAFETY: one of the caller's attributes, and its value. A length that no memory has is refused, such as the
        // CK_UNAVAILABLE_INFORMATION that C_GetAttributeValue leaves.
        let (entry, value) = unsafe {
            let entry = read(place)?;
            (entry, bytes(entry.pValue.cast::<u8>(), entry.ulValueLen)?)
        };
        filter.push((entry.type_, value));
    }
    call.find_objects_init(&filter)
}

/// C_FindObjects.
///
/// # Safety
/// `found` is NULL or may be written; `objects` is NULL or has room for `most` handles.
pub(super) unsafe fn find_objects(
    session: CK_SESSION_HANDLE,
    objects: *mut CK_OBJECT_HANDLE,
    most: CK_ULONG,
    found: *mut CK_ULONG,
) -> Result<(), Error> {
    let call = call(session)?;
    if found.is_null() || (objects.is_null() && most > 0) {
        return Err(Error::ArgumentsBad);
    }
    let handles = call.find_objects(usize::try_from(most).unwrap_or(usize::MAX))?;
    // SAFETY: no more handles than the caller has room for; by this function's contract.
    unsafe {
        write_all(objects, &handles)?;
        write(found, handles.len() as CK_ULONG)
    }
}

/// C_FindObjectsFinal.
pub(super) fn find_objects_final(session: CK_SESSION_HANDLE) -> Result<(), Error> {
    call(session)?.find_objects_final()
}
