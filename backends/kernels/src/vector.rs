//! Vectors of f32 of each width, and the choice among them: what is computed in floats is written once for all.

use crate::InstructionSet;
use crate::element::half_to_float;

/// A vector of f32. All of it is `unsafe` since its instructions may be missing, and pointers are the caller's.
pub(crate) trait Vector: Copy {
    /// Numbers in it.
    const LANES: usize;
    /// Vectors a row of a tile, so that six rows and what they are made of fit into the registers.
    const TILE: usize;

    /// # Safety
    /// The processor has the instructions.
    unsafe fn splat(x: f32) -> Self;
    /// # Safety
    /// As [`splat`](Self::splat); [`LANES`](Self::LANES) numbers can be read.
    unsafe fn load(from: *const f32) -> Self;
    /// # Safety
    /// As [`splat`](Self::splat); [`LANES`](Self::LANES) numbers can be written.
    unsafe fn store(self, to: *mut f32);
    /// `self + a * b`
    ///
    /// # Safety
    /// As [`splat`](Self::splat).
    unsafe fn add_product(self, a: Self, b: Self) -> Self;
    /// [`LANES`](Self::LANES) numbers of 16 bits.
    ///
    /// # Safety
    /// As [`load`](Self::load).
    unsafe fn load_f16(from: *const u16) -> Self;
    /// As 16 bits, rounded to the nearest, at most the largest.
    ///
    /// # Safety
    /// As [`store`](Self::store).
    unsafe fn store_f16(self, to: *mut u16);
}

/// Work that is written for vectors of any width.
pub(crate) trait Work {
    /// # Safety
    /// The processor has the instructions of `V`. Implementations are `inline(always)`, or the instructions are not used.
    unsafe fn run<V: Vector>(self);
}

/// Has `work` done with the vectors that belong to `set`.
pub(crate) fn dispatch(set: InstructionSet, work: impl Work) {
    #[cfg(target_arch = "x86_64")]
    match x86::Width::of(set) {
        // SAFETY: the width is one that the processor was found to have.
        x86::Width::Avx512 => return unsafe { x86::avx512(work) },
        // SAFETY: as above.
        x86::Width::Avx2 => return unsafe { x86::avx2(work) },
        x86::Width::Portable => (),
    }
    let _ = set;
    // SAFETY: arrays need no instructions of their own.
    unsafe { work.run::<[f32; 8]>() }
}

/// The largest number of 16 bits.
const LARGEST: f32 = 65504.0;

impl Vector for [f32; 8] {
    const LANES: usize = 8;
    const TILE: usize = 2;

    #[inline(always)]
    unsafe fn splat(x: f32) -> Self {
        [x; 8]
    }
    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: promised by the caller.
        unsafe { from.cast::<Self>().read_unaligned() }
    }
    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: promised by the caller.
        unsafe { to.cast::<Self>().write_unaligned(self) }
    }
    #[inline(always)]
    unsafe fn add_product(self, a: Self, b: Self) -> Self {
        std::array::from_fn(|lane| self[lane] + a[lane] * b[lane])
    }
    #[inline(always)]
    unsafe fn load_f16(from: *const u16) -> Self {
        // SAFETY: promised by the caller.
        let bits = unsafe { from.cast::<[u16; 8]>().read_unaligned() };
        bits.map(half_to_float)
    }
    #[inline(always)]
    unsafe fn store_f16(self, to: *mut u16) {
        // SAFETY: promised by the caller.
        unsafe { to.cast::<[u16; 8]>().write_unaligned(self.map(narrowed)) }
    }
}

