//! PIN pads: the user types at the reader, and the reader completes the command, so no PIN is in this machine (PC/SC
//! part 10).

/// CM_IOCTL_GET_FEATURE_REQUEST: which features the reader has (PC/SC part 10 §2.2).
pub(super) const FEATURE_REQUEST: u32 = 3400;
/// Room for every feature that part 10 knows, six bytes each.
pub(super) const FEATURES_MAX: usize = 256;

/// FEATURE_VERIFY_PIN_DIRECT (PC/SC part 10 §2.3).
const VERIFY_DIRECT: u8 = 0x06;
/// FEATURE_MODIFY_PIN_DIRECT (PC/SC part 10 §2.3).
const MODIFY_DIRECT: u8 = 0x07;

/// One byte in ASCII for each key, left-justified, directly behind Lc (bmFormatString, PC/SC part 10 §2.5.2).
const ASCII: u8 = 0x82;
/// The entry ends with the key for it, so the user can take back a mistyped digit (bEntryValidationCondition).
const VALIDATION_KEY: u8 = 0x02;
/// New and confirmed, without the old one (bConfirmPIN, PC/SC part 10 §2.5.3).
const CONFIRMED: u8 = 0x01;
/// English: the only language that a display can be expected to have (wLangId).
const LANGUAGE: u16 = 0x0409;
/// The bytes that the pad will overwrite.
const FILLER: u8 = 0xFF;

/// What the pad of a reader can do; nothing if there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PinPad {
    /// It takes what the card knows.
    pub verifies: bool,
    /// It takes what the card shall know from then on.
    pub modifies: bool,
}

/// What is to be typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PadEntry {
    /// What the card knows, once.
    Known,
    /// What the card shall know from then on, twice.
    New,
}

/// A command that is completed at the pad.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PadCommand {
    /// CLA, INS, P1, P2. The pad adds Lc, and what was typed.
    pub header: [u8; 4],
    /// The fewest characters that may be typed.
    pub shortest: u8,
    /// The most characters that may be typed. The command has as many bytes of data as characters were typed.
    pub longest: u8,
    /// What they are.
    pub typed: PadEntry,
}

/// What a reader can do, by its answer to [`FEATURE_REQUEST`].
pub(super) fn pad_of(features: &[u8]) -> PinPad {
    let has = |typed| control_code(features, typed).is_some();
    PinPad { verifies: has(PadEntry::Known), modifies: has(PadEntry::New) }
}

/// The control code by which the reader lets something be typed: a list of tag, length and value, big-endian (PC/SC
/// part 10 §2.2). What a driver writes there is not taken on trust.
pub(super) fn control_code(mut features: &[u8], typed: PadEntry) -> Option<u32> {
    let wanted = match typed {
        PadEntry::Known => VERIFY_DIRECT,
        PadEntry::New => MODIFY_DIRECT,
    };
    while let [tag, length, rest @ ..] = features {
        let (value, after) = rest.split_at_checked(usize::from(*length))?;
        if *tag == wanted {
            return value.try_into().map(u32::from_be_bytes).ok();
        }
        features = after;
    }
    None
}

