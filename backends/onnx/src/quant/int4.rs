//! 4-bit integers with a scale per block, as `MatMulNBits` takes them: two a byte, the earlier in the low half, 8 is zero.

use rayon::prelude::*;
use unmask_sdk::BackendError;
use unmask_sdk::weights::Weight;

use super::{little_endian, rounded, rows};

/// Numbers that share a scale.
pub(crate) const BLOCK: usize = 128;
/// Rows that a thread quantises at once.
const ROWS: usize = 16;
/// Zero.
const MIDDLE: i32 = 8;

/// Numbers `[rows, blocks, BLOCK / 2]` and scales `[rows, blocks]`; the last block of a row is filled up with zeros.
pub(super) fn pack(weight: &Weight<'_>) -> Result<[Vec<u8>; 2], BackendError> {
    let (height, columns) = (weight.shape[0], weight.row_len());
    let blocks = columns.div_ceil(BLOCK);
    let mut numbers = vec![0; height * blocks * BLOCK / 2];
    let mut scales = vec![0.0; height * blocks];
    let pieces = numbers
        .par_chunks_mut(ROWS * blocks * BLOCK / 2)
        .zip(scales.par_chunks_mut(ROWS * blocks))
        .enumerate();
    pieces.try_for_each(|(piece, (out, scales))| {
        let numbers = rows(weight, piece * ROWS, scales.len() / blocks)?;
        let lines = numbers.chunks_exact(columns);
        let parts = lines.flat_map(|line| line.chunks(BLOCK));
        for ((part, out), scale) in parts
            .zip(out.chunks_exact_mut(BLOCK / 2))
            .zip(scales.iter_mut())
        {
            let mut block = [0.0; BLOCK];
            block[..part.len()].copy_from_slice(part);
            *scale = quantise(&block, out);
        }
        Ok::<_, BackendError>(())
    })?;
    Ok([numbers, little_endian(scales.into_iter())])
}

/// Writes a block and returns its scale: of several steps around the one that the largest number asks for, the one whose
/// best scale leaves the smallest squared error.
fn quantise(block: &[f32; BLOCK], out: &mut [u8]) -> f32 {
    let larger = |peak: f32, x: &f32| if x.abs() > peak.abs() { *x } else { peak };
    let peak = block.iter().fold(0.0_f32, larger);
    if peak.abs() < f32::MIN_POSITIVE * 16.0 {
        out.fill((MIDDLE | MIDDLE << 4) as u8);
        return 0.0;
    }
    let (mut best, mut numbers, mut scale) = (-1.0, [0; BLOCK], 0.0);
    for step in -5..=5 {
        // The largest number becomes -8, or a little beyond, which is cut.
        let factor = -(8.0 + 0.25 * step as f32) / peak;
        let tried = block.map(|x| rounded(x * factor).clamp(-MIDDLE, MIDDLE - 1));
        let (mut product, mut square) = (0.0, 0.0);
        for (x, number) in block.iter().zip(tried) {
            let number = number as f32;
            product += x * number;
            square += number * number;
        }
        // The squared error at the best scale is the block's square less this.
        let gain = if square > 0.0 {
            product * product / square
        } else {
            0.0
        };
        if gain > best {
            (best, numbers, scale) = (gain, tried, product / square.max(1.0));
        }
    }
    for (out, pair) in out.iter_mut().zip(numbers.as_chunks::<2>().0) {
        let [low, high] = pair.map(|number| (number + MIDDLE) as u8);
        *out = low | high << 4;
    }
    scale
}

#[cfg(test)]
mod tests {
    use super::*;

    fn restored(block: &[f32; BLOCK]) -> Vec<f32> {
        let mut out = [0; BLOCK / 2];
        let scale = quantise(block, &mut out);
        let halves = out.iter().flat_map(|byte| [byte & 15, byte >> 4]);
        halves
            .map(|half| (i32::from(half) - MIDDLE) as f32 * scale)
            .collect()
    }

    #[test]
    fn sixteen_equal_steps_are_kept_exactly() {
        let block = std::array::from_fn(|i| (i % 16) as f32 - 8.0);
        assert_eq!(restored(&block), block);
        assert_eq!(restored(&[0.0; BLOCK]), [0.0; BLOCK]);
    }

    #[test]
    fn the_error_stays_below_a_step() {
        let block = std::array::from_fn(|i| ((i * 37 % 128) as f32 / 64.0 - 1.0).powi(3));
        for (x, back) in block.iter().zip(restored(&block)) {
            assert!((x - back).abs() < 1.0 / 7.0, "{x} became {back}");
        }
    }
}
