//! 16-bit floats.

use half::f16;
use rayon::prelude::*;
use unmask_sdk::BackendError;
use unmask_sdk::weights::Weight;

/// Rows that a thread converts at once.
const ROWS: usize = 64;

/// `[rows, columns]` as `f16`.
pub(super) fn pack(weight: &Weight<'_>) -> Result<Vec<u8>, BackendError> {
    let (rows, columns) = (weight.shape[0], weight.row_len());
    let mut out = vec![0; rows * columns * 2];
    let pieces = out.par_chunks_mut(ROWS * columns * 2).enumerate();
    pieces.try_for_each(|(piece, out)| {
        let numbers = super::rows(weight, piece * ROWS, out.len() / columns / 2)?;
        for (out, number) in out.chunks_exact_mut(2).zip(numbers) {
            let half = f16::from_f32(number);
            if half.is_infinite() {
                return Err(too_large(weight, number));
            }
            out.copy_from_slice(&half.to_le_bytes());
        }
        Ok::<_, BackendError>(())
    })?;
    Ok(out)
}

fn too_large(weight: &Weight<'_>, number: f32) -> BackendError {
    BackendError::Unsupported(format!(
        "tensor {} holds {number}, more than 16 bits can; choose precision \"f32\" or \"int8\"",
        weight.name
    ))
}
