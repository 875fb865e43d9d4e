//! Slots and tokens (PKCS#11 3.2 §5.5).

use std::ptr;

use cryptoki_sys::*;

use super::general::padded;
use crate::case::{Case, table};
use crate::check::{UNSUPPORTED, among, equal, is, ok, skip, that};
use crate::context::{Context, pointer};
use crate::verdict::Outcome;

pub(super) fn cases() -> Vec<Case> {
    table! {
        "slots/list", "§5.5 C_GetSlotList" => |c| {
            c.slot()?;
            let m = c.m;
            let slots = |present| move |list, count| m.C_GetSlotList(present, list, count);
            is("NULL count", c.m.C_GetSlotList(CK_FALSE, ptr::null_mut(), ptr::null_mut()), CKR_ARGUMENTS_BAD)?;
            list_rules("all slots", slots(CK_FALSE))?;
            list_rules("slots with a token", slots(CK_TRUE))?;
            let all = c.slots(false)?;
            that("slots with a token are slots", c.slots(true)?.iter().all(|slot| all.contains(slot)))
        };
        "slots/list-and-info-agree", "§5.5 C_GetSlotInfo" => |c| {
            c.slot()?;
            let with_token = c.slots(true)?;
            for slot in c.slots(false)? {
                let mut info = CK_SLOT_INFO::default();
                ok("C_GetSlotInfo", c.m.C_GetSlotInfo(slot, &raw mut info))?;
                let present = info.flags & CKF_TOKEN_PRESENT != 0;
                equal("CKF_TOKEN_PRESENT", present, with_token.contains(&slot))?;
                padded("slotDescription", &info.slotDescription)?;
                padded("manufacturerID", &info.manufacturerID)?;
            }
            Ok(())
        };
        "slots/info-null", "§5.5 C_GetSlotInfo" => |c| {
            let slot = c.slot()?;
            is("C_GetSlotInfo", c.m.C_GetSlotInfo(slot, ptr::null_mut()), CKR_ARGUMENTS_BAD)?;
            is("C_GetTokenInfo", c.m.C_GetTokenInfo(slot, ptr::null_mut()), CKR_ARGUMENTS_BAD)
        };
        "slots/token-info", "§5.5 C_GetTokenInfo" => token_info;
        "slots/no-token", "§5.5 C_GetTokenInfo, C_GetMechanismInfo, C_OpenSession" => |c| {
            c.slot()?;
            let with_token = c.slots(true)?;
            let Some(empty) = c.slots(false)?.into_iter().find(|slot| !with_token.contains(slot)) else {
                return skip("no empty slot");
            };
            let (mut info, mut count, mut session) = (CK_TOKEN_INFO::default(), 0, 0);
            is("C_GetTokenInfo", c.m.C_GetTokenInfo(empty, &raw mut info), CKR_TOKEN_NOT_PRESENT)?;
            let rv = c.m.C_GetMechanismList(empty, ptr::null_mut(), &raw mut count);
            is("C_GetMechanismList", rv, CKR_TOKEN_NOT_PRESENT)?;
            let rv = c.m.C_GetMechanismInfo(empty, CKM_RSA_PKCS, &mut CK_MECHANISM_INFO::default());
            is("C_GetMechanismInfo", rv, CKR_TOKEN_NOT_PRESENT)?;
            let rv = c.m.C_OpenSession(empty, CKF_SERIAL_SESSION, ptr::null_mut(), None, &raw mut session);
            is("C_OpenSession", rv, CKR_TOKEN_NOT_PRESENT)?;
            // Errors about a token come before errors about arguments (§5.1.7).
            is("C_GetTokenInfo, NULL", c.m.C_GetTokenInfo(empty, ptr::null_mut()), CKR_TOKEN_NOT_PRESENT)?;
            let rv = c.m.C_GetMechanismInfo(empty, CKM_RSA_PKCS, ptr::null_mut());
            is("C_GetMechanismInfo, NULL", rv, CKR_TOKEN_NOT_PRESENT)?;
            let rv = c.m.C_OpenSession(empty, CKF_SERIAL_SESSION, ptr::null_mut(), None, ptr::null_mut());
            is("C_OpenSession, NULL", rv, CKR_TOKEN_NOT_PRESENT)
        };
        "slots/mechanism-list", "§5.5 C_GetMechanismList" => |c| {
            let slot = c.slot()?;
            let rv = c.m.C_GetMechanismList(slot, ptr::null_mut(), ptr::null_mut());
            is("NULL count", rv, CKR_ARGUMENTS_BAD)?;
            list_rules("mechanisms", |list, count| c.m.C_GetMechanismList(slot, list, count))
        };
        "slots/mechanism-info", "§5.5 C_GetMechanismInfo" => |c| {
            let slot = c.slot()?;
            for kind in mechanisms(c, slot)? {
                let mut info = CK_MECHANISM_INFO::default();
                ok("C_GetMechanismInfo", c.m.C_GetMechanismInfo(slot, kind, &raw mut info))?;
                that(&format!("key sizes of {kind:#x}"), info.ulMinKeySize <= info.ulMaxKeySize)?;
                that(&format!("{kind:#x} has a use"), info.flags & !CKF_HW != 0)?;
            }
            Ok(())
        };
        "slots/mechanism-info-unknown", "§5.5 C_GetMechanismInfo" => |c| {
            let slot = c.slot()?;
            let known = mechanisms(c, slot)?;
            let mut info = CK_MECHANISM_INFO::default();
            for kind in [CKM_SKIPJACK_KEY_GEN, CKM_BATON_KEY_GEN, 0x7FFF_FFFE, CK_ULONG::MAX] {
                if !known.contains(&kind) {
                    let rv = c.m.C_GetMechanismInfo(slot, kind, &raw mut info);
                    is(&format!("mechanism {kind:#x}"), rv, CKR_MECHANISM_INVALID)?;
                }
            }
            let kind = known.first().copied().unwrap_or(CKM_RSA_PKCS);
            is("NULL", c.m.C_GetMechanismInfo(slot, kind, ptr::null_mut()), CKR_ARGUMENTS_BAD)
        };
        "slots/wait-arguments", "§5.5 C_WaitForSlotEvent" => |c| {
            c.slot()?;
            let mut slot = 0;
            let refused = [CKR_ARGUMENTS_BAD, CKR_FUNCTION_NOT_SUPPORTED];
            let reserved = ptr::dangling_mut::<u64>().cast();
            among("pReserved", c.m.C_WaitForSlotEvent(CKF_DONT_BLOCK, &raw mut slot, reserved), &refused)?;
            let rv = c.m.C_WaitForSlotEvent(CKF_DONT_BLOCK, ptr::null_mut(), ptr::null_mut());
            among("NULL", rv, &[CKR_ARGUMENTS_BAD, CKR_NO_EVENT, CKR_FUNCTION_NOT_SUPPORTED])
        };
        "slots/wait-nothing-happened", "§5.5 C_WaitForSlotEvent" => |c| {
            // C_Initialize clears the flags of all events.
            c.start()?;
            let mut slot = 0;
            let rv = c.m.C_WaitForSlotEvent(CKF_DONT_BLOCK, &raw mut slot, ptr::null_mut());
            if UNSUPPORTED.contains(&rv) { skip("not supported") } else { is("C_WaitForSlotEvent", rv, CKR_NO_EVENT) }
        };
        "slots/set-pin-read-only", "§5.5 C_SetPIN" => |c| {
            // The new PIN is the old one: it stays the same with a module that does not refuse.
            let session = c.session()?;
            let (rv, refused) = (set_pin(c, session, None)?, [CKR_SESSION_READ_ONLY, CKR_FUNCTION_NOT_SUPPORTED]);
            among("C_SetPIN", rv, &refused)
        };
        "slots/set-pin-null", "§5.5 C_SetPIN" => |c| {
            let session = c.open(CKF_RW_SESSION)?;
            if c.token_info(c.slot()?)?.flags & CKF_PROTECTED_AUTHENTICATION_PATH != 0 {
                return skip("NULL means the PIN pad here");
            }
            let mut pin = c.pin()?;
            let (right, length) = (pin.as_mut_ptr(), pin.len() as CK_ULONG);
            let refused = [CKR_ARGUMENTS_BAD, CKR_FUNCTION_NOT_SUPPORTED];
            let rv = c.m.C_SetPIN(session, right, length, ptr::null_mut(), length);
            among("NULL for the new one", rv, &refused)?;
            let rv = c.m.C_SetPIN(session, ptr::null_mut(), length, right, length);
            among("NULL for the old one", rv, &refused)
        };
        "slots/set-pin-wrong-old-pin", "§5.5 C_SetPIN" => |c| {
            c.may_risk_tries()?;
            let (session, right) = (c.open(CKF_RW_SESSION)?, c.pin()?);
            let mut wrong = right.clone();
            if let Some(last) = wrong.last_mut() {
                *last = if *last == b'7' { b'8' } else { b'7' };
            }
            let ((old, old_size), (new, new_size)) = (pointer(&wrong), pointer(&right));
            let rv = c.m.C_SetPIN(session, old, old_size, new, new_size);
            among("C_SetPIN", rv, &[CKR_PIN_INCORRECT, CKR_FUNCTION_NOT_SUPPORTED])?;
            ok("C_Login with the right one", c.login(session, CKU_USER)?)
        };
        "slots/set-pin-lengths", "§5.5 C_SetPIN" => |c| {
            c.may_risk_tries()?;
            let session = c.open(CKF_RW_SESSION)?;
            let info = c.token_info(c.slot()?)?;
            let refused = [CKR_PIN_LEN_RANGE, CKR_PIN_INVALID, CKR_FUNCTION_NOT_SUPPORTED];
            let too_long = vec![b'1'; info.ulMaxPinLen as usize + 1];
            among("too long", set_pin(c, session, Some(too_long))?, &refused)?;
            let too_short = vec![b'1'; (info.ulMinPinLen as usize).saturating_sub(1)];
            among("too short", set_pin(c, session, Some(too_short))?, &refused)
        };
    }
}

