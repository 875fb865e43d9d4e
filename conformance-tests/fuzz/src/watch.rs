//! Checks that nothing forbidden goes to the card: the rules of docs/architecture.md, checked from below.

use std::collections::HashMap;

/// The files of the two PINs.
const PIN_FILES: [u8; 2] = [0x18, 0x1B];

/// The names of the applications whose SELECT locks the card.
const OTHERS: [&[u8]; 2] =
    [&[0xA0, 0x00, 0x00, 0x01, 0x51, 0x00, 0x00], &[0xD3, 0x92, 0x10, 0x00, 0x31, 0x00, 0x01, 0x01, 0x01, 0x00]];

/// A refused PIN, and the tries left after it.
type Refused = (Vec<u8>, Option<u8>);

/// The result of the last PIN that was sent during one call.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Attempt {
    None,
    Accepted,
    /// The card does not know short identifiers: this PIN may be sent in the other form.
    FormRefused(u8, Vec<u8>),
    /// Refused, or not known: this call must send no other PIN.
    Over,
}

/// One command, and the status word that the module got.
struct Last {
    command: Vec<u8>,
    /// `None` if no answer came.
    status: Option<u16>,
}

/// What has happened so far.
pub struct Watch {
    /// The settings forbid risking the last try.
    pub spare_last_try: bool,
    /// The command was completed at a PIN pad: the module does not know the PIN, and the user may type anything.
    pub at_pad: bool,
    /// For each card and PIN file, the PINs that were refused.
    refused: HashMap<(u64, u8), Vec<Refused>>,
    /// The same for PINs whose answer was lost, until the card reports the tries left.
    unanswered: HashMap<(u64, u8), Vec<Vec<u8>>>,
    /// The card as the module knows it: its number, or an invented one if the module got false answers when it
    /// recognised the card.
    identity: u64,
    strangers: u64,
    attempt: Attempt,
    /// Since the transaction began:
    unlocked: bool,
    verified: u8,
    recognising: Option<bool>,
    tries_told: [Option<u16>; 2],
    last: Option<Last>,
}

impl Default for Watch {
    fn default() -> Self {
        Watch {
            spare_last_try: false,
            at_pad: false,
            refused: HashMap::new(),
            unanswered: HashMap::new(),
            identity: 0,
            strangers: u64::MAX,
            attempt: Attempt::None,
            unlocked: false,
            verified: 0,
            recognising: None,
            tries_told: [None; 2],
            last: None,
        }
    }
}

impl Watch {
    /// The program calls a function.
    pub fn call(&mut self) {
        self.attempt = Attempt::None;
    }

    /// A transaction begins.
    pub fn begin(&mut self) {
        self.unlocked = false;
        self.recognising = None;
        self.tries_told = [None; 2];
        self.last = None;
    }

    /// A command is sent.
    ///
    /// # Panics
    /// If the command is forbidden.
    pub fn command(&mut self, command: &[u8]) {
        if self.last.is_none() && command.get(5..) == Some(OTHERS[1]) {
            // Only recognising the card begins with the common application.
            self.recognising = Some(true);
        }
        match command {
            [0x00, 0x20, 0x00, p2, length, pin @ ..] => {
                assert_eq!(usize::from(*length), pin.len(), "VERIFY with a wrong length");
                self.unlocked = true;
                self.verified = self.pin_file(*p2);
                self.pin(self.verified, *p2 == 0x80, pin);
            }
            [0x00, 0x24, 0x01, 0x80, length, new @ ..] => {
                assert_eq!(usize::from(*length), new.len(), "CHANGE REFERENCE DATA with a wrong length");
                let last = self.last.as_ref().expect("CHANGE REFERENCE DATA without VERIFY before it");
                assert!(
                    last.command.len() > 5 && last.command[..4] == [0x00, 0x20, 0x00, 0x80],
                    "a PIN is changed, but was not verified just before"
                );
                assert_eq!(last.status, Some(0x9000), "a PIN is changed after a refusal");
                assert!(self.at_pad || has_form(self.verified, new), "a new PIN of a wrong form: {new:?}");
            }
            _ => {}
        }
    }

    /// The PIN file that P2 refers to.
    fn pin_file(&self, p2: u8) -> u8 {
        let file = match (p2, &self.last) {
            (0x80, Some(Last { command, .. })) => match command[..] {
                [0x00, 0xA4, 0x02, 0x0C, 0x02, 0x00, file] => file,
                _ => panic!("VERIFY of the current file, but no file was selected just before"),
            },
            _ => p2 & 0x7F,
        };
        assert!(PIN_FILES.contains(&file), "VERIFY of the file {file:02X}, which is no PIN");
        file
    }

