//! Sessions (PKCS#11 3.2 §5.6).

use std::collections::BTreeSet;
use std::ptr;

use cryptoki_sys::*;

use crate::case::{Case, table};
use crate::check::{among, equal, is, ok, skip, that};
use crate::context::{Context, mechanism};
use crate::verdict::Outcome;

pub(super) fn cases() -> Vec<Case> {
    table! {
        "sessions/open-not-serial", "§5.6 C_OpenSession" => |c| {
            let (slot, mut session) = (c.slot()?, CK_INVALID_HANDLE);
            for flags in [0, CKF_RW_SESSION] {
                let rv = c.m.C_OpenSession(slot, flags, ptr::null_mut(), None, &raw mut session);
                is("without CKF_SERIAL_SESSION", rv, CKR_SESSION_PARALLEL_NOT_SUPPORTED)?;
            }
            Ok(())
        };
        "sessions/open-asynchronous", "§5.6 C_OpenSession, CKF_ASYNC_SESSION" => |c| {
            c.since(3, 2)?;
            let (slot, mut session) = (c.slot()?, CK_INVALID_HANDLE);
            let flags = CKF_SERIAL_SESSION | CKF_ASYNC_SESSION;
            let rv = c.m.C_OpenSession(slot, flags, ptr::null_mut(), None, &raw mut session);
            among("C_OpenSession", rv, &[CKR_OK, CKR_SESSION_ASYNC_NOT_SUPPORTED])
        };
        "sessions/open-null", "§5.6 C_OpenSession" => |c| {
            let slot = c.slot()?;
            let rv = c.m.C_OpenSession(slot, CKF_SERIAL_SESSION, ptr::null_mut(), None, ptr::null_mut());
            is("C_OpenSession", rv, CKR_ARGUMENTS_BAD)
        };
        "sessions/info", "§5.6 C_GetSessionInfo" => |c| {
            let slot = c.slot()?;
            for (flags, state) in [(0, CKS_RO_PUBLIC_SESSION), (CKF_RW_SESSION, CKS_RW_PUBLIC_SESSION)] {
                let session = c.open(flags)?;
                let mut info = CK_SESSION_INFO::default();
                ok("C_GetSessionInfo", c.m.C_GetSessionInfo(session, &raw mut info))?;
                equal("slotID", info.slotID, slot)?;
                equal("state", info.state, state)?;
                equal("flags", info.flags, flags | CKF_SERIAL_SESSION)?;
                is("NULL", c.m.C_GetSessionInfo(session, ptr::null_mut()), CKR_ARGUMENTS_BAD)?;
            }
            Ok(())
        };
        "sessions/close", "§5.6 C_CloseSession" => |c| {
            let (session, other) = (c.session()?, c.session()?);
            ok("C_CloseSession", c.m.C_CloseSession(session))?;
            is("again", c.m.C_CloseSession(session), CKR_SESSION_HANDLE_INVALID)?;
            c.still_there(other)
        };
        "sessions/many", "§5.6 C_OpenSession" => |c| {
            let slot = c.slot()?;
            let mut sessions = BTreeSet::new();
            for number in 0..100 {
                let mut session = CK_INVALID_HANDLE;
                let rv = c.m.C_OpenSession(slot, CKF_SERIAL_SESSION, ptr::null_mut(), None, &raw mut session);
                if rv == CKR_SESSION_COUNT {
                    break;
                }
                ok(&format!("session {number}"), rv)?;
                that("a handle is not 0", session != CK_INVALID_HANDLE)?;
                that("another handle for each session", sessions.insert(session))?;
            }
            for session in sessions {
                ok("C_CloseSession", c.m.C_CloseSession(session))?;
            }
            Ok(())
        };
        "sessions/count", "§5.6 C_OpenSession, CKR_SESSION_COUNT, §5.5 C_GetTokenInfo, ulMaxSessionCount" => count;
        "sessions/handles-used-again", "§5.6 C_OpenSession" => |c| {
            let closed = c.session()?;
            ok("C_CloseSession", c.m.C_CloseSession(closed))?;
            for _ in 0..20 {
                let session = c.session()?;
                if session == closed {
                    return skip("the module gives the handle of a closed session again, which the standard allows");
                }
                ok("C_CloseSession", c.m.C_CloseSession(session))?;
            }
            Ok(())
        };
        "sessions/close-all", "§5.6 C_CloseAllSessions" => |c| {
            let sessions = [c.session()?, c.open(CKF_RW_SESSION)?, c.session()?, c.session()?];
            ok("C_CloseAllSessions", c.m.C_CloseAllSessions(c.slot()?))?;
            let mut info = CK_SESSION_INFO::default();
            for session in sessions {
                let rv = c.m.C_GetSessionInfo(session, &raw mut info);
                is("a session afterwards", rv, CKR_SESSION_HANDLE_INVALID)?;
            }
            ok("again, with none open", c.m.C_CloseAllSessions(c.slot()?))
        };
        "sessions/close-all-of-one-token", "§5.6 C_CloseAllSessions" => |c| {
            let slot = c.slot()?;
            let Some(other) = c.slots(true)?.into_iter().find(|other| *other != slot) else {
                return skip("no second token");
            };
            let (own, mut session) = (c.session()?, CK_INVALID_HANDLE);
            let rv = c.m.C_OpenSession(other, CKF_SERIAL_SESSION, ptr::null_mut(), None, &raw mut session);
            if rv == CKR_TOKEN_NOT_RECOGNIZED {
                return skip("the second token is not initialized");
            }
            ok("C_OpenSession with the other token", rv)?;
            ok("C_CloseAllSessions", c.m.C_CloseAllSessions(other))?;
            c.still_there(own)
        };
        "sessions/close-all-logs-out", "§5.6 C_CloseAllSessions" => |c| {
            c.logged_in()?;
            ok("C_CloseAllSessions", c.m.C_CloseAllSessions(c.slot()?))?;
            let session = c.session()?;
            equal("state of a new session", c.state(session)?, CKS_RO_PUBLIC_SESSION)
        };
        "sessions/close-last-logs-out", "§5.6 C_CloseSession" => |c| {
            let (first, second) = (c.logged_in()?, c.session()?);
            ok("C_CloseSession", c.m.C_CloseSession(first))?;
            equal("state of the other session", c.state(second)?, CKS_RO_USER_FUNCTIONS)?;
            ok("C_CloseSession of the last", c.m.C_CloseSession(second))?;
            let session = c.session()?;
            equal("state of a new session", c.state(session)?, CKS_RO_PUBLIC_SESSION)
        };
        "sessions/operations-are-their-own", "§5.6 sessions" => |c| {
            let (first, second) = (c.session()?, c.session()?);
            let mut byte = 1;
            let rv = c.m.C_DigestInit(first, &mut mechanism(CKM_SHA256));
            crate::check::supported("C_DigestInit", rv)?;
            c.no_digest(second)?;
            ok("C_DigestInit of the other", c.m.C_DigestInit(second, &mut mechanism(CKM_SHA256)))?;
            ok("C_CloseSession", c.m.C_CloseSession(first))?;
            ok("C_DigestUpdate", c.m.C_DigestUpdate(second, &raw mut byte, 1))
        };
        "sessions/operation-state", "§5.6 C_GetOperationState" => |c| {
            let (session, mut length) = (c.session()?, 0);
            let none = [CKR_OPERATION_NOT_INITIALIZED, CKR_FUNCTION_NOT_SUPPORTED];
            let rv = c.m.C_GetOperationState(session, ptr::null_mut(), &raw mut length);
            among("C_GetOperationState without operation", rv, &none)?;
            let mut state = [0xFF; 16];
            let bad = [CKR_SAVED_STATE_INVALID, CKR_FUNCTION_NOT_SUPPORTED];
            let rv = c.m.C_SetOperationState(session, state.as_mut_ptr(), 16, CK_INVALID_HANDLE, CK_INVALID_HANDLE);
            among("C_SetOperationState with junk", rv, &bad)
        };
    }
}

