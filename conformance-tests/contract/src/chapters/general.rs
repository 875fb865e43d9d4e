//! General-purpose functions (PKCS#11 3.2 §5.4).

use std::ptr;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use cryptoki_sys::*;

use crate::case::{Case, table};
use crate::check::{among, equal, fail, is, ok, skip, that};
use crate::context::Context;
use crate::loading::{describe, follow, list_version, mutex_callbacks};
use crate::names::name;
use crate::raw::FUNCTIONS;
use crate::verdict::Outcome;

pub(super) fn cases() -> Vec<Case> {
    let mut cases = table! {
        "general/initialize", "§5.4 C_Initialize" => |c| {
            for _ in 0..3 {
                ok("C_Initialize", c.m.C_Initialize(ptr::null_mut()))?;
                ok("C_Finalize", c.m.C_Finalize(ptr::null_mut()))?;
            }
            Ok(())
        };
        "general/initialize-twice", "§5.4 C_Initialize" => |c| {
            c.start()?;
            is("again", c.m.C_Initialize(ptr::null_mut()), CKR_CRYPTOKI_ALREADY_INITIALIZED)?;
            c.slots(false).map(|_| ())
        };
        "general/initialize-no-locking", "§5.4 C_Initialize, case 1" => |c| locking(c, 0, false, &[CKR_OK]);
        "general/initialize-os-locking", "§5.4 C_Initialize, case 2" => |c| {
            locking(c, CKF_OS_LOCKING_OK, false, &[CKR_OK, CKR_CANT_LOCK])
        };
        "general/initialize-own-locking", "§5.4 C_Initialize, case 3" => |c| {
            locking(c, 0, true, &[CKR_OK, CKR_CANT_LOCK])
        };
        "general/initialize-either-locking", "§5.4 C_Initialize, case 4" => |c| {
            locking(c, CKF_OS_LOCKING_OK, true, &[CKR_OK, CKR_CANT_LOCK])
        };
        "general/initialize-no-threads", "§5.4 C_Initialize, CKF_LIBRARY_CANT_CREATE_OS_THREADS" => |c| {
            locking(c, CKF_LIBRARY_CANT_CREATE_OS_THREADS, false, &[CKR_OK, CKR_NEED_TO_CREATE_THREADS])
        };
        "general/initialize-reserved", "§5.4 C_Initialize, pReserved" => |c| {
            let junk = [1_u8, 2, 3, 4, 5, 6, 7, 8];
            let reserved = junk.as_ptr().cast_mut().cast();
            let mut arguments = CK_C_INITIALIZE_ARGS { pReserved: reserved, ..Default::default() };
            is("C_Initialize", c.m.C_Initialize((&raw mut arguments).cast()), CKR_ARGUMENTS_BAD)?;
            is("C_Finalize afterwards", c.m.C_Finalize(ptr::null_mut()), CKR_CRYPTOKI_NOT_INITIALIZED)
        };
        "general/finalize-twice", "§5.4 C_Finalize" => |c| {
            is("before", c.m.C_Finalize(ptr::null_mut()), CKR_CRYPTOKI_NOT_INITIALIZED)?;
            c.start()?;
            ok("C_Finalize", c.m.C_Finalize(ptr::null_mut()))?;
            is("again", c.m.C_Finalize(ptr::null_mut()), CKR_CRYPTOKI_NOT_INITIALIZED)
        };
        "general/finalize-reserved", "§5.4 C_Finalize, pReserved" => |c| {
            c.start()?;
            is("C_Finalize", c.m.C_Finalize(ptr::dangling_mut::<u64>().cast()), CKR_ARGUMENTS_BAD)?;
            c.slots(false).map(|_| ())
        };
        "general/finalize-with-sessions", "§5.4 C_Finalize" => |c| {
            let session = c.logged_in()?;
            ok("C_Finalize", c.m.C_Finalize(ptr::null_mut()))?;
            let mut info = CK_SESSION_INFO::default();
            let mut ask = |session| c.m.C_GetSessionInfo(session, &raw mut info);
            is("C_GetSessionInfo", ask(session), CKR_CRYPTOKI_NOT_INITIALIZED)?;
            c.start()?;
            is("C_GetSessionInfo after C_Initialize", ask(session), CKR_SESSION_HANDLE_INVALID)?;
            let new = c.session()?;
            equal("state of a new session", c.state(new)?, CKS_RO_PUBLIC_SESSION)
        };
        // Not in the standard: a thread that does not know of C_Finalize must not reach another token.
        "robust/handles-after-finalize", "§5.4 C_Finalize, §5.6 C_OpenSession" => |c| {
            let session = c.session()?;
            ok("C_Finalize", c.m.C_Finalize(ptr::null_mut()))?;
            c.start()?;
            let new = c.session()?;
            that("the new session has another handle", session != new)?;
            let rv = c.m.C_GetSessionInfo(session, &mut CK_SESSION_INFO::default());
            is("C_GetSessionInfo of the old one", rv, CKR_SESSION_HANDLE_INVALID)
        };
        "general/finalize-wakes-waiters", "§5.4 C_Finalize, §5.5 C_WaitForSlotEvent" => finalize_wakes_waiters;
        "general/get-info", "§5.4 C_GetInfo" => |c| {
            c.start()?;
            is("NULL", c.m.C_GetInfo(ptr::null_mut()), CKR_ARGUMENTS_BAD)?;
            let mut info = CK_INFO::default();
            ok("C_GetInfo", c.m.C_GetInfo(&raw mut info))?;
            that("cryptokiVersion is 2 or 3", [2, 3].contains(&info.cryptokiVersion.major))?;
            equal("flags", info.flags, 0)?;
            for field in [info.manufacturerID, info.libraryDescription] {
                padded("a text of CK_INFO", &field)?;
            }
            Ok(())
        };
        "general/function-list", "§5.4 C_GetFunctionList" => |c| {
            is("NULL", c.m.C_GetFunctionList(ptr::null_mut()), CKR_ARGUMENTS_BAD)?;
            let (mut first, mut second) = (ptr::null_mut(), ptr::null_mut());
            ok("C_GetFunctionList", c.m.C_GetFunctionList(&raw mut first))?;
            ok("C_GetFunctionList", c.m.C_GetFunctionList(&raw mut second))?;
            that("the same list each time", first == second)?;
            equal("the major version of the list", list_version(first).map(|version| version.0), Some(2))
        };
        "general/every-function-is-there", "§5.4 CK_FUNCTION_LIST" => |c| {
            equal("functions that are NULL in the list", c.m.missing(), Vec::new())
        };
        "general/every-function-is-exported", "§5.4 C_GetFunctionList" => |c| {
            // Programs may link to the module. Programs that load it need only C_GetFunctionList.
            let hidden = |name: &str| !c.m.exports(name);
            that("C_GetFunctionList is exported", !hidden("C_GetFunctionList"))?;
            let own = FUNCTIONS.iter().filter(|function| function.since <= c.m.version());
            let all: Vec<_> = own.map(|function| function.name).filter(|name| hidden(name)).collect();
            if all.is_empty() { Ok(()) } else { skip(format!("only in the function list: {}", all.join(", "))) }
        };
        "general/interface-list", "§5.4 C_GetInterfaceList" => interface_list;
        "general/interface-by-name", "§5.4 C_GetInterface" => interface_by_name;
        "general/interface-unknown", "§5.4 C_GetInterface" => interface_unknown;
        "general/interface-fork-safe", "§5.4 C_GetInterface, CKF_INTERFACE_FORK_SAFE" => |c| {
            c.since(3, 0)?;
            let mut found = ptr::null_mut();
            let flags = CKF_INTERFACE_FORK_SAFE;
            match c.m.C_GetInterface(ptr::null_mut(), ptr::null_mut(), &raw mut found, flags) {
                CKR_OK => that("an interface with the flag", follow(found).is_some_and(|i| i.flags & flags != 0)),
                rv => among("C_GetInterface", rv, &[CKR_ARGUMENTS_BAD, CKR_FUNCTION_FAILED]),
            }
        };
    };
    for given in 1..15_u8 {
        let name = format!("general/initialize-partial-callbacks-{given}");
        cases.push(Case::new(name, "§5.4 C_Initialize, mutex callbacks", move |c| {
            let mut arguments = mutex_callbacks();
            let keep = |bit: u8| given & bit != 0;
            arguments.CreateMutex = arguments.CreateMutex.filter(|_| keep(1));
            arguments.DestroyMutex = arguments.DestroyMutex.filter(|_| keep(2));
            arguments.LockMutex = arguments.LockMutex.filter(|_| keep(4));
            arguments.UnlockMutex = arguments.UnlockMutex.filter(|_| keep(8));
            is("C_Initialize", c.m.C_Initialize((&raw mut arguments).cast()), CKR_ARGUMENTS_BAD)?;
            is("C_Finalize afterwards", c.m.C_Finalize(ptr::null_mut()), CKR_CRYPTOKI_NOT_INITIALIZED)
        }));
    }
    cases
}

