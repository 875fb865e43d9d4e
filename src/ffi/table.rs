//! Every function of PKCS#11, named once. The exported symbols and the three function lists come from this table.
//!
//! Each row: name, arguments, and who answers. A function that the module does not have is answered by
//! [`super::stubs`], after the checks that the standard puts first.

use std::ffi::c_void;

use cryptoki_sys::*;

use super::guard::guard;
use super::{digesting, general, interfaces, objects, recovering, sessions, signing, slots, stubs, verifying};

/// Makes the exported functions and the function lists.
macro_rules! functions {
    (
        since_2_40 { $($name:ident($($argument:ident: $type:ty),*) => $answer:expr;)* }
        since_3_0 { $($name_3_0:ident($($argument_3_0:ident: $type_3_0:ty),*) => $answer_3_0:expr;)* }
        since_3_2 { $($name_3_2:ident($($argument_3_2:ident: $type_3_2:ty),*) => $answer_3_2:expr;)* }
    ) => {
        $(functions!(@export $name($($argument: $type),*) => $answer);)*
        $(functions!(@export $name_3_0($($argument_3_0: $type_3_0),*) => $answer_3_0);)*
        $(functions!(@export $name_3_2($($argument_3_2: $type_3_2),*) => $answer_3_2);)*

        /// The functions of version 2.40.
        pub(super) static FUNCTION_LIST: CK_FUNCTION_LIST = CK_FUNCTION_LIST {
            version: CK_VERSION { major: 2, minor: 40 },
            $($name: Some($name),)*
        };

        /// The functions of version 3.0.
        pub(super) static FUNCTION_LIST_3_0: CK_FUNCTION_LIST_3_0 = CK_FUNCTION_LIST_3_0 {
            version: CK_VERSION { major: 3, minor: 0 },
            $($name: Some($name),)*
            $($name_3_0: Some($name_3_0),)*
        };

        /// The functions of version 3.2.
        pub(super) static FUNCTION_LIST_3_2: CK_FUNCTION_LIST_3_2 = CK_FUNCTION_LIST_3_2 {
            version: CK_VERSION { major: 3, minor: 2 },
            $($name: Some($name),)*
            $($name_3_0: Some($name_3_0),)*
            $($name_3_2: Some($name_3_2),)*
        };
    };

    (@export $name:ident($($argument:ident: $type:ty),*) => $answer:expr) => {
        #[doc = concat!("`", stringify!($name), "`: see PKCS#11 3.2 §5.")]
        ///
        /// # Safety
        /// Every pointer is NULL or points to what the standard says it points to.
        #[unsafe(no_mangle)]
        #[allow(non_snake_case)]
        pub unsafe extern "C" fn $name($($argument: $type),*) -> CK_RV {
            #[allow(unused_unsafe)]
            // SAFETY: the caller's promise is handed on to the function that reads the pointers.
            guard(stringify!($name), &mut || unsafe { $answer })
        }
    };
}