impl PadCommand {
    /// PIN_VERIFY_STRUCTURE or PIN_MODIFY_STRUCTURE: packed, little-endian (PC/SC part 10 §2.5.2, §2.5.3).
    pub(super) fn structure(&self) -> Vec<u8> {
        // A length that is fixed is a block of that size, which is there already; else the pad counts, from Lc = 0.
        let block = if self.shortest == self.longest { self.longest } else { 0 };
        let [language_low, language_high] = LANGUAGE.to_le_bytes();
        // Both timeouts are the reader's own; no length is inserted but Lc.
        let mut bytes = vec![0, 0, ASCII, block, 0];
        match self.typed {
            PadEntry::Known => {
                bytes.extend_from_slice(&[self.longest, self.shortest, VALIDATION_KEY]);
                // One message: number 0.
                bytes.extend_from_slice(&[1, language_low, language_high, 0]);
            }
            PadEntry::New => {
                // The offsets of the old and the new one in the data: only the new one is there.
                bytes.extend_from_slice(&[0, 0, self.longest, self.shortest, CONFIRMED, VALIDATION_KEY]);
                // Two messages: number 1 (the new one) and 2 (confirm it).
                bytes.extend_from_slice(&[2, language_low, language_high, 1, 2, 0]);
            }
        }
        // The prologue of a T=1 block, which the driver fills in.
        bytes.extend_from_slice(&[0, 0, 0]);
        bytes.extend_from_slice(&(5 + u32::from(block)).to_le_bytes());
        bytes.extend_from_slice(&self.header);
        bytes.push(block);
        bytes.resize(bytes.len() + usize::from(block), FILLER);
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGITS: PadCommand =
        PadCommand { header: [0x00, 0x20, 0x00, 0x80], shortest: 4, longest: 4, typed: PadEntry::Known };
    const LETTERS: PadCommand = PadCommand { shortest: 6, longest: 16, ..DIGITS };

    #[test]
    fn a_fixed_number_of_characters() {
        #[rustfmt::skip]
        let expected = [
            0x00, 0x00, // bTimeOut, bTimeOut2
            0x82, 0x04, 0x00, // bmFormatString, bmPINBlockString, bmPINLengthFormat
            0x04, 0x04, // wPINMaxExtraDigit
            0x02, 0x01, // bEntryValidationCondition, bNumberMessage
            0x09, 0x04, 0x00, // wLangId, bMsgIndex
            0x00, 0x00, 0x00, // bTeoPrologue
            0x09, 0x00, 0x00, 0x00, // ulDataLength
            0x00, 0x20, 0x00, 0x80, 0x04, 0xFF, 0xFF, 0xFF, 0xFF,
        ];
        assert_eq!(DIGITS.structure(), expected);
    }

    #[test]
    fn as_many_characters_as_were_typed() {
        #[rustfmt::skip]
        let expected = [
            0x00, 0x00,
            0x82, 0x00, 0x00,
            0x10, 0x06,
            0x02, 0x01,
            0x09, 0x04, 0x00,
            0x00, 0x00, 0x00,
            0x05, 0x00, 0x00, 0x00,
            0x00, 0x20, 0x00, 0x80, 0x00,
        ];
        assert_eq!(LETTERS.structure(), expected);
    }

    #[test]
    fn something_new() {
        let header = [0x00, 0x24, 0x01, 0x80];
        #[rustfmt::skip]
        let fixed = [
            0x00, 0x00, // bTimeOut, bTimeOut2
            0x82, 0x04, 0x00, // bmFormatString, bmPINBlockString, bmPINLengthFormat
            0x00, 0x00, // bInsertionOffsetOld, bInsertionOffsetNew
            0x04, 0x04, // wPINMaxExtraDigit
            0x01, 0x02, 0x02, // bConfirmPIN, bEntryValidationCondition, bNumberMessage
            0x09, 0x04, // wLangId
            0x01, 0x02, 0x00, // bMsgIndex1, bMsgIndex2, bMsgIndex3
            0x00, 0x00, 0x00, // bTeoPrologue
            0x09, 0x00, 0x00, 0x00, // ulDataLength
            0x00, 0x24, 0x01, 0x80, 0x04, 0xFF, 0xFF, 0xFF, 0xFF,
        ];
        assert_eq!(PadCommand { header, typed: PadEntry::New, ..DIGITS }.structure(), fixed);
        #[rustfmt::skip]
        let counted = [
            0x00, 0x00,
            0x82, 0x00, 0x00,
            0x00, 0x00,
            0x10, 0x06,
            0x01, 0x02, 0x02,
            0x09, 0x04,
            0x01, 0x02, 0x00,
            0x00, 0x00, 0x00,
            0x05, 0x00, 0x00, 0x00,
            0x00, 0x24, 0x01, 0x80, 0x00,
        ];
        assert_eq!(PadCommand { header, typed: PadEntry::New, ..LETTERS }.structure(), counted);
    }

    #[test]
    fn features_of_a_reader() {
        let features =
            [0x12, 4, 0x42, 0x33, 0x00, 0x12, 0x06, 4, 0x42, 0x33, 0x00, 0x06, 0x07, 4, 0x42, 0x33, 0x00, 0x07];
        assert_eq!(control_code(&features, PadEntry::Known), Some(0x4233_0006));
        assert_eq!(control_code(&features, PadEntry::New), Some(0x4233_0007));
        assert_eq!(pad_of(&features), PinPad { verifies: true, modifies: true });
        assert_eq!(pad_of(&features[..12]), PinPad { verifies: true, modifies: false });
        assert_eq!(pad_of(&features[..6]), PinPad::default());
    }

    #[test]
    fn a_driver_that_lies_has_no_pad() {
        let lies: [&[u8]; 8] = [
            &[],
            &[0x06],
            &[0x06, 4],
            &[0x06, 4, 1, 2, 3],
            &[0x06, 0],
            &[0x06, 5, 1, 2, 3, 4, 5],
            &[0x01, 0xFF, 0x06, 4, 1, 2, 3, 4],
            &[0x06, 0xFF, 1, 2, 3, 4],
        ];
        for features in lies {
            assert_eq!(pad_of(features), PinPad::default(), "{features:02X?}");
        }
    }
}
