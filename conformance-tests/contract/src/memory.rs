//! Memory for a module: what it may write to, and what it may only read, each with a page behind it that ends the
//! process if it is touched.

use cryptoki_sys::CK_ULONG;

use crate::pages::{Pages, bytes_of, value_of};

/// What untouched memory holds.
const FILL: u8 = 0xA5;
/// How many bytes are watched before the room, and behind it if it does not end with the page.
const MARGIN: usize = 65;

/// Room for a number of bytes, to be written to. The memory around it must stay unchanged.
pub(crate) struct Room {
    pages: Pages,
    start: usize,
    size: usize,
}

impl Room {
    /// The room begins at an odd address, so every wider access to it is unaligned: there may be one byte between the
    /// end of the room and that of the page.
    pub(crate) fn new(size: usize) -> Self {
        Self::placed(size, size % 2 == 0)
    }

    /// The room ends with the page, so room for a structure of the standard is aligned.
    pub(crate) fn at_the_end(size: usize) -> Self {
        Self::placed(size, false)
    }

    /// The same with a content.
    pub(crate) fn with(content: &[u8]) -> Self {
        Self::at_the_end(content.len()).filled(content)
    }

    /// The same at an odd address.
    pub(crate) fn odd_with(content: &[u8]) -> Self {
        Self::new(content.len()).filled(content)
    }

    fn placed(size: usize, one_before: bool) -> Self {
        let mut pages = Pages::new(size + MARGIN + 1);
        let whole = pages.bytes().len();
        pages.put(0, &vec![FILL; whole]);
        Room { start: whole - size - usize::from(one_before), pages, size }
    }

    fn filled(mut self, content: &[u8]) -> Self {
        self.pages.put(self.start, content);
        self
    }

    /// Where the room begins.
    pub(crate) fn pointer(&mut self) -> *mut u8 {
        self.pages.at(self.start)
    }

    /// The size of the room, in the form in which functions take it.
    pub(crate) fn length(&self) -> CK_ULONG {
        self.size as CK_ULONG
    }

    /// The first bytes of the room.
    pub(crate) fn first(&self, count: usize) -> &[u8] {
        &self.pages.bytes()[self.start..self.start + count.min(self.size)]
    }

    /// The value that was written.
    pub(crate) fn value<T: Copy>(&self) -> T {
        value_of(self.first(self.size))
    }

    /// Only the first `count` bytes were written.
    pub(crate) fn untouched_after(&self, count: usize) -> bool {
        let before = &self.pages.bytes()[self.start - MARGIN..self.start];
        let rest = &self.pages.bytes()[self.start + count.min(self.size)..];
        before.iter().chain(rest).all(|byte| *byte == FILL)
    }
}

/// Something that is only read: its page is write-protected and ends with it, or one byte later.
pub(crate) struct Given {
    pages: Pages,
    start: usize,
    size: usize,
}

impl Given {
    /// Bytes, or a string without a terminator.
    pub(crate) fn of(content: &[u8]) -> Self {
        Self::placed(content, 0)
    }

    /// Structures or numbers, one after the other.
    pub(crate) fn values<T: Copy>(values: &[T]) -> Self {
        Self::placed(&bytes_of(values), 0)
    }

    /// Structures or numbers at an odd address, one byte before the end of the page.
    pub(crate) fn odd_values<T: Copy>(values: &[T]) -> Self {
        Self::placed(&bytes_of(values), 1)
    }

    fn placed(content: &[u8], before: usize) -> Self {
        let mut pages = Pages::new(content.len() + before);
        let start = pages.bytes().len() - content.len() - before;
        pages.put(start, content);
        pages.read_only();
        Given { pages, start, size: content.len() }
    }

    /// Where the content begins. Most pointers to what functions only read are not const in the standard.
    pub(crate) fn pointer(&self) -> *mut u8 {
        self.pages.at(self.start)
    }

    /// The size in bytes, in the form in which functions take it.
    pub(crate) fn length(&self) -> CK_ULONG {
        self.size as CK_ULONG
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::tests::{is_writable, readable};

    #[test]
    fn nothing_lies_behind_what_is_given() {
        let given = Given::of(b"no terminator");
        assert_eq!(readable(given.pointer(), 13), 13);
        assert_eq!(readable(given.pointer().wrapping_add(13), 1), -1);
        assert!(!is_writable(given.pointer()));
        let odd = Given::odd_values(&[1_u64]);
        assert_eq!(odd.pointer() as usize % 2, 1);
        assert_eq!(readable(odd.pointer().wrapping_add(9), 1), -1);
    }

    #[test]
    fn nothing_lies_behind_a_room() {
        for size in [0, 1, 2, 4095, 4096, 4097] {
            let (mut exact, mut odd) = (Room::at_the_end(size), Room::new(size));
            assert!(!is_writable(exact.pointer().wrapping_add(size)), "{size}");
            assert_eq!(odd.pointer() as usize % 2, 1, "{size}");
            let behind = odd.pointer().wrapping_add(size);
            assert!(!is_writable(behind.wrapping_add(1)), "{size}");
            assert!(odd.untouched_after(0) && exact.untouched_after(0));
            if size > 0 {
                exact.pages.put(exact.start + size - 1, &[0]);
                assert!(exact.untouched_after(size) && !exact.untouched_after(size - 1), "{size}");
            }
        }
    }
}
