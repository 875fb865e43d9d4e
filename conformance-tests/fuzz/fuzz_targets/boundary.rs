//! A program that calls the exported functions in any order, with any arguments that a pointer may honestly lead to:
//! nothing crashes, nothing panics, and nothing is written where it must not be.
//!
//! The input: how many bytes of answers of the card, three bytes of card, the answers, and then the calls.
#![no_main]

use std::ffi::c_void;
use std::ptr::null_mut;

use cryptoki_sys::*;
use jpki_fuzz::answers::Answers;
use jpki_fuzz::cards::VirtualCard;
use jpki_fuzz::input::Input;
use jpki_fuzz::machine;
use jpki_fuzz::memory::Buffer;
use jpki_pkcs11::ffi::*;
use libfuzzer_sys::fuzz_target;

/// More calls than this show nothing new. It must stay below the number of refused PINs that the module remembers.
const CALLS_MAX: usize = 28;

/// Lengths that no memory has.
const IMPOSSIBLE: [CK_ULONG; 4] = [CK_ULONG::MAX, CK_ULONG::MAX / 2 + 1, CK_ULONG::MAX - 7, 1 << 63 | 16];

const KINDS: [CK_MECHANISM_TYPE; 14] = [
    CKM_RSA_PKCS,
    CKM_SHA256_RSA_PKCS,
    CKM_SHA256_RSA_PKCS_PSS,
    CKM_RSA_PKCS_PSS,
    CKM_SHA256,
    CKM_SHA_1,
    CKM_SHA512_RSA_PKCS,
    CKM_SHA384,
    CKM_SHA224,
    CKM_SHA512,
    CKM_SHA1_RSA_PKCS,
    CKM_RSA_X_509,
    CKM_AES_CBC,
    CK_UNAVAILABLE_INFORMATION,
];

const ATTRIBUTES: [CK_ATTRIBUTE_TYPE; 16] = [
    CKA_CLASS,
    CKA_TOKEN,
    CKA_PRIVATE,
    CKA_LABEL,
    CKA_ID,
    CKA_VALUE,
    CKA_SUBJECT,
    CKA_ISSUER,
    CKA_SERIAL_NUMBER,
    CKA_START_DATE,
    CKA_KEY_TYPE,
    CKA_MODULUS,
    CKA_PRIVATE_EXPONENT,
    CKA_ALLOWED_MECHANISMS,
    CKA_WRAP_TEMPLATE,
    CK_UNAVAILABLE_INFORMATION,
];

const PINS: [&[u8]; 6] = [b"1234", b"ABC123", b"abc123", b"4321", b"WRONG9", b"12"];

/// Settings that change nothing outside of the process.
const TEXTS: [&[u8]; 6] = [
    b"\0",
    b"slots=auth\0",
    b"log=trace log-file=/dev/null\0",
    b"always-authenticate=true last-try=refuse\0",
    b"readers=\"X*\" labels=ja\0",
    b"ca-certificates=false readers=\"Fuzzed*,*\"\0",
];

/// The program.
#[derive(Default)]
struct Program {
    sessions: Vec<CK_SESSION_HANDLE>,
    objects: Vec<CK_OBJECT_HANDLE>,
}

/// A number that the module writes, or is told and writes: NULL now and then.
struct Number {
    buffer: Option<Buffer>,
}

impl Number {
    fn new(input: &mut Input<'_>, value: CK_ULONG) -> Self {
        let bits = input.byte();
        Number { buffer: (bits & 0x0F != 15).then(|| Buffer::of(&value.to_ne_bytes(), bits >> 4)) }
    }

    fn pointer(&mut self) -> *mut CK_ULONG {
        self.buffer.as_mut().map_or(null_mut(), Buffer::pointer)
    }

    fn value(&self) -> CK_ULONG {
        let bytes = self.buffer.as_ref().and_then(|buffer| buffer.content().try_into().ok());
        bytes.map_or(0, CK_ULONG::from_ne_bytes)
    }

    fn check(&self, what: &str) {
        if let Some(buffer) = &self.buffer {
            buffer.check(size_of::<CK_ULONG>(), what);
        }
    }
}

/// Bytes that go in: NULL, or a buffer, with its own length or one that no memory has.
struct Bytes {
    buffer: Option<Buffer>,
    length: CK_ULONG,
}

