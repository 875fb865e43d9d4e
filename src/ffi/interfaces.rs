//! The function lists and interfaces that programs ask for first (PKCS#11 3.2 §5.4.4 to §5.4.6).

use cryptoki_sys::*;

use super::pointers::{answer, bytes, read, write};
use super::table::{FUNCTION_LIST, FUNCTION_LIST_3_0, FUNCTION_LIST_3_2};
use crate::core::Error;

/// The name of the standard's own interfaces, with its terminator.
const NAME: &[u8] = b"PKCS 11\0";

/// How many bytes of an interface's name are looked at: one more than the longest name known here.
const NAME_MAX: usize = NAME.len() + 1;

/// A value that programs get a pointer to. Never changed.
struct Shared<T>(T);

// SAFETY: the pointers in it are to statics, and nobody writes through them: PKCS#11 3.2 §5.4.6 forbids it to programs.
unsafe impl<T> Sync for Shared<T> {}

/// The best first, which is the one that a program gets that names no version.
static INTERFACES: Shared<[CK_INTERFACE; 3]> = Shared([
    interface(&raw const FUNCTION_LIST_3_2 as CK_VOID_PTR),
    interface(&raw const FUNCTION_LIST_3_0 as CK_VOID_PTR),
    interface(&raw const FUNCTION_LIST as CK_VOID_PTR),
]);

/// The versions of [`INTERFACES`].
const VERSIONS: [CK_VERSION; 3] = [FUNCTION_LIST_3_2.version, FUNCTION_LIST_3_0.version, FUNCTION_LIST.version];

const fn interface(functions: CK_VOID_PTR) -> CK_INTERFACE {
    // No flags: a child of a fork has to initialize anew, so that this is not CKF_INTERFACE_FORK_SAFE.
    CK_INTERFACE { pInterfaceName: NAME.as_ptr().cast_mut().cast(), pFunctionList: functions, flags: 0 }
}

/// C_GetFunctionList: the functions of version 2.40.
///
/// # Safety
/// `list` is NULL or points to a pointer that may be written.
pub(super) unsafe fn get_function_list(list: *mut *mut CK_FUNCTION_LIST) -> Result<(), Error> {
    // SAFETY: by this function's contract.
    unsafe { write(list, (&raw const FUNCTION_LIST).cast_mut()) }
}

/// C_GetInterfaceList.
///
/// # Safety
/// `count` is NULL or may be read and written; `list` is NULL or has room for as many interfaces as stand there.
pub(super) unsafe fn get_interface_list(list: *mut CK_INTERFACE, count: *mut CK_ULONG) -> Result<(), Error> {
    // SAFETY: by this function's contract.
    unsafe { answer(list, count, INTERFACES.0.len(), || Ok(INTERFACES.0.to_vec())) }
}

/// C_GetInterface.
///
/// # Safety
/// `name` is NULL or a string with a terminator; `version` is NULL or may be read; `interface` is NULL or points to a
/// pointer that may be written.
pub(super) unsafe fn get_interface(
    name: *mut CK_UTF8CHAR,
    version: *mut CK_VERSION,
    interface: *mut *mut CK_INTERFACE,
    flags: CK_FLAGS,
) -> Result<(), Error> {
    // SAFETY: by this function's contract.
    let named = name.is_null() || unsafe { is_our_name(name) }?;
    let version = match version.is_null() {
        true => None,
        // SAFETY: by this function's contract.
        false => Some(unsafe { read(version) }?),
    };
    let fits = |own: &CK_VERSION| version.is_none_or(|wanted| (wanted.major, wanted.minor) == (own.major, own.minor));
    let found = VERSIONS.iter().position(fits).and_then(|place| INTERFACES.0.get(place));
    match found {
        // SAFETY: by this function's contract.
        Some(found) if named && flags == 0 => unsafe { write(interface, std::ptr::from_ref(found).cast_mut()) },
        _ => Err(Error::ArgumentsBad),
    }
}

/// Whether a string is the name of the standard's interfaces. Looks at no more bytes than it must, so that a string
/// without a terminator does no harm.
///
/// # Safety
/// `name` points to bytes that may be read, up to a terminator or [`NAME_MAX`].
unsafe fn is_our_name(name: *const u8) -> Result<bool, Error> {
    for place in 0..NAME_MAX {
        // SAFETY: all bytes before were equal to ours, none of them a terminator, so this one is part of the string.
        let byte = unsafe { bytes(name.wrapping_add(place), 1) }?;
        match NAME.get(place) {
            Some(own) if [*own] == *byte => {
                if *own == 0 {
                    return Ok(true);
                }
            }
            _ => return Ok(false),
        }
    }
    Ok(false)
}
