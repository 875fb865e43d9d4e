//! The functions of libpcsclite for an invented machine. The linker takes them instead of the library's.
//!
//! None of them ever waits, and none sends anything to the PC/SC service of the machine that the fuzzer runs on.
#![allow(non_snake_case, non_upper_case_globals, missing_docs)]

use std::ffi::{CStr, c_char, c_void};
use std::slice;

use pcsc_sys::*;

use crate::machine::{READER, with};

const CONTEXT: SCARDCONTEXT = 0x4A50_4B49;

const fn pci(protocol: ULONG) -> SCARD_IO_REQUEST {
    SCARD_IO_REQUEST { dwProtocol: protocol, cbPciLength: size_of::<SCARD_IO_REQUEST>() as ULONG }
}

// SAFETY: the same names and types as in libpcsclite, as for all functions below.
#[unsafe(no_mangle)]
pub static g_rgSCardT0Pci: SCARD_IO_REQUEST = pci(SCARD_PROTOCOL_T0 as ULONG);
// SAFETY: as above.
#[unsafe(no_mangle)]
pub static g_rgSCardT1Pci: SCARD_IO_REQUEST = pci(SCARD_PROTOCOL_T1 as ULONG);
// SAFETY: as above.
#[unsafe(no_mangle)]
pub static g_rgSCardRawPci: SCARD_IO_REQUEST = pci(SCARD_PROTOCOL_RAW as ULONG);

/// # Safety
/// `context` may be written.
// SAFETY: as above.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn SCardEstablishContext(
    _scope: DWORD,
    _a: *const c_void,
    _b: *const c_void,
    context: *mut SCARDCONTEXT,
) -> LONG {
    // SAFETY: by this function's contract.
    unsafe { context.write(CONTEXT) };
    SCARD_S_SUCCESS
}

// SAFETY: as above.
#[unsafe(no_mangle)]
pub extern "C" fn SCardReleaseContext(_context: SCARDCONTEXT) -> LONG {
    SCARD_S_SUCCESS
}

// SAFETY: as above.
#[unsafe(no_mangle)]
pub extern "C" fn SCardIsValidContext(_context: SCARDCONTEXT) -> LONG {
    SCARD_S_SUCCESS
}

// SAFETY: as above.
#[unsafe(no_mangle)]
pub extern "C" fn SCardCancel(_context: SCARDCONTEXT) -> LONG {
    SCARD_S_SUCCESS
}

/// # Safety
/// `length` may be read and written, `readers` is NULL or has that room.
// SAFETY: as above.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn SCardListReaders(
    _context: SCARDCONTEXT,
    _groups: *const c_char,
    readers: *mut c_char,
    length: *mut DWORD,
) -> LONG {
    // The name, its terminator, and that of the list.
    let list = [READER.as_bytes(), b"\0\0"].concat();
    // SAFETY: by this function's contract.
    unsafe {
        let room = length.read() as usize;
        length.write(list.len() as DWORD);
        if readers.is_null() {
            return SCARD_S_SUCCESS;
        }
        if room < list.len() {
            return SCARD_E_INSUFFICIENT_BUFFER;
        }
        slice::from_raw_parts_mut(readers.cast::<u8>(), list.len()).copy_from_slice(&list);
    }
    SCARD_S_SUCCESS
}

/// # Safety
/// `states` points to `count` states with names.
// SAFETY: as above.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn SCardGetStatusChange(
    _context: SCARDCONTEXT,
    _timeout: DWORD,
    states: *mut SCARD_READERSTATE,
    count: DWORD,
) -> LONG {
    // SAFETY: by this function's contract.
    let states = unsafe { slice::from_raw_parts_mut(states, count as usize) };
    // If all readers are left out, there is nothing to wait for.
    let mut changed = states.iter().all(|state| state.dwCurrentState == SCARD_STATE_IGNORE);
    for state in states {
        // SAFETY: by this function's contract.
        let name = unsafe { CStr::from_ptr(state.szReader) }.to_bytes();
        let (now, atr) = match name {
            b"\\\\?PnP?\\Notification" => (0, 0),
            _ if name == READER.as_bytes() => match with(|machine| Some(machine.state())) {
                Some(Ok(state)) => state,
                Some(Err(error)) => return error,
                None => return SCARD_E_NO_SERVICE,
            },
            _ => return SCARD_E_UNKNOWN_READER,
        };
        // The caller leaves this reader out.
        if state.dwCurrentState == SCARD_STATE_IGNORE {
            state.dwEventState = 0;
            continue;
        }
        let differs = state.dwCurrentState & !SCARD_STATE_CHANGED != now;
        changed |= differs;
        state.cbAtr = atr;
        state.dwEventState = now | if differs { SCARD_STATE_CHANGED } else { 0 };
    }
    if changed { SCARD_S_SUCCESS } else { SCARD_E_TIMEOUT }
}