impl Bytes {
    fn new(input: &mut Input<'_>) -> Self {
        let bits = input.byte();
        let content = match bits & 0x0F {
            0..=9 => input.blob().to_vec(),
            10 => vec![bits; 256],
            11 => input.pick(&PINS).to_vec(),
            12 => vec![bits; 96],
            13 => vec![bits; 4096],
            14 => {
                let length = if bits & 0x10 != 0 { input.pick(&IMPOSSIBLE) } else { input.byte().into() };
                return Bytes { buffer: None, length };
            }
            _ => return Bytes { buffer: Some(Buffer::of(b"x", bits >> 4)), length: input.pick(&IMPOSSIBLE) },
        };
        Bytes { length: content.len() as CK_ULONG, buffer: Some(Buffer::of(&content, bits >> 4)) }
    }

    fn pointer(&mut self) -> *mut u8 {
        self.buffer.as_mut().map_or(null_mut(), Buffer::pointer)
    }

    fn check(&self, what: &str) {
        if let Some(buffer) = &self.buffer {
            buffer.check(0, what);
        }
    }
}

/// Calls `function` with room for `T`s and its length, and looks at what it has written there.
fn fill<T>(
    input: &mut Input<'_>,
    what: &str,
    mut function: impl FnMut(*mut T, *mut CK_ULONG) -> CK_RV,
) -> (CK_RV, Vec<u8>) {
    let bits = input.byte();
    let count = match bits & 7 {
        0 => 0,
        1 => usize::from(input.byte()),
        2 => 4,
        3 => 96,
        4 => 95,
        _ => 300,
    };
    let mut room = (bits & 0x18 != 0).then(|| Buffer::room(count * size_of::<T>(), bits >> 5));
    let mut length = Number::new(input, count as CK_ULONG);
    let pointer = room.as_mut().map_or(null_mut(), Buffer::pointer);
    let rv = function(pointer, length.pointer());
    length.check(what);
    let Some(room) = room else { return (rv, Vec::new()) };
    let written = if rv == CKR_OK { length.value() as usize * size_of::<T>() } else { 0 };
    room.check(written, what);
    (rv, room.content()[..written].to_vec())
}

/// Calls `function` with a place for one `T`, which it fills only where it succeeds.
fn place<T>(input: &mut Input<'_>, what: &str, mut function: impl FnMut(*mut T) -> CK_RV) -> Option<Vec<u8>> {
    let bits = input.byte();
    let mut room = (bits & 0x0F != 15).then(|| Buffer::room(size_of::<T>(), bits >> 4));
    let rv = function(room.as_mut().map_or(null_mut(), Buffer::pointer));
    let room = room?;
    room.check(if rv == CKR_OK { size_of::<T>() } else { 0 }, what);
    (rv == CKR_OK).then(|| room.content().to_vec())
}

/// Calls `function` with a mechanism.
fn with_mechanism(input: &mut Input<'_>, function: impl FnOnce(*mut CK_MECHANISM) -> CK_RV) -> CK_RV {
    let bits = input.byte();
    if bits & 0x1F == 0x1F {
        return function(null_mut());
    }
    let kind = if bits & 0x1F == 0x1E { input.long() as CK_ULONG } else { input.pick(&KINDS) };
    let pss = CK_RSA_PKCS_PSS_PARAMS { hashAlg: CKM_SHA256, mgf: CKG_MGF1_SHA256, sLen: 32 };
    let pss: Vec<u8> = [pss.hashAlg, pss.mgf, pss.sLen].iter().flat_map(|number| number.to_ne_bytes()).collect();
    let takes_pss = matches!(kind, CKM_RSA_PKCS_PSS | CKM_SHA256_RSA_PKCS_PSS);
    let (content, length) = match bits >> 5 {
        0..=3 if takes_pss => (Some(pss), None),
        4 => (Some(pss), None),
        5 => (Some(input.blob().to_vec()), None),
        6 => (None, Some(CK_ULONG::from(input.byte()))),
        7 => (Some(vec![0; 24]), None),
        _ => (None, None),
    };
    let length = length.unwrap_or(content.as_ref().map_or(0, |content| content.len() as CK_ULONG));
    let mut parameter = content.map(|content| Buffer::of(&content, bits));
    let pointer = parameter.as_mut().map_or(null_mut(), Buffer::pointer);
    let mechanism = CK_MECHANISM { mechanism: kind, pParameter: pointer, ulParameterLen: length };
    let mut memory = Buffer::room(size_of::<CK_MECHANISM>(), bits >> 5);
    // SAFETY: the buffer has the size of what is written.
    unsafe { memory.pointer::<CK_MECHANISM>().write_unaligned(mechanism) };
    let before = memory.content().to_vec();
    let rv = function(memory.pointer());
    assert_eq!(memory.content(), before, "the mechanism was changed");
    if let Some(parameter) = parameter {
        parameter.check(0, "parameter");
    }
    rv
}

