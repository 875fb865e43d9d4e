//! The cards in the reader.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use jpki_virtual_card::{Card, Identity, LeaveBehaviour, Options, Phone, Presence};

use crate::input::Input;

/// A card in the reader.
pub trait Chip: Send {
    /// Turns the power on or off.
    fn set_power(&mut self, on: bool);

    /// The answer to a command.
    fn transmit(&mut self, command: &[u8]) -> Vec<u8>;

    /// Whether a PIN is in the verified state.
    fn is_unlocked(&self) -> bool;

    /// A number that only this card has.
    fn number(&self) -> u64;
}

/// Keys and certificates of the virtual card: small ones, because big numbers are slow under a sanitizer, and always
/// the same ones, so an input means the same on every machine.
fn identity() -> Arc<Identity> {
    static IDENTITY: OnceLock<Arc<Identity>> = OnceLock::new();
    let read = || Identity::load_or_create(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/identity")));
    Arc::clone(IDENTITY.get_or_init(|| Arc::new(read().expect("the folder identity"))))
}

/// The virtual card, another one for each input: the module remembers for the whole process which PINs a card has
/// refused, and inputs must not affect each other.
pub struct VirtualCard {
    card: Card,
    number: u64,
    tag_at: usize,
    /// Leaving the application does not lock this card.
    pub lies: bool,
}

impl VirtualCard {
    /// A card as the input describes it. An empty input stands for an ordinary card, but without a number: the number
    /// costs the module thousands of hashes.
    pub fn new(input: &mut Input<'_>) -> Self {
        static NUMBERS: AtomicU64 = AtomicU64::new(1);
        let number = NUMBERS.fetch_add(1, Ordering::Relaxed);
        let (kind, certificates, tries) = (input.byte(), input.byte(), input.byte());
        let presence = |bits: u8| match bits & 0x0F {
            8 | 9 => Presence::Blank,
            10 | 11 => Presence::ProtectedBlank,
            12 | 13 => Presence::Missing,
            14 | 15 => Presence::Empty,
            _ => Presence::Present,
        };
        let options = Options {
            serial: format!("99{number:013}"),
            common_ap: kind & 0x0F == 1,
            phone: match kind & 0x0F {
                2 => Some(Phone::Android),
                3 => Some(Phone::Iphone),
                _ => None,
            },
            pss: kind & 0x0F != 4,
            short_identifiers: kind & 0x0F != 5,
            first_command_6f00: kind & 0x0F == 6,
            not_my_number_card: kind & 0x0F == 15,
            leave: match kind >> 4 {
                1 => LeaveBehaviour::Refused,
                2 => LeaveBehaviour::RefusedAll,
                3 => LeaveBehaviour::Lies,
                _ => LeaveBehaviour::Clears,
            },
            reselect_clears: kind >> 4 == 4,
            auth_certificate: presence(certificates),
            sign_certificate: presence(certificates >> 4),
            auth_tries_left: 3 - (tries & 3).min(3),
            sign_tries_left: 5 - (tries >> 2 & 7).min(5),
            ef_size: 640,
            ..Options::default()
        };
        let lies = options.leave == LeaveBehaviour::Lies;
        // The end of the certificate's signature, which nothing checks: it distinguishes the cards.
        let tag_at = identity().auth_certificate().len() - size_of::<u64>();
        VirtualCard { card: Card::new(identity(), options), number, tag_at, lies }
    }
}

impl Chip for VirtualCard {
    fn set_power(&mut self, on: bool) {
        if on { self.card.power_on() } else { self.card.power_off() }
    }

    fn transmit(&mut self, command: &[u8]) -> Vec<u8> {
        let mut answer = self.card.transmit(command).unwrap_or_else(|| vec![0x6F, 0x00]);
        self.card.clear_exchanges();
        if let ([0x00, 0xB0, p1, p2, _], Some(0x0A)) = (command, self.card.selected_file()) {
            let from = if p1 & 0x80 != 0 { usize::from(*p2) } else { usize::from(u16::from_be_bytes([*p1, *p2])) };
            let data = answer.len() - 2;
            for (place, byte) in self.number.to_be_bytes().into_iter().enumerate() {
                if (from..from + data).contains(&(self.tag_at + place)) {
                    answer[self.tag_at + place - from] = byte;
                }
            }
        }
        answer
    }

    fn is_unlocked(&self) -> bool {
        !self.card.verified().is_empty()
    }

    fn number(&self) -> u64 {
        self.number
    }
}

/// A card that accepts every PIN, returns any file that it has, and signs everything with the same bytes.
pub struct PaperCard {
    /// Short identifiers and contents.
    pub files: Vec<(u8, Vec<u8>)>,
    /// The bytes that the card returns as a signature.
    pub signature: Vec<u8>,
    file: u8,
}

impl PaperCard {
    /// A card with these files.
    pub fn new(files: Vec<(u8, Vec<u8>)>, signature: Vec<u8>) -> Self {
        PaperCard { files, signature, file: 0 }
    }

    fn read(&self, offset: usize, le: u8) -> Vec<u8> {
        let Some((_, content)) = self.files.iter().find(|(file, _)| *file == self.file) else {
            return vec![0x6A, 0x82];
        };
        let le = if le == 0 { 256 } else { usize::from(le) };
        match content.get(offset..(offset + le).min(content.len())) {
            Some(data) => [data, &[0x90, 0x00]].concat(),
            None => vec![0x6B, 0x00],
        }
    }
}

impl Chip for PaperCard {
    fn set_power(&mut self, _on: bool) {}

    fn transmit(&mut self, command: &[u8]) -> Vec<u8> {
        match *command {
            // No common application: a card number would cost the module thousands of hashes.
            [0x00, 0xA4, 0x04, 0x0C, 0x0A, 0xD3, 0x92, 0x10, ..] => vec![0x6A, 0x82],
            [0x00, 0xA4, 0x02, 0x0C, 0x02, 0x00, file] => {
                self.file = file;
                vec![0x90, 0x00]
            }
            [0x00, 0xB0, p1, p2, le] if p1 & 0x80 != 0 => {
                self.file = p1 & 0x7F;
                self.read(usize::from(p2), le)
            }
            [0x00, 0xB0, p1, p2, le] => self.read(usize::from(u16::from_be_bytes([p1, p2])), le),
            [0x00, 0x20, _, _] => vec![0x63, 0xC3],
            [0x80, 0x2A, ..] => [&self.signature[..], &[0x90, 0x00]].concat(),
            _ => vec![0x90, 0x00],
        }
    }

    fn is_unlocked(&self) -> bool {
        false
    }

    fn number(&self) -> u64 {
        0
    }
}