/// After so many sessions a module counts as one without a limit.
const OPEN_MAX: usize = 5000;

/// As many sessions as the token says can be opened; then CKR_SESSION_COUNT, and the open sessions still work.
fn count(c: &mut Context) -> Outcome {
    let (slot, most) = (c.slot()?, c.token_info(c.slot()?)?.ulMaxSessionCount);
    let open = || {
        let mut session = CK_INVALID_HANDLE;
        (c.m.C_OpenSession(slot, CKF_SERIAL_SESSION, ptr::null_mut(), None, &raw mut session), session)
    };
    let mut sessions = Vec::new();
    while sessions.len() < OPEN_MAX {
        match open() {
            (CKR_SESSION_COUNT, _) => break,
            (rv, session) => {
                ok(&format!("session {}", sessions.len() + 1), rv)?;
                sessions.push(session);
            }
        }
    }
    equal("handles of their own", sessions.iter().collect::<BTreeSet<_>>().len(), sessions.len())?;
    let Some(last) = sessions.last().copied().filter(|_| sessions.len() < OPEN_MAX) else {
        let endless = [CK_EFFECTIVELY_INFINITE, CK_UNAVAILABLE_INFORMATION].contains(&most);
        that("ulMaxSessionCount is no less", endless || most >= OPEN_MAX as CK_ULONG)?;
        return skip(format!("no limit within {OPEN_MAX} sessions"));
    };
    if most != CK_UNAVAILABLE_INFORMATION {
        equal("ulMaxSessionCount, which is for one application", most, sessions.len() as CK_ULONG)?;
    }
    is("one more, again", open().0, CKR_SESSION_COUNT)?;
    c.still_there(last)?;
    ok("C_CloseSession", c.m.C_CloseSession(last))?;
    ok("one more afterwards", open().0)?;
    ok("C_CloseAllSessions", c.m.C_CloseAllSessions(slot))?;
    ok("C_OpenSession with none open", open().0)
}
