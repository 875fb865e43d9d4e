//! The built file: what it exports and needs, its function lists, and its buffers.

use std::collections::BTreeSet;
use std::process::Command;
use std::ptr;

use cryptoki_sys::*;
use jpki_end_to_end::{Key, Objects, Raw, Reader, Stand, Turn, call, module_path, run, verifies};

/// The functions of PKCS#11 2.40, in the order of its function list.
const SINCE_2_40: &str = "C_Initialize C_Finalize C_GetInfo C_GetFunctionList C_GetSlotList C_GetSlotInfo \
    C_GetTokenInfo C_GetMechanismList C_GetMechanismInfo C_InitToken C_InitPIN C_SetPIN C_OpenSession C_CloseSession \
    C_CloseAllSessions C_GetSessionInfo C_GetOperationState C_SetOperationState C_Login C_Logout C_CreateObject \
    C_CopyObject C_DestroyObject C_GetObjectSize C_GetAttributeValue C_SetAttributeValue C_FindObjectsInit \
    C_FindObjects C_FindObjectsFinal C_EncryptInit C_Encrypt C_EncryptUpdate C_EncryptFinal C_DecryptInit C_Decrypt \
    C_DecryptUpdate C_DecryptFinal C_DigestInit C_Digest C_DigestUpdate C_DigestKey C_DigestFinal C_SignInit C_Sign \
    C_SignUpdate C_SignFinal C_SignRecoverInit C_SignRecover C_VerifyInit C_Verify C_VerifyUpdate C_VerifyFinal \
    C_VerifyRecoverInit C_VerifyRecover C_DigestEncryptUpdate C_DecryptDigestUpdate C_SignEncryptUpdate \
    C_DecryptVerifyUpdate C_GenerateKey C_GenerateKeyPair C_WrapKey C_UnwrapKey C_DeriveKey C_SeedRandom \
    C_GenerateRandom C_GetFunctionStatus C_CancelFunction C_WaitForSlotEvent";

/// The functions that 3.0 added.
const SINCE_3_0: &str = "C_GetInterfaceList C_GetInterface C_LoginUser C_SessionCancel C_MessageEncryptInit \
    C_EncryptMessage C_EncryptMessageBegin C_EncryptMessageNext C_MessageEncryptFinal C_MessageDecryptInit \
    C_DecryptMessage C_DecryptMessageBegin C_DecryptMessageNext C_MessageDecryptFinal C_MessageSignInit C_SignMessage \
    C_SignMessageBegin C_SignMessageNext C_MessageSignFinal C_MessageVerifyInit C_VerifyMessage C_VerifyMessageBegin \
    C_VerifyMessageNext C_MessageVerifyFinal";

/// The functions that 3.2 added.
const SINCE_3_2: &str = "C_EncapsulateKey C_DecapsulateKey C_VerifySignatureInit C_VerifySignature \
    C_VerifySignatureUpdate C_VerifySignatureFinal C_GetSessionValidationFlags C_AsyncComplete C_AsyncGetID \
    C_AsyncJoin C_WrapKeyAuthenticated C_UnwrapKeyAuthenticated";

