//! Loading the module under test, and the lists and interfaces that it returns.

use std::ffi::c_void;
use std::path::Path;
use std::ptr;

use cryptoki_sys::*;
use libloading::Library;

use crate::raw::Module;

type GetFunctionList = unsafe extern "C" fn(*mut *mut CK_FUNCTION_LIST) -> CK_RV;
type GetInterface = unsafe extern "C" fn(*mut CK_UTF8CHAR, *mut CK_VERSION, *mut *mut CK_INTERFACE, CK_FLAGS) -> CK_RV;

impl Module {
    /// Loads a module, and takes the functions of its highest version up to 3.2.
    ///
    /// # Errors
    /// A message for people that says what is wrong with the file.
    pub fn load(path: &Path) -> Result<Self, String> {
        // SAFETY: the user says that the file is a PKCS#11 module, so its constructors may run.
        let library = unsafe { Library::new(path) }.map_err(|error| format!("{}: {error}", path.display()))?;
        let mut functions = CK_FUNCTION_LIST_3_2::default();
        let own = (&raw mut functions).cast::<u8>();
        let mut version = None;
        for (wanted, size) in [((3, 2), size_of::<CK_FUNCTION_LIST_3_2>()), ((3, 0), size_of::<CK_FUNCTION_LIST_3_0>())]
        {
            if let Some(list) = interface(&library, wanted) {
                // SAFETY: a list of this version has this size, and begins as that of 3.2 does.
                unsafe { ptr::copy_nonoverlapping(list.cast::<u8>(), own, size) };
                version = Some(wanted);
                break;
            }
        }
        let version = match version {
            Some(version) => version,
            None => {
                let list = function_list(&library)?;
                // SAFETY: a list of version 2.40, and the list of 3.2 begins like it.
                unsafe { ptr::copy_nonoverlapping(list.cast::<u8>(), own, size_of::<CK_FUNCTION_LIST>()) };
                (2, 40)
            }
        };
        Ok(Module { functions, version, library })
    }

    /// The highest version of the module's function lists, up to 3.2.
    #[must_use]
    pub fn version(&self) -> (u8, u8) {
        self.version
    }

    /// Whether the file exports a function for programs that link to it.
    pub(crate) fn exports(&self, name: &str) -> bool {
        // SAFETY: the symbol is not used, only found.
        unsafe { self.library.get::<*const ()>(name.as_bytes()) }.is_ok()
    }
}

fn function_list(library: &Library) -> Result<*mut CK_FUNCTION_LIST, String> {
    let mut list = ptr::null_mut();
    // SAFETY: the function has this type, and may write the pointer.
    let rv = unsafe {
        let get = library.get::<GetFunctionList>(b"C_GetFunctionList").map_err(|error| error.to_string())?;
        get(&raw mut list)
    };
    if rv == CKR_OK && !list.is_null() { Ok(list) } else { Err(format!("C_GetFunctionList: {rv:#x}")) }
}

/// The function list of a version, if the module has C_GetInterface and the version.
fn interface(library: &Library, (major, minor): (u8, u8)) -> Option<*const c_void> {
    let (mut version, mut found) = (CK_VERSION { major, minor }, ptr::null_mut::<CK_INTERFACE>());
    // SAFETY: the function has this type; the name has a terminator, and the rest may be read and written.
    let rv = unsafe {
        let get = library.get::<GetInterface>(b"C_GetInterface").ok()?;
        get(c"PKCS 11".as_ptr().cast_mut().cast(), &raw mut version, &raw mut found, 0)
    };
    if rv != CKR_OK || found.is_null() {
        return None;
    }
    // SAFETY: an interface that the module has returned, which stays as long as the module is loaded.
    let list = unsafe { (*found).pFunctionList };
    (!list.is_null()).then_some(list.cast_const())
}

/// The name and version of an interface that the module has returned.
pub(crate) fn describe(interface: &CK_INTERFACE) -> (String, (u8, u8)) {
    if interface.pInterfaceName.is_null() || interface.pFunctionList.is_null() {
        return (String::new(), (0, 0));
    }
    // SAFETY: not NULL: a string with a terminator, a list that begins with its version (PKCS#11 3.2, CK_INTERFACE).
    unsafe {
        let name = std::ffi::CStr::from_ptr(interface.pInterfaceName.cast_const().cast());
        let version = *interface.pFunctionList.cast::<CK_VERSION>();
        (name.to_string_lossy().into_owned(), (version.major, version.minor))
    }
}

/// An interface behind a pointer that the module has returned.
pub(crate) fn follow(interface: *mut CK_INTERFACE) -> Option<CK_INTERFACE> {
    // SAFETY: NULL, or a pointer to an interface by the word of the module.
    unsafe { interface.as_ref() }.copied()
}

/// The version at the head of a function list that the module has returned.
pub(crate) fn list_version(list: *mut CK_FUNCTION_LIST) -> Option<(u8, u8)> {
    // SAFETY: NULL, or a pointer to a list by the word of the module.
    unsafe { list.as_ref() }.map(|list| (list.version.major, list.version.minor))
}

/// Mutex callbacks that do nothing, for C_Initialize: the cases that pass them use one thread only.
pub(crate) fn mutex_callbacks() -> CK_C_INITIALIZE_ARGS {
    unsafe extern "C" fn create(mutex: *mut *mut c_void) -> CK_RV {
        // SAFETY: the module passes a place for the mutex.
        unsafe { *mutex = ptr::dangling_mut::<u64>().cast() };
        CKR_OK
    }
    unsafe extern "C" fn other(_mutex: *mut c_void) -> CK_RV {
        CKR_OK
    }
    CK_C_INITIALIZE_ARGS {
        CreateMutex: Some(create),
        DestroyMutex: Some(other),
        LockMutex: Some(other),
        UnlockMutex: Some(other),
        flags: 0,
        pReserved: ptr::null_mut(),
    }
}
