//! What happens to each command, as the input says: one byte for each command, with zero for the real answer.

use pcsc_sys::*;

use crate::input::Input;

/// The errors of PC/SC.
const TRANSPORT_ERRORS: [LONG; 14] = [
    SCARD_W_REMOVED_CARD,
    SCARD_W_RESET_CARD,
    SCARD_E_NO_SERVICE,
    SCARD_F_COMM_ERROR,
    SCARD_E_NOT_TRANSACTED,
    SCARD_E_TIMEOUT,
    SCARD_E_NO_SMARTCARD,
    SCARD_E_READER_UNAVAILABLE,
    SCARD_E_INSUFFICIENT_BUFFER,
    SCARD_E_INVALID_HANDLE,
    SCARD_W_UNPOWERED_CARD,
    SCARD_W_UNRESPONSIVE_CARD,
    SCARD_F_INTERNAL_ERROR,
    SCARD_E_UNSUPPORTED_FEATURE,
];

/// Status words with a meaning, on this card or on others.
const STATUS_WORDS: [u16; 32] = [
    0x9000, 0x63C0, 0x63C1, 0x63C2, 0x63C3, 0x63C5, 0x63CF, 0x6300, 0x6400, 0x6581, 0x6700, 0x6881, 0x6981, 0x6982,
    0x6983, 0x6984, 0x6985, 0x6986, 0x6A80, 0x6A81, 0x6A82, 0x6A83, 0x6A86, 0x6A88, 0x6B00, 0x6C10, 0x6D00, 0x6E00,
    0x6F00, 0x6101, 0x6200, 0x0000,
];

/// What happens to a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// The card answers, and its answer arrives unchanged.
    Real,
    /// The card executes the command, and its answer is changed on the way.
    Changed(Change),
    /// The card never sees the command; this is the answer.
    Invented(Vec<u8>),
    /// The command, or its answer, gets lost.
    Lost {
        /// The card has executed the command.
        executed: bool,
        /// The error of PC/SC.
        error: LONG,
    },
    /// The card is pulled out before it sees the command.
    Pulled,
}

/// What happens to an answer on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// One byte differs in some bits.
    Byte(usize, u8),
    /// Another status word.
    Status(u16),
    /// This many bytes of data are missing at the end.
    Shorter(usize),
    /// There are more data before the status word.
    Longer(Vec<u8>),
    /// Other data from some place on, at most as long as the real ones.
    Data(usize, Vec<u8>),
}

impl Change {
    /// The answer as it arrives.
    pub fn apply(self, mut answer: Vec<u8>) -> Vec<u8> {
        let data = answer.len().saturating_sub(2);
        match self {
            Change::Byte(at, bits) if !answer.is_empty() => {
                let length = answer.len();
                answer[at % length] ^= bits;
            }
            Change::Byte(..) => {}
            Change::Status(status) => {
                answer.truncate(data);
                answer.extend(status.to_be_bytes());
            }
            Change::Shorter(by) => drop(answer.drain(data - by.min(data)..data)),
            Change::Longer(more) => drop(answer.splice(data..data, more)),
            Change::Data(from, other) => {
                let from = from.min(data);
                let to = (from + other.len()).min(data);
                answer[from..to].copy_from_slice(&other[..to - from]);
            }
        }
        answer
    }
}

/// The fates of the commands to come.
pub struct Answers(Vec<u8>);

impl Answers {
    /// Fates from the input; after the last one, all answers are real.
    pub fn new(bytes: &[u8]) -> Self {
        Answers(bytes.to_vec())
    }

    /// The fate of the next command.
    pub fn next_fate(&mut self) -> Fate {
        let bytes = std::mem::take(&mut self.0);
        let mut input = Input::new(&bytes);
        let fate = match input.byte() & 0x0F {
            0..=5 => Fate::Real,
            6 => Fate::Changed(Change::Byte(usize::from(input.word()), input.byte())),
            7 => Fate::Changed(Change::Status(input.pick(&STATUS_WORDS))),
            8 => Fate::Changed(Change::Shorter(usize::from(input.byte()))),
            9 => Fate::Changed(Change::Longer(input.blob().to_vec())),
            10 => Fate::Changed(Change::Data(usize::from(input.byte()), input.blob().to_vec())),
            11 => Fate::Invented(input.pick(&STATUS_WORDS).to_be_bytes().to_vec()),
            12 => Fate::Invented(input.blob().to_vec()),
            13 => Fate::Lost { executed: true, error: input.pick(&TRANSPORT_ERRORS) },
            14 => Fate::Lost { executed: false, error: input.pick(&TRANSPORT_ERRORS) },
            _ => match input.byte() & 3 {
                0 => Fate::Pulled,
                _ => Fate::Changed(Change::Status(input.word())),
            },
        };
        self.0 = input.rest().to_vec();
        fate
    }

    /// An error of PC/SC, as the input says; never the error that makes the module wait for other programs.
    pub fn error(input: &mut Input<'_>) -> LONG {
        input.pick(&TRANSPORT_ERRORS)
    }
}
