//! The function lists and interfaces that programs ask for first (PKCS#11 3.2 §5.4.4 to §5.4.6).

use std::ffi::c_void;

use cryptoki_sys::*;

use super::pointers::{answer, bytes, read, write};
use crate::core::Error;

/// The name of the standard's own interfaces, with its terminator.
const NAME: &[u8] = b"PKCS 11\0";

/// How many bytes of an interface's name are compared: one more than the longest name known here.
const NAME_MAX: usize = NAME.len() + 1;

/// The interfaces that programs choose from, and their versions.
pub(super) struct Interfaces {
    /// Programs get pointers to these. Nobody changes them.
    list: [CK_INTERFACE; 3],
    versions: [CK_VERSION; 3],
}

// SAFETY: the pointers in it are to statics, and nobody writes through them: PKCS#11 3.2 §5.4.6 forbids it to programs.
unsafe impl Sync for Interfaces {}

impl Interfaces {
    /// The standard's interfaces over these lists of functions, the best first.
    pub(super) const fn new(
        list_3_2: &'static CK_FUNCTION_LIST_3_2,
        list_3_0: &'static CK_FUNCTION_LIST_3_0,
        list: &'static CK_FUNCTION_LIST,
    ) -> Self {
        Interfaces {
            list: [
                interface(std::ptr::from_ref(list_3_2).cast()),
                interface(std::ptr::from_ref(list_3_0).cast()),
                interface(std::ptr::from_ref(list).cast()),
            ],
            versions: [list_3_2.version, list_3_0.version, list.version],
        }
    }
}

const fn interface(functions: *const c_void) -> CK_INTERFACE {
    // No flags: a child of a fork has to initialize anew, so this is not CKF_INTERFACE_FORK_SAFE.
    CK_INTERFACE { pInterfaceName: NAME.as_ptr().cast_mut().cast(), pFunctionList: functions.cast_mut(), flags: 0 }
}

/// C_GetFunctionList: the functions of version 2.40.
///
/// # Safety
/// `list` is NULL or points to a pointer that may be written.
pub(super) unsafe fn get_function_list(
    functions: &'static CK_FUNCTION_LIST,
    list: *mut *mut CK_FUNCTION_LIST,
) -> Result<(), Error> {
    // SAFETY: by this function's contract.
    unsafe { write(list, std::ptr::from_ref(functions).cast_mut()) }
}

/// C_GetInterfaceList.
///
/// # Safety
/// `count` is NULL or may be read and written; `list` is NULL or has room for as many interfaces as stand there.
pub(super) unsafe fn get_interface_list(
    interfaces: &Interfaces,
    list: *mut CK_INTERFACE,
    count: *mut CK_ULONG,
) -> Result<(), Error> {
    // SAFETY: by this function's contract.
    unsafe { answer(list, count, interfaces.list.len(), || Ok(interfaces.list.to_vec())) }
}

/// C_GetInterface.
///
/// # Safety
/// `name` is NULL or a string with a terminator; `version` is NULL or may be read; `interface` is NULL or points to a
/// pointer that may be written.
pub(super) unsafe fn get_interface(
    interfaces: &'static Interfaces,
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
    let found = interfaces.versions.iter().zip(&interfaces.list).find(|(own, _)| fits(own));
    match found {
        // SAFETY: by this function's contract.
        Some((_, found)) if named && flags == 0 => unsafe { write(interface, std::ptr::from_ref(found).cast_mut()) },
        _ => Err(Error::ArgumentsBad),
    }
}

/// Whether a string is the name of the standard's interfaces. Reads no more bytes than it must, so a string without a
/// terminator does no harm.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ffi::table::{FUNCTION_LIST, INTERFACES};
    use std::ptr;

    /// The version of the list that is given out for a name, which ends with its memory.
    fn ask(name: Option<&[u8]>, version: Option<(u8, u8)>, flags: CK_FLAGS) -> Result<(u8, u8), Error> {
        let mut name = name.map(|name| name.to_vec().into_boxed_slice());
        let mut version = version.map(|(major, minor)| CK_VERSION { major, minor });
        let mut found = ptr::null_mut();
        // SAFETY: NULL, or what the function wants.
        unsafe {
            get_interface(
                &INTERFACES,
                name.as_mut().map_or(ptr::null_mut(), |name| name.as_mut_ptr()),
                version.as_mut().map_or(ptr::null_mut(), ptr::from_mut),
                &raw mut found,
                flags,
            )?;
            let CK_VERSION { major, minor } = *(*found).pFunctionList.cast::<CK_VERSION>();
            Ok((major, minor))
        }
    }

    #[test]
    fn names_and_versions() {
        assert_eq!(ask(None, None, 0), Ok((3, 2)));
        assert_eq!(ask(Some(b"PKCS 11\0"), None, 0), Ok((3, 2)));
        for version in [(3, 2), (3, 0), (2, 40)] {
            assert_eq!(ask(Some(b"PKCS 11\0"), Some(version), 0), Ok(version));
        }
        // Read no further than they are ours: the next byte is not there.
        for other in [&b"\0"[..], b"p", b"PKCS 11 ", b"PKCS 1\0", b"PKCS 12"] {
            assert_eq!(ask(Some(other), None, 0), Err(Error::ArgumentsBad), "{other:?}");
        }
        assert_eq!(ask(None, Some((3, 1)), 0), Err(Error::ArgumentsBad));
        assert_eq!(ask(None, None, CKF_INTERFACE_FORK_SAFE), Err(Error::ArgumentsBad));
    }

    #[test]
    fn lists() {
        let mut list =
            vec![CK_INTERFACE { pInterfaceName: ptr::null_mut(), pFunctionList: ptr::null_mut(), flags: 0 }; 3];
        let (mut count, mut functions) = (3, ptr::null_mut());
        // SAFETY: room for three, and for the pointer.
        unsafe {
            get_interface_list(&INTERFACES, list.as_mut_ptr(), &raw mut count).unwrap();
            get_function_list(&FUNCTION_LIST, &raw mut functions).unwrap();
            for interface in &list {
                let name = std::ffi::CStr::from_ptr(interface.pInterfaceName.cast());
                assert_eq!(name, c"PKCS 11");
            }
            assert_eq!((count, (*functions).version.major), (3, 2));
            assert!((*functions).C_Sign.is_some());
        }
        assert_eq!(list[2].pFunctionList, functions.cast());
    }
}
