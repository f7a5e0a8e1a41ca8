//! One tensor, and its numbers as `f32`.

use std::ops::Range;
use std::path::Path;

use half::f16;
use safetensors::Dtype;

use crate::BackendError;

/// A tensor of a checkpoint, borrowed from the mapped file.
#[derive(Debug, Clone, Copy)]
pub struct Weight<'a> {
    /// Its name.
    pub name: &'a str,
    /// The file that holds it.
    pub path: &'a Path,
    /// How a number is stored.
    pub dtype: Dtype,
    /// Lengths of the dimensions, row-major.
    pub shape: &'a [usize],
    /// Where in the file its bytes begin.
    pub offset: usize,
    /// The numbers, little-endian, without gaps; aligned to nothing.
    pub bytes: &'a [u8],
}

impl Weight<'_> {
    /// Numbers in one row: the product of all dimensions but the first.
    #[must_use]
    pub fn row_len(&self) -> usize {
        self.shape.iter().skip(1).product()
    }

    /// All numbers.
    ///
    /// # Errors
    /// [`BackendError::Checkpoint`] unless they are F32, F16 or BF16.
    pub fn to_f32(&self) -> Result<Vec<f32>, BackendError> {
        let mut numbers = vec![0.0; self.shape.iter().product()];
        self.read(0..self.bytes.len(), &mut numbers)?;
        Ok(numbers)
    }

    /// Writes rows `rows` of the first dimension to `out`, of length `rows.len() * row_len`.
    ///
    /// # Errors
    /// [`BackendError::Checkpoint`] unless the numbers are F32, F16 or BF16.
    ///
    /// # Panics
    /// If `rows` reaches beyond the tensor or `out` has another length.
    pub fn read_rows(&self, rows: Range<usize>, out: &mut [f32]) -> Result<(), BackendError> {
        let row_bytes = self.row_len() * self.dtype.bitsize() / 8;
        self.read(rows.start * row_bytes..rows.end * row_bytes, out)
    }

    fn read(&self, bytes: Range<usize>, out: &mut [f32]) -> Result<(), BackendError> {
        let bytes = &self.bytes[bytes];
        assert_eq!(
            bytes.len() * 8,
            out.len() * self.dtype.bitsize(),
            "the buffer is as long as the rows asked for"
        );
        match self.dtype {
            Dtype::F32 => decode(bytes, out, f32::from_le_bytes),
            Dtype::F16 => decode(bytes, out, |two| f16::from_le_bytes(two).to_f32()),
            // The upper half of an f32; `half::bf16` also quiets NaNs, one by one.
            Dtype::BF16 => decode(bytes, out, |two| {
                f32::from_bits(u32::from(u16::from_le_bytes(two)) << 16)
            }),
            other => {
                return Err(self.broken(format!(
                    "is stored as {other:?}; only F32, F16 and BF16 can be read, fetch an unquantised checkpoint"
                )));
            }
        }
        Ok(())
    }

    pub(super) fn broken(&self, what: String) -> BackendError {
        BackendError::Checkpoint {
            path: self.path.to_owned(),
            what: format!("tensor {} {what}", self.name),
        }
    }
}

fn decode<const N: usize>(bytes: &[u8], out: &mut [f32], number: impl Fn([u8; N]) -> f32) {
    let (chunks, _) = bytes.as_chunks::<N>();
    for (out, chunk) in out.iter_mut().zip(chunks) {
        *out = number(*chunk);
    }
}
