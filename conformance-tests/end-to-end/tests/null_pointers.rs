//! Every function with NULL for every pointer, and with invalid handles: an error each time.

use std::ptr::null_mut as null;

use cryptoki_sys::*;
use jpki_end_to_end::{Key, Objects, Reader, Stand, Turn, call};

/// Names of functions with their return values.
type Outcomes = Vec<(&'static str, CK_RV)>;

/// Calls functions in turn.
macro_rules! outcomes {
    ($($name:ident($($argument:expr),*);)*) => {
        vec![$((stringify!($name), call!($name($($argument),*)))),*]
    };
}

/// Bytes at the end of a page, behind which there is no memory. The page is never freed.
fn before_nothing(bytes: &[u8]) -> CK_VOID_PTR {
    const PAGE: usize = 65536;
    // SAFETY: two new pages (of the largest page size), the first of them writable.
    unsafe {
        let pages = libc::mmap(null(), 2 * PAGE, libc::PROT_NONE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS, -1, 0);
        assert_ne!(pages, libc::MAP_FAILED);
        assert_eq!(libc::mprotect(pages, PAGE, libc::PROT_READ | libc::PROT_WRITE), 0);
        let text = pages.cast::<u8>().add(PAGE - bytes.len());
        text.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
        text.cast()
    }
}

/// Every function with a pointer, with NULL for all pointers and lengths that are not 0.
#[allow(clippy::too_many_lines)] // A table.
fn with_null(slot: CK_SLOT_ID, session: CK_SESSION_HANDLE, key: CK_OBJECT_HANDLE) -> Outcomes {
    let (s, n) = (session, 16);
    outcomes! {
        C_GetInfo(null());
        C_GetFunctionList(null());
        C_GetSlotList(0, null(), null());
        C_GetSlotInfo(slot, null());
        C_GetTokenInfo(slot, null());
        C_GetMechanismList(slot, null(), null());
        C_GetMechanismInfo(slot, CKM_RSA_PKCS, null());
        C_InitToken(slot, null(), n, null());
        C_InitPIN(s, null(), n);
        C_SetPIN(s, null(), n, null(), n);
        C_OpenSession(slot, CKF_SERIAL_SESSION, null(), None, null());
        C_GetSessionInfo(s, null());
        C_GetOperationState(s, null(), null());
        C_SetOperationState(s, null(), n, 0, 0);
        C_Login(s, CKU_USER, null(), n);
        C_CreateObject(s, null(), n, null());
        C_CopyObject(s, key, null(), n, null());
        C_GetObjectSize(s, key, null());
        C_GetAttributeValue(s, key, null(), n);
        C_SetAttributeValue(s, key, null(), n);
        C_FindObjectsInit(s, null(), n);
        C_FindObjects(s, null(), n, null());
        C_EncryptInit(s, null(), key);
        C_Encrypt(s, null(), n, null(), null());
        C_EncryptUpdate(s, null(), n, null(), null());
        C_EncryptFinal(s, null(), null());
        C_DecryptInit(s, null(), key);
        C_Decrypt(s, null(), n, null(), null());
        C_DecryptUpdate(s, null(), n, null(), null());
        C_DecryptFinal(s, null(), null());
        C_DigestInit(s, null());
        C_Digest(s, null(), n, null(), null());
        C_DigestUpdate(s, null(), n);
        C_DigestFinal(s, null(), null());
        C_SignInit(s, null(), key);
        C_Sign(s, null(), n, null(), null());
        C_SignUpdate(s, null(), n);
        C_SignFinal(s, null(), null());
        C_SignRecoverInit(s, null(), key);
        C_SignRecover(s, null(), n, null(), null());
        C_VerifyInit(s, null(), key);
        C_Verify(s, null(), n, null(), n);
        C_VerifyUpdate(s, null(), n);
        C_VerifyFinal(s, null(), n);
        C_VerifyRecoverInit(s, null(), key);
        C_VerifyRecover(s, null(), n, null(), null());
        C_DigestEncryptUpdate(s, null(), n, null(), null());
        C_DecryptDigestUpdate(s, null(), n, null(), null());
        C_SignEncryptUpdate(s, null(), n, null(), null());
        C_DecryptVerifyUpdate(s, null(), n, null(), null());
        C_GenerateKey(s, null(), null(), n, null());
        C_GenerateKeyPair(s, null(), null(), n, null(), n, null(), null());
        C_WrapKey(s, null(), key, key, null(), null());
        C_UnwrapKey(s, null(), key, null(), n, null(), n, null());
        C_DeriveKey(s, null(), key, null(), n, null());
        C_SeedRandom(s, null(), n);
        C_GenerateRandom(s, null(), n);
        C_WaitForSlotEvent(CKF_DONT_BLOCK, null(), null());
        C_GetInterfaceList(null(), null());
        C_GetInterface(null(), null(), null(), 0);
        C_LoginUser(s, CKU_USER, null(), n, null(), n);
        C_MessageEncryptInit(s, null(), key);
        C_EncryptMessage(s, null(), n, null(), n, null(), n, null(), null());
        C_EncryptMessageBegin(s, null(), n, null(), n);
        C_EncryptMessageNext(s, null(), n, null(), n, null(), null(), 0);
        C_MessageDecryptInit(s, null(), key);
        C_DecryptMessage(s, null(), n, null(), n, null(), n, null(), null());
        C_DecryptMessageBegin(s, null(), n, null(), n);
        C_DecryptMessageNext(s, null(), n, null(), n, null(), null(), 0);
        C_MessageSignInit(s, null(), key);
        C_SignMessage(s, null(), n, null(), n, null(), null());
        C_SignMessageBegin(s, null(), n);
        C_SignMessageNext(s, null(), n, null(), n, null(), null());
        C_MessageVerifyInit(s, null(), key);
        C_VerifyMessage(s, null(), n, null(), n, null(), n);
        C_VerifyMessageBegin(s, null(), n);
        C_VerifyMessageNext(s, null(), n, null(), n, null(), n);
        C_EncapsulateKey(s, null(), key, null(), n, null(), null(), null());
        C_DecapsulateKey(s, null(), key, null(), n, null(), n, null());
        C_VerifySignatureInit(s, null(), key, null(), n);
        C_VerifySignature(s, null(), n);
        C_VerifySignatureUpdate(s, null(), n);
        C_GetSessionValidationFlags(s, 0, null());
        C_AsyncComplete(s, null(), null());
        C_AsyncGetID(s, null(), null());
        C_AsyncJoin(s, null(), 0, null(), n);
        C_WrapKeyAuthenticated(s, null(), key, key, null(), n, null(), null());
        C_UnwrapKeyAuthenticated(s, null(), key, null(), n, null(), n, null(), n, null());
    }
}

/// The functions with a session but without a pointer.
fn without_pointers(s: CK_SESSION_HANDLE) -> Outcomes {
    outcomes! {
        C_CloseSession(s);
        C_Logout(s);
        C_DestroyObject(s, 0);
        C_FindObjectsFinal(s);
        C_DigestKey(s, 0);
        C_GetFunctionStatus(s);
        C_CancelFunction(s);
        C_SessionCancel(s, 0);
        C_MessageEncryptFinal(s);
        C_MessageDecryptFinal(s);
        C_MessageSignFinal(s);
        C_MessageVerifyFinal(s);
        C_VerifySignatureFinal(s);
    }
}

/// The supported functions that have to refuse NULL as a bad argument. The others fail before they check the
/// pointers: there is no operation, or no such function.
const LOOKED_AT: [&str; 16] = [
    "C_GetInfo",
    "C_GetFunctionList",
    "C_GetSlotList",
    "C_GetSlotInfo",
    "C_GetTokenInfo",
    "C_GetMechanismList",
    "C_GetMechanismInfo",
    "C_OpenSession",
    "C_GetSessionInfo",
    "C_Login",
    "C_GetAttributeValue",
    "C_FindObjectsInit",
    "C_GenerateRandom",
    "C_WaitForSlotEvent",
    "C_GetInterfaceList",
    "C_GetInterface",
];

/// The functions for which NULL as the mechanism ends the active operation (since PKCS#11 3.0). It is no error if there
/// is none.
const CANCELLING: [&str; 6] =
    ["C_DigestInit", "C_SignInit", "C_SignRecoverInit", "C_VerifyInit", "C_VerifyRecoverInit", "C_VerifySignatureInit"];

#[test]
fn null_pointers() {
    let stand = Stand::new();
    for key in Key::ALL {
        let slot = stand.module.slot(Reader::First, key).id();
        let session = stand.module.logged_in(key);
        let private_key = session.one(cryptoki::object::ObjectClass::PRIVATE_KEY).handle();
        let outcomes = with_null(slot, session.handle(), private_key);
        assert_eq!(outcomes.len() + without_pointers(0).len() + 3, 104, "C_Initialize, C_Finalize, C_CloseAllSessions");
        for (name, rv) in outcomes {
            assert_eq!(rv == CKR_OK, CANCELLING.contains(&name), "{name} with NULL: {rv:#x}");
            assert_ne!(rv, CKR_GENERAL_ERROR, "{name} with NULL");
            assert!(!LOOKED_AT.contains(&name) || rv == CKR_ARGUMENTS_BAD, "{name} with NULL: {rv:#x}");
        }
        session.sign_well().expect("no operation was left active");
    }
}

#[test]
fn no_mechanism_ends_the_operation() {
    let stand = Stand::new();
    let session = stand.module.logged_in(Key::Auth);
    let (s, key) = (session.handle(), session.one(cryptoki::object::ObjectClass::PRIVATE_KEY).handle());
    let mut signing = CK_MECHANISM { mechanism: CKM_SHA256_RSA_PKCS, pParameter: null(), ulParameterLen: 0 };
    assert_eq!(call!(C_SignInit(s, &raw mut signing, key)), CKR_OK);
    assert_eq!(call!(C_SignInit(s, &raw mut signing, key)), CKR_OPERATION_ACTIVE);
    assert_eq!(call!(C_SignInit(s, null(), 0)), CKR_OK);
    let (mut data, mut length) = (*b"data", 0);
    let asked = call!(C_Sign(s, data.as_mut_ptr(), 4, null(), &raw mut length));
    assert_eq!(asked, CKR_OPERATION_NOT_INITIALIZED);
    assert_eq!(call!(C_SignInit(s, &raw mut signing, key)), CKR_OK);
}

#[test]
fn null_pointers_in_the_middle_of_an_operation() {
    let stand = Stand::new();
    let session = stand.module.logged_in(Key::Auth);
    let (s, key) = (session.handle(), session.one(cryptoki::object::ObjectClass::PRIVATE_KEY).handle());
    let public_key = session.one(cryptoki::object::ObjectClass::PUBLIC_KEY).handle();
    let mut signing = CK_MECHANISM { mechanism: CKM_SHA256_RSA_PKCS, pParameter: null(), ulParameterLen: 0 };
    let mut digest = CK_MECHANISM { mechanism: CKM_SHA256, pParameter: null(), ulParameterLen: 0 };
    let mut begin = || {
        outcomes! {
            C_FindObjectsInit(s, null(), 0);
            C_DigestInit(s, &raw mut digest);
            C_SignInit(s, &raw mut signing, key);
            C_VerifyInit(s, &raw mut signing, public_key);
        }
    };
    let good = |outcomes: Outcomes| outcomes.iter().all(|(_, rv)| *rv == CKR_OK);
    assert!(good(begin()));
    for (name, rv) in outcomes! {
        C_FindObjects(s, null(), 16, null());
        C_DigestUpdate(s, null(), 16);
        C_SignUpdate(s, null(), 16);
        C_VerifyUpdate(s, null(), 16);
    } {
        assert_eq!(rv, CKR_ARGUMENTS_BAD, "{name}");
    }
    // A failed call has ended its operation, except for a search.
    assert_eq!(call!(C_FindObjectsFinal(s)), CKR_OK);
    assert!(good(begin()));
    let mut length = 256;
    for (name, rv) in outcomes! {
        C_Digest(s, null(), 16, null(), &raw mut length);
        C_Sign(s, null(), 16, null(), &raw mut length);
        C_Verify(s, null(), 16, null(), 256);
    } {
        assert_eq!(rv, CKR_ARGUMENTS_BAD, "{name}");
    }
    assert_eq!(call!(C_FindObjectsFinal(s)), CKR_OK);
    assert!(good(begin()));
    for (name, rv) in outcomes! {
        C_DigestFinal(s, null(), null());
        C_SignFinal(s, null(), null());
        C_VerifyFinal(s, null(), 256);
    } {
        assert_eq!(rv, CKR_ARGUMENTS_BAD, "{name}");
    }
}

#[test]
fn a_length_that_an_earlier_call_has_left_is_no_length() {
    let stand = Stand::new();
    let session = stand.module.session(Key::Auth);
    let mut room = [0_u8; 8];
    let left =
        CK_ATTRIBUTE { type_: CKA_LABEL, pValue: room.as_mut_ptr().cast(), ulValueLen: CK_UNAVAILABLE_INFORMATION };
    let mut template = [left];
    assert_eq!(call!(C_FindObjectsInit(session.handle(), template.as_mut_ptr(), 1)), CKR_ARGUMENTS_BAD);
    let object = session.one(cryptoki::object::ObjectClass::PUBLIC_KEY);
    let mut template = [left];
    let asked = call!(C_GetAttributeValue(session.handle(), object.handle(), template.as_mut_ptr(), 1));
    assert_eq!((asked, room), (CKR_BUFFER_TOO_SMALL, [0; 8]), "nothing is written without a known room");
}

#[test]
fn handles_that_are_none() {
    let stand = Stand::new();
    let open = stand.module.session(Key::Auth);
    for wrong in [0, open.handle() + 1, CK_ULONG::MAX] {
        for (name, rv) in with_null(0, wrong, 0).into_iter().chain(without_pointers(wrong)) {
            let sessionless = ["C_Get", "C_InitToken", "C_OpenSession", "C_WaitForSlotEvent"];
            let asks_for_a_session = !sessionless.iter().any(|start| name.starts_with(start))
                || ["C_GetSessionInfo", "C_GetOperationState", "C_GetObjectSize", "C_GetAttributeValue"]
                    .contains(&name);
            assert_ne!(rv, CKR_OK, "{name} with the session {wrong}");
            if asks_for_a_session {
                assert_eq!(rv, CKR_SESSION_HANDLE_INVALID, "{name} with the session {wrong}: {rv:#x}");
            }
        }
    }
    let mut info = CK_SLOT_INFO::default();
    for wrong in [4, 1000, CK_ULONG::MAX] {
        assert_eq!(call!(C_GetSlotInfo(wrong, &raw mut info)), CKR_SLOT_ID_INVALID);
        assert_eq!(call!(C_CloseAllSessions(wrong)), CKR_SLOT_ID_INVALID);
    }
    let mut mechanism = CK_MECHANISM { mechanism: CKM_RSA_PKCS, pParameter: null(), ulParameterLen: 0 };
    let logged_in = stand.module.logged_in(Key::Auth);
    for wrong in [0, 1, CK_ULONG::MAX] {
        assert_eq!(call!(C_SignInit(logged_in.handle(), &raw mut mechanism, wrong)), CKR_KEY_HANDLE_INVALID);
    }
}

#[test]
fn the_four_ways_to_say_how_to_lock() {
    let stand = Stand::new();
    assert_eq!(call!(C_Finalize(null())), CKR_OK);
    unsafe extern "C" fn create(_: *mut CK_VOID_PTR) -> CK_RV {
        CKR_OK
    }
    unsafe extern "C" fn other(_: CK_VOID_PTR) -> CK_RV {
        CKR_OK
    }
    let arguments = |mutexes, flags| CK_C_INITIALIZE_ARGS {
        CreateMutex: if mutexes { Some(create) } else { None },
        DestroyMutex: if mutexes { Some(other) } else { None },
        LockMutex: if mutexes { Some(other) } else { None },
        UnlockMutex: if mutexes { Some(other) } else { None },
        flags,
        pReserved: null(),
    };
    for (mutexes, flags, wanted) in [
        (false, 0, CKR_OK),
        (false, CKF_OS_LOCKING_OK, CKR_OK),
        (true, CKF_OS_LOCKING_OK, CKR_OK),
        (true, 0, CKR_CANT_LOCK),
        (false, CKF_OS_LOCKING_OK | CKF_LIBRARY_CANT_CREATE_OS_THREADS, CKR_OK),
    ] {
        let mut arguments = arguments(mutexes, flags);
        assert_eq!(call!(C_Initialize((&raw mut arguments).cast())), wanted, "mutexes: {mutexes}, flags: {flags:#x}");
        if wanted == CKR_OK {
            assert_eq!(call!(C_Finalize(null())), CKR_OK);
        }
    }
    let mut some = CK_C_INITIALIZE_ARGS { LockMutex: None, ..arguments(true, CKF_OS_LOCKING_OK) };
    assert_eq!(call!(C_Initialize((&raw mut some).cast())), CKR_ARGUMENTS_BAD);
    assert_eq!(call!(C_Initialize(null())), CKR_OK);
    let mut something = 0;
    assert_eq!(call!(C_Finalize((&raw mut something).cast())), CKR_ARGUMENTS_BAD);
    drop(stand);
}

#[test]
fn a_reserved_argument_that_is_no_string_of_settings() {
    let _turn = Turn::take();
    // Two pointers to no memory, and a string that runs into such memory: a program may have another use of the field.
    for reserved in [1_usize as CK_VOID_PTR, usize::MAX as CK_VOID_PTR, before_nothing(b"abcdef")] {
        let mut arguments =
            CK_C_INITIALIZE_ARGS { pReserved: reserved, flags: CKF_OS_LOCKING_OK, ..Default::default() };
        assert_eq!(call!(C_Initialize((&raw mut arguments).cast())), CKR_ARGUMENTS_BAD, "{reserved:?}");
        assert_eq!(call!(C_Finalize(null())), CKR_CRYPTOKI_NOT_INITIALIZED);
    }
}
