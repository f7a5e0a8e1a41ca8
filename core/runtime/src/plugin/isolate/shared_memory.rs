//! Memory that both processes map: a flag, then numbers.

#![expect(unsafe_code, reason = "another process writes to this memory")]

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{Ordering, fence};

use memmap2::{MmapOptions, MmapRaw};
use unmask_api::CancelFlag;

/// What lies before the numbers: the flag, alone in its cache line.
const HEADER: usize = 64;

/// The file of shared memory, until the other side has opened it.
pub(super) enum SharedFile {
    /// It has no name, so that nothing is left however this process ends; the other side opens what this one has open.
    #[cfg(target_os = "linux")]
    Unnamed(File),
    /// Where there are no such files.
    #[cfg(not(target_os = "linux"))]
    Named(tempfile::NamedTempFile),
}

impl SharedFile {
    #[cfg(target_os = "linux")]
    fn in_memory() -> io::Result<Self> {
        tempfile::tempfile_in("/dev/shm").map(Self::Unnamed)
    }

    #[cfg(target_os = "linux")]
    fn on_disk() -> io::Result<Self> {
        tempfile::tempfile().map(Self::Unnamed)
    }

    #[cfg(not(any(target_os = "linux", windows)))]
    fn on_disk() -> io::Result<Self> {
        tempfile::NamedTempFile::new().map(Self::Named)
    }

    /// A file that is mapped cannot be removed there: the system does that once nobody has it open any more, and each side's
    /// mapping keeps it open, however their processes end.
    #[cfg(windows)]
    fn on_disk() -> io::Result<Self> {
        use std::os::windows::fs::OpenOptionsExt as _;
        const DELETE_ON_CLOSE: u32 = 0x0400_0000;
        // Kept in memory while there is room.
        const TEMPORARY: u32 = 0x0000_0100;
        let open = |path: &Path| {
            File::options()
                .read(true)
                .write(true)
                .create_new(true)
                .custom_flags(DELETE_ON_CLOSE)
                .attributes(TEMPORARY)
                .open(path)
        };
        let mut plain = tempfile::Builder::new();
        let file = plain.disable_cleanup(true).make(open);
        file.map(Self::Named)
    }

    fn file(&self) -> &File {
        match self {
            #[cfg(target_os = "linux")]
            Self::Unnamed(file) => file,
            #[cfg(not(target_os = "linux"))]
            Self::Named(file) => file.as_file(),
        }
    }

    /// Where the other side finds it.
    pub(super) fn path(&self) -> PathBuf {
        match self {
            #[cfg(target_os = "linux")]
            Self::Unnamed(file) => {
                let number = std::os::fd::AsRawFd::as_raw_fd(file);
                format!("/proc/{}/fd/{number}", std::process::id()).into()
            }
            #[cfg(not(target_os = "linux"))]
            Self::Named(file) => file.path().to_owned(),
        }
    }
}

/// Bytes for numbers. The program lends them to the worker from a request to its response.
pub(super) struct SharedMemory {
    map: MmapRaw,
    bytes: usize,
}

/// A kind of number that any bytes are.
pub(super) trait PlainNumber: Copy {}

impl PlainNumber for f32 {}
impl PlainNumber for f64 {}
impl PlainNumber for u32 {}

impl SharedMemory {
    /// Makes room for so many bytes; the file may go once the other side has opened it.
    pub(super) fn create(bytes: usize) -> io::Result<(Self, SharedFile)> {
        let all = HEADER + bytes;
        let on_disk = || reserved(SharedFile::on_disk()?, all);
        // Linux keeps these files in memory; all others the system writes to the disk at its leisure.
        #[cfg(target_os = "linux")]
        let file = SharedFile::in_memory()
            .and_then(|file| reserved(file, all))
            .or_else(|_| on_disk())?;
        #[cfg(not(target_os = "linux"))]
        let file = on_disk()?;
        Ok((Self::of(file.file())?, file))
    }

