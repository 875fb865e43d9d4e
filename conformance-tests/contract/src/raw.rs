//! The C interface of the module under test: calling its functions with any arguments of a case. All `unsafe` code of
//! the suite is here, in `loading.rs` and in `pages.rs`.
//!
//! The calls are as safe as the module is. Most cases pass what a well-behaved program passes; some pass NULL, or a
//! count that no memory has, to see whether the module refuses it. Each case runs in a process of its own, so a module
//! that follows a bad pointer ends one case only. As the calls are only as safe as that, none of them is public.

use std::ffi::c_void;
use std::ptr;

use cryptoki_sys::*;
use libloading::Library;

use crate::names::ABSENT;

/// The loaded module. It stays loaded until the process ends.
pub struct Module {
    pub(crate) functions: CK_FUNCTION_LIST_3_2,
    pub(crate) version: (u8, u8),
    pub(crate) library: Library,
}

/// A function of the standard: its name, and a way to call it whatever its arguments are.
pub(crate) struct Function {
    pub(crate) name: &'static str,
    /// The version of the standard that has added it.
    pub(crate) since: (u8, u8),
    /// The names of its arguments: the first is `slot` or `session` if it is such a handle.
    pub(crate) arguments: &'static [&'static str],
    /// Their types.
    pub(crate) types: &'static [&'static str],
    pub(crate) call: fn(&Module, &mut Arguments) -> CK_RV,
}

/// Arguments for any function. If the first one is a number, it is the handle; each other number is 4
/// (CKF_SERIAL_SESSION, or a length). Each pointer has memory of its own, zero but for a first word of 64 if the
/// function expects a number or a pointer there.
pub(crate) struct Arguments {
    handle: CK_ULONG,
    null: Option<usize>,
    next: usize,
    memory: Vec<Box<[CK_ULONG; 512]>>,
}

impl Arguments {
    /// With the handle of a slot or session, and NULL for the argument at place `null`.
    pub(crate) fn new(handle: CK_ULONG, null: Option<usize>) -> Self {
        Arguments { handle, null, next: 0, memory: Vec::new() }
    }
}

/// A type that functions take.
trait Argument {
    fn take(arguments: &mut Arguments) -> Self;
}

impl Argument for CK_ULONG {
    fn take(arguments: &mut Arguments) -> Self {
        arguments.next += 1;
        if arguments.next == 1 { arguments.handle } else { CKF_SERIAL_SESSION }
    }
}

impl Argument for CK_BBOOL {
    fn take(arguments: &mut Arguments) -> Self {
        arguments.next += 1;
        CK_TRUE
    }
}

impl Argument for CK_NOTIFY {
    fn take(arguments: &mut Arguments) -> Self {
        arguments.next += 1;
        None
    }
}

impl<T> Argument for *mut T {
    fn take(arguments: &mut Arguments) -> Self {
        let place = arguments.next;
        arguments.next += 1;
        if arguments.null == Some(place) {
            return ptr::null_mut();
        }
        let mut memory = Box::new([0; 512]);
        if size_of::<T>() == size_of::<CK_ULONG>() {
            memory[0] = 64;
        }
        let pointer = memory.as_mut_ptr().cast();
        arguments.memory.push(memory);
        pointer
    }
}

/// Makes a method of [`Module`] for each function, and the list of all.
macro_rules! functions {
    ($(since $version:tt { $($name:ident($($argument:ident: $type:ty),*);)* })*) => {
        #[allow(non_snake_case, clippy::too_many_arguments)]
        impl Module {
            $($(pub(crate) fn $name(&self, $($argument: $type),*) -> CK_RV {
                crate::returns::record(stringify!($name), match self.functions.$name {
                    // SAFETY: the type is the standard's. The case is responsible for the arguments, as said above.
                    Some(function) => unsafe { function($($argument),*) },
                    None => ABSENT,
                })
            })*)*

            /// The functions that are NULL in the module's list of its highest version.
            pub(crate) fn missing(&self) -> Vec<&'static str> {
                let mut missing = Vec::new();
                $($(if $version <= self.version && self.functions.$name.is_none() {
                    missing.push(stringify!($name));
                })*)*
                missing
            }
        }

        /// Every function of the standard.
        pub(crate) const FUNCTIONS: &[Function] = &[$($(Function {
            name: stringify!($name),
            since: $version,
            arguments: &[$(stringify!($argument)),*],
            types: &[$(stringify!($type)),*],
            call: |module, arguments| module.$name($(<$type as Argument>::take(arguments)),*),
        },)*)*];
    };
}

