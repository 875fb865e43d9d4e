//! The module's C interface itself, for calls that no well-behaved client makes.

use std::path::Path;
use std::ptr;
use std::sync::OnceLock;

use cryptoki_sys::{CK_FLAGS, CK_FUNCTION_LIST_3_2, CK_INTERFACE, CK_RV, CK_UTF8CHAR, CK_VERSION, CKR_OK};
use libloading::Library;

use crate::paths::module_path;

/// The loaded module.
pub struct Raw {
    library: Library,
    functions: *const CK_FUNCTION_LIST_3_2,
}

// SAFETY: the module's function list never changes, and its functions may be called by any thread.
unsafe impl Send for Raw {}
// SAFETY: as above.
unsafe impl Sync for Raw {}

type GetInterface = unsafe extern "C" fn(*mut CK_UTF8CHAR, *mut CK_VERSION, *mut *mut CK_INTERFACE, CK_FLAGS) -> CK_RV;

impl Raw {
    /// The module, which stays loaded until the process ends.
    ///
    /// # Panics
    /// If it cannot be loaded.
    #[must_use]
    pub fn get() -> &'static Raw {
        static RAW: OnceLock<Raw> = OnceLock::new();
        RAW.get_or_init(|| Raw::load(&module_path()))
    }

    fn load(path: &Path) -> Raw {
        // SAFETY: the module's constructors are those of Rust's standard library.
        let library = unsafe { Library::new(path) }.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let mut interface = ptr::null_mut();
        let mut version = CK_VERSION { major: 3, minor: 2 };
        // SAFETY: the function has this type, and all pointers are to writable memory of ours.
        let rv = unsafe {
            let get = library.get::<GetInterface>(b"C_GetInterface\0").expect("C_GetInterface is exported");
            get(c"PKCS 11".as_ptr().cast_mut().cast(), &raw mut version, &raw mut interface, 0)
        };
        assert_eq!(rv, CKR_OK, "C_GetInterface(PKCS 11, 3.2)");
        // SAFETY: a CK_INTERFACE that the module gave out.
        let functions = unsafe { *interface }.pFunctionList.cast::<CK_FUNCTION_LIST_3_2>().cast_const();
        assert!(!functions.is_null());
        Raw { library, functions }
    }

    /// The functions of version 3.2.
    #[must_use]
    pub fn functions(&self) -> &CK_FUNCTION_LIST_3_2 {
        // SAFETY: the module's own list, not NULL, and valid while the module is loaded.
        unsafe { &*self.functions }
    }

    /// The address of an exported function.
    #[must_use]
    pub fn symbol(&self, name: &str) -> Option<*const ()> {
        // SAFETY: only the address is read.
        unsafe { self.library.get::<*const ()>(name.as_bytes()) }.ok().map(|symbol| *symbol)
    }
}

/// Calls a function of the module by its name, with any arguments, valid or not.
#[macro_export]
macro_rules! call {
    ($name:ident($($argument:expr),* $(,)?)) => {{
        let function = $crate::Raw::get().functions().$name.expect(stringify!($name));
        #[allow(clippy::macro_metavars_in_unsafe, unused_unsafe)]
        // SAFETY: the module claims to survive all that the tests pass: NULL, or pointers as the standard requires.
        unsafe { function($($argument),*) }
    }};
}