    /// Opens what the other side has made.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        Self::of(&File::options().read(true).write(true).open(path)?)
    }

    fn of(file: &File) -> io::Result<Self> {
        let map = MmapOptions::new().map_raw(file)?;
        let bytes = map.len().checked_sub(HEADER).ok_or_else(|| {
            io::Error::new(io::ErrorKind::InvalidData, "the shared memory is too small")
        })?;
        Ok(Self { map, bytes })
    }

    /// How many bytes there are for numbers.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The flag that both sides see.
    pub(super) fn cancel(&self) -> &CancelFlag {
        // SAFETY: mapped as long as `self`, at the start of a page, and longer than the flag; it is atomic, and any value
        // of it is one.
        unsafe { &*self.map.as_ptr().cast::<CancelFlag>() }
    }

    /// Where numbers lie that begin at byte `at`.
    ///
    /// # Panics
    /// If there are not so many, or they are not aligned.
    fn place<T: PlainNumber>(&self, at: usize, len: usize) -> *mut T {
        let end = len
            .checked_mul(size_of::<T>())
            .and_then(|it| it.checked_add(at));
        assert!(
            at.is_multiple_of(size_of::<T>()) && end.is_some_and(|end| end <= self.bytes),
            "numbers beyond the shared memory"
        );
        // SAFETY: within the mapping, as just tested.
        unsafe { self.map.as_mut_ptr().add(HEADER + at).cast() }
    }

    /// Copies the numbers that begin at byte `at` to `out`, once the other side has said that it wrote them.
    ///
    /// # Panics
    /// If there are not so many.
    pub(super) fn copy<T: PlainNumber>(&self, at: usize, out: &mut [T]) {
        let from = self.place::<T>(at, out.len()).cast_const();
        fence(Ordering::Acquire);
        // SAFETY: within the mapping; `out` is ours, and any bytes are a number. A worker that writes on, against the rules,
        // makes the copy a mixture, which is tested as the rest is.
        unsafe { std::ptr::copy_nonoverlapping(from, out.as_mut_ptr(), out.len()) };
    }

    /// `len` numbers that begin at byte `at`, for a backend to fill.
    ///
    /// # Safety
    /// This process is the worker, the program waits for its response, and no two of these overlap.
    ///
    /// # Panics
    /// If there are not so many.
    #[expect(
        clippy::mut_from_ref,
        reason = "the caller promises that they do not overlap"
    )]
    pub(super) unsafe fn lend<T: PlainNumber>(&self, at: usize, len: usize) -> &mut [T] {
        let place = self.place::<T>(at, len);
        // SAFETY: within the mapping, aligned as the header is; the rest is the caller's promise.
        unsafe { std::slice::from_raw_parts_mut(place, len) }
    }
}

/// Where the parts of a [`TopMut`](unmask_api::TopMut) lie in the shared memory, in bytes from the header: those of 8 bytes
/// first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TopLayout {
    /// Rows that are read.
    pub(super) rows: usize,
    /// `[rows, k]` are so many.
    pub(super) entries: usize,
    /// `[rows, asked per row]` are so many.
    pub(super) asked: usize,
    /// How many divergences are asked for: all, or none.
    pub(super) divergences: usize,
}

impl TopLayout {
    /// Of `rows` rows with `k` entries each; `None` if they fit no memory.
    pub(super) fn of(rows: usize, k: usize, asked: usize, divergence: bool) -> Option<Self> {
        let this = Self {
            rows,
            entries: rows.checked_mul(k)?,
            asked,
            divergences: if divergence { rows } else { 0 },
        };
        // More than twice all of them in all.
        let mut numbers = [rows, this.entries, asked].into_iter();
        numbers
            .try_fold(0_usize, usize::checked_add)?
            .checked_mul(64)?;
        Some(this)
    }

    /// The first of the tails is at 0.
    pub(super) fn entropies(self) -> usize {
        self.rows * size_of::<f64>()
    }

    pub(super) fn divergences(self) -> usize {
        2 * self.entropies()
    }

    pub(super) fn ids(self) -> usize {
        self.divergences() + self.divergences * size_of::<f64>()
    }

    pub(super) fn logits(self) -> usize {
        self.ids() + self.entries * size_of::<u32>()
    }

    pub(super) fn asked(self) -> usize {
        self.logits() + self.entries * size_of::<f32>()
    }

    /// All of it.
    pub(super) fn bytes(self) -> usize {
        self.asked() + self.asked * size_of::<f32>()
    }
}

/// `file` with `bytes` that are there: a file that only claims them would end whoever writes to it when memory is short.
fn reserved(file: SharedFile, bytes: usize) -> io::Result<SharedFile> {
    io::copy(
        &mut io::Read::take(io::repeat(0), bytes as u64),
        &mut file.file(),
    )?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_see_the_same_numbers_and_the_same_flag() {
        let (ours, file) = SharedMemory::create(20).expect("there is memory");
        let theirs = SharedMemory::open(&file.path()).expect("it is there");
        let named = cfg!(not(target_os = "linux")).then(|| file.path());
        drop(file);
        // SAFETY: nobody else looks at them.
        unsafe { theirs.lend::<u32>(4, 3) }.copy_from_slice(&[1, 2, 3]);
        let mut seen = [9_u32; 5];
        ours.copy(0, &mut seen);
        assert_eq!((seen, theirs.bytes()), ([0, 1, 2, 3, 0], 20));
        assert!(!theirs.cancel().is_raised());
        ours.cancel().raise();
        assert!(theirs.cancel().is_raised());
        drop((ours, theirs));
        assert!(named.is_none_or(|path| !path.exists()), "nothing is left");
    }

    #[test]
    fn the_parts_of_a_short_form_follow_one_another() {
        let layout = TopLayout::of(3, 5, 6, true).expect("it is small");
        assert_eq!(
            (layout.entropies(), layout.divergences(), layout.ids()),
            (24, 48, 72)
        );
        assert_eq!(
            (layout.logits(), layout.asked(), layout.bytes()),
            (132, 192, 216)
        );
        assert_eq!(TopLayout::of(usize::MAX / 2, 5, 0, false), None);
        assert_eq!(TopLayout::of(1, usize::MAX / 4, 0, false), None);
    }
}