/// Calls `function` with a template. `reading`: its values are looked at by the module, not filled.
fn with_template(input: &mut Input<'_>, reading: bool, function: impl FnOnce(*mut CK_ATTRIBUTE, CK_ULONG) -> CK_RV) {
    let bits = input.byte();
    let count = usize::from(bits & 7);
    match bits >> 3 {
        0x1F => {
            function(null_mut(), input.pick(&[0, 1, CK_ULONG::MAX]));
            return;
        }
        // More attributes than memory has.
        0x1E => {
            let mut one = Buffer::room(1, 0);
            function(one.pointer(), input.pick(&IMPOSSIBLE));
            return;
        }
        _ => {}
    }
    let mut values = Vec::new();
    let mut template = Vec::new();
    for _ in 0..count {
        let kind = if input.byte() & 0x0F == 15 { input.long() as CK_ULONG } else { input.pick(&ATTRIBUTES) };
        let shape = input.byte();
        let (mut value, length) = match shape & 7 {
            0 => (None, 0),
            1 => (None, CK_ULONG::from(input.byte())),
            // What is left from a value that could not be had.
            2 if reading => (Some(Buffer::of(input.blob(), shape)), CK_UNAVAILABLE_INFORMATION),
            3 => (Some(Buffer::of(&CKO_CERTIFICATE.to_ne_bytes(), shape >> 3)), 8),
            4 => (Some(Buffer::of(&[0; 600], shape >> 3)), 600),
            _ => {
                let content = input.blob();
                (Some(Buffer::of(content, shape >> 3)), content.len() as CK_ULONG)
            }
        };
        let pointer = value.as_mut().map_or(null_mut(), Buffer::pointer);
        template.push(CK_ATTRIBUTE { type_: kind, pValue: pointer, ulValueLen: length });
        values.push(value);
    }
    let size = size_of::<CK_ATTRIBUTE>();
    let mut memory = Buffer::room(count * size, bits >> 3);
    for (number, attribute) in template.iter().enumerate() {
        // SAFETY: the buffer has room for all attributes.
        unsafe { memory.pointer::<CK_ATTRIBUTE>().wrapping_add(number).write_unaligned(*attribute) };
    }
    let before = memory.content().to_vec();
    function(memory.pointer(), count as CK_ULONG);
    if reading {
        assert_eq!(memory.content(), before, "the template was changed");
    }
    memory.check(count * size, "template");
    for (number, value) in values.iter().enumerate() {
        let Some(value) = value else { continue };
        // SAFETY: as above.
        let after = unsafe { memory.pointer::<CK_ATTRIBUTE>().wrapping_add(number).read_unaligned() };
        assert_eq!((after.type_, after.pValue), (template[number].type_, template[number].pValue));
        let unavailable = reading || after.ulValueLen == CK_UNAVAILABLE_INFORMATION;
        value.check(if unavailable { 0 } else { after.ulValueLen as usize }, "the value of an attribute");
    }
}

impl Program {
    fn session(&self, input: &mut Input<'_>) -> CK_SESSION_HANDLE {
        match input.byte() {
            255 => input.long() as CK_ULONG,
            254 => input.pick(&[0, 1, 2, 3, CK_ULONG::MAX]),
            choice => self.sessions.get(usize::from(choice) % self.sessions.len().max(1)).copied().unwrap_or(1),
        }
    }

    fn object(&self, input: &mut Input<'_>) -> CK_OBJECT_HANDLE {
        match input.byte() {
            255 => input.long() as CK_ULONG,
            254 => input.pick(&[0, 1, 16, 17, CK_ULONG::MAX]),
            choice => self.objects.get(usize::from(choice) % self.objects.len().max(1)).copied().unwrap_or(16),
        }
    }

