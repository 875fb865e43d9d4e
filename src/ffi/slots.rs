//! Slot and token management functions (PKCS#11 3.2 §5.5).

use cryptoki_sys::*;

use super::library::module;
use super::pointers::{answer, write};
use crate::core::Error;

/// C_GetSlotList.
///
/// # Safety
/// `count` is NULL or may be read and written; `list` is NULL or has room for as many ids as stand there.
pub(super) unsafe fn get_slot_list(
    token_present: CK_BBOOL,
    list: *mut CK_SLOT_ID,
    count: *mut CK_ULONG,
) -> Result<(), Error> {
    let module = module()?;
    if count.is_null() {
        return Err(Error::ArgumentsBad);
    }
    let ids = module.slot_ids(token_present != CK_FALSE, list.is_null());
    // SAFETY: by this function's contract.
    unsafe { answer(list, count, ids.len(), || Ok(ids)) }
}

/// C_GetSlotInfo.
///
/// # Safety
/// `info` is NULL or may be written.
pub(super) unsafe fn get_slot_info(slot: CK_SLOT_ID, info: *mut CK_SLOT_INFO) -> Result<(), Error> {
    let found = module()?.slot_info(slot)?;
    // SAFETY: by this function's contract.
    unsafe { write(info, found) }
}

/// C_GetTokenInfo.
///
/// # Safety
/// `info` is NULL or may be written.
pub(super) unsafe fn get_token_info(slot: CK_SLOT_ID, info: *mut CK_TOKEN_INFO) -> Result<(), Error> {
    let found = module()?.token_info(slot)?;
    // SAFETY: by this function's contract.
    unsafe { write(info, found) }
}

/// C_WaitForSlotEvent.
///
/// # Safety
/// `slot` is NULL or may be written.
pub(super) unsafe fn wait_for_slot_event(
    flags: CK_FLAGS,
    slot: *mut CK_SLOT_ID,
    reserved: CK_VOID_PTR,
) -> Result<(), Error> {
    let module = module()?;
    if slot.is_null() || !reserved.is_null() {
        return Err(Error::ArgumentsBad);
    }
    let id = module.wait_for_slot_event(flags & CKF_DONT_BLOCK == 0)?;
    // SAFETY: by this function's contract.
    unsafe { write(slot, id) }
}

/// C_GetMechanismList.
///
/// # Safety
/// `count` is NULL or may be read and written; `list` is NULL or has room for as many mechanisms as stand there.
pub(super) unsafe fn get_mechanism_list(
    slot: CK_SLOT_ID,
    list: *mut CK_MECHANISM_TYPE,
    count: *mut CK_ULONG,
) -> Result<(), Error> {
    let mechanisms = module()?.mechanisms(slot)?;
    // SAFETY: by this function's contract.
    unsafe { answer(list, count, mechanisms.len(), || Ok(mechanisms)) }
}

/// C_GetMechanismInfo.
///
/// # Safety
/// `info` is NULL or may be written.
pub(super) unsafe fn get_mechanism_info(
    slot: CK_SLOT_ID,
    mechanism: CK_MECHANISM_TYPE,
    info: *mut CK_MECHANISM_INFO,
) -> Result<(), Error> {
    let found = module()?.mechanism_info(slot, mechanism)?;
    // SAFETY: by this function's contract.
    unsafe { write(info, found) }
}
