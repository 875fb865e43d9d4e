//! The program and its calls, without those of operations and of functions that the module does not have.

use std::ffi::c_void;
use std::ptr::null_mut;

use cryptoki_sys::*;
use jpki_fuzz::answers::Answers;
use jpki_fuzz::input::Input;
use jpki_fuzz::machine;
use jpki_fuzz::memory::Buffer;
use jpki_pkcs11::ffi::*;

use crate::arguments::{Bytes, IMPOSSIBLE, KINDS, Number, PINS, TEXTS, fill, place, with_template};

/// The program.
#[derive(Default)]
pub(crate) struct Program {
    sessions: Vec<CK_SESSION_HANDLE>,
    objects: Vec<CK_OBJECT_HANDLE>,
}
impl Program {
    pub(crate) fn session(&self, input: &mut Input<'_>) -> CK_SESSION_HANDLE {
        match input.byte() {
            255 => input.long() as CK_ULONG,
            254 => input.pick(&[0, 1, 2, 3, CK_ULONG::MAX]),
            choice => self.sessions.get(usize::from(choice) % self.sessions.len().max(1)).copied().unwrap_or(1),
        }
    }

    pub(crate) fn object(&self, input: &mut Input<'_>) -> CK_OBJECT_HANDLE {
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
        // SAFETY: the arguments are valid, and the text has its terminator.
        unsafe { C_Initialize((&raw mut arguments).cast()) };
        if let Some(text) = text {
            text.check(0, "settings");
        }
    }

    /// One call, or a few that belong together.
    pub(crate) fn one_call(&mut self, input: &mut Input<'_>) {
        machine::call();
        let number = input.byte();
        // SAFETY: for all calls below: every pointer is NULL, or leads to a buffer of the given length, or the given
        // length is longer than memory can be.
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
                27..=48 => self.operation(number, input),
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
}
