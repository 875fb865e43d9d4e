//! The module starts no thread: hosts fork, change their credentials thread by thread, or forbid it
//! (CKF_LIBRARY_CANT_CREATE_OS_THREADS, PKCS#11 3.2 §5.4.1).

use jpki_conformance_suite::{Helper, Key, Reader, Turn, VirtualCard};

#[test]
fn no_call_leaves_a_thread() {
    let _turn = Turn::take();
    let _card = VirtualCard::start(Reader::First, &[]);
    for key in Key::ALL {
        let lines = Helper::start("module-user", &["threads", key.name()]).end();
        let calls = ["before C_Initialize", "C_Initialize", "C_Login", "C_Sign", "C_WaitForSlotEvent", "C_Finalize"];
        // One: that of the program itself.
        assert_eq!(lines, calls.map(|call| format!("{call}: 1")), "{key:?}");
    }
}