    fn slot(input: &mut Input<'_>) -> CK_SLOT_ID {
        match input.byte() {
            255 => input.long() as CK_ULONG,
            slot => CK_ULONG::from(slot & 3),
        }
    }

    fn initialize(input: &mut Input<'_>) {
        unsafe extern "C" fn mutex(_: *mut c_void) -> CK_RV {
            CKR_OK
        }
        unsafe extern "C" fn new_mutex(_: *mut *mut c_void) -> CK_RV {
            CKR_OK
        }
        let bits = input.byte();
        if bits & 3 == 0 {
            // SAFETY: NULL is allowed.
            unsafe { C_Initialize(null_mut()) };
            return;
        }
        let callbacks = input.byte();
        let mut text = (bits & 0x10 != 0).then(|| Buffer::of(input.pick(&TEXTS), bits >> 5));
        let mut arguments = CK_C_INITIALIZE_ARGS {
            CreateMutex: (callbacks & 1 != 0).then_some(new_mutex),
            DestroyMutex: (callbacks & 2 != 0).then_some(mutex),
            LockMutex: (callbacks & 4 != 0).then_some(mutex),
            UnlockMutex: (callbacks & 8 != 0).then_some(mutex),
            flags: CK_FLAGS::from(bits >> 2 & 3),
            pReserved: text.as_mut().map_or(null_mut(), Buffer::pointer),
        };
        // SAFETY: the arguments are there, and the text has its terminator.
        unsafe { C_Initialize((&raw mut arguments).cast()) };
        if let Some(text) = text {
            text.check(0, "settings");
        }
    }

