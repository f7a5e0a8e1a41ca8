//! Buffers that begin on a boundary of 64 bytes, the length of a cache line and of the widest vector.

use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};

/// Bytes of a cache line, and what packed weights are aligned to.
pub const ALIGNMENT: usize = 64;

#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([u8; ALIGNMENT]);

mod sealed {
    /// Numbers that every pattern of bits is a value of, with an alignment of at most 64.
    pub trait Plain: Copy + Send + Sync + 'static {}
    impl Plain for u8 {}
    impl Plain for i8 {}
    impl Plain for i16 {}
    impl Plain for i32 {}
    impl Plain for f32 {}
    impl Plain for crate::activations::Group {}
}
use sealed::Plain;

/// Numbers from a boundary of 64 bytes on; new ones are zero.
pub struct Aligned<T: Plain> {
    lines: Vec<Line>,
    len: usize,
    of: PhantomData<T>,
}

impl<T: Plain> Aligned<T> {
    /// Zeros.
    pub fn new(len: usize) -> Self {
        let mut it = Self::default();
        it.resize(len);
        it
    }

    /// Changes the length; allocates only past the longest that was ever asked for. The first numbers stay, up to the shorter
    /// length; those beyond are unspecified.
    ///
    /// # Panics
    /// If so many numbers do not fit the memory.
    pub fn resize(&mut self, len: usize) {
        let bytes = len.checked_mul(size_of::<T>());
        let lines = bytes
            .expect("the length fits an address")
            .div_ceil(ALIGNMENT);
        if self.lines.len() < lines {
            self.lines.resize(lines, Line([0; ALIGNMENT]));
        }
        self.len = len;
    }
}

impl<T: Plain> Default for Aligned<T> {
    fn default() -> Self {
        Self {
            lines: Vec::new(),
            len: 0,
            of: PhantomData,
        }
    }
}

impl<T: Plain> fmt::Debug for Aligned<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Aligned").field("len", &self.len).finish()
    }
}

impl<T: Plain> Deref for Aligned<T> {
    type Target = [T];
    fn deref(&self) -> &[T] {
        // SAFETY: `resize` keeps at least `len` numbers' bytes in `lines`, aligned to 64; all bytes are initialised and
        // every pattern of them is a `T`.
        unsafe { std::slice::from_raw_parts(self.lines.as_ptr().cast(), self.len) }
    }
}

impl<T: Plain> DerefMut for Aligned<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: as in `deref`, and `self` is borrowed mutably.
        unsafe { std::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), self.len) }
    }
}

/// A slice whose parts several threads write, each its own.
pub(crate) struct Shared<'a, T> {
    start: *mut T,
    len: usize,
    of: PhantomData<&'a mut [T]>,
}

// SAFETY: all access goes through `part`, whose caller promises that parts do not overlap.
unsafe impl<T: Send> Sync for Shared<'_, T> {}
// SAFETY: it stands for a `&mut [T]`.
unsafe impl<T: Send> Send for Shared<'_, T> {}

impl<'a, T> Shared<'a, T> {
    pub(crate) fn new(slice: &'a mut [T]) -> Self {
        Self {
            start: slice.as_mut_ptr(),
            len: slice.len(),
            of: PhantomData,
        }
    }

    /// `len` elements from `first` on.
    ///
    /// # Safety
    /// While the part lives, no other thread or part may touch these elements.
    ///
    /// # Panics
    /// If they are not within the slice.
    #[expect(
        clippy::mut_from_ref,
        reason = "parts do not overlap, as the caller promises"
    )]
    pub(crate) unsafe fn part(&self, first: usize, len: usize) -> &mut [T] {
        assert!(
            first <= self.len && len <= self.len - first,
            "the part lies within"
        );
        // SAFETY: within the slice by the test above, not aliased by the caller's promise.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(first), len) }
    }

    /// Has `len` elements from `first` on brought into the cache.
    #[inline(always)]
    pub(crate) fn fetch(&self, first: usize, len: usize) {
        #[cfg(target_arch = "x86_64")]
        for at in (first..first + len).step_by(ALIGNMENT / size_of::<T>()) {
            use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
            // SAFETY: SSE is part of x86-64, and what is fetched need not be there.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(self.start.wrapping_add(at).cast()) };
        }
        #[cfg(not(target_arch = "x86_64"))]
        let _ = (first, len);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_begin_on_a_boundary_and_as_zeros() {
        let mut numbers = Aligned::<i32>::new(33);
        assert!(numbers.as_ptr().addr().is_multiple_of(ALIGNMENT));
        assert_eq!(numbers[..], [0; 33]);
        numbers[32] = 7;
        numbers.resize(5);
        assert_eq!(numbers.len(), 5);
        numbers.resize(33);
        assert_eq!(numbers[32], 7, "nothing is allocated anew");
    }

    #[test]
    #[should_panic(expected = "the length fits an address")]
    fn a_length_whose_bytes_overflow_is_refused() {
        Aligned::<f32>::new(usize::MAX / 4 + 2);
    }

    #[test]
    #[should_panic(expected = "the part lies within")]
    fn a_part_beyond_the_slice_is_refused() {
        let mut numbers = [0; 4];
        let shared = Shared::new(&mut numbers);
        // SAFETY: nobody else has a part.
        unsafe { shared.part(2, usize::MAX) };
    }
}
