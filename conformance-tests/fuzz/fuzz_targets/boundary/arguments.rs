//! The arguments of the calls: numbers, bytes, rooms, mechanisms and templates, as the input says.

use std::ptr::null_mut;

use cryptoki_sys::*;
use jpki_fuzz::input::Input;
use jpki_fuzz::memory::Buffer;

/// Lengths that no memory has.
pub(crate) const IMPOSSIBLE: [CK_ULONG; 4] = [CK_ULONG::MAX, CK_ULONG::MAX / 2 + 1, CK_ULONG::MAX - 7, 1 << 63 | 16];

pub(crate) const KINDS: [CK_MECHANISM_TYPE; 14] = [
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

pub(crate) const ATTRIBUTES: [CK_ATTRIBUTE_TYPE; 16] = [
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

pub(crate) const PINS: [&[u8]; 6] = [b"1234", b"ABC123", b"abc123", b"4321", b"WRONG9", b"12"];

/// Settings that change nothing outside the process.
pub(crate) const TEXTS: [&[u8]; 6] = [
    b"\0",
    b"slots=auth\0",
    b"log=trace log-file=/dev/null\0",
    b"always-authenticate=true last-try=refuse\0",
    b"readers=\"X*\" labels=ja\0",
    b"ca-certificates=false readers=\"Fuzzed*,*\"\0",
];

/// A number that the module writes, or reads and writes; sometimes NULL.
pub(crate) struct Number {
    pub(crate) buffer: Option<Buffer>,
}

impl Number {
    pub(crate) fn new(input: &mut Input<'_>, value: CK_ULONG) -> Self {
        let bits = input.byte();
        Number { buffer: (bits & 0x0F != 15).then(|| Buffer::of(&value.to_ne_bytes(), bits >> 4)) }
    }

    pub(crate) fn pointer(&mut self) -> *mut CK_ULONG {
        self.buffer.as_mut().map_or(null_mut(), Buffer::pointer)
    }

    pub(crate) fn value(&self) -> CK_ULONG {
        let bytes = self.buffer.as_ref().and_then(|buffer| buffer.content().try_into().ok());
        bytes.map_or(0, CK_ULONG::from_ne_bytes)
    }

    pub(crate) fn check(&self, what: &str) {
        if let Some(buffer) = &self.buffer {
            buffer.check(size_of::<CK_ULONG>(), what);
        }
    }
}

/// Input bytes: NULL, or a buffer, with its own length or with one that no memory has.
pub(crate) struct Bytes {
    buffer: Option<Buffer>,
    pub(crate) length: CK_ULONG,
}

impl Bytes {
    pub(crate) fn new(input: &mut Input<'_>) -> Self {
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

    pub(crate) fn pointer(&mut self) -> *mut u8 {
        self.buffer.as_mut().map_or(null_mut(), Buffer::pointer)
    }

    pub(crate) fn check(&self, what: &str) {
        if let Some(buffer) = &self.buffer {
            buffer.check(0, what);
        }
    }
}

/// Calls `function` with room for `T`s and its length, and checks what it has written there.
pub(crate) fn fill<T>(
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

/// Calls `function` with a place for one `T`, which it fills only if it succeeds.
pub(crate) fn place<T>(
    input: &mut Input<'_>,
    what: &str,
    mut function: impl FnMut(*mut T) -> CK_RV,
) -> Option<Vec<u8>> {
    let bits = input.byte();
    let mut room = (bits & 0x0F != 15).then(|| Buffer::room(size_of::<T>(), bits >> 4));
    let rv = function(room.as_mut().map_or(null_mut(), Buffer::pointer));
    let room = room?;
    room.check(if rv == CKR_OK { size_of::<T>() } else { 0 }, what);
    (rv == CKR_OK).then(|| room.content().to_vec())
}

/// Calls `function` with a mechanism.
pub(crate) fn with_mechanism(input: &mut Input<'_>, function: impl FnOnce(*mut CK_MECHANISM) -> CK_RV) -> CK_RV {
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

/// Calls `function` with a template. `reading`: the module reads the values, and does not fill them.
pub(crate) fn with_template(
    input: &mut Input<'_>,
    reading: bool,
    function: impl FnOnce(*mut CK_ATTRIBUTE, CK_ULONG) -> CK_RV,
) {
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
            // The length that a value which could not be read has left.
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