    fn one_call(&mut self, input: &mut Input<'_>) {
        machine::call();
        let number = input.byte();
        // SAFETY: for all calls below: every pointer is NULL, or leads to a buffer that is as long as is said, or is said to
        // be longer than memory can be.
        unsafe {
            match number {
                0 => Self::initialize(input),
                1 if input.byte() & 0x0F == 1 => {
                    C_Finalize(null_mut());
                }
                1 => {
                    C_Finalize(Buffer::room(1, 0).pointer());
                }
                2 => drop(place::<CK_INFO>(input, "C_GetInfo", |info| C_GetInfo(info))),
                3 => drop(place::<*mut CK_FUNCTION_LIST>(input, "C_GetFunctionList", |list| C_GetFunctionList(list))),
                4 => drop(fill::<CK_INTERFACE>(input, "C_GetInterfaceList", |list, count| {
                    C_GetInterfaceList(list, count)
                })),
                5 => {
                    let name = [input.blob(), b"\0"].concat();
                    let mut name = Buffer::of(if input.byte() & 1 == 0 { b"PKCS 11\0" } else { &name }, 1);
                    let pointer = if input.byte() & 3 == 0 { null_mut() } else { name.pointer() };
                    let mut version = Buffer::of(&[input.byte() & 3, input.byte()], 0);
                    let version = if input.byte() & 1 == 0 { null_mut() } else { version.pointer() };
                    let flags = CK_FLAGS::from(input.byte() & 3);
                    place::<*mut CK_INTERFACE>(input, "C_GetInterface", |interface| {
                        C_GetInterface(pointer, version, interface, flags)
                    });
                }
                6 => {
                    let present = input.byte();
                    fill::<CK_SLOT_ID>(input, "C_GetSlotList", |list, count| C_GetSlotList(present, list, count));
                }
                7 => {
                    let slot = Self::slot(input);
                    place::<CK_SLOT_INFO>(input, "C_GetSlotInfo", |info| C_GetSlotInfo(slot, info));
                    place::<CK_TOKEN_INFO>(input, "C_GetTokenInfo", |info| C_GetTokenInfo(slot, info));
                }
                8 => {
                    let (slot, kind) = (Self::slot(input), input.pick(&KINDS));
                    fill::<CK_MECHANISM_TYPE>(input, "C_GetMechanismList", |list, count| {
                        C_GetMechanismList(slot, list, count)
                    });
                    place::<CK_MECHANISM_INFO>(input, "C_GetMechanismInfo", |info| {
                        C_GetMechanismInfo(slot, kind, info)
                    });
                }
                9 | 10 => {
                    let (slot, bits) = (Self::slot(input), input.byte());
                    let flags = if bits == 255 {
                        input.long() as CK_ULONG
                    } else {
                        CKF_SERIAL_SESSION | CK_FLAGS::from(bits & 2)
                    };
                    let handle = place::<CK_SESSION_HANDLE>(input, "C_OpenSession", |session| {
                        C_OpenSession(slot, flags, null_mut(), None, session)
                    });
                    let handle = handle.and_then(|bytes| bytes.try_into().ok()).map(CK_ULONG::from_ne_bytes);
                    self.sessions.extend(handle);
                }
                11 => {
                    C_CloseSession(self.session(input));
                }
                12 => {
                    C_CloseAllSessions(Self::slot(input));
                }
                13 => {
                    let session = self.session(input);
                    place::<CK_SESSION_INFO>(input, "C_GetSessionInfo", |info| C_GetSessionInfo(session, info));
                }
                14 | 15 => {
                    let (session, user) =
                        (self.session(input), input.pick(&[CKU_USER, CKU_USER, CKU_SO, CKU_CONTEXT_SPECIFIC, 77]));
                    let mut pin = Bytes::new(input);
                    C_Login(session, user, pin.pointer(), pin.length);
                    pin.check("C_Login");
                }
                16 => {
                    let (session, mut pin, mut name) = (self.session(input), Bytes::new(input), Bytes::new(input));
                    C_LoginUser(session, CKU_USER, pin.pointer(), pin.length, name.pointer(), name.length);
                    pin.check("C_LoginUser");
                    name.check("C_LoginUser");
                }
                17 => {
                    C_Logout(self.session(input));
                }
                18 => {
                    let (session, mut old, mut new) = (self.session(input), Bytes::new(input), Bytes::new(input));
                    C_SetPIN(session, old.pointer(), old.length, new.pointer(), new.length);
                    old.check("C_SetPIN");
                    new.check("C_SetPIN");
                }
                19 | 20 => {
                    let session = self.session(input);
                    with_template(input, true, |template, count| C_FindObjectsInit(session, template, count));
                }
                21 | 22 => {
                    let session = self.session(input);
                    let most = input.byte() & 0x1F;
                    let mut room = Buffer::room(usize::from(most) * 8, most);
                    let mut found = Number::new(input, 0);
                    let pointer = if input.byte() == 255 { null_mut() } else { room.pointer() };
                    let rv = C_FindObjects(session, pointer, most.into(), found.pointer());
                    found.check("C_FindObjects");
                    let written = if rv == CKR_OK { found.value() as usize } else { 0 };
                    room.check(written * 8, "C_FindObjects");
                    let handles = room.content()[..written * 8].chunks_exact(8);
                    self.objects
                        .extend(handles.filter_map(|bytes| Some(CK_ULONG::from_ne_bytes(bytes.try_into().ok()?))));
                }
                23 => {
                    C_FindObjectsFinal(self.session(input));
                }
                24 | 25 => {
                    let (session, object) = (self.session(input), self.object(input));
                    with_template(input, false, |template, count| {
                        C_GetAttributeValue(session, object, template, count)
                    });
                }
                26 => {
                    let (session, object) = (self.session(input), self.object(input));
                    place::<CK_ULONG>(input, "C_GetObjectSize", |size| C_GetObjectSize(session, object, size));
                }
                27 | 28 => {
                    let (session, key) = (self.session(input), self.object(input));
                    with_mechanism(input, |mechanism| C_SignInit(session, mechanism, key));
                }
                29 | 30 => {
                    let (session, mut data) = (self.session(input), Bytes::new(input));
                    fill::<u8>(input, "C_Sign", |out, length| {
                        C_Sign(session, data.pointer(), data.length, out, length)
                    });
                    data.check("C_Sign");
                }
                31 => {
                    let (session, mut data) = (self.session(input), Bytes::new(input));
                    C_SignUpdate(session, data.pointer(), data.length);
                    data.check("C_SignUpdate");
                }
                32 => {
                    let session = self.session(input);
                    fill::<u8>(input, "C_SignFinal", |out, length| C_SignFinal(session, out, length));
                }
                33 => {
                    let (session, key) = (self.session(input), self.object(input));
                    with_mechanism(input, |mechanism| C_SignRecoverInit(session, mechanism, key));
                }
                34 => {
                    let (session, mut data) = (self.session(input), Bytes::new(input));
                    fill::<u8>(input, "C_SignRecover", |out, length| {
                        C_SignRecover(session, data.pointer(), data.length, out, length)
                    });
                    data.check("C_SignRecover");
                }
                35 => {
                    let (session, key) = (self.session(input), self.object(input));
                    with_mechanism(input, |mechanism| C_VerifyInit(session, mechanism, key));
                }
                36 => {
                    let (session, mut data, mut signature) =
                        (self.session(input), Bytes::new(input), Bytes::new(input));
                    C_Verify(session, data.pointer(), data.length, signature.pointer(), signature.length);
                    data.check("C_Verify");
                    signature.check("C_Verify");
                }
                37 => {
                    let (session, mut data) = (self.session(input), Bytes::new(input));
                    C_VerifyUpdate(session, data.pointer(), data.length);
                    C_VerifySignatureUpdate(session, data.pointer(), data.length);
                    data.check("C_VerifyUpdate");
                }
                38 => {
                    let (session, mut signature) = (self.session(input), Bytes::new(input));
                    C_VerifyFinal(session, signature.pointer(), signature.length);
                    signature.check("C_VerifyFinal");
                }
                39 => {
                    let (session, key) = (self.session(input), self.object(input));
                    with_mechanism(input, |mechanism| C_VerifyRecoverInit(session, mechanism, key));
                }
                40 => {
                    let (session, mut signature) = (self.session(input), Bytes::new(input));
                    fill::<u8>(input, "C_VerifyRecover", |out, length| {
                        C_VerifyRecover(session, signature.pointer(), signature.length, out, length)
                    });
                    signature.check("C_VerifyRecover");
                }
                41 => {
                    let (session, key, mut signature) = (self.session(input), self.object(input), Bytes::new(input));
                    let (pointer, length) = (signature.pointer(), signature.length);
                    with_mechanism(input, |mechanism| C_VerifySignatureInit(session, mechanism, key, pointer, length));
                    signature.check("C_VerifySignatureInit");
                }
                42 => {
                    let (session, mut data) = (self.session(input), Bytes::new(input));
                    C_VerifySignature(session, data.pointer(), data.length);
                    data.check("C_VerifySignature");
                }
                43 => {
                    C_VerifySignatureFinal(self.session(input));
                }
                44 => {
                    let session = self.session(input);
                    with_mechanism(input, |mechanism| C_DigestInit(session, mechanism));
                }
                45 => {
                    let (session, mut data) = (self.session(input), Bytes::new(input));
                    fill::<u8>(input, "C_Digest", |out, length| {
                        C_Digest(session, data.pointer(), data.length, out, length)
                    });
                    data.check("C_Digest");
                }
                46 => {
                    let (session, mut data) = (self.session(input), Bytes::new(input));
                    C_DigestUpdate(session, data.pointer(), data.length);
                    data.check("C_DigestUpdate");
                }
                47 => {
                    let session = self.session(input);
                    fill::<u8>(input, "C_DigestFinal", |out, length| C_DigestFinal(session, out, length));
                }
                48 => {
                    C_DigestKey(self.session(input), self.object(input));
                }
                49 => {
                    let session = self.session(input);
                    let length = usize::from(input.word() & 0x3FF);
                    let mut room = Buffer::room(length, 3);
                    let rv = C_GenerateRandom(session, room.pointer(), length as CK_ULONG);
                    room.check(if rv == CKR_OK { length } else { 0 }, "C_GenerateRandom");
                    C_GenerateRandom(session, null_mut(), input.byte().into());
                    C_GenerateRandom(session, room.pointer(), input.pick(&IMPOSSIBLE));
                }
                50 => {
                    C_SessionCancel(self.session(input), input.long() as CK_FLAGS);
                }
                51 => {
                    let flags = CK_FLAGS::from(input.byte()) | CKF_DONT_BLOCK;
                    place::<CK_SLOT_ID>(input, "C_WaitForSlotEvent", |slot| {
                        C_WaitForSlotEvent(flags, slot, null_mut())
                    });
                }
                52 => self.unsupported(input),
                53 => machine::with(|machine| machine.move_card()),
                54 => {
                    let error = Answers::error(input);
                    machine::with(|machine| machine.next_begin = Some(error));
                }
                // A usual program.
                55 => {
                    C_Initialize(null_mut());
                    let (mut session, mut found) = (0, 0);
                    let mut objects = [0; 16];
                    let slot = CK_ULONG::from(input.byte() & 1);
                    let mut pin = PINS[slot as usize].to_vec();
                    C_OpenSession(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, null_mut(), None, &raw mut session);
                    C_Login(session, CKU_USER, pin.as_mut_ptr(), pin.len() as CK_ULONG);
                    C_FindObjectsInit(session, null_mut(), 0);
                    C_FindObjects(session, objects.as_mut_ptr(), 16, &raw mut found);
                    C_FindObjectsFinal(session);
                    self.sessions.push(session);
                    self.objects.extend(&objects[..found as usize]);
                }
                _ => {}
            }
        }
    }