/// A text is padded with spaces, and has no terminator.
pub(super) fn padded(what: &str, text: &[u8]) -> Outcome {
    that(&format!("{what} is UTF-8"), std::str::from_utf8(text).is_ok())?;
    that(&format!("{what} is padded with spaces: {text:02x?}"), !text.contains(&0))
}

fn locking(c: &mut Context, flags: CK_FLAGS, callbacks: bool, wanted: &[CK_RV]) -> Outcome {
    let mut arguments = if callbacks { mutex_callbacks() } else { CK_C_INITIALIZE_ARGS::default() };
    arguments.flags = flags;
    let rv = c.m.C_Initialize((&raw mut arguments).cast());
    among("C_Initialize", rv, wanted)?;
    if rv == CKR_OK {
        c.slots(false)?;
        return ok("C_Finalize", c.m.C_Finalize(ptr::null_mut()));
    }
    is("C_Finalize afterwards", c.m.C_Finalize(ptr::null_mut()), CKR_CRYPTOKI_NOT_INITIALIZED)
}

fn finalize_wakes_waiters(c: &mut Context) -> Outcome {
    c.start_with_threads()?;
    let module = c.m;
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut slot = 0;
        let _ = sender.send((module.C_WaitForSlotEvent(0, &raw mut slot, ptr::null_mut()), Instant::now()));
    });
    match receiver.recv_timeout(Duration::from_millis(300)) {
        Ok((CKR_FUNCTION_NOT_SUPPORTED, _)) => return skip("C_WaitForSlotEvent does not wait here"),
        Ok((rv, _)) => return fail(format!("C_WaitForSlotEvent did not wait: {}", name(rv))),
        Err(_) => {}
    }
    let before = Instant::now();
    ok("C_Finalize", module.C_Finalize(ptr::null_mut()))?;
    match receiver.recv_timeout(Duration::from_secs(5)) {
        Err(_) => fail("C_WaitForSlotEvent still waits 5 s after C_Finalize"),
        Ok((rv, at)) => {
            is("C_WaitForSlotEvent", rv, CKR_CRYPTOKI_NOT_INITIALIZED)?;
            let late = at.saturating_duration_since(before);
            that(&format!("it returns within 100 ms, not {} ms", late.as_millis()), late.as_millis() < 100)
        }
    }
}

