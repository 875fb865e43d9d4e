//! Every function of PKCS#11, named once. The exported symbols and the three function lists come from this table.
//!
//! Each row: name, section of PKCS#11 3.2, arguments, and who answers. [`super::stubs`] answers for a function that the
//! module does not have, after the checks that the standard puts first.

use std::ffi::c_void;

use cryptoki_sys::*;

use super::guard::guard;
use super::interfaces::Interfaces;
use super::{digesting, general, interfaces, objects, recovering, sessions, signing, slots, stubs, verifying};

/// Makes the exported functions and the function lists.
macro_rules! functions {
    (
        since_2_40 { $($name:ident $section:literal ($($argument:tt: $type:ty),*) => $answer:expr;)* }
        since_3_0 { $($name_3_0:ident $section_3_0:literal ($($argument_3_0:tt: $type_3_0:ty),*) => $answer_3_0:expr;)* }
        since_3_2 { $($name_3_2:ident $section_3_2:literal ($($argument_3_2:tt: $type_3_2:ty),*) => $answer_3_2:expr;)* }
    ) => {
        $(functions!(@export $name $section ($($argument: $type),*) => $answer);)*
        $(functions!(@export $name_3_0 $section_3_0 ($($argument_3_0: $type_3_0),*) => $answer_3_0);)*
        $(functions!(@export $name_3_2 $section_3_2 ($($argument_3_2: $type_3_2),*) => $answer_3_2);)*

        /// The functions of version 2.40.
        pub(super) static FUNCTION_LIST: CK_FUNCTION_LIST = CK_FUNCTION_LIST {
            version: CK_VERSION { major: 2, minor: 40 },
            $($name: Some($name),)*
        };

        /// The functions of version 3.0.
        static FUNCTION_LIST_3_0: CK_FUNCTION_LIST_3_0 = CK_FUNCTION_LIST_3_0 {
            version: CK_VERSION { major: 3, minor: 0 },
            $($name: Some($name),)*
            $($name_3_0: Some($name_3_0),)*
        };

        /// The functions of version 3.2.
        static FUNCTION_LIST_3_2: CK_FUNCTION_LIST_3_2 = CK_FUNCTION_LIST_3_2 {
            version: CK_VERSION { major: 3, minor: 2 },
            $($name: Some($name),)*
            $($name_3_0: Some($name_3_0),)*
            $($name_3_2: Some($name_3_2),)*
        };
    };

    (@export $name:ident $section:literal ($($argument:tt: $type:ty),*) => $answer:expr) => {
        #[doc = concat!("`", stringify!($name), "` (PKCS#11 3.2 §", $section, ").")]
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

/// The three lists as interfaces, the best first: a program that names no version gets that one.
pub(super) static INTERFACES: Interfaces = Interfaces::new(&FUNCTION_LIST_3_2, &FUNCTION_LIST_3_0, &FUNCTION_LIST);

functions! {
    since_2_40 {
        C_Initialize "5.4.1" (arguments: *mut c_void) => general::initialize(arguments);
        C_Finalize "5.4.2" (reserved: *mut c_void) => general::finalize(reserved);
        C_GetInfo "5.4.3" (info: *mut CK_INFO) => general::get_info(info);
        C_GetFunctionList "5.4.4" (list: *mut *mut CK_FUNCTION_LIST) => interfaces::get_function_list(&FUNCTION_LIST, list);
        C_GetSlotList "5.5.1" (
            present: CK_BBOOL, list: *mut CK_SLOT_ID, count: *mut CK_ULONG
        ) => slots::get_slot_list(present, list, count);
        C_GetSlotInfo "5.5.2" (slot: CK_SLOT_ID, info: *mut CK_SLOT_INFO) => slots::get_slot_info(slot, info);
        C_GetTokenInfo "5.5.3" (slot: CK_SLOT_ID, info: *mut CK_TOKEN_INFO) => slots::get_token_info(slot, info);
        C_GetMechanismList "5.5.5" (
            slot: CK_SLOT_ID, list: *mut CK_MECHANISM_TYPE, count: *mut CK_ULONG
        ) => slots::get_mechanism_list(slot, list, count);
        C_GetMechanismInfo "5.5.6" (
            slot: CK_SLOT_ID, kind: CK_MECHANISM_TYPE, info: *mut CK_MECHANISM_INFO
        ) => slots::get_mechanism_info(slot, kind, info);
        C_InitToken "5.5.7" (
            slot: CK_SLOT_ID, _: *mut CK_UTF8CHAR, _: CK_ULONG, _: *mut CK_UTF8CHAR
        ) => stubs::unsupported_by_token(slot);
        C_InitPIN "5.5.8" (session: CK_SESSION_HANDLE, _: *mut CK_UTF8CHAR, _: CK_ULONG) => stubs::unsupported(session);
        C_SetPIN "5.5.9" (
            session: CK_SESSION_HANDLE, old: *mut CK_UTF8CHAR, old_length: CK_ULONG,
            new: *mut CK_UTF8CHAR, new_length: CK_ULONG
        ) => sessions::set_pin(session, old, old_length, new, new_length);
        C_OpenSession "5.6.1" (
            slot: CK_SLOT_ID, flags: CK_FLAGS, _: *mut c_void, _: CK_NOTIFY, session: *mut CK_SESSION_HANDLE
        ) => sessions::open_session(slot, flags, session);
        C_CloseSession "5.6.2" (session: CK_SESSION_HANDLE) => sessions::close_session(session);
        C_CloseAllSessions "5.6.3" (slot: CK_SLOT_ID) => sessions::close_all_sessions(slot);
        C_GetSessionInfo "5.6.4" (
            session: CK_SESSION_HANDLE, info: *mut CK_SESSION_INFO
        ) => sessions::get_session_info(session, info);
        C_GetOperationState "5.6.6" (
            session: CK_SESSION_HANDLE, _: *mut CK_BYTE, _: *mut CK_ULONG
        ) => stubs::unsupported(session);
        C_SetOperationState "5.6.7" (
            session: CK_SESSION_HANDLE, _: *mut CK_BYTE, _: CK_ULONG, _: CK_OBJECT_HANDLE, _: CK_OBJECT_HANDLE
        ) => stubs::unsupported(session);
        C_Login "5.6.8" (
            session: CK_SESSION_HANDLE, user: CK_USER_TYPE, pin: *mut CK_UTF8CHAR, length: CK_ULONG
        ) => sessions::login(session, user, pin, length);
        C_Logout "5.6.10" (session: CK_SESSION_HANDLE) => sessions::logout(session);
        C_CreateObject "5.7.1" (
            session: CK_SESSION_HANDLE, _: *mut CK_ATTRIBUTE, _: CK_ULONG, _: *mut CK_OBJECT_HANDLE
        ) => stubs::write_protected(session);
        C_CopyObject "5.7.2" (
            session: CK_SESSION_HANDLE, object: CK_OBJECT_HANDLE, _: *mut CK_ATTRIBUTE, _: CK_ULONG, _: *mut CK_OBJECT_HANDLE
        ) => objects::prohibited(session, object);
        C_DestroyObject "5.7.3" (session: CK_SESSION_HANDLE, object: CK_OBJECT_HANDLE) => objects::prohibited(session, object);
        C_GetObjectSize "5.7.4" (
            session: CK_SESSION_HANDLE, object: CK_OBJECT_HANDLE, size: *mut CK_ULONG
        ) => objects::get_object_size(session, object, size);
        C_GetAttributeValue "5.7.5" (
            session: CK_SESSION_HANDLE, object: CK_OBJECT_HANDLE, template: *mut CK_ATTRIBUTE, count: CK_ULONG
        ) => objects::get_attribute_value(session, object, template, count);
        C_SetAttributeValue "5.7.6" (
            session: CK_SESSION_HANDLE, object: CK_OBJECT_HANDLE, _: *mut CK_ATTRIBUTE, _: CK_ULONG
        ) => objects::prohibited(session, object);
        C_FindObjectsInit "5.7.7" (
            session: CK_SESSION_HANDLE, template: *mut CK_ATTRIBUTE, count: CK_ULONG
        ) => objects::find_objects_init(session, template, count);
        C_FindObjects "5.7.8" (
            session: CK_SESSION_HANDLE, objects: *mut CK_OBJECT_HANDLE, most: CK_ULONG, found: *mut CK_ULONG
        ) => objects::find_objects(session, objects, most, found);
        C_FindObjectsFinal "5.7.9" (session: CK_SESSION_HANDLE) => objects::find_objects_final(session);
        C_EncryptInit "5.8.1" (
            session: CK_SESSION_HANDLE, _: *mut CK_MECHANISM, _: CK_OBJECT_HANDLE
        ) => stubs::unsupported(session);
        C_Encrypt "5.8.2" (
            session: CK_SESSION_HANDLE, _: *mut CK_BYTE, _: CK_ULONG, _: *mut CK_BYTE, _: *mut CK_ULONG
        ) => stubs::unsupported(session);
        C_EncryptUpdate "5.8.3" (
            session: CK_SESSION_HANDLE, _: *mut CK_BYTE, _: CK_ULONG, _: *mut CK_BYTE, _: *mut CK_ULONG
        ) => stubs::unsupported(session);
        C_EncryptFinal "5.8.4" (
            session: CK_SESSION_HANDLE, _: *mut CK_BYTE, _: *mut CK_ULONG
        ) => stubs::unsupported(session);
        C_DecryptInit "5.10.1" (
            session: CK_SESSION_HANDLE, _: *mut CK_MECHANISM, _: CK_OBJECT_HANDLE
        ) => stubs::unsupported(session);
        C_Decrypt "5.10.2" (
            session: CK_SESSION_HANDLE, _: *mut CK_BYTE, _: CK_ULONG, _: *mut CK_BYTE, _: *mut CK_ULONG
        ) => stubs::unsupported(session);
        C_DecryptUpdate "5.10.3" (
            session: CK_SESSION_HANDLE, _: *mut CK_BYTE, _: CK_ULONG, _: *mut CK_BYTE, _: *mut CK_ULONG
        ) => stubs::unsupported(session);
        C_DecryptFinal "5.10.4" (
            session: CK_SESSION_HANDLE, _: *mut CK_BYTE, _: *mut CK_ULONG
        ) => stubs::unsupported(session);
        C_DigestInit "5.12.1" (
            session: CK_SESSION_HANDLE, mechanism: *mut CK_MECHANISM
        ) => digesting::digest_init(session, mechanism);
        C_Digest "5.12.2" (
            session: CK_SESSION_HANDLE, data: *mut CK_BYTE, data_length: CK_ULONG,
            digest: *mut CK_BYTE, length: *mut CK_ULONG
        ) => digesting::digest(session, data, data_length, digest, length);
        C_DigestUpdate "5.12.3" (
            session: CK_SESSION_HANDLE, part: *mut CK_BYTE, length: CK_ULONG
        ) => digesting::digest_update(session, part, length);
        C_DigestKey "5.12.4" (session: CK_SESSION_HANDLE, key: CK_OBJECT_HANDLE) => digesting::digest_key(session, key);
        C_DigestFinal "5.12.5" (
            session: CK_SESSION_HANDLE, digest: *mut CK_BYTE, length: *mut CK_ULONG
        ) => digesting::digest_final(session, digest, length);
        C_SignInit "5.13.1" (
            session: CK_SESSION_HANDLE, mechanism: *mut CK_MECHANISM, key: CK_OBJECT_HANDLE
        ) => signing::sign_init(session, mechanism, key);
        C_Sign "5.13.2" (
            session: CK_SESSION_HANDLE, data: *mut CK_BYTE, data_length: CK_ULONG,
            signature: *mut CK_BYTE, length: *mut CK_ULONG
        ) => signing::sign(session, data, data_length, signature, length);
        C_SignUpdate "5.13.3" (
            session: CK_SESSION_HANDLE, part: *mut CK_BYTE, length: CK_ULONG
        ) => signing::sign_update(session, part, length);
        C_SignFinal "5.13.4" (
            session: CK_SESSION_HANDLE, signature: *mut CK_BYTE, length: *mut CK_ULONG
        ) => signing::sign_final(session, signature, length);
        C_SignRecoverInit "5.13.5" (
            session: CK_SESSION_HANDLE, mechanism: *mut CK_MECHANISM, key: CK_OBJECT_HANDLE
        ) => recovering::sign_recover_init(session, mechanism, key);
        C_SignRecover "5.13.6" (
            session: CK_SESSION_HANDLE, data: *mut CK_BYTE, data_length: CK_ULONG, signature: *mut CK_BYTE, length: *mut CK_ULONG
        ) => recovering::sign_recover(session, data, data_length, signature, length);
        C_VerifyInit "5.15.1" (
            session: CK_SESSION_HANDLE, mechanism: *mut CK_MECHANISM, key: CK_OBJECT_HANDLE
        ) => verifying::verify_init(session, mechanism, key);
        C_Verify "5.15.2" (
            session: CK_SESSION_HANDLE, data: *mut CK_BYTE, data_length: CK_ULONG,
            signature: *mut CK_BYTE, length: CK_ULONG
        ) => verifying::verify(session, data, data_length, signature, length);
        C_VerifyUpdate "5.15.3" (
            session: CK_SESSION_HANDLE, part: *mut CK_BYTE, length: CK_ULONG
        ) => verifying::verify_update(session, part, length);
        C_VerifyFinal "5.15.4" (
            session: CK_SESSION_HANDLE, signature: *mut CK_BYTE, length: CK_ULONG
        ) => verifying::verify_final(session, signature, length);
        C_VerifyRecoverInit "5.15.5" (
            session: CK_SESSION_HANDLE, mechanism: *mut CK_MECHANISM, key: CK_OBJECT_HANDLE
        ) => recovering::verify_recover_init(session, mechanism, key);
        C_VerifyRecover "5.15.6" (
            session: CK_SESSION_HANDLE, signature: *mut CK_BYTE, signature_length: CK_ULONG, data: *mut CK_BYTE, length: *mut CK_ULONG
        ) => recovering::verify_recover(session, signature, signature_length, data, length);
        C_DigestEncryptUpdate "5.17.1" (
            session: CK_SESSION_HANDLE, _: *mut CK_BYTE, _: CK_ULONG, _: *mut CK_BYTE, _: *mut CK_ULONG
        ) => stubs::unsupported(session);
        C_DecryptDigestUpdate "5.17.2" (
            session: CK_SESSION_HANDLE, _: *mut CK_BYTE, _: CK_ULONG, _: *mut CK_BYTE, _: *mut CK_ULONG
        ) => stubs::unsupported(session);
        C_SignEncryptUpdate "5.17.3" (
            session: CK_SESSION_HANDLE, _: *mut CK_BYTE, _: CK_ULONG, _: *mut CK_BYTE, _: *mut CK_ULONG
        ) => stubs::unsupported(session);
        C_DecryptVerifyUpdate "5.17.4" (
            session: CK_SESSION_HANDLE, _: *mut CK_BYTE, _: CK_ULONG, _: *mut CK_BYTE, _: *mut CK_ULONG
        ) => stubs::unsupported(session);
        C_GenerateKey "5.18.1" (
            session: CK_SESSION_HANDLE, _: *mut CK_MECHANISM, _: *mut CK_ATTRIBUTE,
            _: CK_ULONG, _: *mut CK_OBJECT_HANDLE
        ) => stubs::unsupported(session);
        C_GenerateKeyPair "5.18.2" (
            session: CK_SESSION_HANDLE, _: *mut CK_MECHANISM, _: *mut CK_ATTRIBUTE, _: CK_ULONG,
            _: *mut CK_ATTRIBUTE, _: CK_ULONG, _: *mut CK_OBJECT_HANDLE, _: *mut CK_OBJECT_HANDLE
        ) => stubs::unsupported(session);
        C_WrapKey "5.18.3" (
            session: CK_SESSION_HANDLE, _: *mut CK_MECHANISM, _: CK_OBJECT_HANDLE,
            _: CK_OBJECT_HANDLE, _: *mut CK_BYTE, _: *mut CK_ULONG
        ) => stubs::unsupported(session);
        C_UnwrapKey "5.18.4" (
            session: CK_SESSION_HANDLE, _: *mut CK_MECHANISM, _: CK_OBJECT_HANDLE, _: *mut CK_BYTE,
            _: CK_ULONG, _: *mut CK_ATTRIBUTE, _: CK_ULONG, _: *mut CK_OBJECT_HANDLE
        ) => stubs::unsupported(session);
        C_DeriveKey "5.18.5" (
            session: CK_SESSION_HANDLE, _: *mut CK_MECHANISM, _: CK_OBJECT_HANDLE,
            _: *mut CK_ATTRIBUTE, _: CK_ULONG, _: *mut CK_OBJECT_HANDLE
        ) => stubs::unsupported(session);
        C_SeedRandom "5.19.1" (
            session: CK_SESSION_HANDLE, _: *mut CK_BYTE, _: CK_ULONG
        ) => sessions::seed_random(session);
        C_GenerateRandom "5.19.2" (
            session: CK_SESSION_HANDLE, random: *mut CK_BYTE, length: CK_ULONG
        ) => sessions::generate_random(session, random, length);
        C_GetFunctionStatus "5.20.1" (session: CK_SESSION_HANDLE) => general::not_parallel(session);
        C_CancelFunction "5.20.2" (session: CK_SESSION_HANDLE) => general::not_parallel(session);
        C_WaitForSlotEvent "5.5.4" (
            flags: CK_FLAGS, slot: *mut CK_SLOT_ID, reserved: *mut c_void
        ) => slots::wait_for_slot_event(flags, slot, reserved);
    }
    since_3_0 {
        C_GetInterfaceList "5.4.5" (
            list: *mut CK_INTERFACE, count: *mut CK_ULONG
        ) => interfaces::get_interface_list(&INTERFACES, list, count);
        C_GetInterface "5.4.6" (
            name: *mut CK_UTF8CHAR, version: *mut CK_VERSION, interface: *mut *mut CK_INTERFACE, flags: CK_FLAGS
        ) => interfaces::get_interface(&INTERFACES, name, version, interface, flags);
        C_LoginUser "5.6.9" (
            session: CK_SESSION_HANDLE, user: CK_USER_TYPE, pin: *mut CK_UTF8CHAR, length: CK_ULONG, _: *mut CK_UTF8CHAR, name_length: CK_ULONG
        ) => sessions::login_user(session, user, pin, length, name_length);
        C_SessionCancel "5.6.5" (session: CK_SESSION_HANDLE, flags: CK_FLAGS) => sessions::session_cancel(session, flags);
        C_MessageEncryptInit "5.9.1" (
            session: CK_SESSION_HANDLE, _: *mut CK_MECHANISM, _: CK_OBJECT_HANDLE
        ) => stubs::unsupported(session);
        C_EncryptMessage "5.9.2" (
            session: CK_SESSION_HANDLE, _: *mut c_void, _: CK_ULONG, _: *mut CK_BYTE, _: CK_ULONG,
            _: *mut CK_BYTE, _: CK_ULONG, _: *mut CK_BYTE, _: *mut CK_ULONG
        ) => stubs::unsupported(session);
        C_EncryptMessageBegin "5.9.3" (
            session: CK_SESSION_HANDLE, _: *mut c_void, _: CK_ULONG, _: *mut CK_BYTE, _: CK_ULONG
        ) => stubs::unsupported(session);
        C_EncryptMessageNext "5.9.4" (
            session: CK_SESSION_HANDLE, _: *mut c_void, _: CK_ULONG, _: *mut CK_BYTE,
            _: CK_ULONG, _: *mut CK_BYTE, _: *mut CK_ULONG, _: CK_FLAGS
        ) => stubs::unsupported(session);
        C_MessageEncryptFinal "5.9.5" (session: CK_SESSION_HANDLE) => stubs::unsupported(session);
        C_MessageDecryptInit "5.11.1" (
            session: CK_SESSION_HANDLE, _: *mut CK_MECHANISM, _: CK_OBJECT_HANDLE
        ) => stubs::unsupported(session);
        C_DecryptMessage "5.11.2" (
            session: CK_SESSION_HANDLE, _: *mut c_void, _: CK_ULONG, _: *mut CK_BYTE, _: CK_ULONG,
            _: *mut CK_BYTE, _: CK_ULONG, _: *mut CK_BYTE, _: *mut CK_ULONG
        ) => stubs::unsupported(session);
        C_DecryptMessageBegin "5.11.3" (
            session: CK_SESSION_HANDLE, _: *mut c_void, _: CK_ULONG, _: *mut CK_BYTE, _: CK_ULONG
        ) => stubs::unsupported(session);
        C_DecryptMessageNext "5.11.4" (
            session: CK_SESSION_HANDLE, _: *mut c_void, _: CK_ULONG, _: *mut CK_BYTE,
            _: CK_ULONG, _: *mut CK_BYTE, _: *mut CK_ULONG, _: CK_FLAGS
        ) => stubs::unsupported(session);
        C_MessageDecryptFinal "5.11.5" (session: CK_SESSION_HANDLE) => stubs::unsupported(session);
        C_MessageSignInit "5.14.1" (
            session: CK_SESSION_HANDLE, _: *mut CK_MECHANISM, _: CK_OBJECT_HANDLE
        ) => stubs::unsupported(session);
        C_SignMessage "5.14.2" (
            session: CK_SESSION_HANDLE, _: *mut c_void, _: CK_ULONG, _: *mut CK_BYTE,
            _: CK_ULONG, _: *mut CK_BYTE, _: *mut CK_ULONG
        ) => stubs::unsupported(session);
        C_SignMessageBegin "5.14.3" (session: CK_SESSION_HANDLE, _: *mut c_void, _: CK_ULONG) => stubs::unsupported(session);
        C_SignMessageNext "5.14.4" (
            session: CK_SESSION_HANDLE, _: *mut c_void, _: CK_ULONG, _: *mut CK_BYTE,
            _: CK_ULONG, _: *mut CK_BYTE, _: *mut CK_ULONG
        ) => stubs::unsupported(session);
        C_MessageSignFinal "5.14.5" (session: CK_SESSION_HANDLE) => stubs::unsupported(session);
        C_MessageVerifyInit "5.16.1" (
            session: CK_SESSION_HANDLE, _: *mut CK_MECHANISM, _: CK_OBJECT_HANDLE
        ) => stubs::unsupported(session);
        C_VerifyMessage "5.16.2" (
            session: CK_SESSION_HANDLE, _: *mut c_void, _: CK_ULONG, _: *mut CK_BYTE,
            _: CK_ULONG, _: *mut CK_BYTE, _: CK_ULONG
        ) => stubs::unsupported(session);
        C_VerifyMessageBegin "5.16.3" (
            session: CK_SESSION_HANDLE, _: *mut c_void, _: CK_ULONG
        ) => stubs::unsupported(session);
        C_VerifyMessageNext "5.16.4" (
            session: CK_SESSION_HANDLE, _: *mut c_void, _: CK_ULONG, _: *mut CK_BYTE,
            _: CK_ULONG, _: *mut CK_BYTE, _: CK_ULONG
        ) => stubs::unsupported(session);
        C_MessageVerifyFinal "5.16.5" (session: CK_SESSION_HANDLE) => stubs::unsupported(session);
    }
    since_3_2 {
        C_EncapsulateKey "5.18.8" (
            session: CK_SESSION_HANDLE, _: *mut CK_MECHANISM, _: CK_OBJECT_HANDLE, _: *mut CK_ATTRIBUTE,
            _: CK_ULONG, _: *mut CK_BYTE, _: *mut CK_ULONG, _: *mut CK_OBJECT_HANDLE
        ) => stubs::unsupported(session);
        C_DecapsulateKey "5.18.9" (
            session: CK_SESSION_HANDLE, _: *mut CK_MECHANISM, _: CK_OBJECT_HANDLE, _: *mut CK_ATTRIBUTE,
            _: CK_ULONG, _: *mut CK_BYTE, _: CK_ULONG, _: *mut CK_OBJECT_HANDLE
        ) => stubs::unsupported(session);
        C_VerifySignatureInit "5.15.7" (
            session: CK_SESSION_HANDLE, mechanism: *mut CK_MECHANISM, key: CK_OBJECT_HANDLE, signature: *mut CK_BYTE, length: CK_ULONG
        ) => verifying::verify_signature_init(session, mechanism, key, signature, length);
        C_VerifySignature "5.15.8" (
            session: CK_SESSION_HANDLE, data: *mut CK_BYTE, length: CK_ULONG
        ) => verifying::verify_signature(session, data, length);
        C_VerifySignatureUpdate "5.15.9" (
            session: CK_SESSION_HANDLE, part: *mut CK_BYTE, length: CK_ULONG
        ) => verifying::verify_signature_update(session, part, length);
        C_VerifySignatureFinal "5.15.10" (session: CK_SESSION_HANDLE) => verifying::verify_signature_final(session);
        C_GetSessionValidationFlags "5.6.11" (
            session: CK_SESSION_HANDLE, _: CK_SESSION_VALIDATION_FLAGS_TYPE, _: *mut CK_FLAGS
        ) => stubs::unsupported(session);
        C_AsyncComplete "5.21.1" (
            session: CK_SESSION_HANDLE, _: *mut CK_UTF8CHAR, _: *mut CK_ASYNC_DATA
        ) => stubs::unsupported(session);
        C_AsyncGetID "5.21.2" (
            session: CK_SESSION_HANDLE, _: *mut CK_UTF8CHAR, _: *mut CK_ULONG
        ) => stubs::unsupported(session);
        C_AsyncJoin "5.21.3" (
            session: CK_SESSION_HANDLE, _: *mut CK_UTF8CHAR, _: CK_ULONG, _: *mut CK_BYTE, _: CK_ULONG
        ) => stubs::unsupported(session);
        C_WrapKeyAuthenticated "5.18.6" (
            session: CK_SESSION_HANDLE, _: *mut CK_MECHANISM, _: CK_OBJECT_HANDLE, _: CK_OBJECT_HANDLE,
            _: *mut CK_BYTE, _: CK_ULONG, _: *mut CK_BYTE, _: *mut CK_ULONG
        ) => stubs::unsupported(session);
        C_UnwrapKeyAuthenticated "5.18.7" (
            session: CK_SESSION_HANDLE, _: *mut CK_MECHANISM, _: CK_OBJECT_HANDLE, _: *mut CK_BYTE, _: CK_ULONG,
            _: *mut CK_ATTRIBUTE, _: CK_ULONG, _: *mut CK_BYTE, _: CK_ULONG, _: *mut CK_OBJECT_HANDLE
        ) => stubs::unsupported(session);
    }
}