    /// The functions that the module does not have: whatever stands behind their pointers, they let it be.
    fn unsupported(&self, input: &mut Input<'_>) {
        let (s, o, mut data) = (self.session(input), self.object(input), Bytes::new(input));
        let (p, n) = (data.pointer(), data.length);
        let mut length = Number::new(input, n);
        let l = length.pointer();
        // SAFETY: as in `one_call`; nothing is read or written.
        let rv = unsafe {
            match input.byte() % 34 {
                0 => C_InitToken(s, p, n, p),
                1 => C_InitPIN(s, p, n),
                2 => C_GetOperationState(s, p, l),
                3 => C_SetOperationState(s, p, n, o, o),
                4 => C_CreateObject(s, p.cast(), n, l),
                5 => C_CopyObject(s, o, p.cast(), n, l),
                6 => C_DestroyObject(s, o),
                7 => C_SetAttributeValue(s, o, p.cast(), n),
                8 => C_EncryptInit(s, p.cast(), o),
                9 => C_Encrypt(s, p, n, p, l),
                10 => C_EncryptUpdate(s, p, n, p, l),
                11 => C_EncryptFinal(s, p, l),
                12 => C_DecryptInit(s, p.cast(), o),
                13 => C_Decrypt(s, p, n, p, l),
                14 => C_DecryptUpdate(s, p, n, p, l),
                15 => C_DecryptFinal(s, p, l),
                16 => C_DigestEncryptUpdate(s, p, n, p, l),
                17 => C_DecryptDigestUpdate(s, p, n, p, l),
                18 => C_SignEncryptUpdate(s, p, n, p, l),
                19 => C_DecryptVerifyUpdate(s, p, n, p, l),
                20 => C_GenerateKey(s, p.cast(), p.cast(), n, l),
                21 => C_GenerateKeyPair(s, p.cast(), p.cast(), n, p.cast(), n, l, l),
                22 => C_WrapKey(s, p.cast(), o, o, p, l),
                23 => C_UnwrapKey(s, p.cast(), o, p, n, p.cast(), n, l),
                24 => C_DeriveKey(s, p.cast(), o, p.cast(), n, l),
                25 => C_SeedRandom(s, p, n),
                26 => C_GetFunctionStatus(s),
                27 => C_CancelFunction(s),
                28 => C_MessageSignInit(s, p.cast(), o),
                29 => C_SignMessage(s, p.cast(), n, p, n, p, l),
                30 => C_MessageVerifyInit(s, p.cast(), o),
                31 => C_VerifyMessage(s, p.cast(), n, p, n, p, n),
                32 => C_AsyncComplete(s, p, p.cast()),
                _ => C_WrapKeyAuthenticated(s, p.cast(), o, o, p, n, p, l),
            }
        };
        assert_ne!(rv, CKR_OK, "a function that is not there has succeeded");
        data.check("a function that is not there");
        length.check("a function that is not there");
        assert!(length.buffer.is_none() || length.value() == n, "a function that is not there has written a length");
    }
}

fuzz_target!(init: {
    // SAFETY: before anything else runs.
    unsafe { std::env::set_var("JPKI_PKCS11_CONFIG", "/dev/null") };
}, |data: &[u8]| {
    let mut input = Input::new(data);
    let answers = input.byte();
    let card = VirtualCard::new(&mut input);
    machine::set_up(Box::new(card), Answers::new(input.take(answers.into())));
    let mut program = Program::default();
    for _ in 0..CALLS_MAX {
        if input.is_empty() {
            break;
        }
        program.one_call(&mut input);
    }
    machine::call();
    // SAFETY: NULL is what the standard wants.
    unsafe { C_Finalize(null_mut()) };
    machine::tear_down();
});
