//! Rotary positions (arXiv:2104.09864), the half-split pairing of Llama and LLaDA: dimension `i` turns with `i + dim/2`.
//!
//! Not `fast::rope`: that counts on from one offset, while the tokens of a pass stand anywhere, and it makes frequencies of
//! its own in another way than the reference.

use mlx_rs::error::Result;
use mlx_rs::{Array, Dtype, ops};
use unmask_sdk::{Position, rope};

/// Cosines and sines of some tokens' angles, `[tokens, 1, dim / 2]` each, in float32 as the reference computes them.
pub(crate) struct RopeArrays {
    cosines: Array,
    sines: Array,
}

impl RopeArrays {
    /// `frequencies` are those of the head's dimension, see `Decoder::frequencies`.
    pub(crate) fn new(frequencies: &[f32], positions: &[Position]) -> Self {
        let rope::Rope { cosines, sines, .. } = rope::Rope::new(frequencies, positions);
        let shape = [positions.len() as i32, 1, frequencies.len() as i32];
        Self {
            cosines: Array::from_slice(&cosines, &shape),
            sines: Array::from_slice(&sines, &shape),
        }
    }

    /// The angles of the tokens `tokens` alone.
    pub(crate) fn of(&self, tokens: &Array) -> Result<Self> {
        Ok(Self {
            cosines: self.cosines.take_axis(tokens, 0)?,
            sines: self.sines.take_axis(tokens, 0)?,
        })
    }

    /// Turns `x`, `[tokens, heads, dim]`, in float32; the result has the type of `x`.
    pub(crate) fn turn(&self, x: &Array) -> Result<Array> {
        let halves = x.as_dtype(Dtype::Float32)?.split_equal(2, -1)?;
        let (low, high) = (&halves[0], &halves[1]);
        let turned_low = low
            .multiply(&self.cosines)?
            .subtract(high.multiply(&self.sines)?)?;
        let turned_high = high
            .multiply(&self.cosines)?
            .add(low.multiply(&self.sines)?)?;
        ops::concatenate(&[turned_low, turned_high], -1)?.as_dtype(x.dtype())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::ComputeDevice;

    #[test]
    fn pairs_are_half_a_head_apart_and_position_zero_stands_still() {
        ComputeDevice::Cpu.run(|| {
            let rope = RopeArrays::new(&[1.0, 0.01], &[Position(0), Position(1)]);
            let x = [1.0_f32, 2.0, 3.0, 4.0, 1.0, 2.0, 3.0, 4.0];
            let turned = rope.turn(&Array::from_slice(&x, &[2, 1, 4]));
            let turned = turned.expect("the shapes fit");
            let to = turned.as_slice::<f32>();
            assert_eq!(to[..4], x[..4]);
            let (sin, cos) = 1.0_f32.sin_cos();
            assert_eq!(to[4], cos - 3.0 * sin);
            assert_eq!(to[6], 3.0 * cos + sin);
            assert!((to[5] - (2.0 - 4.0 * 0.01)).abs() < 1e-3);
        });
    }
}
