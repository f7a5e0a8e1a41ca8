//! What is done to rows of f32 between products, in whatever vectors the processor has.

use crate::InstructionSet;
use crate::vector::{Vector, Work, dispatch};

/// Independent sums, so that a reduction is not one long chain.
const LANES: usize = 16;

/// A norm by the root of the mean square (arXiv:1910.07467).
#[derive(Debug, Clone, Copy)]
pub struct RmsNorm<'a> {
    /// `[width]`
    pub weight: &'a [f32],
    /// `[width]`
    pub bias: Option<&'a [f32]>,
    /// Added to the mean square.
    pub eps: f32,
}

impl RmsNorm<'_> {
    /// `to = x / sqrt(mean(x²) + eps) * weight (+ bias)`, one row, `[width]`.
    ///
    /// # Panics
    /// If a slice has another length.
    pub fn row(&self, set: InstructionSet, x: &[f32], to: &mut [f32]) {
        let width = self.weight.len();
        let fits = x.len() == width && to.len() == width;
        assert!(
            fits && self.bias.is_none_or(|bias| bias.len() == width),
            "rows of one width"
        );
        dispatch(set, Normed { norm: *self, x, to });
    }
}

struct Normed<'a> {
    norm: RmsNorm<'a>,
    x: &'a [f32],
    to: &'a mut [f32],
}

impl Work for Normed<'_> {
    #[inline(always)]
    unsafe fn run<V: Vector>(self) {
        let Self { norm, x, to } = self;
        let mut lanes = [0.0; LANES];
        let (chunks, rest) = x.as_chunks::<LANES>();
        for chunk in chunks {
            for (lane, x) in lanes.iter_mut().zip(chunk) {
                *lane += x * x;
            }
        }
        let squares = rest
            .iter()
            .fold(lanes.iter().sum(), |sum: f32, x| sum + x * x);
        let scale = 1.0 / (squares / x.len() as f32 + norm.eps).sqrt();
        for ((to, x), weight) in to.iter_mut().zip(x).zip(norm.weight) {
            *to = x * scale * weight;
        }
        if let Some(bias) = norm.bias {
            for (to, bias) in to.iter_mut().zip(bias) {
                *to += bias;
            }
        }
    }
}

/// Numbers as 16 bits; of one length.
pub(crate) struct Narrow<'a> {
    pub(crate) from: &'a [f32],
    pub(crate) to: &'a mut [u16],
}

impl Work for Narrow<'_> {
    #[inline(always)]
    unsafe fn run<V: Vector>(self) {
        let Self { from, to } = self;
        let len = from.len();
        assert_eq!(len, to.len(), "of one length");
        let whole = len / V::LANES * V::LANES;
        for at in (0..whole).step_by(V::LANES) {
            // SAFETY: the caller promises the instructions; a vector from `at` on lies within both.
            unsafe { V::load(from.as_ptr().add(at)).store_f16(to.as_mut_ptr().add(at)) };
        }
        let (mut last, mut bits) = ([0.0; LANES], [0; LANES]);
        last[..len - whole].copy_from_slice(&from[whole..]);
        // SAFETY: as above; no vector is longer than these.
        unsafe { V::load(last.as_ptr()).store_f16(bits.as_mut_ptr()) };
        to[whole..].copy_from_slice(&bits[..len - whole]);
    }
}

/// Turns the heads of a row, which it is made of, in place: dimension `i` with `i + dim / 2` by the angles whose cosines and
/// sines are given, `[dim / 2]` (arXiv:2104.09864), and scales them.
///
/// # Panics
/// Unless there are as many cosines as sines and the row is whole heads.
pub fn rotate(set: InstructionSet, row: &mut [f32], cosines: &[f32], sines: &[f32], scale: f32) {
    let half = cosines.len();
    let fits = half > 0 && sines.len() == half && row.len().is_multiple_of(2 * half);
    assert!(fits, "whole heads");
    dispatch(
        set,
        Rotated {
            row,
            cosines,
            sines,
            scale,
        },
    );
}

struct Rotated<'a> {
    row: &'a mut [f32],
    cosines: &'a [f32],
    sines: &'a [f32],
    scale: f32,
}

impl Work for Rotated<'_> {
    #[inline(always)]
    unsafe fn run<V: Vector>(self) {
        let half = self.cosines.len();
        for head in self.row.chunks_exact_mut(2 * half) {
            let (low, high) = head.split_at_mut(half);
            let angles = self.cosines.iter().zip(self.sines);
            for ((low, high), (cosine, sine)) in low.iter_mut().zip(high).zip(angles) {
                let turned = (*low * cosine - *high * sine, *high * cosine + *low * sine);
                (*low, *high) = (turned.0 * self.scale, turned.1 * self.scale);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_norm_brings_rows_of_any_width_to_unit_mean_square() {
        for set in InstructionSet::available() {
            for width in [1, 15, 16, 40, 129] {
                let x: Vec<f32> = (0..width).map(|i| (i * 7 % 11) as f32 - 3.5).collect();
                let weight: Vec<f32> = (0..width).map(|i| 1.0 + i as f32 / 100.0).collect();
                let bias = vec![0.5; width];
                let norm = RmsNorm {
                    weight: &weight,
                    bias: Some(&bias),
                    eps: 1e-3,
                };
                let mut got = vec![0.0; width];
                norm.row(set, &x, &mut got);
                let squares: f64 = x.iter().map(|x| f64::from(x * x)).sum();
                let scale = 1.0 / (squares / width as f64 + 1e-3).sqrt();
                for (at, got) in got.iter().enumerate() {
                    let right = f64::from(x[at]) * scale * f64::from(weight[at]) + 0.5;
                    assert!(
                        (f64::from(*got) - right).abs() < 1e-5,
                        "{width} {at}: {got} {right}"
                    );
                }
            }
        }
    }

    #[test]
    fn pairs_are_half_a_head_apart() {
        for set in InstructionSet::available() {
            let mut row = [1.0, 2.0, 3.0, 4.0, 0.0, 1.0, 0.0, 0.0];
            let (sin, cos) = 1.0_f32.sin_cos();
            rotate(set, &mut row, &[cos, 1.0], &[sin, 0.0], 2.0);
            let right = [2.0 * (cos - 3.0 * sin), 4.0, 2.0 * (3.0 * cos + sin), 8.0];
            assert!(
                row[..4]
                    .iter()
                    .zip(right)
                    .all(|(a, b)| (a - b).abs() < 1e-5),
                "{row:?}"
            );
            assert_eq!(row[4..], [0.0, 2.0, 0.0, 0.0]);
        }
    }
}
