//! Cases for every function: the checks that come first (PKCS#11 3.2 §5.1), and NULL for each of its pointers.

use cryptoki_sys::*;

use crate::case::Case;
use crate::check::{among, fail, skip};
use crate::context::Context;
use crate::names::{ABSENT, is_known, name};
use crate::raw::{Arguments, FUNCTIONS, Function};
use crate::verdict::Outcome;

/// Functions that work before C_Initialize.
const BEFORE: [&str; 4] = ["C_Initialize", "C_GetFunctionList", "C_GetInterfaceList", "C_GetInterface"];

/// Functions that other chapters test with NULL: they wait, end the module, or cost a try of a PIN.
const NOT_WITH_NULL: [&str; 7] =
    ["C_Initialize", "C_Finalize", "C_InitToken", "C_InitPIN", "C_SetPIN", "C_Login", "C_LoginUser"];

/// Functions with the argument, counted from 0, that may be NULL: for a size query (§5.2), for what an application may
/// or must leave out, and for a mechanism, to cancel the operation (§5.8 to §5.15).
const MAY_BE_NULL: [(&str, usize); 15] = [
    ("C_GetInterfaceList", 0),
    ("C_GetInterface", 0),
    ("C_GetInterface", 1),
    ("C_WaitForSlotEvent", 2),
    ("C_GetSlotList", 1),
    ("C_GetMechanismList", 1),
    ("C_OpenSession", 2),
    ("C_EncryptInit", 1),
    ("C_DecryptInit", 1),
    ("C_DigestInit", 1),
    ("C_SignInit", 1),
    ("C_SignRecoverInit", 1),
    ("C_VerifyInit", 1),
    ("C_VerifyRecoverInit", 1),
    ("C_VerifySignatureInit", 1),
];

/// Handles that no session or slot has.
const NO_HANDLES: [CK_ULONG; 4] = [CK_INVALID_HANDLE, 0x7FFF_FFFF, CK_ULONG::MAX - 1, CK_ULONG::MAX];

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for function in FUNCTIONS {
        let case = |kind: &str, run: fn(&Context, &Function) -> Outcome| {
            Case::new(format!("every/{kind}/{}", function.name), format!("§5.1 {}", function.name), move |context| {
                context.since(function.since.0, function.since.1)?;
                run(context, function)
            })
        };
        if !BEFORE.contains(&function.name) {
            cases.push(case("not-initialized", not_initialized));
        }
        match function.arguments.first() {
            Some(&"session") => {
                cases.push(case("no-such-session", no_such_session));
                cases.push(case("closed-session", closed_session));
            }
            Some(&"slot") => cases.push(case("no-such-slot", no_such_slot)),
            _ => {}
        }
        let points = function.types.iter().any(|kind| kind.starts_with("*mut"));
        if points && !NOT_WITH_NULL.contains(&function.name) {
            cases.push(case("null", null));
        }
    }
    cases
}

fn not_initialized(context: &Context, function: &Function) -> Outcome {
    let rv = (function.call)(context.m, &mut Arguments::new(1, None));
    let mut may = refusals(function, CKR_CRYPTOKI_NOT_INITIALIZED);
    // The reserved arguments of these functions are wrong here as well, and any of several errors may be returned.
    if ["C_Finalize", "C_WaitForSlotEvent"].contains(&function.name) {
        may.push(CKR_ARGUMENTS_BAD);
    }
    among(function.name, rv, &may)
}

/// The wanted error, and others that may come first: a module need not have every function.
fn refusals(function: &Function, wanted: CK_RV) -> Vec<CK_RV> {
    let must = [
        "C_Finalize",
        "C_GetInfo",
        "C_GetSlotList",
        "C_CloseSession",
        "C_GetSessionInfo",
        "C_OpenSession",
        "C_CloseAllSessions",
        "C_GetSlotInfo",
        "C_GetTokenInfo",
        "C_GetMechanismList",
        "C_GetMechanismInfo",
        "C_GetAttributeValue",
        "C_FindObjectsInit",
        "C_FindObjects",
        "C_FindObjectsFinal",
        "C_Login",
        "C_Logout",
        "C_SignInit",
        "C_Sign",
    ];
    let mut all = vec![wanted];
    if !must.contains(&function.name) {
        all.push(CKR_FUNCTION_NOT_SUPPORTED);
    }
    // The user type is wrong here as well: the login chapter has the same check with a right one.
    if ["C_Login", "C_LoginUser"].contains(&function.name) {
        all.push(CKR_USER_TYPE_INVALID);
    }
    if ["C_GetFunctionStatus", "C_CancelFunction"].contains(&function.name) {
        all.push(CKR_FUNCTION_NOT_PARALLEL);
    }
    all
}

fn no_such_session(context: &Context, function: &Function) -> Outcome {
    context.session()?;
    for handle in NO_HANDLES {
        let rv = (function.call)(context.m, &mut Arguments::new(handle, None));
        among(&format!("handle {handle:#x}"), rv, &refusals(function, CKR_SESSION_HANDLE_INVALID))?;
    }
    Ok(())
}

fn closed_session(context: &Context, function: &Function) -> Outcome {
    let (closed, open) = (context.session()?, context.session()?);
    among("C_CloseSession", context.m.C_CloseSession(closed), &[CKR_OK])?;
    let rv = (function.call)(context.m, &mut Arguments::new(closed, None));
    among("a closed session", rv, &refusals(function, CKR_SESSION_HANDLE_INVALID))?;
    context.still_there(open)
}

fn no_such_slot(context: &Context, function: &Function) -> Outcome {
    context.start()?;
    for slot in &NO_HANDLES[1..] {
        let rv = (function.call)(context.m, &mut Arguments::new(*slot, None));
        among(&format!("slot {slot:#x}"), rv, &refusals(function, CKR_SLOT_ID_INVALID))?;
    }
    Ok(())
}

/// NULL for each pointer in turn, in a session without any operation: the function returns a value of the standard,
/// CKR_OK only if NULL has a meaning there, and the session still works.
fn null(context: &Context, function: &Function) -> Outcome {
    let session = context.session()?;
    let handle = match function.arguments.first() {
        Some(&"slot") => context.slot()?,
        Some(&"session") => session,
        // C_WaitForSlotEvent: CKF_DONT_BLOCK.
        _ => CKF_DONT_BLOCK,
    };
    for place in 0..function.types.len() {
        if !function.types[place].starts_with("*mut") {
            continue;
        }
        match (function.call)(context.m, &mut Arguments::new(handle, Some(place))) {
            ABSENT => return skip("the module has no such function"),
            CKR_OK if !MAY_BE_NULL.contains(&(function.name, place)) => {
                return fail(format!("argument {} NULL: CKR_OK", place + 1));
            }
            rv if is_known(rv) => {}
            rv => return fail(format!("argument {} NULL: {} is no return value", place + 1, name(rv))),
        }
    }
    context.still_there(session)
}