fn interface_list(c: &mut Context) -> Outcome {
    c.since(3, 0)?;
    is("NULL", c.m.C_GetInterfaceList(ptr::null_mut(), ptr::null_mut()), CKR_ARGUMENTS_BAD)?;
    let mut count = 0;
    ok("size query", c.m.C_GetInterfaceList(ptr::null_mut(), &raw mut count))?;
    that("there is an interface", count > 0)?;
    let mut list = vec![CK_INTERFACE::default(); count as usize + 1];
    let mut short = count - 1;
    is("short", c.m.C_GetInterfaceList(list.as_mut_ptr(), &raw mut short), CKR_BUFFER_TOO_SMALL)?;
    equal("the count that a short list gets", short, count)?;
    for room in [count, count + 1] {
        let mut given = room;
        ok("with room", c.m.C_GetInterfaceList(list.as_mut_ptr(), &raw mut given))?;
        equal("the count", given, count)?;
    }
    for interface in &list[..count as usize] {
        let (name, version) = describe(interface);
        that("an interface has a name and functions", !name.is_empty())?;
        if name == "PKCS 11" {
            that(&format!("version {version:?} of PKCS 11"), [2, 3].contains(&version.0))?;
        }
    }
    Ok(())
}

fn interface_by_name(c: &mut Context) -> Outcome {
    c.since(3, 0)?;
    let mut count = 16;
    let mut list = vec![CK_INTERFACE::default(); 16];
    ok("C_GetInterfaceList", c.m.C_GetInterfaceList(list.as_mut_ptr(), &raw mut count))?;
    for interface in &list[..count as usize] {
        let (_, (major, minor)) = describe(interface);
        let (mut version, mut found) = (CK_VERSION { major, minor }, ptr::null_mut());
        let name = interface.pInterfaceName.cast();
        ok("by name and version", c.m.C_GetInterface(name, &raw mut version, &raw mut found, 0))?;
        let functions = follow(found).map(|found| found.pFunctionList);
        equal("the functions of that version", functions, Some(interface.pFunctionList))?;
        ok("by name", c.m.C_GetInterface(name, ptr::null_mut(), &raw mut found, 0))?;
        that(
            "an interface of that name",
            follow(found).is_some_and(|found| describe(&found).0 == describe(interface).0),
        )?;
    }
    let mut found = ptr::null_mut();
    ok("the default", c.m.C_GetInterface(ptr::null_mut(), ptr::null_mut(), &raw mut found, 0))?;
    that("the default is PKCS 11", follow(found).is_some_and(|found| describe(&found).0 == "PKCS 11"))?;
    let rv = c.m.C_GetInterface(ptr::null_mut(), ptr::null_mut(), ptr::null_mut(), 0);
    is("NULL for the result", rv, CKR_ARGUMENTS_BAD)
}

fn interface_unknown(c: &mut Context) -> Outcome {
    c.since(3, 0)?;
    let refused = [CKR_ARGUMENTS_BAD, CKR_FUNCTION_FAILED];
    let mut found = ptr::null_mut();
    let endless = [b'P'; 64];
    for name in [&b"PKCS 1\0"[..], b"PKCS 111\0", b"\0", b"Vendor of something with a long name\0", &endless] {
        let rv = c.m.C_GetInterface(name.as_ptr().cast_mut(), ptr::null_mut(), &raw mut found, 0);
        among(&format!("name {}", String::from_utf8_lossy(name)), rv, &refused)?;
    }
    for (major, minor) in [(0, 0), (2, 99), (3, 99), (9, 0)] {
        let mut version = CK_VERSION { major, minor };
        let rv = c.m.C_GetInterface(c"PKCS 11".as_ptr().cast_mut().cast(), &raw mut version, &raw mut found, 0);
        among(&format!("version {major}.{minor}"), rv, &refused)?;
    }
    Ok(())
}
