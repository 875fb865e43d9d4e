//! Threads that get in each other's way: at the start and the end of the module, and in one session.

use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use cryptoki_sys::*;

use crate::case::{Case, Outcome, Verdict, table};
use crate::check::{among, equal, fail, ok};
use crate::context::{Context, mechanism};

const THREADS: u64 = 4;

/// For how long threads start and end the module.
const PERIOD: Duration = Duration::from_secs(2);

pub(crate) fn cases() -> Vec<Case> {
    table! {
        "robust/finalize-in-the-middle", "§5.4 C_Finalize" => finalize_in_the_middle;
        "robust/finalize-and-initialize", "§5.4 C_Initialize, C_Finalize, §5.5 C_WaitForSlotEvent" => finalize_and_initialize;
        "robust/one-session-several-threads", "§5.7 C_FindObjectsInit, §5.13 C_SignInit, §5.15 C_VerifyInit" => one_session;
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

fn until(end: Instant, call: impl Fn() -> Outcome) -> Outcome {
    while Instant::now() < end {
        call()?;
    }
    Ok(())
}

/// Threads that start and end the module at once, and one that waits for events meanwhile: whoever ended it last, nobody
/// is left waiting.
fn finalize_and_initialize(c: &mut Context) -> Outcome {
    let (module, over) = (c.m, Arc::new(AtomicBool::new(false)));
    let (told, waiter_ends) = mpsc::channel();
    let end = Instant::now() + PERIOD;
    let waits = Arc::clone(&over);
    thread::spawn(move || {
        let mut slot = 0;
        let mut outcome = Ok(());
        while outcome.is_ok() && !waits.load(Ordering::SeqCst) {
            let rv = module.C_WaitForSlotEvent(0, &raw mut slot, ptr::null_mut());
            if rv == CKR_FUNCTION_NOT_SUPPORTED {
                break;
            }
            outcome = among("C_WaitForSlotEvent", rv, &[CKR_OK, CKR_CRYPTOKI_NOT_INITIALIZED]);
        }
        told.send(outcome)
    });
    let starts = || {
        thread::spawn(move || {
            until(end, || {
                let mut arguments = CK_C_INITIALIZE_ARGS { flags: CKF_OS_LOCKING_OK, ..Default::default() };
                let rv = module.C_Initialize((&raw mut arguments).cast());
                among("C_Initialize", rv, &[CKR_OK, CKR_CRYPTOKI_ALREADY_INITIALIZED])
            })
        })
    };
    let ends = || {
        thread::spawn(move || {
            until(end, || {
                let rv = module.C_Finalize(ptr::null_mut());
                among("C_Finalize", rv, &[CKR_OK, CKR_CRYPTOKI_NOT_INITIALIZED])
            })
        })
    };
    [starts(), ends(), starts(), ends()].into_iter().try_for_each(joined)?;
    over.store(true, Ordering::SeqCst);
    let rv = module.C_Finalize(ptr::null_mut());
    among("the last C_Finalize", rv, &[CKR_OK, CKR_CRYPTOKI_NOT_INITIALIZED])?;
    match waiter_ends.recv_timeout(Duration::from_secs(5)) {
        Ok(outcome) => outcome,
        Err(_) => fail("nobody is left who could end the module, and a thread is still in C_WaitForSlotEvent"),
    }
}

/// Of several threads that begin the same operation in one session, one does.
fn one_session(c: &mut Context) -> Outcome {
    c.start_with_threads()?;
    let (_login, keys) = c.ready()?;
    let (m, public) = (c.m, keys.public()?);
    // A session for each: not every module lets different operations be under way in one.
    let sessions = [c.session()?, c.session()?, c.session()?];
    let searches = || m.C_FindObjectsInit(sessions[0], ptr::null_mut(), 0);
    let signs = || m.C_SignInit(sessions[1], &mut mechanism(CKM_RSA_PKCS), keys.private);
    let verifies = || m.C_VerifyInit(sessions[2], &mut mechanism(CKM_RSA_PKCS), public);
    let begins: [(&str, &(dyn Fn() -> CK_RV + Sync)); 3] =
        [("C_FindObjectsInit", &searches), ("C_SignInit", &signs), ("C_VerifyInit", &verifies)];
    for (name, begin) in begins {
        let answers: Vec<CK_RV> = thread::scope(|scope| {
            let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(begin)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap_or(CKR_GENERAL_ERROR)).collect()
        });
        answers.iter().try_for_each(|rv| among(name, *rv, &[CKR_OK, CKR_OPERATION_ACTIVE]))?;
        equal(&format!("{name}: threads that began"), answers.iter().filter(|rv| **rv == CKR_OK).count(), 1)?;
    }
    Ok(())
}
