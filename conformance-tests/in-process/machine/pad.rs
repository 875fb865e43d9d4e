//! A simulated PIN pad, and the user in front of it.

use std::collections::VecDeque;

use jpki_pkcs11::transport::{PadCommand, PadEntry, PinPad};

/// What the user does when the pad asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum User {
    /// Types this and presses the OK key.
    Types(&'static str),
    /// Presses the cancel key.
    Cancels,
    /// Does nothing.
    Sleeps,
    /// Pulls the card out instead.
    PullsTheCard,
}

/// The pad of a reader.
pub(super) struct Pad {
    pub(super) can: PinPad,
    /// It has keys for letters.
    pub(super) letters: bool,
    /// What the user will do, one action for each question of the pad.
    pub(super) user: VecDeque<User>,
    /// How many questions it has asked.
    pub(super) asked: usize,
}

/// The result of an entry.
pub(super) enum Entry {
    /// This command goes to the card.
    Command(Vec<u8>),
    /// Nothing goes to the card: the reader answers with a status word of its own (PC/SC part 10 §2.5.2).
    Status(u16),
    Pulled,
}

impl Pad {
    /// Lets the user complete a command.
    pub(super) fn complete(&mut self, command: &PadCommand) -> Entry {
        let times = if command.typed == PadEntry::New { 2 } else { 1 };
        let mut typed: Option<String> = None;
        for _ in 0..times {
            self.asked += 1;
            let now = match self.user.pop_front().expect("the pad asks more often than the test expects") {
                // The user skips keys that the pad does not have.
                User::Types(text) => text.chars().filter(|key| self.letters || key.is_ascii_digit()).collect(),
                User::Cancels => return Entry::Status(0x6401),
                User::Sleeps => return Entry::Status(0x6400),
                User::PullsTheCard => return Entry::Pulled,
            };
            if !(command.shortest.into()..=command.longest.into()).contains(&String::len(&now)) {
                return Entry::Status(0x6403);
            }
            if typed.replace(now.clone()).is_some_and(|before| before != now) {
                return Entry::Status(0x6402);
            }
        }
        let typed = typed.expect("something");
        let mut bytes = command.header.to_vec();
        bytes.push(u8::try_from(typed.len()).expect("a short PIN"));
        bytes.extend_from_slice(typed.as_bytes());
        Entry::Command(bytes)
    }
}