/// The bits of the f16 that is nearest to `x`, ties to even.
fn narrowed(x: f32) -> u16 {
    if x.is_nan() {
        return 0x7e00;
    }
    let sign = (x.to_bits() >> 16 & 0x8000) as u16;
    let magnitude = x.abs().min(LARGEST);
    // Adding it leaves the bits that an f16 of this exponent keeps, rounded.
    let exponent = (magnitude.to_bits() >> 23).max(127 - 14);
    let shift = f32::from_bits((exponent + 13) << 23);
    let units = (magnitude + shift).to_bits() - shift.to_bits();
    sign | (((exponent - (127 - 14)) << 10) as u16 + units as u16)
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    use super::{LARGEST, Vector, Work};
    use crate::InstructionSet;

    pub(super) enum Width {
        Portable,
        Avx2,
        Avx512,
    }

    impl Width {
        pub(super) fn of(set: InstructionSet) -> Self {
            // Whoever asks may name a set that the processor lacks.
            let has = |set: InstructionSet| set.is_available() && is_x86_feature_detected!("f16c");
            match set {
                InstructionSet::Avx2 | InstructionSet::AvxVnni if has(InstructionSet::Avx2) => {
                    Self::Avx2
                }
                InstructionSet::Avx512 | InstructionSet::Amx if has(InstructionSet::Avx512) => {
                    Self::Avx512
                }
                _ => Self::Portable,
            }
        }
    }

    /// # Safety
    /// The processor has AVX-512 F, AVX2, FMA and F16C.
    #[target_feature(enable = "avx512f,avx2,fma,f16c")]
    pub(super) unsafe fn avx512(work: impl Work) {
        // SAFETY: promised by the caller.
        unsafe { work.run::<__m512>() }
    }

    /// # Safety
    /// The processor has AVX2, FMA and F16C.
    #[target_feature(enable = "avx2,fma,f16c")]
    pub(super) unsafe fn avx2(work: impl Work) {
        // SAFETY: promised by the caller.
        unsafe { work.run::<__m256>() }
    }

    impl Vector for __m512 {
        const LANES: usize = 16;
        const TILE: usize = 4;

        #[inline(always)]
        unsafe fn splat(x: f32) -> Self {
            // SAFETY: promised by the caller, here and below.
            unsafe { _mm512_set1_ps(x) }
        }
        #[inline(always)]
        unsafe fn load(from: *const f32) -> Self {
            // SAFETY: as above.
            unsafe { _mm512_loadu_ps(from) }
        }
        #[inline(always)]
        unsafe fn store(self, to: *mut f32) {
            // SAFETY: as above.
            unsafe { _mm512_storeu_ps(to, self) }
        }
        #[inline(always)]
        unsafe fn add_product(self, a: Self, b: Self) -> Self {
            // SAFETY: as above.
            unsafe { _mm512_fmadd_ps(a, b, self) }
        }
        #[inline(always)]
        unsafe fn load_f16(from: *const u16) -> Self {
            // SAFETY: as above.
            unsafe { _mm512_cvtph_ps(_mm256_loadu_si256(from.cast())) }
        }
        #[inline(always)]
        unsafe fn store_f16(self, to: *mut u16) {
            // SAFETY: as above. A NaN is the second operand, which minimum and maximum return.
            unsafe {
                let x = _mm512_min_ps(_mm512_set1_ps(LARGEST), self);
                let x = _mm512_max_ps(_mm512_set1_ps(-LARGEST), x);
                let bits = _mm512_cvtps_ph::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(x);
                _mm256_storeu_si256(to.cast(), bits);
            }
        }
    }

    impl Vector for __m256 {
        const LANES: usize = 8;
        const TILE: usize = 2;

        #[inline(always)]
        unsafe fn splat(x: f32) -> Self {
            // SAFETY: promised by the caller, here and below.
            unsafe { _mm256_set1_ps(x) }
        }
        #[inline(always)]
        unsafe fn load(from: *const f32) -> Self {
            // SAFETY: as above.
            unsafe { _mm256_loadu_ps(from) }
        }
        #[inline(always)]
        unsafe fn store(self, to: *mut f32) {
            // SAFETY: as above.
            unsafe { _mm256_storeu_ps(to, self) }
        }
        #[inline(always)]
        unsafe fn add_product(self, a: Self, b: Self) -> Self {
            // SAFETY: as above.
            unsafe { _mm256_fmadd_ps(a, b, self) }
        }
        #[inline(always)]
        unsafe fn load_f16(from: *const u16) -> Self {
            // SAFETY: as above.
            unsafe { _mm256_cvtph_ps(_mm_loadu_si128(from.cast())) }
        }
        #[inline(always)]
        unsafe fn store_f16(self, to: *mut u16) {
            // SAFETY: as above. A NaN is the second operand, which minimum and maximum return.
            unsafe {
                let x = _mm256_min_ps(_mm256_set1_ps(LARGEST), self);
                let x = _mm256_max_ps(_mm256_set1_ps(-LARGEST), x);
                let bits = _mm256_cvtps_ph::<{ _MM_FROUND_TO_NEAREST_INT }>(x);
                _mm_storeu_si128(to.cast(), bits);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_16_bits_are_widened_and_narrowed_as_they_should_be() {
        for bits in 0..=u16::MAX {
            let x = half_to_float(bits);
            let (exponent, fraction) = (i32::from(bits >> 10 & 31), f64::from(bits & 1023));
            if exponent == 31 {
                continue;
            }
            let right = match exponent {
                0 => fraction * 2_f64.powi(-24),
                _ => (1.0 + fraction / 1024.0) * 2_f64.powi(exponent - 15),
            };
            let right = if bits >> 15 == 1 { -right } else { right };
            assert_eq!(f64::from(x), right, "{bits:#x}");
            assert_eq!(narrowed(x), bits);
            // Half a unit up and the least bit more, or less.
            if exponent > 0 && bits & 0x7fff < 0x7bff {
                let half = f32::from_bits(x.to_bits() + (1 << 12));
                assert_eq!(narrowed(half), bits + (bits & 1), "ties to even");
                assert_eq!(narrowed(f32::from_bits(half.to_bits() + 1)), bits + 1);
                assert_eq!(narrowed(f32::from_bits(half.to_bits() - 1)), bits);
            }
        }
        assert_eq!(narrowed(1e9), 0x7bff);
        assert_eq!(narrowed(f32::NEG_INFINITY), 0xfbff);
        assert!(narrowed(f32::NAN) & 0x7fff > 0x7c00);
    }
}
