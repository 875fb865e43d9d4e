//! Text in the fields of PKCS#11's structures.

use cryptoki_sys::CK_UTF8CHAR;

/// The name of the module, as CK_INFO and CK_SLOT_INFO give it for the manufacturer.
pub(super) const MANUFACTURER: &str = "jpki-pkcs11";

/// The start of a text that fits into so many bytes, cut between two characters.
fn cut(text: &str, bytes: usize) -> &str {
    let end = (0..=bytes.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    text.get(..end).unwrap_or_default()
}

/// The end of a text that fits into so many bytes, cut between two characters.
fn cut_start(text: &str, bytes: usize) -> &str {
    let start = (text.len().saturating_sub(bytes)..=text.len()).find(|at| text.is_char_boundary(*at));
    start.and_then(|start| text.get(start..)).unwrap_or_default()
}

/// What stands in place of the middle of a long text.
const GAP: &str = " … ";

/// A text in no more than so many bytes. A long one loses its middle, and keeps a third of the room for its start and the
/// rest for its end: the name of a reader ends with what tells two of the same model apart, a serial number and an index.
pub(super) fn shortened(text: &str, bytes: usize) -> String {
    if text.len() <= bytes {
        return text.to_owned();
    }
    let room = bytes.saturating_sub(GAP.len());
    let start = cut(text, room / 3);
    let end = cut_start(text, room - start.len());
    format!("{}{GAP}{}", start.trim_end(), end.trim_start())
}

/// Text in a field of fixed length, padded with spaces (PKCS#11 3.2 §3.1.2, §3.2.2, §3.2.3). A text that is too long is
/// cut between two characters.
pub(super) fn padded<const LENGTH: usize>(text: &str) -> [CK_UTF8CHAR; LENGTH] {
    let mut field = [b' '; LENGTH];
    for (place, byte) in field.iter_mut().zip(cut(text, LENGTH).bytes()) {
        *place = byte;
    }
    field
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_loses_its_middle() {
        assert_eq!(shortened("short", 5), "short");
        assert_eq!(shortened("0123456789abcdefghij", 17), "0123 … cdefghij");
        let japanese = format!("{} (21120703310203) 00 00", "署名用カードリーダー".repeat(3));
        assert_eq!(shortened(&japanese, 57), "署名用カー … リーダー (21120703310203) 00 00");
        assert_eq!(shortened("署名用カードリーダー", 0), GAP);
    }

    #[test]
    fn a_shortened_text_fits_wherever_it_is_cut() {
        let text = "Reader 署名用 カード (21120703310203) 01 00";
        for bytes in GAP.len()..=text.len() {
            let short = shortened(text, bytes);
            assert!(short.len() <= bytes && (bytes < 12 || short.ends_with("00")), "{bytes}: {short}");
        }
    }

    #[test]
    fn padding_never_cuts_a_character() {
        assert_eq!(&padded::<6>("abc"), b"abc   ");
        assert_eq!(&padded::<3>("abcdef"), b"abc");
        assert_eq!(std::str::from_utf8(&padded::<8>("署名用カード")).unwrap(), "署名  ");
    }
}
