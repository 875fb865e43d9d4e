//! Session management functions, and PINs (PKCS#11 3.2 §5.5.9, §5.6), and random numbers (§5.19).

use cryptoki_sys::*;

use super::library::{call, module};
use super::pointers::{bytes, write, write_all};
use crate::core::{Error, PinEntry};

/// The longest random number of one call. The card gives 256 bytes at a time; a program that asks for more than this
/// has mistaken its own length.
const RANDOM_MAX: CK_ULONG = 1 << 20;

/// C_OpenSession. The callback is never called: the card reports nothing by itself.
///
/// # Safety
/// `session` is NULL or may be written.
pub(super) unsafe fn open_session(
    slot: CK_SLOT_ID,
    flags: CK_FLAGS,
    session: *mut CK_SESSION_HANDLE,
) -> Result<(), Error> {
    let module = module()?;
    if session.is_null() {
        // Whether there is a token comes first (PKCS#11 3.2 §5.1.7).
        module.require_token(slot)?;
        return Err(Error::ArgumentsBad);
    }
    let handle = module.open_session(slot, flags)?;
    // SAFETY: by this function's contract.
    unsafe { write(session, handle) }
}

/// C_CloseSession.
pub(super) fn close_session(session: CK_SESSION_HANDLE) -> Result<(), Error> {
    module()?.close_session(session)
}

/// C_CloseAllSessions.
pub(super) fn close_all_sessions(slot: CK_SLOT_ID) -> Result<(), Error> {
    module()?.close_all_sessions(slot)
}

/// C_GetSessionInfo.
///
/// # Safety
/// `info` is NULL or may be written.
pub(super) unsafe fn get_session_info(session: CK_SESSION_HANDLE, info: *mut CK_SESSION_INFO) -> Result<(), Error> {
    let found = call(session)?.session_info();
    // SAFETY: by this function's contract.
    unsafe { write(info, found) }
}

/// C_Login.
///
/// # Safety
/// `pin` is NULL or points to `length` bytes.
pub(super) unsafe fn login(
    session: CK_SESSION_HANDLE,
    user: CK_USER_TYPE,
    pin: *const CK_UTF8CHAR,
    length: CK_ULONG,
) -> Result<(), Error> {
    // The session comes first (PKCS#11 3.2 §5.1.7).
    let call = call(session)?;
    // SAFETY: by this function's contract.
    call.login(user, unsafe { pin_entry(pin, length) }?)
}

/// C_LoginUser (PKCS#11 3.0): the card knows no user names, so only an empty one is right.
///
/// # Safety
/// `pin` is NULL or points to `length` bytes.
pub(super) unsafe fn login_user(
    session: CK_SESSION_HANDLE,
    user: CK_USER_TYPE,
    pin: *const CK_UTF8CHAR,
    length: CK_ULONG,
    name_length: CK_ULONG,
) -> Result<(), Error> {
    let call = call(session)?;
    if name_length != 0 {
        return Err(Error::ArgumentsBad);
    }
    // SAFETY: by this function's contract.
    call.login(user, unsafe { pin_entry(pin, length) }?)
}

/// C_SessionCancel (PKCS#11 3.0).
pub(super) fn session_cancel(session: CK_SESSION_HANDLE, flags: CK_FLAGS) -> Result<(), Error> {
    call(session)?.session_cancel(flags);
    Ok(())
}

/// C_Logout.
pub(super) fn logout(session: CK_SESSION_HANDLE) -> Result<(), Error> {
    call(session)?.logout()
}

/// C_SetPIN.
///
/// # Safety
/// `old` and `new` are NULL or point to as many bytes as their lengths say.
pub(super) unsafe fn set_pin(
    session: CK_SESSION_HANDLE,
    old: *const CK_UTF8CHAR,
    old_length: CK_ULONG,
    new: *const CK_UTF8CHAR,
    new_length: CK_ULONG,
) -> Result<(), Error> {
    let call = call(session)?;
    // SAFETY: by this function's contract.
    let (old, new) = unsafe { (pin_entry(old, old_length)?, pin_entry(new, new_length)?) };
    call.set_pin(old, new)
}

/// A PIN as a program passes it. NULL, whatever the length, is for a PIN that the user types at a PIN pad (PKCS#11 3.2
/// §5.5.9, §5.6.8).
///
/// # Safety
/// `pin` is NULL or points to `length` bytes.
unsafe fn pin_entry<'a>(pin: *const CK_UTF8CHAR, length: CK_ULONG) -> Result<PinEntry<'a>, Error> {
    if pin.is_null() {
        return Ok(PinEntry::OnPad);
    }
    // SAFETY: by this function's contract.
    unsafe { bytes(pin, length) }.map(PinEntry::Typed)
}

/// C_SeedRandom: the card's random numbers take no seed.
pub(super) fn seed_random(session: CK_SESSION_HANDLE) -> Result<(), Error> {
    call(session)?;
    Err(Error::RandomSeedNotSupported)
}

/// C_GenerateRandom.
///
/// # Safety
/// `random` is NULL or points to `length` bytes that may be written.
pub(super) unsafe fn generate_random(
    session: CK_SESSION_HANDLE,
    random: *mut CK_BYTE,
    length: CK_ULONG,
) -> Result<(), Error> {
    let call = call(session)?;
    let wanted = match usize::try_from(length) {
        Ok(wanted) if length <= RANDOM_MAX && (!random.is_null() || wanted == 0) => wanted,
        _ => return Err(Error::ArgumentsBad),
    };
    let bytes = call.random(wanted)?;
    // SAFETY: no more than `length` bytes, by this function's contract.
    unsafe { write_all(random, bytes.get(..wanted).unwrap_or(&bytes)) }
}