    fn pin(&mut self, file: u8, current: bool, pin: &[u8]) {
        assert!(self.at_pad || has_form(file, pin), "a PIN of a wrong form was sent for {file:02X}: {pin:?}");
        let refused = self.refused.get(&(self.identity, file));
        assert!(
            self.at_pad || !refused.is_some_and(|refused| refused.iter().any(|(other, _)| other == pin)),
            "a refused PIN is sent again"
        );
        let unanswered =
            self.unanswered.get(&(self.identity, file)).is_some_and(|all| all.iter().any(|one| one == pin));
        assert!(
            self.at_pad || !unanswered,
            "a PIN whose answer was lost is sent again before the card has reported the tries left"
        );
        match &self.attempt {
            Attempt::None | Attempt::Accepted => {}
            Attempt::FormRefused(before, same) => assert!(
                current && *before == file && same == pin,
                "another PIN is sent after the card refused the form of the command"
            ),
            Attempt::Over => panic!("a PIN is sent again in the same call, but the card has not accepted the first"),
        }
        if self.spare_last_try {
            let told = self.tries_told[usize::from(file == PIN_FILES[1])];
            assert!(told.is_some(), "a PIN is sent without a query of the tries left");
            assert_ne!(told, Some(0x63C1), "the last try is risked");
        }
    }

    /// The answer that the module gets. `real`: it is the card's own. `card` is the number of the card.
    pub fn answer(&mut self, command: &[u8], answer: Option<&[u8]>, real: bool, card: u64) {
        let status = answer.and_then(|answer| answer.last_chunk()).map(|status| u16::from_be_bytes(*status));
        self.recognising = self.recognising.map(|all_real| all_real && real);
        match *command {
            [0x00, 0x20, 0x00, p2, _, ref pin @ ..] => self.pin_answer(self.pin_file(p2), p2 == 0x80, pin, status),
            [0x00, 0x20, 0x00, p2] => {
                let file = self.pin_file(p2);
                self.tries_told[usize::from(file == PIN_FILES[1])] = Some(status.unwrap_or(0));
                if let Some(tries) = status.and_then(tries_left) {
                    // The count shows whether the card has compared the PIN whose answer was lost.
                    self.unanswered.remove(&(self.identity, file));
                    match self.recognising {
                        None => {}
                        Some(true) => self.identity = card,
                        Some(false) => {
                            self.strangers -= 1;
                            self.identity = self.strangers;
                        }
                    }
                    // More tries than before: the card has got a right PIN.
                    if let Some(refused) = self.refused.get_mut(&(self.identity, file)) {
                        refused.retain(|(_, left)| left.is_none_or(|left| left >= tries));
                        // Refused without a number, or fewer tries since: the new number counts.
                        for (_, left) in refused {
                            *left = Some(left.map_or(tries, |left| left.min(tries)));
                        }
                    }
                }
            }
            _ => {}
        }
        if let Some(false) = self.recognising {
            self.strangers -= 1;
            self.identity = self.strangers;
        } else if self.recognising.is_some() {
            self.identity = card;
        }
        self.last = Some(Last { command: command.to_vec(), status });
    }

    fn pin_answer(&mut self, file: u8, current: bool, pin: &[u8], status: Option<u16>) {
        let key = (self.identity, file);
        self.attempt = match status {
            Some(0x9000) => {
                self.refused.remove(&key);
                self.unanswered.remove(&key);
                Attempt::Accepted
            }
            Some(0x6A86 | 0x6A82 | 0x6A81 | 0x6A88 | 0x6986 | 0x6B00) if !current => {
                Attempt::FormRefused(file, pin.to_vec())
            }
            Some(status) => {
                let left = tries_left(status);
                if !self.at_pad && (status == 0x6300 || left.is_some_and(|left| left > 0)) {
                    self.refused.entry(key).or_default().push((pin.to_vec(), left));
                }
                Attempt::Over
            }
            None => {
                if !self.at_pad {
                    self.unanswered.entry(key).or_default().push(pin.to_vec());
                }
                Attempt::Over
            }
        };
    }

    /// The transaction ends. `powered_down`: the card is powered down. `gone`: the card is not in the reader any more,
    /// so it has no power anyway.
    ///
    /// # Panics
    /// If a PIN was sent and the card may stay unlocked.
    pub fn end(&mut self, powered_down: bool, gone: bool) {
        if !self.unlocked || powered_down || gone {
            return;
        }
        let last = self.last.as_ref().expect("a PIN was sent");
        let left = last.command.starts_with(&[0x00, 0xA4, 0x04]) && OTHERS.contains(&&last.command[5..]);
        assert!(left && last.status == Some(0x9000), "the transaction ends with the card unlocked");
    }
}

fn tries_left(status: u16) -> Option<u8> {
    (status & 0xFFF0 == 0x63C0).then_some((status & 0x0F) as u8)
}

/// Four digits, or 6 to 16 digits and capital letters with at least one of each.
fn has_form(file: u8, pin: &[u8]) -> bool {
    let (digits, letters) =
        (pin.iter().filter(|b| b.is_ascii_digit()).count(), pin.iter().filter(|b| b.is_ascii_uppercase()).count());
    match file {
        0x18 => pin.len() == 4 && digits == 4,
        _ => (6..=16).contains(&pin.len()) && digits + letters == pin.len() && digits > 0 && letters > 0,
    }
}
