//! A PIN pad below SCardControl, and the user in front of it (PC/SC part 10).

use std::collections::VecDeque;

use pcsc_sys::LONG;

use crate::input::Input;

/// SCARD_CTL_CODE(3400), CM_IOCTL_GET_FEATURE_REQUEST.
pub const FEATURE_REQUEST: u32 = 0x4200_0000 + 3400;
const VERIFY: u32 = 0x4233_0006;
const MODIFY: u32 = 0x4233_0007;

/// What the user does at the pad.
#[derive(Debug, Clone)]
pub enum User {
    /// The user types this.
    Types(Vec<u8>),
    /// Nothing reaches the card: the reader answers with a status word of its own.
    Fails(u16),
    /// The reader fails.
    Error(LONG),
}

/// The pad.
pub struct Pad {
    /// The reader's list of its features, which may be anything.
    pub features: Vec<u8>,
    /// What the user will do.
    pub user: VecDeque<User>,
    /// The codes in the list of features may be wrong.
    lies: bool,
}

impl Pad {
    /// A correct pad.
    pub fn new() -> Self {
        let entry = |code: u32| [&[code as u8, 4], &code.to_be_bytes()[..]].concat();
        Pad { features: [entry(VERIFY), entry(MODIFY)].concat(), user: VecDeque::new(), lies: false }
    }

    /// A pad whose list of features comes from the input.
    pub fn that_lies(input: &mut Input<'_>) -> Self {
        Pad { features: input.blob().to_vec(), lies: true, ..Self::new() }
    }

    /// Lets the user complete a command.
    ///
    /// # Errors
    /// The error of SCardControl. A status word of the reader's own is `Ok(Err(status))`.
    ///
    /// # Panics
    /// If the structure does not follow part 10, §2.5.2 and §2.5.3.
    pub fn complete(&mut self, code: u32, structure: &[u8]) -> Result<Result<Vec<u8>, u16>, LONG> {
        // The places of the lengths and of the data's length, and how often the user types.
        let (lengths, data, times) = match code {
            VERIFY => (5, 15, 1),
            MODIFY => (7, 20, 2),
            // A reader with wrong codes in its list gets such a code, and does nothing.
            _ => return Err(pcsc_sys::SCARD_E_UNSUPPORTED_FEATURE),
        };
        let size = u32::from_le_bytes(structure[data..data + 4].try_into().expect("four bytes"));
        let command = &structure[data + 4..];
        if self.lies && size as usize != command.len() {
            // The structure belongs to the other code.
            return Err(pcsc_sys::SCARD_E_INVALID_PARAMETER);
        }
        assert_eq!(size as usize, command.len(), "ulDataLength");
        let (longest, shortest, block) = (structure[lengths], structure[lengths + 1], structure[3] & 0x0F);
        assert!(shortest <= longest && structure[2] == 0x82, "the form of a PIN");
        assert_eq!((command[4], command.len()), (block, 5 + usize::from(block)), "the block of a PIN");
        let mut typed: Option<Vec<u8>> = None;
        for _ in 0..times {
            let now = match self.user.pop_front().unwrap_or(User::Fails(0x6400)) {
                User::Types(now) => now,
                User::Fails(status) => return Ok(Err(status)),
                User::Error(error) => return Err(error),
            };
            if now.len() < shortest.into() || now.len() > longest.into() {
                return Ok(Err(0x6403));
            }
            if typed.replace(now.clone()).is_some_and(|before| before != now) {
                return Ok(Err(0x6402));
            }
        }
        let typed = typed.unwrap_or_default();
        Ok(Ok([&command[..4], &[typed.len() as u8], &typed].concat()))
    }
}

impl Default for Pad {
    fn default() -> Self {
        Self::new()
    }
}
