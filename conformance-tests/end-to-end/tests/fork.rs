//! A program that forks: the child starts anew, and the parent goes on.

use jpki_end_to_end::{Helper, Key, Reader, Turn, VirtualCard};

#[test]
fn a_child_initializes_for_itself_and_the_parent_goes_on() {
    let _turn = Turn::take();
    let card = VirtualCard::start(Reader::First, &[]);
    for key in Key::ALL {
        let lines = Helper::start("module-user", &["fork", key.name()]).end();
        assert_eq!(lines, ["child: ended with 0", "parent: signed"], "the numbers are explained in module-user.rs");
        assert_eq!(card.state().verified, "");
    }
}