/// C_SetPIN with the right old PIN, and the new one; without a new one, the old one again.
fn set_pin(c: &Context, session: CK_SESSION_HANDLE, new: Option<Vec<u8>>) -> Result<CK_RV, crate::verdict::Verdict> {
    let mut old = c.pin()?;
    let mut new = new.unwrap_or_else(|| old.clone());
    let (old_length, new_length) = (old.len() as CK_ULONG, new.len() as CK_ULONG);
    Ok(c.m.C_SetPIN(session, old.as_mut_ptr(), old_length, new.as_mut_ptr(), new_length))
}

fn mechanisms(c: &Context, slot: CK_SLOT_ID) -> Result<Vec<CK_MECHANISM_TYPE>, crate::verdict::Verdict> {
    let (mut list, mut count) = (vec![0; 1024], 1024);
    ok("C_GetMechanismList", c.m.C_GetMechanismList(slot, list.as_mut_ptr(), &raw mut count))?;
    list.truncate(count as usize);
    Ok(list)
}

/// The rules for lists of numbers: size query, a short buffer, an exact one, a longer one.
fn list_rules(what: &str, call: impl Fn(*mut CK_ULONG, *mut CK_ULONG) -> CK_RV) -> Outcome {
    const MARK: CK_ULONG = 0xA5A5_A5A5;
    // If the list is NULL, the count is only written.
    let mut count = 12345;
    ok(&format!("{what}: size query"), call(ptr::null_mut(), &raw mut count))?;
    that(&format!("{what}: a possible count"), count < 12345)?;
    let mut list = vec![MARK; count as usize + 2];
    if count > 0 {
        let mut short = count - 1;
        is(&format!("{what}: short"), call(list.as_mut_ptr(), &raw mut short), CKR_BUFFER_TOO_SMALL)?;
        equal(&format!("{what}: the count that a short list gets"), short, count)?;
        let mut none = 0;
        is(&format!("{what}: no room"), call(list.as_mut_ptr(), &raw mut none), CKR_BUFFER_TOO_SMALL)?;
    }
    for room in [count, count + 2] {
        list.fill(MARK);
        let mut given = room;
        ok(&format!("{what}: room for {room}"), call(list.as_mut_ptr(), &raw mut given))?;
        equal(&format!("{what}: the count"), given, count)?;
        let (values, rest) = list.split_at(count as usize);
        that(&format!("{what}: all were written"), !values.contains(&MARK))?;
        that(&format!("{what}: no more was written"), rest.iter().all(|value| *value == MARK))?;
        let different: std::collections::BTreeSet<_> = values.iter().collect();
        equal(&format!("{what}: different ones"), different.len(), values.len())?;
    }
    Ok(())
}

