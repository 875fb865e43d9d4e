//! A program that forks: the child has to initialize the module anew, and the parent goes on.

use jpki_end_to_end::{Helper, Key, Reader, Turn, VirtualCard};

#[test]
fn a_child_initializes_for_itself_and_the_parent_goes_on() {
    let _turn = Turn::take();
    let card = VirtualCard::start(Reader::First, &[]);
    for key in Key::ALL {
        let lines = Helper::start("module-user", &["fork", key.name()]).end();
        assert_eq!(lines, ["child: ended with 0", "parent: signed"], "module-user.rs explains the numbers");
        assert_eq!(card.state().verified, "");
    }
}
