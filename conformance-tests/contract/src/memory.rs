//! Memory for a module to write to, with room around it that must stay as it was.

use cryptoki_sys::CK_ULONG;

/// What untouched memory holds.
const FILL: u8 = 0xA5;
/// How many bytes are watched before and after the room.
const MARGIN: usize = 65;

/// Room for a number of bytes. It begins at an odd address, so that every wider access to it is unaligned.
pub(crate) struct Room {
    memory: Vec<u8>,
    start: usize,
    size: usize,
}

impl Room {
    pub(crate) fn new(size: usize) -> Self {
        let memory = vec![FILL; size + 2 * MARGIN + 1];
        let start = MARGIN + (memory.as_ptr() as usize + MARGIN + 1) % 2;
        Room { memory, start, size }
    }

    /// Where it begins.
    pub(crate) fn pointer(&mut self) -> *mut u8 {
        self.memory[self.start..].as_mut_ptr()
    }

    /// Its size, in the form in which functions take it.
    pub(crate) fn length(&self) -> CK_ULONG {
        self.size as CK_ULONG
    }

    /// Its first bytes.
    pub(crate) fn first(&self, count: usize) -> &[u8] {
        &self.memory[self.start..self.start + count.min(self.size)]
    }

    /// Nothing was written but for the first bytes.
    pub(crate) fn untouched_after(&self, count: usize) -> bool {
        let (before, rest) = self.memory.split_at(self.start);
        before.iter().chain(&rest[count.min(self.size)..]).all(|byte| *byte == FILL)
    }
}