/// The names of all functions up to a version.
fn names(parts: &[&'static str]) -> Vec<&'static str> {
    parts.iter().flat_map(|part| part.split_whitespace()).collect()
}

/// The versions that the module knows, with their functions.
fn versions() -> [((u8, u8), Vec<&'static str>); 3] {
    [
        ((3, 2), names(&[SINCE_2_40, SINCE_3_0, SINCE_3_2])),
        ((3, 0), names(&[SINCE_2_40, SINCE_3_0])),
        ((2, 40), names(&[SINCE_2_40])),
    ]
}

#[test]
fn it_exports_the_functions_of_the_standard_and_nothing_else() {
    let output = run(Command::new("nm").args(["--dynamic", "--defined-only", "--format=posix"]).arg(module_path()));
    let text = output.good();
    let exported: BTreeSet<_> = text.lines().filter_map(|line| line.split(' ').next()).collect();
    let [(_, all), ..] = versions();
    assert_eq!(all.len(), 104);
    assert_eq!(exported, all.into_iter().collect());
}

#[test]
fn it_needs_three_libraries() {
    let text = run(Command::new("readelf").args(["--dynamic", "--wide"]).arg(module_path())).good();
    let needed = text.lines().filter(|line| line.contains("(NEEDED)"));
    let needed: BTreeSet<_> = needed.filter_map(|line| line.split(['[', ']']).nth(1)).collect();
    let loader = |name: &&&str| name.starts_with("ld-linux");
    let needed: Vec<_> = needed.iter().filter(|name| !loader(name)).copied().collect();
    assert_eq!(needed, ["libc.so.6", "libgcc_s.so.1", "libpcsclite.so.1"]);
    assert!(!text.contains("(TEXTREL)") && !text.contains("RPATH") && !text.contains("RUNPATH"));
}

#[test]
fn it_is_small() {
    let sections = run(Command::new("readelf").args(["--section-headers", "--wide"]).arg(module_path())).good();
    assert!(!sections.contains(" .symtab"), "not stripped: build it with --release");
    let size = module_path().metadata().unwrap().len();
    assert!(size < 1_000_000, "{size} bytes");
}

/// The function pointers of a list that begins with its version.
///
/// # Safety
/// The list has `count` functions.
unsafe fn functions(list: *const (), count: usize) -> Vec<*const ()> {
    let first = list.cast::<u8>().wrapping_add(size_of::<*const ()>()).cast::<*const ()>();
    // SAFETY: the version is padded to the size of a pointer, and `count` pointers follow it.
    (0..count).map(|place| unsafe { first.wrapping_add(place).read() }).collect()
}

fn version_of(list: *const ()) -> (u8, u8) {
    // SAFETY: each function list begins with its version.
    let CK_VERSION { major, minor } = unsafe { list.cast::<CK_VERSION>().read() };
    (major, minor)
}

/// C_GetInterface.
fn interface(name: *const u8, version: Option<(u8, u8)>, flags: CK_FLAGS) -> Result<CK_INTERFACE, CK_RV> {
    let mut found = ptr::null_mut();
    let mut version = version.map(|(major, minor)| CK_VERSION { major, minor });
    let version = version.as_mut().map_or(ptr::null_mut(), ptr::from_mut);
    let rv = call!(C_GetInterface(name.cast_mut(), version, &raw mut found, flags));
    // SAFETY: after a success, the pointer is to one of the module's interfaces.
    if rv == CKR_OK { Ok(unsafe { *found }) } else { Err(rv) }
}

const NAME: *const u8 = c"PKCS 11".as_ptr().cast();

#[test]
fn every_list_has_every_function() {
    for (version, names) in versions() {
        let found = interface(NAME, Some(version), 0).unwrap();
        let list = found.pFunctionList.cast::<()>().cast_const();
        assert_eq!(version_of(list), version);
        // SAFETY: a list of that version has exactly these functions.
        let functions = unsafe { functions(list, names.len()) };
        for (name, function) in names.iter().zip(functions) {
            assert!(!function.is_null(), "{name} of {version:?} is NULL");
            assert_eq!(Some(function), Raw::get().symbol(name), "{name} of {version:?} is another function");
        }
    }
}

#[test]
fn the_three_ways_to_the_functions_agree() {
    let mut count = 0;
    assert_eq!(call!(C_GetInterfaceList(ptr::null_mut(), &raw mut count)), CKR_OK);
    assert_eq!(count, 3);
    let empty = CK_INTERFACE { pInterfaceName: ptr::null_mut(), pFunctionList: ptr::null_mut(), flags: 0 };
    let mut list = vec![empty; 3];
    let mut short = 2;
    assert_eq!(call!(C_GetInterfaceList(list.as_mut_ptr(), &raw mut short)), CKR_BUFFER_TOO_SMALL);
    assert_eq!((short, list[0].pFunctionList.is_null()), (3, true));
    assert_eq!(call!(C_GetInterfaceList(list.as_mut_ptr(), &raw mut count)), CKR_OK);

    for (found, (version, _)) in list.iter().zip(versions()) {
        // SAFETY: the name of an interface is a string with a terminator.
        let name = unsafe { std::ffi::CStr::from_ptr(found.pInterfaceName.cast()) };
        assert_eq!((name, found.flags), (c"PKCS 11", 0));
        assert_eq!(version_of(found.pFunctionList.cast()), version);
        assert_eq!(interface(NAME, Some(version), 0).unwrap().pFunctionList, found.pFunctionList);
        assert_eq!(interface(ptr::null(), Some(version), 0).unwrap().pFunctionList, found.pFunctionList);
    }
    assert_eq!(interface(ptr::null(), None, 0).unwrap().pFunctionList, list[0].pFunctionList, "the best by default");
    assert_eq!(interface(NAME, None, 0).unwrap().pFunctionList, list[0].pFunctionList);

    let mut functions = ptr::null_mut();
    assert_eq!(call!(C_GetFunctionList(&raw mut functions)), CKR_OK);
    assert_eq!(functions.cast(), list[2].pFunctionList);
}

#[test]
fn interfaces_that_are_not_there() {
    let other = |name: &std::ffi::CStr| interface(name.as_ptr().cast(), None, 0).map(|_| ());
    for name in [c"", c"PKCS 1", c"PKCS 111", c"pkcs 11", c"Vendor something of a long name"] {
        assert_eq!(other(name), Err(CKR_ARGUMENTS_BAD), "{name:?}");
    }
    for version in [(0, 0), (2, 20), (3, 1), (3, 3), (4, 0)] {
        assert!(interface(NAME, Some(version), 0).is_err(), "{version:?}");
    }
    assert!(
        interface(NAME, None, CKF_INTERFACE_FORK_SAFE).is_err(),
        "the module is not fork-safe, and must not claim to be"
    );
}

#[test]
fn what_the_module_says_of_itself() {
    let stand = Stand::new();
    let info = stand.module.client.get_library_info().unwrap();
    assert_eq!((info.cryptoki_version().major(), info.cryptoki_version().minor()), (3, 2));
    assert_eq!(info.manufacturer_id(), "jpki-pkcs11");
    assert!(!info.library_description().is_empty());
}

#[test]
fn lists_in_short_buffers() {
    let stand = Stand::new();
    let mut count = 0;
    assert_eq!(call!(C_GetSlotList(CK_FALSE, ptr::null_mut(), &raw mut count)), CKR_OK);
    assert_eq!(count, 4, "two readers, two slots each");
    let mut slots = [99; 4];
    let mut short = 3;
    assert_eq!(call!(C_GetSlotList(CK_FALSE, slots.as_mut_ptr(), &raw mut short)), CKR_BUFFER_TOO_SMALL);
    assert_eq!((short, slots), (4, [99; 4]), "only the length is written");
    let mut more = 4;
    assert_eq!(call!(C_GetSlotList(CK_FALSE, slots.as_mut_ptr(), &raw mut more)), CKR_OK);
    assert_eq!(slots.iter().collect::<BTreeSet<_>>().len(), 4);

    let slot = stand.module.slot(Reader::First, Key::Auth).id();
    let mut count = 0;
    assert_eq!(call!(C_GetMechanismList(slot, ptr::null_mut(), &raw mut count)), CKR_OK);
    let mut short = count - 1;
    let mut mechanisms = vec![99; 64];
    assert_eq!(call!(C_GetMechanismList(slot, mechanisms.as_mut_ptr(), &raw mut short)), CKR_BUFFER_TOO_SMALL);
    assert_eq!((short, mechanisms[0]), (count, 99));
}

#[test]
fn a_signature_in_a_short_buffer_is_made_when_there_is_room() {
    let stand = Stand::new();
    for key in Key::ALL {
        let session = stand.module.logged_in(key);
        let certificate = session.certificate();
        let private_key = session.one(cryptoki::object::ObjectClass::PRIVATE_KEY).handle();
        let handle = session.handle();
        let mut mechanism =
            CK_MECHANISM { mechanism: CKM_SHA256_RSA_PKCS, pParameter: ptr::null_mut(), ulParameterLen: 0 };
        assert_eq!(call!(C_SignInit(handle, &raw mut mechanism, private_key)), CKR_OK);
        let mut data = *b"data";
        let mut signature = [0xAA; 300];
        stand.card.clear();
        let mut sign = |room: CK_ULONG, buffer: bool| {
            let mut length = room;
            let place = if buffer { signature.as_mut_ptr() } else { ptr::null_mut() };
            let rv = call!(C_Sign(handle, data.as_mut_ptr(), data.len() as CK_ULONG, place, &raw mut length));
            (rv, length, signature)
        };
        assert_eq!(sign(0, false), (CKR_OK, 256, [0xAA; 300]));
        assert_eq!(sign(0, true), (CKR_BUFFER_TOO_SMALL, 256, [0xAA; 300]));
        assert_eq!(sign(255, true), (CKR_BUFFER_TOO_SMALL, 256, [0xAA; 300]));
        assert_eq!(stand.card.stats().apdus, 0, "the card does not sign before there is room");
        let (rv, length, signature) = sign(300, true);
        assert_eq!((rv, length), (CKR_OK, 256));
        assert_eq!(signature[256..], [0xAA; 44], "nothing is written behind the signature");
        assert!(verifies(&certificate, &["-sha256"], b"data", &signature[..256]));
        assert_eq!(sign_again(handle), CKR_OPERATION_NOT_INITIALIZED);
    }
}

fn sign_again(session: CK_SESSION_HANDLE) -> CK_RV {
    let (mut data, mut signature, mut length) = ([0_u8; 1], [0_u8; 256], 256);
    call!(C_Sign(session, data.as_mut_ptr(), 1, signature.as_mut_ptr(), &raw mut length))
}

#[test]
fn attributes_in_short_buffers() {
    let stand = Stand::new();
    let session = stand.module.logged_in(Key::Auth);
    let key = session.one(cryptoki::object::ObjectClass::PRIVATE_KEY).handle();
    let (mut class, mut id, mut exponent): (CK_ULONG, [u8; 4], [u8; 256]) = (0, [0xAA; 4], [0xAA; 256]);
    let entry = |type_, value: CK_VOID_PTR, room| CK_ATTRIBUTE { type_, pValue: value, ulValueLen: room };
    let mut template = [
        entry(CKA_CLASS, (&raw mut class).cast(), size_of::<CK_ULONG>() as CK_ULONG),
        entry(CKA_ID, id.as_mut_ptr().cast(), 4),
        entry(CKA_MODULUS, ptr::null_mut(), 0),
        entry(CKA_PRIVATE_EXPONENT, exponent.as_mut_ptr().cast(), 256),
        entry(CKA_VALUE_LEN, ptr::null_mut(), 0),
    ];
    let get = |template: &mut [CK_ATTRIBUTE]| {
        call!(C_GetAttributeValue(session.handle(), key, template.as_mut_ptr(), template.len() as CK_ULONG))
    };
    let rv = get(&mut template);
    assert!([CKR_BUFFER_TOO_SMALL, CKR_ATTRIBUTE_SENSITIVE, CKR_ATTRIBUTE_TYPE_INVALID].contains(&rv), "{rv:#x}");
    assert_eq!(class, CKO_PRIVATE_KEY, "a bad entry does not affect the others");
    let lengths = template.map(|entry| entry.ulValueLen);
    let none = CK_UNAVAILABLE_INFORMATION;
    assert_eq!(lengths, [size_of::<CK_ULONG>() as CK_ULONG, none, 256, none, none]);
    assert_eq!((id, exponent), ([0xAA; 4], [0xAA; 256]), "nothing secret is written, and nothing without room");
    assert_eq!(get(&mut template[3..4]), CKR_ATTRIBUTE_SENSITIVE);
    assert_eq!(get(&mut template[4..5]), CKR_ATTRIBUTE_TYPE_INVALID);
}

#[test]
fn no_token_is_made_anew() {
    // The contract suite does not check this, because another module might support it.
    let stand = Stand::new();
    let tokens = || stand.module.client.get_slots_with_token().expect("a list");
    let before = tokens();
    stand.card.clear();
    for slot in &before {
        let (mut pin, mut label) = (*b"12345678", [b' '; 32]);
        let rv = call!(C_InitToken(slot.id(), pin.as_mut_ptr(), pin.len() as CK_ULONG, label.as_mut_ptr()));
        assert_eq!(rv, CKR_FUNCTION_NOT_SUPPORTED);
    }
    assert_eq!((tokens(), stand.card.stats().apdus), (before, 0), "no command to the card");
    stand.card.remove();
    let slot = stand.module.slot(Reader::First, Key::Auth);
    let rv = call!(C_InitToken(slot.id(), ptr::null_mut(), 0, ptr::null_mut()));
    assert_eq!(rv, CKR_TOKEN_NOT_PRESENT, "the check for a token comes first");
}

#[test]
fn before_and_after_initialization() {
    let _turn = Turn::take();
    let mut count = 0;
    let list = |count: &mut CK_ULONG| call!(C_GetSlotList(CK_FALSE, ptr::null_mut(), count));
    assert_eq!(list(&mut count), CKR_CRYPTOKI_NOT_INITIALIZED);
    assert_eq!(call!(C_Finalize(ptr::null_mut())), CKR_CRYPTOKI_NOT_INITIALIZED);
    for _ in 0..3 {
        assert_eq!(call!(C_Initialize(ptr::null_mut())), CKR_OK);
        assert_eq!(call!(C_Initialize(ptr::null_mut())), CKR_CRYPTOKI_ALREADY_INITIALIZED);
        assert_eq!(list(&mut count), CKR_OK);
        assert_eq!(call!(C_Finalize(ptr::null_mut())), CKR_OK);
        assert_eq!(list(&mut count), CKR_CRYPTOKI_NOT_INITIALIZED);
    }
}
