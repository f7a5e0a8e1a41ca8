//! Rotary positions (arXiv:2104.09864), the half-split pairing of Llama and LLaDA: dimension `i` turns with `i + dim/2`.

use unmask_sdk::Position;

/// Cosines and sines of some tokens' angles, `[tokens, dim / 2]` each, in float32 as the reference computes them.
pub(crate) struct Rope {
    half: usize,
    cosines: Vec<f32>,
    sines: Vec<f32>,
}

impl Rope {
    /// `frequencies` are angles a position, half a head's dimension of them.
    pub(crate) fn new(frequencies: &[f32], positions: &[Position]) -> Self {
        let angles = positions.iter().flat_map(|position| {
            let position = position.0 as f32;
            frequencies
                .iter()
                .map(move |frequency| position * frequency)
        });
        let (sines, cosines) = angles.map(f32::sin_cos).unzip();
        Self {
            half: frequencies.len(),
            cosines,
            sines,
        }
    }

    /// `to = rotate(from) * scale` for token number `token`.
    pub(crate) fn turn(&self, token: usize, from: &[f32], to: &mut [f32], scale: f32) {
        let angles = token * self.half..(token + 1) * self.half;
        let (cosines, sines) = (&self.cosines[angles.clone()], &self.sines[angles]);
        let (low, high) = from.split_at(self.half);
        let (to_low, to_high) = to.split_at_mut(self.half);
        for i in 0..self.half {
            to_low[i] = (low[i] * cosines[i] - high[i] * sines[i]) * scale;
            to_high[i] = (high[i] * cosines[i] + low[i] * sines[i]) * scale;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_half_a_head_apart_and_position_zero_stands_still() {
        let rope = Rope::new(&[1.0, 0.01], &[Position(0), Position(1)]);
        let (from, mut to) = ([1.0, 2.0, 3.0, 4.0], [0.0; 4]);
        rope.turn(0, &from, &mut to, 2.0);
        assert_eq!(to, [2.0, 4.0, 6.0, 8.0]);
        rope.turn(1, &from, &mut to, 1.0);
        let (sin, cos) = 1.0_f32.sin_cos();
        assert_eq!(to[0], cos - 3.0 * sin);
        assert_eq!(to[2], 3.0 * cos + sin);
        assert!((to[1] - (2.0 - 4.0 * 0.01)).abs() < 1e-3);
    }
}
