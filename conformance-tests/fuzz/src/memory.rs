//! A program's memory for the module: each buffer by itself, with canaries on both sides.

const CANARY: u8 = 0xC5;
/// The number of canaries on either side; beyond them the sanitizer checks.
const MARGIN: usize = 8;

/// A buffer of a stated length, aligned or not.
pub struct Buffer {
    memory: Vec<u8>,
    start: usize,
    length: usize,
    before: Vec<u8>,
}

impl Buffer {
    /// A buffer with this content, `odd` bytes (up to 7) behind an aligned address.
    pub fn of(content: &[u8], odd: u8) -> Self {
        let start = MARGIN + usize::from(odd & 7);
        let mut memory = vec![CANARY; start + content.len() + MARGIN];
        memory[start..start + content.len()].copy_from_slice(content);
        Buffer { before: content.to_vec(), memory, start, length: content.len() }
    }

    /// A buffer of a length, full of a pattern.
    pub fn room(length: usize, odd: u8) -> Self {
        Self::of(&(0..length).map(|place| place as u8 ^ 0x5A).collect::<Vec<_>>(), odd)
    }

    /// Where the buffer begins.
    pub fn pointer<T>(&mut self) -> *mut T {
        self.memory.as_mut_ptr().wrapping_add(self.start).cast()
    }

    /// The present content of the buffer.
    pub fn content(&self) -> &[u8] {
        &self.memory[self.start..self.start + self.length]
    }

    /// Checks that the module has changed nothing beyond the first `written` bytes.
    ///
    /// # Panics
    /// If it has.
    pub fn check(&self, written: usize, what: &str) {
        let (before, after) = (&self.memory[..self.start], &self.memory[self.start + self.length..]);
        assert!(before.iter().chain(after).all(|byte| *byte == CANARY), "{what}: written outside of a buffer");
        assert!(written <= self.length, "{what}: {written} bytes in a buffer of {}", self.length);
        assert!(self.content()[written..] == self.before[written..], "{what}: written beyond the reported length");
    }
}
