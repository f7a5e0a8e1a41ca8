//! Rotary positions (arXiv:2104.09864), the half-split pairing of Llama and LLaDA: dimension `i` turns with `i + dim/2`.

use unmask_api::Position;

/// `1 / theta^(2i / dim)` for `i` below half of a head's `dim`: angles a position.
#[must_use]
pub fn frequencies(theta: f32, dim: usize) -> Vec<f32> {
    let exponents = (0..dim / 2).map(|i| (2 * i) as f32 / dim as f32);
    exponents
        .map(|exponent| 1.0 / theta.powf(exponent))
        .collect()
}

/// Cosines and sines of some tokens' angles, in float32 as the reference computes them.
#[derive(Debug, Clone, Default)]
pub struct Rope {
    half: usize,
    /// `[tokens, dim / 2]`
    pub cosines: Vec<f32>,
    /// `[tokens, dim / 2]`
    pub sines: Vec<f32>,
}

impl Rope {
    /// Of tokens at `positions`; see [`frequencies`].
    #[must_use]
    pub fn new(frequencies: &[f32], positions: &[Position]) -> Self {
        let mut rope = Self::default();
        rope.set(frequencies, positions);
        rope
    }

    /// As [`new`](Self::new), in the memory that this one has.
    pub fn set(&mut self, frequencies: &[f32], positions: &[Position]) {
        self.half = frequencies.len();
        self.cosines.clear();
        self.sines.clear();
        for position in positions {
            let position = position.0 as f32;
            for frequency in frequencies {
                let (sine, cosine) = (position * frequency).sin_cos();
                self.cosines.push(cosine);
                self.sines.push(sine);
            }
        }
    }

    /// The cosines and the sines of token number `token`, `[dim / 2]` each.
    #[must_use]
    pub fn angles(&self, token: usize) -> (&[f32], &[f32]) {
        let angles = token * self.half..(token + 1) * self.half;
        (&self.cosines[angles.clone()], &self.sines[angles])
    }

    /// `to = rotate(from) * scale` for token number `token`, a head each.
    pub fn turn(&self, token: usize, from: &[f32], to: &mut [f32], scale: f32) {
        to.copy_from_slice(from);
        self.turn_in_place(token, to, scale);
    }

    /// As [`turn`](Self::turn), of a head in its place. What it has beyond the angles is scaled alone.
    pub fn turn_in_place(&self, token: usize, head: &mut [f32], scale: f32) {
        let (cosines, sines) = self.angles(token);
        let (turned, rest) = head.split_at_mut(2 * self.half);
        let (lows, highs) = turned.split_at_mut(self.half);
        for i in 0..self.half {
            let (low, high) = (lows[i], highs[i]);
            lows[i] = (low * cosines[i] - high * sines[i]) * scale;
            highs[i] = (high * cosines[i] + low * sines[i]) * scale;
        }
        for number in rest {
            *number *= scale;
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

    #[test]
    fn what_is_beyond_the_angles_stands_still() {
        let rope = Rope::new(&[1.0], &[Position(1)]);
        let (from, mut to) = ([1.0, 2.0, 3.0, 4.0], [0.0; 4]);
        rope.turn(0, &from, &mut to, 2.0);
        let (sin, cos) = 1.0_f32.sin_cos();
        assert_eq!(
            to,
            [(cos - 2.0 * sin) * 2.0, (2.0 * cos + sin) * 2.0, 6.0, 8.0]
        );
    }

    #[test]
    fn frequencies_fall_from_one_by_a_constant_factor() {
        assert_eq!(frequencies(10_000.0, 4), [1.0, 0.01]);
    }
}