fn token_info(c: &mut Context) -> Outcome {
    let slot = c.slot()?;
    let info = c.token_info(slot)?;
    padded("label", &info.label)?;
    padded("manufacturerID", &info.manufacturerID)?;
    padded("model", &info.model)?;
    padded("serialNumber", &info.serialNumber)?;
    that("ulMinPinLen <= ulMaxPinLen", info.ulMinPinLen <= info.ulMaxPinLen)?;
    that("CKF_TOKEN_INITIALIZED", info.flags & CKF_TOKEN_INITIALIZED != 0)?;
    if info.flags & CKF_CLOCK_ON_TOKEN != 0 {
        that("utcTime is digits", info.utcTime.iter().all(u8::is_ascii_digit))?;
    }
    let unknown = CK_UNAVAILABLE_INFORMATION;
    let before = (info.ulSessionCount, info.ulRwSessionCount);
    c.session()?;
    c.open(CKF_RW_SESSION)?;
    let info = c.token_info(slot)?;
    let after = (info.ulSessionCount, info.ulRwSessionCount);
    if before.0 != unknown && after.0 != unknown {
        equal("ulSessionCount with two sessions", after.0, before.0 + 2)?;
    }
    if before.1 != unknown && after.1 != unknown {
        equal("ulRwSessionCount with one of them", after.1, before.1 + 1)?;
    }
    let most = info.ulMaxSessionCount;
    that(
        "no more sessions than ulMaxSessionCount",
        most == CK_EFFECTIVELY_INFINITE || most == unknown || after.0 <= most,
    )
}
