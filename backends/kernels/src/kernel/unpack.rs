//! Nibbles become bytes, in a scratch that fits L1.

use std::arch::x86_64::*;
use std::mem::MaybeUninit;

use crate::matrix::{GROUP, PANEL};

/// A group of a panel as bytes, `[columns / 4][64 rows][4 columns]`, each 16 times the nibble: so what is added to a weight is
/// 128 as in bytes that were packed, and one correction serves both.
#[repr(C, align(64))]
pub(super) struct Unpacked(MaybeUninit<[u8; GROUP * PANEL]>);

impl Unpacked {
    /// Without bytes: clearing them would cost as much as unpacking.
    pub(super) const fn new() -> Self {
        Self(MaybeUninit::uninit())
    }

    pub(super) fn as_ptr(&self) -> *const u8 {
        self.0.as_ptr().cast()
    }

    /// Fills it from nibbles, `[columns / 8][64 rows][4]`, at most a group of them; what was written.
    #[target_feature(enable = "avx512f,avx512bw")]
    pub(super) fn unpack(&mut self, nibbles: &[u8]) -> &[u8] {
        let steps = nibbles.as_chunks::<256>().0;
        assert!(steps.len() <= GROUP / 8, "a group at most");
        let high = _mm512_set1_epi8(0xf0_u8.cast_signed());
        let start = self.0.as_mut_ptr().cast::<u8>();
        for (i, from) in steps.iter().enumerate() {
            for z in 0..4 {
                // SAFETY: 64 bytes are read at `z * 64` of 256, and written to two places of the 512 of this step, of
                // which there is room for 16.
                unsafe {
                    let q = _mm512_loadu_si512(from.as_ptr().add(z * 64).cast());
                    let to = start.add(i * 512 + z * 64);
                    _mm512_storeu_si512(
                        to.cast(),
                        _mm512_and_si512(_mm512_slli_epi16::<4>(q), high),
                    );
                    _mm512_storeu_si512(to.add(256).cast(), _mm512_and_si512(q, high));
                }
            }
        }
        // SAFETY: 512 bytes were written for each step, from the start on.
        unsafe { std::slice::from_raw_parts(start, steps.len() * 512) }
    }
}

/// The scales that go with unpacked bytes: a sixteenth, which is exact.
#[target_feature(enable = "avx512f")]
pub(super) fn unpacked_scale(scale: __m512) -> __m512 {
    _mm512_mul_ps(scale, _mm512_set1_ps(1.0 / 16.0))
}
