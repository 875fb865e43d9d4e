//! Parsed command APDUs, and the status words that answer them.

/// A command as the card understands it (ISO/IEC 7816-4, cases 1 to 4, short and extended). Without Debug: its data
/// may be a PIN.
pub(crate) struct Command<'a> {
    pub(crate) cla: u8,
    pub(crate) ins: u8,
    pub(crate) p1: u8,
    pub(crate) p2: u8,
    pub(crate) data: &'a [u8],
    /// How many bytes the answer may have; `None` if the command asks for no data.
    pub(crate) le: Option<usize>,
    /// Whether the lengths are in the extended form.
    pub(crate) extended: bool,
}

impl<'a> Command<'a> {
    /// Parses the bytes of a command; 6700 if the lengths in it do not fit its own length.
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, Status> {
        let [cla, ins, p1, p2, body @ ..] = bytes else {
            return Err(Status::WRONG_LENGTH);
        };
        let (data, le, extended) = parse_body(body).ok_or(Status::WRONG_LENGTH)?;
        Ok(Command { cla: *cla, ins: *ins, p1: *p1, p2: *p2, data, le, extended })
    }
}

/// The data, the length expected, and whether the form is extended.
fn parse_body(body: &[u8]) -> Option<(&[u8], Option<usize>, bool)> {
    const NONE: &[u8] = &[];
    match body {
        [] => Some((NONE, None, false)),
        [le] => Some((NONE, Some(short(*le)), false)),
        [0, hi, lo] => Some((NONE, Some(extended(*hi, *lo)), true)),
        [0, hi, lo, rest @ ..] => {
            let length = usize::from(u16::from_be_bytes([*hi, *lo]));
            let (data, tail) = rest.split_at_checked(length)?;
            match tail {
                _ if data.is_empty() => None,
                [] => Some((data, None, true)),
                [hi, lo] => Some((data, Some(extended(*hi, *lo)), true)),
                _ => None,
            }
        }
        [lc, rest @ ..] => {
            let (data, tail) = rest.split_at_checked(usize::from(*lc))?;
            match tail {
                _ if data.is_empty() => None,
                [] => Some((data, None, false)),
                [le] => Some((data, Some(short(*le)), false)),
                _ => None,
            }
        }
    }
}

fn short(le: u8) -> usize {
    if le == 0 { 256 } else { usize::from(le) }
}

fn extended(hi: u8, lo: u8) -> usize {
    match u16::from_be_bytes([hi, lo]) {
        0 => 65536,
        le => usize::from(le),
    }
}

/// A status word; card-facts §8 says what each one means on this card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Status(pub(crate) u16);

impl Status {
    pub(crate) const OK: Status = Status(0x9000);
    pub(crate) const NO_SESSION_KEY_ENVIRONMENT: Status = Status(0x66F1);
    pub(crate) const WRONG_LENGTH: Status = Status(0x6700);
    pub(crate) const LOGICAL_CHANNEL: Status = Status(0x6881);
    pub(crate) const WRONG_FILE_TYPE: Status = Status(0x6981);
    pub(crate) const SECURITY_STATUS: Status = Status(0x6982);
    pub(crate) const PIN_BLOCKED: Status = Status(0x6984);
    pub(crate) const CONDITIONS_OF_USE: Status = Status(0x6985);
    pub(crate) const NO_CURRENT_FILE: Status = Status(0x6986);
    pub(crate) const NO_SECURE_MESSAGING: Status = Status(0x69FC);
    pub(crate) const NOT_FOUND: Status = Status(0x6A82);
    pub(crate) const NO_RECORD: Status = Status(0x6A83);
    pub(crate) const WRONG_PARAMETERS: Status = Status(0x6A86);
    pub(crate) const NO_REFERENCED_DATA: Status = Status(0x6A88);
    pub(crate) const WRONG_OFFSET: Status = Status(0x6B00);
    pub(crate) const UNKNOWN_INSTRUCTION: Status = Status(0x6D00);
    pub(crate) const UNKNOWN_CLASS: Status = Status(0x6E00);
    pub(crate) const INTERNAL: Status = Status(0x6F00);

    /// 63Cx: `tries` are left.
    pub(crate) fn tries_left(tries: u8) -> Status {
        Status(0x63C0 | u16::from(tries.min(15)))
    }
}

/// What a command produces: data with 9000, or another status word.
pub(crate) type Answer = Result<Vec<u8>, Status>;

/// The bytes on the wire.
pub(crate) fn response(answer: Answer) -> Vec<u8> {
    let (mut bytes, status) = match answer {
        Ok(data) => (data, Status::OK),
        Err(status) => (Vec::new(), status),
    };
    bytes.extend(status.0.to_be_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(bytes: &[u8]) -> Option<(&[u8], Option<usize>, bool)> {
        let command = Command::parse(bytes).ok()?;
        Some((command.data, command.le, command.extended))
    }

    #[test]
    fn every_case() {
        let none: &[u8] = &[];
        assert_eq!(parts(&[0, 0x20, 0, 0x80]), Some((none, None, false)));
        assert_eq!(parts(&[0, 0xB0, 0, 0, 0]), Some((none, Some(256), false)));
        assert_eq!(parts(&[0, 0xB0, 0, 0, 7]), Some((none, Some(7), false)));
        assert_eq!(parts(&[0, 0xA4, 2, 12, 2, 0, 1]), Some(([0, 1].as_slice(), None, false)));
        assert_eq!(parts(&[0, 0xA4, 2, 12, 2, 0, 1, 0]), Some(([0, 1].as_slice(), Some(256), false)));
        assert_eq!(parts(&[0, 0xB0, 0, 0, 0, 0, 0]), Some((none, Some(65536), true)));
        assert_eq!(parts(&[0x80, 0xA2, 0, 0, 0, 0, 1, 9]), Some(([9].as_slice(), None, true)));
        assert_eq!(parts(&[0x80, 0xA2, 0, 0, 0, 0, 1, 9, 1, 0]), Some(([9].as_slice(), Some(256), true)));
    }

    #[test]
    fn lengths_that_do_not_agree() {
        for bytes in [
            &[0, 0xA4, 4][..],
            &[0, 0xA4, 4, 12, 3, 1, 2],
            &[0, 0xA4, 4, 12, 1, 1, 2, 3],
            &[0, 0xA4, 4, 12, 0, 0, 0, 0],
            &[0, 0xA4, 4, 12, 0, 0, 5, 1],
        ] {
            assert_eq!(Command::parse(bytes).err(), Some(Status::WRONG_LENGTH));
        }
    }
}