functions! {
    since (2, 40) {
        C_Initialize(a: *mut c_void);
        C_Finalize(a: *mut c_void);
        C_GetInfo(a: *mut CK_INFO);
        C_GetFunctionList(a: *mut *mut CK_FUNCTION_LIST);
        C_GetSlotList(a: CK_BBOOL, b: *mut CK_SLOT_ID, c: *mut CK_ULONG);
        C_GetSlotInfo(slot: CK_SLOT_ID, b: *mut CK_SLOT_INFO);
        C_GetTokenInfo(slot: CK_SLOT_ID, b: *mut CK_TOKEN_INFO);
        C_GetMechanismList(slot: CK_SLOT_ID, b: *mut CK_MECHANISM_TYPE, c: *mut CK_ULONG);
        C_GetMechanismInfo(slot: CK_SLOT_ID, b: CK_MECHANISM_TYPE, c: *mut CK_MECHANISM_INFO);
        C_InitToken(slot: CK_SLOT_ID, b: *mut CK_UTF8CHAR, c: CK_ULONG, d: *mut CK_UTF8CHAR);
        C_InitPIN(session: CK_SESSION_HANDLE, b: *mut CK_UTF8CHAR, c: CK_ULONG);
        C_SetPIN(session: CK_SESSION_HANDLE, b: *mut CK_UTF8CHAR, c: CK_ULONG, d: *mut CK_UTF8CHAR, e: CK_ULONG);
        C_OpenSession(slot: CK_SLOT_ID, b: CK_FLAGS, c: *mut c_void, d: CK_NOTIFY, e: *mut CK_SESSION_HANDLE);
        C_CloseSession(session: CK_SESSION_HANDLE);
        C_CloseAllSessions(slot: CK_SLOT_ID);
        C_GetSessionInfo(session: CK_SESSION_HANDLE, b: *mut CK_SESSION_INFO);
        C_GetOperationState(session: CK_SESSION_HANDLE, b: *mut CK_BYTE, c: *mut CK_ULONG);
        C_SetOperationState(
            session: CK_SESSION_HANDLE, b: *mut CK_BYTE, c: CK_ULONG, d: CK_OBJECT_HANDLE, e: CK_OBJECT_HANDLE
        );
        C_Login(session: CK_SESSION_HANDLE, b: CK_USER_TYPE, c: *mut CK_UTF8CHAR, d: CK_ULONG);
        C_Logout(session: CK_SESSION_HANDLE);
        C_CreateObject(session: CK_SESSION_HANDLE, b: *mut CK_ATTRIBUTE, c: CK_ULONG, d: *mut CK_OBJECT_HANDLE);
        C_CopyObject(
            session: CK_SESSION_HANDLE, b: CK_OBJECT_HANDLE, c: *mut CK_ATTRIBUTE, d: CK_ULONG,
            e: *mut CK_OBJECT_HANDLE
        );
        C_DestroyObject(session: CK_SESSION_HANDLE, b: CK_OBJECT_HANDLE);
        C_GetObjectSize(session: CK_SESSION_HANDLE, b: CK_OBJECT_HANDLE, c: *mut CK_ULONG);
        C_GetAttributeValue(session: CK_SESSION_HANDLE, b: CK_OBJECT_HANDLE, c: *mut CK_ATTRIBUTE, d: CK_ULONG);
        C_SetAttributeValue(session: CK_SESSION_HANDLE, b: CK_OBJECT_HANDLE, c: *mut CK_ATTRIBUTE, d: CK_ULONG);
        C_FindObjectsInit(session: CK_SESSION_HANDLE, b: *mut CK_ATTRIBUTE, c: CK_ULONG);
        C_FindObjects(session: CK_SESSION_HANDLE, b: *mut CK_OBJECT_HANDLE, c: CK_ULONG, d: *mut CK_ULONG);
        C_FindObjectsFinal(session: CK_SESSION_HANDLE);
        C_EncryptInit(session: CK_SESSION_HANDLE, b: *mut CK_MECHANISM, c: CK_OBJECT_HANDLE);
        C_Encrypt(session: CK_SESSION_HANDLE, b: *mut CK_BYTE, c: CK_ULONG, d: *mut CK_BYTE, e: *mut CK_ULONG);
        C_EncryptUpdate(session: CK_SESSION_HANDLE, b: *mut CK_BYTE, c: CK_ULONG, d: *mut CK_BYTE, e: *mut CK_ULONG);
        C_EncryptFinal(session: CK_SESSION_HANDLE, b: *mut CK_BYTE, c: *mut CK_ULONG);
        C_DecryptInit(session: CK_SESSION_HANDLE, b: *mut CK_MECHANISM, c: CK_OBJECT_HANDLE);
        C_Decrypt(session: CK_SESSION_HANDLE, b: *mut CK_BYTE, c: CK_ULONG, d: *mut CK_BYTE, e: *mut CK_ULONG);
        C_DecryptUpdate(session: CK_SESSION_HANDLE, b: *mut CK_BYTE, c: CK_ULONG, d: *mut CK_BYTE, e: *mut CK_ULONG);
        C_DecryptFinal(session: CK_SESSION_HANDLE, b: *mut CK_BYTE, c: *mut CK_ULONG);
        C_DigestInit(session: CK_SESSION_HANDLE, b: *mut CK_MECHANISM);
        C_Digest(session: CK_SESSION_HANDLE, b: *mut CK_BYTE, c: CK_ULONG, d: *mut CK_BYTE, e: *mut CK_ULONG);
        C_DigestUpdate(session: CK_SESSION_HANDLE, b: *mut CK_BYTE, c: CK_ULONG);
        C_DigestKey(session: CK_SESSION_HANDLE, b: CK_OBJECT_HANDLE);
        C_DigestFinal(session: CK_SESSION_HANDLE, b: *mut CK_BYTE, c: *mut CK_ULONG);
        C_SignInit(session: CK_SESSION_HANDLE, b: *mut CK_MECHANISM, c: CK_OBJECT_HANDLE);
        C_Sign(session: CK_SESSION_HANDLE, b: *mut CK_BYTE, c: CK_ULONG, d: *mut CK_BYTE, e: *mut CK_ULONG);
        C_SignUpdate(session: CK_SESSION_HANDLE, b: *mut CK_BYTE, c: CK_ULONG);
        C_SignFinal(session: CK_SESSION_HANDLE, b: *mut CK_BYTE, c: *mut CK_ULONG);
        C_SignRecoverInit(session: CK_SESSION_HANDLE, b: *mut CK_MECHANISM, c: CK_OBJECT_HANDLE);
        C_SignRecover(session: CK_SESSION_HANDLE, b: *mut CK_BYTE, c: CK_ULONG, d: *mut CK_BYTE, e: *mut CK_ULONG);
        C_VerifyInit(session: CK_SESSION_HANDLE, b: *mut CK_MECHANISM, c: CK_OBJECT_HANDLE);
        C_Verify(session: CK_SESSION_HANDLE, b: *mut CK_BYTE, c: CK_ULONG, d: *mut CK_BYTE, e: CK_ULONG);
        C_VerifyUpdate(session: CK_SESSION_HANDLE, b: *mut CK_BYTE, c: CK_ULONG);
        C_VerifyFinal(session: CK_SESSION_HANDLE, b: *mut CK_BYTE, c: CK_ULONG);
        C_VerifyRecoverInit(session: CK_SESSION_HANDLE, b: *mut CK_MECHANISM, c: CK_OBJECT_HANDLE);
        C_VerifyRecover(session: CK_SESSION_HANDLE, b: *mut CK_BYTE, c: CK_ULONG, d: *mut CK_BYTE, e: *mut CK_ULONG);
        C_DigestEncryptUpdate(
            session: CK_SESSION_HANDLE, b: *mut CK_BYTE, c: CK_ULONG, d: *mut CK_BYTE, e: *mut CK_ULONG
        );
        C_DecryptDigestUpdate(
            session: CK_SESSION_HANDLE, b: *mut CK_BYTE, c: CK_ULONG, d: *mut CK_BYTE, e: *mut CK_ULONG
        );
        C_SignEncryptUpdate(
            session: CK_SESSION_HANDLE, b: *mut CK_BYTE, c: CK_ULONG, d: *mut CK_BYTE, e: *mut CK_ULONG
        );
        C_DecryptVerifyUpdate(
            session: CK_SESSION_HANDLE, b: *mut CK_BYTE, c: CK_ULONG, d: *mut CK_BYTE, e: *mut CK_ULONG
        );
        C_GenerateKey(
            session: CK_SESSION_HANDLE, b: *mut CK_MECHANISM, c: *mut CK_ATTRIBUTE, d: CK_ULONG,
            e: *mut CK_OBJECT_HANDLE
        );
        C_GenerateKeyPair(
            session: CK_SESSION_HANDLE, b: *mut CK_MECHANISM, c: *mut CK_ATTRIBUTE, d: CK_ULONG,
            e: *mut CK_ATTRIBUTE, f: CK_ULONG, g: *mut CK_OBJECT_HANDLE, h: *mut CK_OBJECT_HANDLE
        );
        C_WrapKey(
            session: CK_SESSION_HANDLE, b: *mut CK_MECHANISM, c: CK_OBJECT_HANDLE, d: CK_OBJECT_HANDLE,
            e: *mut CK_BYTE, f: *mut CK_ULONG
        );
        C_UnwrapKey(
            session: CK_SESSION_HANDLE, b: *mut CK_MECHANISM, c: CK_OBJECT_HANDLE, d: *mut CK_BYTE, e: CK_ULONG,
            f: *mut CK_ATTRIBUTE, g: CK_ULONG, h: *mut CK_OBJECT_HANDLE
        );
        C_DeriveKey(
            session: CK_SESSION_HANDLE, b: *mut CK_MECHANISM, c: CK_OBJECT_HANDLE, d: *mut CK_ATTRIBUTE, e: CK_ULONG,
            f: *mut CK_OBJECT_HANDLE
        );
        C_SeedRandom(session: CK_SESSION_HANDLE, b: *mut CK_BYTE, c: CK_ULONG);
        C_GenerateRandom(session: CK_SESSION_HANDLE, b: *mut CK_BYTE, c: CK_ULONG);
        C_GetFunctionStatus(session: CK_SESSION_HANDLE);
        C_CancelFunction(session: CK_SESSION_HANDLE);
        C_WaitForSlotEvent(a: CK_FLAGS, b: *mut CK_SLOT_ID, c: *mut c_void);
    }
    since (3, 0) {
        C_GetInterfaceList(a: *mut CK_INTERFACE, b: *mut CK_ULONG);
        C_GetInterface(a: *mut CK_UTF8CHAR, b: *mut CK_VERSION, c: *mut *mut CK_INTERFACE, d: CK_FLAGS);
        C_LoginUser(
            session: CK_SESSION_HANDLE, b: CK_USER_TYPE, c: *mut CK_UTF8CHAR, d: CK_ULONG, e: *mut CK_UTF8CHAR,
            f: CK_ULONG
        );
        C_SessionCancel(session: CK_SESSION_HANDLE, b: CK_FLAGS);
        C_MessageEncryptInit(session: CK_SESSION_HANDLE, b: *mut CK_MECHANISM, c: CK_OBJECT_HANDLE);
        C_EncryptMessage(
            session: CK_SESSION_HANDLE, b: *mut c_void, c: CK_ULONG, d: *mut CK_BYTE, e: CK_ULONG, f: *mut CK_BYTE,
            g: CK_ULONG, h: *mut CK_BYTE, i: *mut CK_ULONG
        );
        C_EncryptMessageBegin(session: CK_SESSION_HANDLE, b: *mut c_void, c: CK_ULONG, d: *mut CK_BYTE, e: CK_ULONG);
        C_EncryptMessageNext(
            session: CK_SESSION_HANDLE, b: *mut c_void, c: CK_ULONG, d: *mut CK_BYTE, e: CK_ULONG, f: *mut CK_BYTE,
            g: *mut CK_ULONG, h: CK_FLAGS
        );
        C_MessageEncryptFinal(session: CK_SESSION_HANDLE);
        C_MessageDecryptInit(session: CK_SESSION_HANDLE, b: *mut CK_MECHANISM, c: CK_OBJECT_HANDLE);
        C_DecryptMessage(
            session: CK_SESSION_HANDLE, b: *mut c_void, c: CK_ULONG, d: *mut CK_BYTE, e: CK_ULONG, f: *mut CK_BYTE,
            g: CK_ULONG, h: *mut CK_BYTE, i: *mut CK_ULONG
        );
        C_DecryptMessageBegin(session: CK_SESSION_HANDLE, b: *mut c_void, c: CK_ULONG, d: *mut CK_BYTE, e: CK_ULONG);
        C_DecryptMessageNext(
            session: CK_SESSION_HANDLE, b: *mut c_void, c: CK_ULONG, d: *mut CK_BYTE, e: CK_ULONG, f: *mut CK_BYTE,
            g: *mut CK_ULONG, h: CK_FLAGS
        );
        C_MessageDecryptFinal(session: CK_SESSION_HANDLE);
        C_MessageSignInit(session: CK_SESSION_HANDLE, b: *mut CK_MECHANISM, c: CK_OBJECT_HANDLE);
        C_SignMessage(
            session: CK_SESSION_HANDLE, b: *mut c_void, c: CK_ULONG, d: *mut CK_BYTE, e: CK_ULONG, f: *mut CK_BYTE,
            g: *mut CK_ULONG
        );
        C_SignMessageBegin(session: CK_SESSION_HANDLE, b: *mut c_void, c: CK_ULONG);
        C_SignMessageNext(
            session: CK_SESSION_HANDLE, b: *mut c_void, c: CK_ULONG, d: *mut CK_BYTE, e: CK_ULONG, f: *mut CK_BYTE,
            g: *mut CK_ULONG
        );
        C_MessageSignFinal(session: CK_SESSION_HANDLE);
        C_MessageVerifyInit(session: CK_SESSION_HANDLE, b: *mut CK_MECHANISM, c: CK_OBJECT_HANDLE);
        C_VerifyMessage(
            session: CK_SESSION_HANDLE, b: *mut c_void, c: CK_ULONG, d: *mut CK_BYTE, e: CK_ULONG, f: *mut CK_BYTE,
            g: CK_ULONG
        );
        C_VerifyMessageBegin(session: CK_SESSION_HANDLE, b: *mut c_void, c: CK_ULONG);
        C_VerifyMessageNext(
            session: CK_SESSION_HANDLE, b: *mut c_void, c: CK_ULONG, d: *mut CK_BYTE, e: CK_ULONG, f: *mut CK_BYTE,
            g: CK_ULONG
        );
        C_MessageVerifyFinal(session: CK_SESSION_HANDLE);
    }
    since (3, 2) {
        C_EncapsulateKey(
            session: CK_SESSION_HANDLE, b: *mut CK_MECHANISM, c: CK_OBJECT_HANDLE, d: *mut CK_ATTRIBUTE, e: CK_ULONG,
            f: *mut CK_BYTE, g: *mut CK_ULONG, h: *mut CK_OBJECT_HANDLE
        );
        C_DecapsulateKey(
            session: CK_SESSION_HANDLE, b: *mut CK_MECHANISM, c: CK_OBJECT_HANDLE, d: *mut CK_ATTRIBUTE, e: CK_ULONG,
            f: *mut CK_BYTE, g: CK_ULONG, h: *mut CK_OBJECT_HANDLE
        );
        C_VerifySignatureInit(
            session: CK_SESSION_HANDLE, b: *mut CK_MECHANISM, c: CK_OBJECT_HANDLE, d: *mut CK_BYTE, e: CK_ULONG
        );
        C_VerifySignature(session: CK_SESSION_HANDLE, b: *mut CK_BYTE, c: CK_ULONG);
        C_VerifySignatureUpdate(session: CK_SESSION_HANDLE, b: *mut CK_BYTE, c: CK_ULONG);
        C_VerifySignatureFinal(session: CK_SESSION_HANDLE);
        C_GetSessionValidationFlags(
            session: CK_SESSION_HANDLE, b: CK_SESSION_VALIDATION_FLAGS_TYPE, c: *mut CK_FLAGS
        );
        C_AsyncComplete(session: CK_SESSION_HANDLE, b: *mut CK_UTF8CHAR, c: *mut CK_ASYNC_DATA);
        C_AsyncGetID(session: CK_SESSION_HANDLE, b: *mut CK_UTF8CHAR, c: *mut CK_ULONG);
        C_AsyncJoin(session: CK_SESSION_HANDLE, b: *mut CK_UTF8CHAR, c: CK_ULONG, d: *mut CK_BYTE, e: CK_ULONG);
        C_WrapKeyAuthenticated(
            session: CK_SESSION_HANDLE, b: *mut CK_MECHANISM, c: CK_OBJECT_HANDLE, d: CK_OBJECT_HANDLE,
            e: *mut CK_BYTE, f: CK_ULONG, g: *mut CK_BYTE, h: *mut CK_ULONG
        );
        C_UnwrapKeyAuthenticated(
            session: CK_SESSION_HANDLE, b: *mut CK_MECHANISM, c: CK_OBJECT_HANDLE, d: *mut CK_BYTE, e: CK_ULONG,
            f: *mut CK_ATTRIBUTE, g: CK_ULONG, h: *mut CK_BYTE, i: CK_ULONG, j: *mut CK_OBJECT_HANDLE
        );
    }
}
