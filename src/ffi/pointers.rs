//! Reading and writing a caller's memory. A pointer may be NULL or unaligned, buffers may overlap, and a count may be
//! anything.

use std::slice;

use cryptoki_sys::CK_ULONG;

use crate::core::Error;

/// Reads one value.
///
/// # Errors
/// [`Error::ArgumentsBad`] for NULL.
///
/// # Safety
/// `pointer` is NULL or points to a readable `T`, which need not be aligned.
pub(super) unsafe fn read<T: Copy>(pointer: *const T) -> Result<T, Error> {
    if pointer.is_null() {
        return Err(Error::ArgumentsBad);
    }
    // SAFETY: not NULL, and readable by this function's contract.
    Ok(unsafe { pointer.read_unaligned() })
}

/// Writes one value.
///
/// # Errors
/// [`Error::ArgumentsBad`] for NULL.
///
/// # Safety
/// `pointer` is NULL or points to memory that a `T` may be written to, which need not be aligned.
pub(super) unsafe fn write<T>(pointer: *mut T, value: T) -> Result<(), Error> {
    if pointer.is_null() {
        return Err(Error::ArgumentsBad);
    }
    // SAFETY: not NULL, and writable by this function's contract.
    unsafe { pointer.write_unaligned(value) };
    Ok(())
}

/// Writes values one after the other.
///
/// # Errors
/// [`Error::ArgumentsBad`] for NULL, unless there are no values.
///
/// # Safety
/// `first` is NULL or points to memory that so many `T` may be written to, which need not be aligned.
pub(super) unsafe fn write_all<T: Copy>(first: *mut T, values: &[T]) -> Result<(), Error> {
    for (place, value) in values.iter().enumerate() {
        // SAFETY: by this function's contract.
        unsafe { write(first.wrapping_add(place), *value) }?;
    }
    Ok(())
}

/// A caller's bytes. NULL with a length of zero is no bytes.
///
/// # Errors
/// [`Error::ArgumentsBad`] for NULL with a length, and for a length that no memory has.
///
/// # Safety
/// `pointer` is NULL or points to `length` readable bytes, which nobody changes while the result is used.
pub(super) unsafe fn bytes<'a>(pointer: *const u8, length: CK_ULONG) -> Result<&'a [u8], Error> {
    match usize::try_from(length) {
        Ok(0) => Ok(&[]),
        Ok(length) if !pointer.is_null() && isize::try_from(length).is_ok() => {
            // SAFETY: not NULL, of a possible length, and readable by this function's contract; u8 is always aligned.
            Ok(unsafe { slice::from_raw_parts(pointer, length) })
        }
        _ => Err(Error::ArgumentsBad),
    }
}

/// The addresses of `count` values, one after the other.
///
/// # Errors
/// [`Error::ArgumentsBad`] for NULL with a count, and for more values than memory can hold.
pub(super) fn addresses<T>(first: *mut T, count: CK_ULONG) -> Result<impl Iterator<Item = *mut T>, Error> {
    let count = usize::try_from(count).map_err(|_| Error::ArgumentsBad)?;
    let size = count.checked_mul(size_of::<T>()).ok_or(Error::ArgumentsBad)?;
    if isize::try_from(size).is_err() || (first.is_null() && count > 0) {
        return Err(Error::ArgumentsBad);
    }
    Ok((0..count).map(move |place| first.wrapping_add(place)))
}

/// Answers in the way of PKCS#11 3.2 §5.2: the length alone if there is no buffer; the length and
/// [`Error::BufferTooSmall`] if the buffer is too small; else the result of `produce` and its length. `produce` runs
/// only in the last case, and may need less than `needed`.
///
/// # Errors
/// [`Error::ArgumentsBad`] if `length` is NULL.
///
/// # Safety
/// `length` is NULL or points to a CK_ULONG that may be read and written. `buffer` is NULL or points to as many `T`
/// that may be written as stand there.
pub(super) unsafe fn answer<T: Copy>(
    buffer: *mut T,
    length: *mut CK_ULONG,
    needed: usize,
    produce: impl FnOnce() -> Result<Vec<T>, Error>,
) -> Result<(), Error> {
    // SAFETY: by this function's contract.
    let room = unsafe { read(length) }?;
    if buffer.is_null() || room < needed as CK_ULONG {
        // SAFETY: as above.
        unsafe { write(length, needed as CK_ULONG) }?;
        return if buffer.is_null() { Ok(()) } else { Err(Error::BufferTooSmall) };
    }
    let values = produce()?;
    // SAFETY: needed <= room, so all of it is inside of the caller's buffer.
    unsafe { write_all(buffer, values.get(..needed).unwrap_or(&values)) }?;
    // SAFETY: as above.
    unsafe { write(length, values.len() as CK_ULONG) }
}