functions! {
    since_2_40 {
        C_Initialize(arguments: *mut c_void) => general::initialize(arguments);
        C_Finalize(reserved: *mut c_void) => general::finalize(reserved);
        C_GetInfo(info: *mut CK_INFO) => general::get_info(info);
        C_GetFunctionList(list: *mut *mut CK_FUNCTION_LIST) => interfaces::get_function_list(list);
        C_GetSlotList(
            present: CK_BBOOL, list: *mut CK_SLOT_ID, count: *mut CK_ULONG
        ) => slots::get_slot_list(present, list, count);
        C_GetSlotInfo(slot: CK_SLOT_ID, info: *mut CK_SLOT_INFO) => slots::get_slot_info(slot, info);
        C_GetTokenInfo(slot: CK_SLOT_ID, info: *mut CK_TOKEN_INFO) => slots::get_token_info(slot, info);
        C_GetMechanismList(
            slot: CK_SLOT_ID, list: *mut CK_MECHANISM_TYPE, count: *mut CK_ULONG
        ) => slots::get_mechanism_list(slot, list, count);
        C_GetMechanismInfo(
            slot: CK_SLOT_ID, kind: CK_MECHANISM_TYPE, info: *mut CK_MECHANISM_INFO
        ) => slots::get_mechanism_info(slot, kind, info);
        C_InitToken(
            slot: CK_SLOT_ID, _pin: *mut CK_UTF8CHAR, _length: CK_ULONG, _label: *mut CK_UTF8CHAR
        ) => stubs::unsupported_by_token(slot);
        C_InitPIN(session: CK_SESSION_HANDLE, _a: *mut CK_UTF8CHAR, _b: CK_ULONG) => stubs::unsupported(session);
        C_SetPIN(
            session: CK_SESSION_HANDLE, old: *mut CK_UTF8CHAR, old_length: CK_ULONG,
            new: *mut CK_UTF8CHAR, new_length: CK_ULONG
        ) => sessions::set_pin(session, old, old_length, new, new_length);
        C_OpenSession(
            slot: CK_SLOT_ID, flags: CK_FLAGS, _data: *mut c_void, _notify: CK_NOTIFY, session: *mut CK_SESSION_HANDLE
        ) => sessions::open_session(slot, flags, session);
        C_CloseSession(session: CK_SESSION_HANDLE) => sessions::close_session(session);
        C_CloseAllSessions(slot: CK_SLOT_ID) => sessions::close_all_sessions(slot);
        C_GetSessionInfo(
            session: CK_SESSION_HANDLE, info: *mut CK_SESSION_INFO
        ) => sessions::get_session_info(session, info);
        C_GetOperationState(
            session: CK_SESSION_HANDLE, _a: *mut CK_BYTE, _b: *mut CK_ULONG
        ) => stubs::unsupported(session);
        C_SetOperationState(
            session: CK_SESSION_HANDLE, _a: *mut CK_BYTE, _b: CK_ULONG, _c: CK_OBJECT_HANDLE, _d: CK_OBJECT_HANDLE
        ) => stubs::unsupported(session);
        C_Login(
            session: CK_SESSION_HANDLE, user: CK_USER_TYPE, pin: *mut CK_UTF8CHAR, length: CK_ULONG
        ) => sessions::login(session, user, pin, length);
        C_Logout(session: CK_SESSION_HANDLE) => sessions::logout(session);
        C_CreateObject(
            session: CK_SESSION_HANDLE, _a: *mut CK_ATTRIBUTE, _b: CK_ULONG, _c: *mut CK_OBJECT_HANDLE
        ) => stubs::write_protected(session);
        C_CopyObject(
            session: CK_SESSION_HANDLE, object: CK_OBJECT_HANDLE, _template: *mut CK_ATTRIBUTE, _count: CK_ULONG, _copy: *mut CK_OBJECT_HANDLE
        ) => objects::prohibited(session, object);
        C_DestroyObject(session: CK_SESSION_HANDLE, object: CK_OBJECT_HANDLE) => objects::prohibited(session, object);
        C_GetObjectSize(
            session: CK_SESSION_HANDLE, object: CK_OBJECT_HANDLE, size: *mut CK_ULONG
        ) => objects::get_object_size(session, object, size);
        C_GetAttributeValue(
            session: CK_SESSION_HANDLE, object: CK_OBJECT_HANDLE, template: *mut CK_ATTRIBUTE, count: CK_ULONG
        ) => objects::get_attribute_value(session, object, template, count);
        C_SetAttributeValue(
            session: CK_SESSION_HANDLE, object: CK_OBJECT_HANDLE, _template: *mut CK_ATTRIBUTE, _count: CK_ULONG
        ) => objects::prohibited(session, object);
        C_FindObjectsInit(
            session: CK_SESSION_HANDLE, template: *mut CK_ATTRIBUTE, count: CK_ULONG
        ) => objects::find_objects_init(session, template, count);
        C_FindObjects(
            session: CK_SESSION_HANDLE, objects: *mut CK_OBJECT_HANDLE, most: CK_ULONG, found: *mut CK_ULONG
        ) => objects::find_objects(session, objects, most, found);
        C_FindObjectsFinal(session: CK_SESSION_HANDLE) => objects::find_objects_final(session);
        C_EncryptInit(
            session: CK_SESSION_HANDLE, _a: *mut CK_MECHANISM, _b: CK_OBJECT_HANDLE
        ) => stubs::unsupported(session);
        C_Encrypt(
            session: CK_SESSION_HANDLE, _a: *mut CK_BYTE, _b: CK_ULONG, _c: *mut CK_BYTE, _d: *mut CK_ULONG
        ) => stubs::unsupported(session);
        C_EncryptUpdate(
            session: CK_SESSION_HANDLE, _a: *mut CK_BYTE, _b: CK_ULONG, _c: *mut CK_BYTE, _d: *mut CK_ULONG
        ) => stubs::unsupported(session);
        C_EncryptFinal(
            session: CK_SESSION_HANDLE, _a: *mut CK_BYTE, _b: *mut CK_ULONG
        ) => stubs::unsupported(session);
        C_DecryptInit(
            session: CK_SESSION_HANDLE, _a: *mut CK_MECHANISM, _b: CK_OBJECT_HANDLE
        ) => stubs::unsupported(session);
        C_Decrypt(
            session: CK_SESSION_HANDLE, _a: *mut CK_BYTE, _b: CK_ULONG, _c: *mut CK_BYTE, _d: *mut CK_ULONG
        ) => stubs::unsupported(session);
        C_DecryptUpdate(
            session: CK_SESSION_HANDLE, _a: *mut CK_BYTE, _b: CK_ULONG, _c: *mut CK_BYTE, _d: *mut CK_ULONG
        ) => stubs::unsupported(session);
        C_DecryptFinal(
            session: CK_SESSION_HANDLE, _a: *mut CK_BYTE, _b: *mut CK_ULONG
        ) => stubs::unsupported(session);
        C_DigestInit(
            session: CK_SESSION_HANDLE, mechanism: *mut CK_MECHANISM
        ) => digesting::digest_init(session, mechanism);
        C_Digest(
            session: CK_SESSION_HANDLE, data: *mut CK_BYTE, data_length: CK_ULONG,
            digest: *mut CK_BYTE, length: *mut CK_ULONG
        ) => digesting::digest(session, data, data_length, digest, length);
        C_DigestUpdate(
            session: CK_SESSION_HANDLE, part: *mut CK_BYTE, length: CK_ULONG
        ) => digesting::digest_update(session, part, length);
        C_DigestKey(session: CK_SESSION_HANDLE, key: CK_OBJECT_HANDLE) => digesting::digest_key(session, key);
        C_DigestFinal(
            session: CK_SESSION_HANDLE, digest: *mut CK_BYTE, length: *mut CK_ULONG
        ) => digesting::digest_final(session, digest, length);
        C_SignInit(
            session: CK_SESSION_HANDLE, mechanism: *mut CK_MECHANISM, key: CK_OBJECT_HANDLE
        ) => signing::sign_init(session, mechanism, key);
        C_Sign(
            session: CK_SESSION_HANDLE, data: *mut CK_BYTE, data_length: CK_ULONG,
            signature: *mut CK_BYTE, length: *mut CK_ULONG
        ) => signing::sign(session, data, data_length, signature, length);
        C_SignUpdate(
            session: CK_SESSION_HANDLE, part: *mut CK_BYTE, length: CK_ULONG
        ) => signing::sign_update(session, part, length);
        C_SignFinal(
            session: CK_SESSION_HANDLE, signature: *mut CK_BYTE, length: *mut CK_ULONG
        ) => signing::sign_final(session, signature, length);
        C_SignRecoverInit(
            session: CK_SESSION_HANDLE, mechanism: *mut CK_MECHANISM, key: CK_OBJECT_HANDLE
        ) => recovering::sign_recover_init(session, mechanism, key);
        C_SignRecover(
            session: CK_SESSION_HANDLE, data: *mut CK_BYTE, data_length: CK_ULONG, signature: *mut CK_BYTE, length: *mut CK_ULONG
        ) => recovering::sign_recover(session, data, data_length, signature, length);
        C_VerifyInit(
            session: CK_SESSION_HANDLE, mechanism: *mut CK_MECHANISM, key: CK_OBJECT_HANDLE
        ) => verifying::verify_init(session, mechanism, key);
        C_Verify(
            session: CK_SESSION_HANDLE, data: *mut CK_BYTE, data_length: CK_ULONG,
            signature: *mut CK_BYTE, length: CK_ULONG
        ) => verifying::verify(session, data, data_length, signature, length);
        C_VerifyUpdate(
            session: CK_SESSION_HANDLE, part: *mut CK_BYTE, length: CK_ULONG
        ) => verifying::verify_update(session, false, part, length);
        C_VerifyFinal(
            session: CK_SESSION_HANDLE, signature: *mut CK_BYTE, length: CK_ULONG
        ) => verifying::verify_final(session, signature, length);
        C_VerifyRecoverInit(
            session: CK_SESSION_HANDLE, mechanism: *mut CK_MECHANISM, key: CK_OBJECT_HANDLE
        ) => recovering::verify_recover_init(session, mechanism, key);
        C_VerifyRecover(
            session: CK_SESSION_HANDLE, signature: *mut CK_BYTE, signature_length: CK_ULONG, data: *mut CK_BYTE, length: *mut CK_ULONG
        ) => recovering::verify_recover(session, signature, signature_length, data, length);
        C_DigestEncryptUpdate(
            session: CK_SESSION_HANDLE, _a: *mut CK_BYTE, _b: CK_ULONG, _c: *mut CK_BYTE, _d: *mut CK_ULONG
        ) => stubs::unsupported(session);
        C_DecryptDigestUpdate(
            session: CK_SESSION_HANDLE, _a: *mut CK_BYTE, _b: CK_ULONG, _c: *mut CK_BYTE, _d: *mut CK_ULONG
        ) => stubs::unsupported(session);
        C_SignEncryptUpdate(
            session: CK_SESSION_HANDLE, _a: *mut CK_BYTE, _b: CK_ULONG, _c: *mut CK_BYTE, _d: *mut CK_ULONG
        ) => stubs::unsupported(session);
        C_DecryptVerifyUpdate(
            session: CK_SESSION_HANDLE, _a: *mut CK_BYTE, _b: CK_ULONG, _c: *mut CK_BYTE, _d: *mut CK_ULONG
        ) => stubs::unsupported(session);
        C_GenerateKey(
            session: CK_SESSION_HANDLE, _a: *mut CK_MECHANISM, _b: *mut CK_ATTRIBUTE,
            _c: CK_ULONG, _d: *mut CK_OBJECT_HANDLE
        ) => stubs::unsupported(session);
        C_GenerateKeyPair(
            session: CK_SESSION_HANDLE, _a: *mut CK_MECHANISM, _b: *mut CK_ATTRIBUTE, _c: CK_ULONG,
            _d: *mut CK_ATTRIBUTE, _e: CK_ULONG, _f: *mut CK_OBJECT_HANDLE, _g: *mut CK_OBJECT_HANDLE
        ) => stubs::unsupported(session);
        C_WrapKey(
            session: CK_SESSION_HANDLE, _a: *mut CK_MECHANISM, _b: CK_OBJECT_HANDLE,
            _c: CK_OBJECT_HANDLE, _d: *mut CK_BYTE, _e: *mut CK_ULONG
        ) => stubs::unsupported(session);
        C_UnwrapKey(
            session: CK_SESSION_HANDLE, _a: *mut CK_MECHANISM, _b: CK_OBJECT_HANDLE, _c: *mut CK_BYTE,
            _d: CK_ULONG, _e: *mut CK_ATTRIBUTE, _f: CK_ULONG, _g: *mut CK_OBJECT_HANDLE
        ) => stubs::unsupported(session);
        C_DeriveKey(
            session: CK_SESSION_HANDLE, _a: *mut CK_MECHANISM, _b: CK_OBJECT_HANDLE,
            _c: *mut CK_ATTRIBUTE, _d: CK_ULONG, _e: *mut CK_OBJECT_HANDLE
        ) => stubs::unsupported(session);
        C_SeedRandom(
            session: CK_SESSION_HANDLE, _seed: *mut CK_BYTE, _length: CK_ULONG
        ) => sessions::seed_random(session);
        C_GenerateRandom(
            session: CK_SESSION_HANDLE, random: *mut CK_BYTE, length: CK_ULONG
        ) => sessions::generate_random(session, random, length);
        C_GetFunctionStatus(session: CK_SESSION_HANDLE) => general::not_parallel(session);
        C_CancelFunction(session: CK_SESSION_HANDLE) => general::not_parallel(session);
        C_WaitForSlotEvent(
            flags: CK_FLAGS, slot: *mut CK_SLOT_ID, reserved: *mut c_void
        ) => slots::wait_for_slot_event(flags, slot, reserved);
    }
    since_3_0 {
        C_GetInterfaceList(
            list: *mut CK_INTERFACE, count: *mut CK_ULONG
        ) => interfaces::get_interface_list(list, count);
        C_GetInterface(
            name: *mut CK_UTF8CHAR, version: *mut CK_VERSION, interface: *mut *mut CK_INTERFACE, flags: CK_FLAGS
        ) => interfaces::get_interface(name, version, interface, flags);
        C_LoginUser(
            session: CK_SESSION_HANDLE, user: CK_USER_TYPE, pin: *mut CK_UTF8CHAR, length: CK_ULONG, _name: *mut CK_UTF8CHAR, name_length: CK_ULONG
        ) => sessions::login_user(session, user, pin, length, name_length);
        C_SessionCancel(session: CK_SESSION_HANDLE, flags: CK_FLAGS) => sessions::session_cancel(session, flags);
        C_MessageEncryptInit(
            session: CK_SESSION_HANDLE, _a: *mut CK_MECHANISM, _b: CK_OBJECT_HANDLE
        ) => stubs::unsupported(session);
        C_EncryptMessage(
            session: CK_SESSION_HANDLE, _a: *mut c_void, _b: CK_ULONG, _c: *mut CK_BYTE, _d: CK_ULONG,
            _e: *mut CK_BYTE, _f: CK_ULONG, _g: *mut CK_BYTE, _h: *mut CK_ULONG
        ) => stubs::unsupported(session);
        C_EncryptMessageBegin(
            session: CK_SESSION_HANDLE, _a: *mut c_void, _b: CK_ULONG, _c: *mut CK_BYTE, _d: CK_ULONG
        ) => stubs::unsupported(session);
        C_EncryptMessageNext(
            session: CK_SESSION_HANDLE, _a: *mut c_void, _b: CK_ULONG, _c: *mut CK_BYTE,
            _d: CK_ULONG, _e: *mut CK_BYTE, _f: *mut CK_ULONG, _g: CK_FLAGS
        ) => stubs::unsupported(session);
        C_MessageEncryptFinal(session: CK_SESSION_HANDLE) => stubs::unsupported(session);
        C_MessageDecryptInit(
            session: CK_SESSION_HANDLE, _a: *mut CK_MECHANISM, _b: CK_OBJECT_HANDLE
        ) => stubs::unsupported(session);
        C_DecryptMessage(
            session: CK_SESSION_HANDLE, _a: *mut c_void, _b: CK_ULONG, _c: *mut CK_BYTE, _d: CK_ULONG,
            _e: *mut CK_BYTE, _f: CK_ULONG, _g: *mut CK_BYTE, _h: *mut CK_ULONG
        ) => stubs::unsupported(session);
        C_DecryptMessageBegin(
            session: CK_SESSION_HANDLE, _a: *mut c_void, _b: CK_ULONG, _c: *mut CK_BYTE, _d: CK_ULONG
        ) => stubs::unsupported(session);
        C_DecryptMessageNext(
            session: CK_SESSION_HANDLE, _a: *mut c_void, _b: CK_ULONG, _c: *mut CK_BYTE,
            _d: CK_ULONG, _e: *mut CK_BYTE, _f: *mut CK_ULONG, _g: CK_FLAGS
        ) => stubs::unsupported(session);
        C_MessageDecryptFinal(session: CK_SESSION_HANDLE) => stubs::unsupported(session);
        C_MessageSignInit(
            session: CK_SESSION_HANDLE, _a: *mut CK_MECHANISM, _b: CK_OBJECT_HANDLE
        ) => stubs::unsupported(session);
        C_SignMessage(
            session: CK_SESSION_HANDLE, _a: *mut c_void, _b: CK_ULONG, _c: *mut CK_BYTE,
            _d: CK_ULONG, _e: *mut CK_BYTE, _f: *mut CK_ULONG
        ) => stubs::unsupported(session);
        C_SignMessageBegin(session: CK_SESSION_HANDLE, _a: *mut c_void, _b: CK_ULONG) => stubs::unsupported(session);
        C_SignMessageNext(
            session: CK_SESSION_HANDLE, _a: *mut c_void, _b: CK_ULONG, _c: *mut CK_BYTE,
            _d: CK_ULONG, _e: *mut CK_BYTE, _f: *mut CK_ULONG
        ) => stubs::unsupported(session);
        C_MessageSignFinal(session: CK_SESSION_HANDLE) => stubs::unsupported(session);
        C_MessageVerifyInit(
            session: CK_SESSION_HANDLE, _a: *mut CK_MECHANISM, _b: CK_OBJECT_HANDLE
        ) => stubs::unsupported(session);
        C_VerifyMessage(
            session: CK_SESSION_HANDLE, _a: *mut c_void, _b: CK_ULONG, _c: *mut CK_BYTE,
            _d: CK_ULONG, _e: *mut CK_BYTE, _f: CK_ULONG
        ) => stubs::unsupported(session);
        C_VerifyMessageBegin(
            session: CK_SESSION_HANDLE, _a: *mut c_void, _b: CK_ULONG
        ) => stubs::unsupported(session);
        C_VerifyMessageNext(
            session: CK_SESSION_HANDLE, _a: *mut c_void, _b: CK_ULONG, _c: *mut CK_BYTE,
            _d: CK_ULONG, _e: *mut CK_BYTE, _f: CK_ULONG
        ) => stubs::unsupported(session);
        C_MessageVerifyFinal(session: CK_SESSION_HANDLE) => stubs::unsupported(session);
    }
    since_3_2 {
        C_EncapsulateKey(
            session: CK_SESSION_HANDLE, _a: *mut CK_MECHANISM, _b: CK_OBJECT_HANDLE, _c: *mut CK_ATTRIBUTE,
            _d: CK_ULONG, _e: *mut CK_BYTE, _f: *mut CK_ULONG, _g: *mut CK_OBJECT_HANDLE
        ) => stubs::unsupported(session);
        C_DecapsulateKey(
            session: CK_SESSION_HANDLE, _a: *mut CK_MECHANISM, _b: CK_OBJECT_HANDLE, _c: *mut CK_ATTRIBUTE,
            _d: CK_ULONG, _e: *mut CK_BYTE, _f: CK_ULONG, _g: *mut CK_OBJECT_HANDLE
        ) => stubs::unsupported(session);
        C_VerifySignatureInit(
            session: CK_SESSION_HANDLE, mechanism: *mut CK_MECHANISM, key: CK_OBJECT_HANDLE, signature: *mut CK_BYTE, length: CK_ULONG
        ) => verifying::verify_signature_init(session, mechanism, key, signature, length);
        C_VerifySignature(
            session: CK_SESSION_HANDLE, data: *mut CK_BYTE, length: CK_ULONG
        ) => verifying::verify_signature(session, data, length);
        C_VerifySignatureUpdate(
            session: CK_SESSION_HANDLE, part: *mut CK_BYTE, length: CK_ULONG
        ) => verifying::verify_update(session, true, part, length);
        C_VerifySignatureFinal(session: CK_SESSION_HANDLE) => verifying::verify_signature_final(session);
        C_GetSessionValidationFlags(
            session: CK_SESSION_HANDLE, _a: CK_SESSION_VALIDATION_FLAGS_TYPE, _b: *mut CK_FLAGS
        ) => stubs::unsupported(session);
        C_AsyncComplete(
            session: CK_SESSION_HANDLE, _a: *mut CK_UTF8CHAR, _b: *mut CK_ASYNC_DATA
        ) => stubs::unsupported(session);
        C_AsyncGetID(
            session: CK_SESSION_HANDLE, _a: *mut CK_UTF8CHAR, _b: *mut CK_ULONG
        ) => stubs::unsupported(session);
        C_AsyncJoin(
            session: CK_SESSION_HANDLE, _a: *mut CK_UTF8CHAR, _b: CK_ULONG, _c: *mut CK_BYTE, _d: CK_ULONG
        ) => stubs::unsupported(session);
        C_WrapKeyAuthenticated(
            session: CK_SESSION_HANDLE, _a: *mut CK_MECHANISM, _b: CK_OBJECT_HANDLE, _c: CK_OBJECT_HANDLE,
            _d: *mut CK_BYTE, _e: CK_ULONG, _f: *mut CK_BYTE, _g: *mut CK_ULONG
        ) => stubs::unsupported(session);
        C_UnwrapKeyAuthenticated(
            session: CK_SESSION_HANDLE, _a: *mut CK_MECHANISM, _b: CK_OBJECT_HANDLE, _c: *mut CK_BYTE, _d: CK_ULONG,
            _e: *mut CK_ATTRIBUTE, _f: CK_ULONG, _g: *mut CK_BYTE, _h: CK_ULONG, _i: *mut CK_OBJECT_HANDLE
        ) => stubs::unsupported(session);
    }
}
