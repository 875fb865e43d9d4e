//! Pages of memory between inaccessible pages: an access one byte too far ends the process.

use std::ptr;
use std::slice;

/// Memory that ends where the accessible memory ends.
pub(crate) struct Pages {
    base: *mut u8,
    /// The length of all pages, with the two inaccessible ones.
    length: usize,
    page: usize,
}

impl Pages {
    /// Whole pages for at least `size` bytes that can be read and written, with an inaccessible page on either side.
    ///
    /// # Panics
    /// If the system has no memory.
    pub(crate) fn new(size: usize) -> Self {
        // SAFETY: reads a number from the system.
        let page = usize::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).expect("the size of a page");
        let length = size.max(1).div_ceil(page) * page + 2 * page;
        // SAFETY: new memory, which overlaps with none that is in use.
        let base = unsafe {
            libc::mmap(ptr::null_mut(), length, libc::PROT_NONE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS, -1, 0)
        };
        assert_ne!(base, libc::MAP_FAILED, "memory for a test");
        let pages = Pages { base: base.cast(), length, page };
        pages.protect(libc::PROT_READ | libc::PROT_WRITE);
        pages
    }

    /// Makes the memory read-only.
    pub(crate) fn read_only(&self) {
        self.protect(libc::PROT_READ);
    }

    fn protect(&self, how: libc::c_int) {
        let inside = self.base.wrapping_add(self.page).cast();
        // SAFETY: pages of our own, without the first and the last.
        let status = unsafe { libc::mprotect(inside, self.length - 2 * self.page, how) };
        assert_eq!(status, 0, "the protection of memory");
    }

    /// The bytes that can be read.
    pub(crate) fn bytes(&self) -> &[u8] {
        // SAFETY: pages of our own, readable from the start; the module changes them only within a call.
        unsafe { slice::from_raw_parts(self.base.wrapping_add(self.page), self.length - 2 * self.page) }
    }

    /// Puts bytes into the memory, before it is read-only.
    pub(crate) fn put(&mut self, start: usize, content: &[u8]) {
        assert!(start + content.len() <= self.bytes().len());
        // SAFETY: inside the pages, as just checked.
        unsafe { ptr::copy_nonoverlapping(content.as_ptr(), self.base.wrapping_add(self.page + start), content.len()) };
    }

    /// The address of a byte in the memory.
    pub(crate) fn at(&self, start: usize) -> *mut u8 {
        self.base.wrapping_add(self.page + start)
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        // SAFETY: the memory of this value, which ends here.
        unsafe { libc::munmap(self.base.cast(), self.length) };
    }
}

/// The bytes of values. Only for types of the standard's structures, which may be copied.
pub(crate) fn bytes_of<T: Copy>(value: &[T]) -> Vec<u8> {
    let mut bytes = vec![0; size_of_val(value)];
    // SAFETY: as many bytes as the values have; padding is copied, and not used.
    unsafe { ptr::copy_nonoverlapping(value.as_ptr().cast(), bytes.as_mut_ptr(), bytes.len()) };
    bytes
}

/// The value of bytes. Only for types of the standard's structures, for which all bytes are valid.
pub(crate) fn value_of<T: Copy>(bytes: &[u8]) -> T {
    assert_eq!(bytes.len(), size_of::<T>());
    // SAFETY: as many bytes as the type has.
    unsafe { bytes.as_ptr().cast::<T>().read_unaligned() }
}

#[cfg(test)]
pub(crate) mod tests {
    /// How many bytes the system can read from an address. It can read only what the process can.
    pub(crate) fn readable(from: *const u8, size: usize) -> isize {
        let mut pipe = [0; 2];
        // SAFETY: the system checks the memory before it reads it; both ends of the pipe are ours.
        unsafe {
            assert_eq!(libc::pipe(pipe.as_mut_ptr()), 0);
            let count = libc::write(pipe[1], from.cast(), size);
            let _ = pipe.map(|end| libc::close(end));
            count
        }
    }

    /// Whether the system can write one byte to an address.
    pub(crate) fn is_writable(to: *mut u8) -> bool {
        let mut pipe = [0; 2];
        // SAFETY: as above; the byte is the one that stood there, or in memory of this test.
        unsafe {
            assert_eq!(libc::pipe(pipe.as_mut_ptr()), 0);
            assert_eq!(libc::write(pipe[1], [0xA5_u8].as_ptr().cast(), 1), 1);
            let count = libc::read(pipe[0], to.cast(), 1);
            let _ = pipe.map(|end| libc::close(end));
            count == 1
        }
    }
}
