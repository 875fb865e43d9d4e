//! Threads: the module starts none, because programs fork, change the credentials of single threads, or forbid threads
//! (CKF_LIBRARY_CANT_CREATE_OS_THREADS, PKCS#11 3.2 §5.4.1). Several threads may start and end the module at once.

use std::ptr::null_mut;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use cryptoki_sys::*;
use jpki_end_to_end::{Helper, Key, Reader, Turn, VirtualCard, call};

#[test]
fn no_call_leaves_a_thread() {
    let _turn = Turn::take();
    let _card = VirtualCard::start(Reader::First, &[]);
    for key in Key::ALL {
        let lines = Helper::start("module-user", &["threads", key.name()]).end();
        let calls = ["before C_Initialize", "C_Initialize", "C_Login", "C_Sign", "C_WaitForSlotEvent", "C_Finalize"];
        // The only thread is the program's own.
        assert_eq!(lines, calls.map(|call| format!("{call}: 1")), "{key:?}");
    }
}

#[test]
fn whoever_ends_the_module_last_leaves_nobody_waiting() {
    let _turn = Turn::take();
    static OVER: AtomicBool = AtomicBool::new(false);
    let (send, last_answer) = mpsc::channel();
    // Not joined: this thread may never end, which is what the test would find.
    thread::spawn(move || {
        let (mut slot, mut answer) = (0, CKR_OK);
        while !OVER.load(Ordering::SeqCst) && [CKR_OK, CKR_CRYPTOKI_NOT_INITIALIZED].contains(&answer) {
            answer = call!(C_WaitForSlotEvent(0, &raw mut slot, null_mut()));
        }
        send.send(answer)
    });
    let end = Instant::now() + Duration::from_secs(3);
    let starts = || {
        while Instant::now() < end {
            let answer = call!(C_Initialize(null_mut()));
            assert!([CKR_OK, CKR_CRYPTOKI_ALREADY_INITIALIZED].contains(&answer), "C_Initialize: {answer:#x}");
        }
    };
    let ends = || {
        while Instant::now() < end {
            let answer = call!(C_Finalize(null_mut()));
            assert!([CKR_OK, CKR_CRYPTOKI_NOT_INITIALIZED].contains(&answer), "C_Finalize: {answer:#x}");
        }
    };
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(starts);
            scope.spawn(ends);
        }
    });
    OVER.store(true, Ordering::SeqCst);
    call!(C_Finalize(null_mut()));
    let answer = last_answer.recv_timeout(Duration::from_secs(5)).expect("a thread is still in C_WaitForSlotEvent");
    assert!([CKR_OK, CKR_CRYPTOKI_NOT_INITIALIZED].contains(&answer), "C_WaitForSlotEvent: {answer:#x}");
}
