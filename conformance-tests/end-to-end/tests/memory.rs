//! Memory that the process does not get (RLIMIT_AS): where a caller decides how much is needed, the call says so
//! (CKR_HOST_MEMORY), and the program goes on.

use cryptoki_sys::{CKR_HOST_MEMORY, CKR_OK};
use jpki_end_to_end::{Helper, Key, Reader, Turn, VirtualCard};

#[test]
fn refused_memory_is_an_answer_where_a_caller_decides_the_size() {
    let _turn = Turn::take();
    let _card = VirtualCard::start(Reader::First, &[]);
    for key in Key::ALL {
        let lines = Helper::start("module-user", &["memory", key.name()]).end();
        let expected = [("without", CKR_HOST_MEMORY), ("with", CKR_OK)];
        assert_eq!(lines, expected.map(|(way, value)| format!("{way} memory: {:x?}", (value, value))), "{key:?}");
    }
}
