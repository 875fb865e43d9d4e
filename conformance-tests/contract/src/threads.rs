//! Threads that are in the middle of calls when the module ends.

use std::ptr;
use std::thread;

use cryptoki_sys::*;

use crate::case::{Case, Outcome, Verdict, table};
use crate::check::{among, ok};
use crate::context::Context;

const THREADS: u64 = 4;

pub(crate) fn cases() -> Vec<Case> {
    table! {
        "robust/finalize-in-the-middle", "§5.4 C_Finalize" => finalize_in_the_middle;
    }
}

/// Threads call on while another one finalizes: whatever they get, nothing crashes, and the module starts anew.
fn finalize_in_the_middle(c: &mut Context) -> Outcome {
    for _ in 0..5 {
        c.start_with_threads()?;
        let slot = c.slot()?;
        let session = c.session()?;
        let module = c.m;
        let callers: Vec<_> = (0..THREADS)
            .map(|_| {
                thread::spawn(move || {
                    let (mut info, mut token) = (CK_SESSION_INFO::default(), CK_TOKEN_INFO::default());
                    let ended = [CKR_OK, CKR_CRYPTOKI_NOT_INITIALIZED, CKR_SESSION_HANDLE_INVALID];
                    let searches = [&ended[..], &[CKR_OPERATION_ACTIVE, CKR_OPERATION_NOT_INITIALIZED]].concat();
                    for _ in 0..200 {
                        among("C_GetSessionInfo", module.C_GetSessionInfo(session, &raw mut info), &ended)?;
                        among("C_GetTokenInfo", module.C_GetTokenInfo(slot, &raw mut token), &ended)?;
                        among("C_FindObjectsInit", module.C_FindObjectsInit(session, ptr::null_mut(), 0), &searches)?;
                        among("C_FindObjectsFinal", module.C_FindObjectsFinal(session), &searches)?;
                    }
                    Ok(())
                })
            })
            .collect();
        thread::sleep(std::time::Duration::from_millis(5));
        ok("C_Finalize", c.m.C_Finalize(ptr::null_mut()))?;
        callers.into_iter().try_for_each(joined)?;
    }
    Ok(())
}

fn joined(thread: thread::JoinHandle<Outcome>) -> Outcome {
    thread.join().unwrap_or_else(|_| Err(Verdict::Fail("a thread of the suite panicked".into())))
}
