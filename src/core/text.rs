//! Text in the fields of PKCS#11's structures.

use cryptoki_sys::CK_UTF8CHAR;

/// The name of the module, as CK_INFO and CK_SLOT_INFO give it for the manufacturer.
pub(super) const MANUFACTURER: &str = "jpki-pkcs11";

/// The start of a text that fits into so many bytes, cut between two characters.
pub(super) fn cut(text: &str, bytes: usize) -> &str {
    let end = (0..=bytes.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    text.get(..end).unwrap_or_default()
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
    fn padding_never_cuts_a_character() {
        assert_eq!(&padded::<6>("abc"), b"abc   ");
        assert_eq!(&padded::<3>("abcdef"), b"abc");
        assert_eq!(std::str::from_utf8(&padded::<8>("署名用カード")).unwrap(), "署名  ");
    }
}
