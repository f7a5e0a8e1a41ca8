//! One tensor, and its numbers as `f32`.

use std::ops::Range;
use std::path::Path;

use half::f16;
use safetensors::Dtype;

use super::adapter::Update;
use super::file::File;
use crate::BackendError;

/// A tensor of a checkpoint, borrowed from the mapped file.
#[derive(Debug, Clone, Copy)]
pub struct Weight<'a> {
    /// Its name.
    pub name: &'a str,
    /// The file that holds it.
    pub path: &'a Path,
    /// How a number is stored; F32 where an adapter adds to the tensor.
    pub dtype: Dtype,
    /// Lengths of the dimensions, row-major.
    pub shape: &'a [usize],
    /// Where in the file its bytes begin.
    pub offset: usize,
    /// The numbers, little-endian, without gaps; aligned to nothing. Whoever reads them asks
    /// [`Weights::check_whole`](super::Weights::check_whole) afterwards. None where an adapter adds to the tensor, see
    /// [`is_merged`](Self::is_merged).
    pub bytes: &'a [u8],
    pub(super) stored: Stored<'a>,
}

/// A tensor as the file has it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stored<'a> {
    pub(super) file: &'a File,
    pub(super) dtype: Dtype,
    pub(super) bytes: &'a [u8],
    /// What an adapter adds to it.
    pub(super) update: Option<Update<'a>>,
}

/// Rows of a merged tensor that are tested at once.
const ROWS: usize = 64;

impl Weight<'_> {
    /// Numbers in one row: the product of all dimensions but the first.
    #[must_use]
    pub fn row_len(&self) -> usize {
        self.shape.iter().skip(1).product()
    }

    /// True if an adapter adds to the tensor: its numbers are nowhere as they are, and have to be read.
    #[must_use]
    pub fn is_merged(&self) -> bool {
        self.stored.update.is_some()
    }

    /// All numbers.
    ///
    /// # Errors
    /// [`BackendError::Checkpoint`] unless they are F32, F16 or BF16, and finite, and the file still has them.
    pub fn to_f32(&self) -> Result<Vec<f32>, BackendError> {
        let mut numbers = vec![0.0; self.shape.iter().product()];
        self.read(0..self.stored.bytes.len(), &mut numbers)?;
        Ok(numbers)
    }

    /// Writes rows `rows` of the first dimension to `out`, of length `rows.len() * row_len`.
    ///
    /// # Errors
    /// [`BackendError::Checkpoint`] unless the numbers are F32, F16 or BF16, and finite, and the file still has them.
    ///
    /// # Panics
    /// If `rows` reaches beyond the tensor or `out` has another length.
    pub fn read_rows(&self, rows: Range<usize>, out: &mut [f32]) -> Result<(), BackendError> {
        let row_bytes = self.row_len() * self.stored.dtype.bitsize() / 8;
        self.read(rows.start * row_bytes..rows.end * row_bytes, out)
    }

    fn read(&self, range: Range<usize>, out: &mut [f32]) -> Result<(), BackendError> {
        let Stored {
            file,
            dtype,
            bytes,
            update,
        } = self.stored;
        let bytes = &bytes[range.clone()];
        assert_eq!(
            bytes.len() * 8,
            out.len() * dtype.bitsize(),
            "the buffer is as long as the rows asked for"
        );
        if !decode(dtype, bytes, out) {
            return Err(self.broken(format!(
                "is stored as {dtype:?}; only F32, F16 and BF16 can be read, fetch an unquantised checkpoint"
            )));
        }
        if let Some(update) = update {
            // It has two dimensions.
            let columns = self.row_len();
            let first = range.start / (columns * dtype.bitsize() / 8).max(1);
            update.add(first..self.shape[0], columns, out);
            update.file.check_whole()?;
        }
        file.check_whole()?;
        match all_finite(out) {
            true => Ok(()),
            false => Err(self.not_finite()),
        }
    }

    /// Tests that no number is NaN or infinite, which networks with quantised matrices do not show; for those that are used
    /// where they are. Numbers that are not floats are finite.
    ///
    /// # Errors
    /// [`BackendError::Checkpoint`].
    pub fn check_finite(&self) -> Result<(), BackendError> {
        if self.is_merged() {
            let mut numbers = vec![0.0; ROWS * self.row_len()];
            let mut stretches = (0..self.shape[0]).step_by(ROWS);
            return stretches.try_for_each(|first| {
                let rows = first..(first + ROWS).min(self.shape[0]);
                let numbers = &mut numbers[..rows.len() * self.row_len()];
                self.read_rows(rows, numbers)
            });
        }
        let is_finite = match self.dtype {
            Dtype::F32 => words(self.bytes, 0x7f80_0000_u32, u32::from_le_bytes),
            Dtype::F16 => words(self.bytes, 0x7c00_u16, u16::from_le_bytes),
            Dtype::BF16 => words(self.bytes, 0x7f80_u16, u16::from_le_bytes),
            _ => true,
        };
        self.stored.file.check_whole()?;
        match is_finite {
            true => Ok(()),
            false => Err(self.not_finite()),
        }
    }

    fn not_finite(&self) -> BackendError {
        self.broken(
            "holds NaN or infinity, which no precision can mend; fetch the checkpoint again, or another one"
                .to_owned(),
        )
    }

    pub(super) fn broken(&self, what: String) -> BackendError {
        BackendError::Checkpoint {
            path: self.path.to_owned(),
            what: format!("tensor {} {what}", self.name),
        }
    }
}

/// False if numbers of this type are none that can be read.
pub(super) fn decode(dtype: Dtype, bytes: &[u8], out: &mut [f32]) -> bool {
    match dtype {
        Dtype::F32 => decode_each(bytes, out, f32::from_le_bytes),
        Dtype::F16 => decode_each(bytes, out, |two| f16::from_le_bytes(two).to_f32()),
        // The upper half of an f32; `half::bf16` also quiets NaNs, one by one.
        Dtype::BF16 => decode_each(bytes, out, |two| {
            f32::from_bits(u32::from(u16::from_le_bytes(two)) << 16)
        }),
        _ => return false,
    }
    true
}

fn decode_each<const N: usize>(bytes: &[u8], out: &mut [f32], number: impl Fn([u8; N]) -> f32) {
    let (chunks, _) = bytes.as_chunks::<N>();
    for (out, chunk) in out.iter_mut().zip(chunks) {
        *out = number(*chunk);
    }
}

/// True if no number is NaN or infinite: if no exponent is all ones. Without a branch a number, so that it is as fast as
/// memory.
#[must_use]
pub fn all_finite(numbers: &[f32]) -> bool {
    let flags = numbers.iter().fold(0_u32, |flags, number| {
        // Without its sign, and one exponent further: only NaN and infinity carry into the highest bit.
        flags | ((number.to_bits() & 0x7fff_ffff) + 0x0080_0000)
    });
    flags & 0x8000_0000 == 0
}

/// True if no number of `bytes` has all bits of `exponent`.
fn words<const N: usize, W>(bytes: &[u8], exponent: W, word: impl Fn([u8; N]) -> W) -> bool
where
    W: Copy + PartialEq + std::ops::BitAnd<Output = W>,
{
    let (chunks, _) = bytes.as_chunks::<N>();
    let bad = |chunk: &[u8; N]| word(*chunk) & exponent == exponent;
    // In stretches, so that within one there is no branch.
    !chunks
        .chunks(1024)
        .any(|stretch| stretch.iter().fold(false, |any, chunk| any | bad(chunk)))
}
