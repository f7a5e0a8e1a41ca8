//! Memory that both processes map: a flag, then numbers.

#![expect(unsafe_code, reason = "another process writes to this memory")]

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::atomic::{Ordering, fence};

use memmap2::{MmapOptions, MmapRaw};
use tempfile::NamedTempFile;
use unmask_api::CancelFlag;

/// What lies before the numbers: the flag, alone in its cache line.
const HEADER: usize = 64;
/// Bytes of an `f32` or a `u32`.
const NUMBER: usize = 4;
/// Where Linux keeps files in memory; elsewhere they are temporary files, which the system writes to disk at its leisure.
const IN_MEMORY: &str = "/dev/shm";

/// Numbers of 4 bytes, `[len]`. The program lends them to the host from the beginning of a pass to its end.
pub(super) struct Shared {
    map: MmapRaw,
    len: usize,
}

/// A kind of number that any four bytes are.
pub(super) trait Number: Copy {}

impl Number for f32 {}
impl Number for u32 {}

impl Shared {
    /// Makes room for `len` numbers; the file may go once the other side has opened it.
    pub(super) fn create(len: usize) -> io::Result<(Self, NamedTempFile)> {
        let bytes = HEADER + len * NUMBER;
        let in_memory = NamedTempFile::new_in(IN_MEMORY).and_then(|file| reserved(file, bytes));
        let file = in_memory.or_else(|_| reserved(NamedTempFile::new()?, bytes))?;
        Ok((Self::of(file.as_file())?, file))
    }

    /// Opens what the other side has made.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        Self::of(&File::options().read(true).write(true).open(path)?)
    }

    fn of(file: &File) -> io::Result<Self> {
        let map = MmapOptions::new().map_raw(file)?;
        let numbers = map.len().checked_sub(HEADER).ok_or_else(|| {
            io::Error::new(io::ErrorKind::InvalidData, "the shared memory is too small")
        })?;
        Ok(Self {
            map,
            len: numbers / NUMBER,
        })
    }

    /// How many numbers there is room for.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// The flag that both sides see.
    pub(super) fn cancel(&self) -> &CancelFlag {
        // SAFETY: mapped as long as `self`, at the start of a page, and longer than the flag; it is atomic, and any value
        // of it is one.
        unsafe { &*self.map.as_ptr().cast::<CancelFlag>() }
    }

    /// Copies the numbers from `at` on to `out`, once the other side has said that it wrote them.
    ///
    /// # Panics
    /// If there are not so many.
    pub(super) fn copy<T: Number>(&self, at: usize, out: &mut [T]) {
        assert!(
            size_of::<T>() == NUMBER && at + out.len() <= self.len,
            "numbers beyond the shared memory"
        );
        fence(Ordering::Acquire);
        // SAFETY: within the mapping, as just tested; `out` is ours, and any bytes are a number. A host that writes on,
        // against the rules, makes the copy a mixture, which is tested as the rest is.
        unsafe {
            let from = self.map.as_ptr().add(HEADER + at * NUMBER);
            std::ptr::copy_nonoverlapping(from, out.as_mut_ptr().cast::<u8>(), size_of_val(out));
        }
    }

    /// The numbers `[at, at + len)` for a backend to fill.
    ///
    /// # Safety
    /// This process is the host, the program waits for the end of the pass, and no two of these overlap.
    ///
    /// # Panics
    /// If there are not so many.
    #[expect(
        clippy::mut_from_ref,
        reason = "the caller promises that they do not overlap"
    )]
    pub(super) unsafe fn lend<T: Number>(&self, at: usize, len: usize) -> &mut [T] {
        assert!(
            size_of::<T>() == NUMBER && at + len <= self.len,
            "numbers beyond the shared memory"
        );
        // SAFETY: within the mapping, aligned as the header is; the rest is the caller's promise.
        unsafe {
            let from = self.map.as_mut_ptr().add(HEADER + at * NUMBER);
            std::slice::from_raw_parts_mut(from.cast::<T>(), len)
        }
    }
}

/// `file` with `bytes` that are there: a file that only claims them would end whoever writes to it when memory is short.
fn reserved(mut file: NamedTempFile, bytes: usize) -> io::Result<NamedTempFile> {
    io::copy(
        &mut io::Read::take(io::repeat(0), bytes as u64),
        file.as_file_mut(),
    )?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_see_the_same_numbers_and_the_same_flag() {
        let (ours, file) = Shared::create(5).expect("there is memory");
        let theirs = Shared::open(file.path()).expect("it is there");
        drop(file);
        // SAFETY: nobody else looks at them.
        unsafe { theirs.lend::<u32>(1, 3) }.copy_from_slice(&[1, 2, 3]);
        let mut seen = [9_u32; 5];
        ours.copy(0, &mut seen);
        assert_eq!((seen, theirs.len()), ([0, 1, 2, 3, 0], 5));
        assert!(!theirs.cancel().is_raised());
        ours.cancel().raise();
        assert!(theirs.cancel().is_raised());
    }
}