/// # Safety
/// `handle` and `protocol` may be written.
// SAFETY: as above.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn SCardConnect(
    _context: SCARDCONTEXT,
    _reader: *const c_char,
    mode: DWORD,
    _protocols: DWORD,
    handle: *mut SCARDHANDLE,
    protocol: *mut DWORD,
) -> LONG {
    assert!(matches!(mode, SCARD_SHARE_SHARED | SCARD_SHARE_EXCLUSIVE), "connected with the mode {mode}");
    match with(|machine| Some(machine.connect(mode == SCARD_SHARE_EXCLUSIVE))) {
        Some(Ok(number)) => {
            // SAFETY: by this function's contract.
            unsafe {
                handle.write(number);
                protocol.write(SCARD_PROTOCOL_T1);
            }
            SCARD_S_SUCCESS
        }
        Some(Err(error)) => error,
        None => SCARD_E_NO_SERVICE,
    }
}

/// # Safety
/// `protocol` may be written.
// SAFETY: as above.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn SCardReconnect(
    handle: SCARDHANDLE,
    _mode: DWORD,
    _protocols: DWORD,
    initialization: DWORD,
    protocol: *mut DWORD,
) -> LONG {
    assert_eq!(initialization, SCARD_LEAVE_CARD, "the card is reset for everybody");
    // SAFETY: by this function's contract.
    unsafe { protocol.write(SCARD_PROTOCOL_T1) };
    answer(with(|machine| Some(machine.reconnect(handle))))
}

// SAFETY: as above.
#[unsafe(no_mangle)]
pub extern "C" fn SCardDisconnect(handle: SCARDHANDLE, disposition: DWORD) -> LONG {
    with(|machine| machine.disconnect(handle, disposition))
}

// SAFETY: as above.
#[unsafe(no_mangle)]
pub extern "C" fn SCardBeginTransaction(handle: SCARDHANDLE) -> LONG {
    answer(with(|machine| Some(machine.begin(handle))))
}

// SAFETY: as above.
#[unsafe(no_mangle)]
pub extern "C" fn SCardEndTransaction(handle: SCARDHANDLE, disposition: DWORD) -> LONG {
    with(|machine| machine.end(handle, disposition))
}

fn answer(outcome: Option<Result<(), LONG>>) -> LONG {
    match outcome {
        Some(Ok(())) => SCARD_S_SUCCESS,
        Some(Err(error)) => error,
        None => SCARD_E_NO_SERVICE,
    }
}

/// # Safety
/// `command` has `command_length` bytes, `response` has room for the number of bytes in `response_length`.
// SAFETY: as above.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn SCardTransmit(
    handle: SCARDHANDLE,
    _send: *const SCARD_IO_REQUEST,
    command: *const u8,
    command_length: DWORD,
    _receive: *mut SCARD_IO_REQUEST,
    response: *mut u8,
    response_length: *mut DWORD,
) -> LONG {
    // SAFETY: by this function's contract.
    let command = unsafe { slice::from_raw_parts(command, command_length as usize) };
    match with(|machine| Some(machine.transmit(handle, command))) {
        Some(Ok(bytes)) => {
            // SAFETY: by this function's contract.
            unsafe {
                let room = response_length.read() as usize;
                response_length.write(bytes.len() as DWORD);
                if room < bytes.len() {
                    return SCARD_E_INSUFFICIENT_BUFFER;
                }
                slice::from_raw_parts_mut(response, bytes.len()).copy_from_slice(&bytes);
            }
            SCARD_S_SUCCESS
        }
        Some(Err(error)) => error,
        None => SCARD_E_NO_SERVICE,
    }
}

/// The reader's own features: a PIN pad, or nothing.
///
/// # Safety
/// `send` has `send_length` bytes, `receive` has room for `receive_length`; `length` is NULL or may be written.
// SAFETY: as above.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn SCardControl(
    handle: SCARDHANDLE,
    code: DWORD,
    send: *const c_void,
    send_length: DWORD,
    receive: *mut c_void,
    receive_length: DWORD,
    length: *mut DWORD,
) -> LONG {
    // SAFETY: by this function's contract.
    let send = unsafe { slice::from_raw_parts(send.cast::<u8>(), send_length as usize) };
    let answer = with(|machine| Some(machine.control(handle, code as u32, send))).unwrap_or(Err(SCARD_E_NO_SERVICE));
    let bytes = answer.as_deref().unwrap_or_default();
    let fits = bytes.len() <= receive_length as usize;
    // SAFETY: by this function's contract.
    unsafe {
        if !length.is_null() {
            length.write(bytes.len() as DWORD);
        }
        if fits {
            slice::from_raw_parts_mut(receive.cast::<u8>(), bytes.len()).copy_from_slice(bytes);
        }
    }
    match answer {
        Ok(_) if fits => SCARD_S_SUCCESS,
        Ok(_) => SCARD_E_INSUFFICIENT_BUFFER,
        Err(error) => error,
    }
}

// SAFETY: as above.
#[unsafe(no_mangle)]
pub extern "C" fn SCardGetAttrib(_handle: SCARDHANDLE, _id: DWORD, _value: *mut u8, _length: *mut DWORD) -> LONG {
    SCARD_E_UNSUPPORTED_FEATURE
}