/// Answers as [`answer`] does, with what `produce` makes of a caller's bytes. The result may be written over these bytes
/// (PKCS#11 3.2 §5.12.2 C_Digest), so nothing refers to them any more by then.
///
/// # Errors
/// [`Error::ArgumentsBad`] as for [`bytes`] and [`answer`].
///
/// # Safety
/// As for [`bytes`] and [`answer`].
pub(super) unsafe fn answer_from(
    data: *const u8,
    data_length: CK_ULONG,
    buffer: *mut u8,
    length: *mut CK_ULONG,
    needed: usize,
    produce: impl FnOnce(&[u8]) -> Result<Vec<u8>, Error>,
) -> Result<(), Error> {
    // SAFETY: by this function's contract.
    unsafe {
        // Checked before the length is written: a question for the length with NULL data is refused as well.
        bytes(data, data_length)?;
        answer(buffer, length, needed, || produce(bytes(data, data_length)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ptr;

    #[test]
    fn null_and_impossible_lengths() {
        // SAFETY: NULL is allowed, and no length is followed before it is checked.
        unsafe {
            assert_eq!(read::<CK_ULONG>(ptr::null()), Err(Error::ArgumentsBad));
            assert_eq!(write(ptr::null_mut::<CK_ULONG>(), 1), Err(Error::ArgumentsBad));
            assert_eq!(bytes(ptr::null(), 0), Ok(&[][..]));
            assert_eq!(bytes(ptr::null(), 1), Err(Error::ArgumentsBad));
            assert_eq!(bytes(ptr::NonNull::dangling().as_ptr(), CK_ULONG::MAX), Err(Error::ArgumentsBad));
        }
        assert!(addresses(ptr::null_mut::<CK_ULONG>(), 0).is_ok());
        assert!(addresses(ptr::null_mut::<CK_ULONG>(), 1).is_err());
        assert!(addresses(ptr::NonNull::<CK_ULONG>::dangling().as_ptr(), CK_ULONG::MAX / 4).is_err());
    }

    #[test]
    fn unaligned_values() {
        let mut memory = [0_u8; 17];
        let odd = memory.as_mut_ptr().wrapping_add(1).cast::<CK_ULONG>();
        // SAFETY: bytes 1 to 8 of the array.
        unsafe {
            write(odd, 0x0102_0304).unwrap();
            assert_eq!(read(odd.cast_const()), Ok(0x0102_0304));
        }
    }

    #[test]
    fn the_three_kinds_of_answer() {
        let mut length: CK_ULONG = 0;
        let mut buffer = [0xAA_u8; 4];
        let give = || Ok(vec![1_u8, 2, 3]);
        // SAFETY: length and buffer are real, and the length never exceeds the buffer.
        unsafe {
            assert_eq!(answer(ptr::null_mut(), &raw mut length, 3, give), Ok(()));
            assert_eq!(length, 3);
            length = 2;
            assert_eq!(answer(buffer.as_mut_ptr(), &raw mut length, 3, give), Err(Error::BufferTooSmall));
            assert_eq!((length, buffer), (3, [0xAA; 4]));
            length = 4;
            assert_eq!(answer(buffer.as_mut_ptr(), &raw mut length, 3, give), Ok(()));
            assert_eq!((length, buffer), (3, [1, 2, 3, 0xAA]));
            assert_eq!(answer(buffer.as_mut_ptr(), ptr::null_mut(), 3, give), Err(Error::ArgumentsBad));
        }
    }
    #[test]
    fn values_one_after_the_other() {
        let mut memory = [0_u8; 33];
        let odd = memory.as_mut_ptr().wrapping_add(1).cast::<CK_ULONG>();
        let places: Vec<_> = addresses(odd, 4).unwrap().collect();
        assert_eq!(places.len(), 4);
        // SAFETY: bytes 1 to 32 of the array.
        unsafe {
            for (number, place) in (0..).zip(&places) {
                write(*place, number).unwrap();
            }
            assert_eq!(read(places[3]), Ok(3));
        }
    }

    #[test]
    fn bytes_are_the_callers() {
        let memory = [1_u8, 2, 3];
        // SAFETY: the array, and the place behind it for no bytes.
        unsafe {
            assert_eq!(bytes(memory.as_ptr(), 3), Ok(&memory[..]));
            assert_eq!(bytes(memory.as_ptr().wrapping_add(1), 1), Ok(&[2][..]));
            assert_eq!(bytes(memory.as_ptr().wrapping_add(3), 0), Ok(&[][..]));
        }
    }

    #[test]
    fn unaligned_answers() {
        let mut memory = [0xAA_u8; 8 * 4 + 1];
        let mut length: CK_ULONG = 4;
        let odd = memory.as_mut_ptr().wrapping_add(1).cast::<CK_ULONG>();
        // SAFETY: the length never exceeds the array.
        unsafe {
            // Fewer values than were asked for.
            answer(odd, &raw mut length, 3, || Ok(vec![7, 8])).unwrap();
            assert_eq!((length, read(odd), read(odd.wrapping_add(1))), (2, Ok(7), Ok(8)));
            assert_eq!(read(odd.wrapping_add(2).cast::<u8>()), Ok(0xAA));
            length = 4;
            assert_eq!(answer(odd, &raw mut length, 3, || Err(Error::DeviceError)), Err(Error::DeviceError));
        }
        assert_eq!(length, 4, "a result that does not come changes nothing");
    }

    #[test]
    fn results_onto_their_data() {
        let mut memory = *b"abc...";
        let place = memory.as_mut_ptr();
        let mut length: CK_ULONG = 6;
        let double = |data: &[u8]| Ok([data, data].concat());
        // SAFETY: the data and the room are one and the same array.
        unsafe {
            answer_from(place, 3, place, &raw mut length, 6, double).unwrap();
            assert_eq!((length, read(place), read(place.wrapping_add(5))), (6, Ok(b'a'), Ok(b'c')));
            assert_eq!(answer_from(ptr::null(), 3, place, &raw mut length, 6, double), Err(Error::ArgumentsBad));
            assert_eq!(answer_from(place, 3, ptr::null_mut(), &raw mut length, 6, double), Ok(()));
        }
        assert_eq!(&memory, b"abcabc");
    }
}
