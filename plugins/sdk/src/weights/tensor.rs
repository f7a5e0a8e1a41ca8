//! One tensor, and its numbers as `f32`.

use std::ops::Range;
use std::path::Path;

use half::f16;
use safetensors::Dtype;
use unmask_gguf::GgmlType;

use super::adapter::Update;
use super::blocks;
use super::file::File;
use super::gguf::RowOrder;
use crate::BackendError;

/// A tensor of a checkpoint, borrowed from the mapped file.
#[derive(Debug, Clone, Copy)]
pub struct Weight<'a> {
    /// Its name.
    pub name: &'a str,
    /// The file that holds it.
    pub path: &'a Path,
    /// How a number is stored; F32 where it is [derived](Self::is_derived).
    pub dtype: Dtype,
    /// Lengths of the dimensions, row-major.
    pub shape: &'a [usize],
    /// Where in the file its bytes begin.
    pub offset: usize,
    /// The numbers, little-endian, without gaps; aligned to nothing. Whoever reads them asks
    /// [`Weights::check_whole`](super::Weights::check_whole) afterwards. None where the tensor is derived, see
    /// [`is_derived`](Self::is_derived).
    pub bytes: &'a [u8],
    pub(super) stored: Stored<'a>,
}

/// A tensor as the file has it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stored<'a> {
    pub(super) file: &'a File,
    pub(super) form: StoredForm,
    pub(super) bytes: &'a [u8],
    /// In which order its rows lie.
    pub(super) order: RowOrder,
    /// What an adapter adds to it.
    pub(super) update: Option<Update<'a>>,
}

/// How a file has the numbers of a tensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StoredForm {
    /// One by one.
    Each(Dtype),
    /// In blocks of a row.
    Blocks(GgmlType),
}

impl StoredForm {
    /// Bytes of a row of `columns` numbers.
    pub(super) fn row_bytes(self, columns: usize) -> usize {
        match self {
            Self::Each(dtype) => columns * dtype.bitsize() / 8,
            Self::Blocks(kind) => {
                let (length, bytes) = kind.block().unwrap_or((1, 0));
                columns / length * bytes
            }
        }
    }
}

/// Rows of a derived tensor that are tested at once.
const ROWS: usize = 64;

impl<'a> Weight<'a> {
    /// The bytes of [`blocks`](Self::blocks), aligned for their halves, where they lie in the order of the rows.
    #[must_use]
    pub fn block_bytes(&self) -> Option<&'a [u8]> {
        self.blocks()
            .filter(|_| self.stored.order == RowOrder::AsNamed)
            .map(|_| self.stored.bytes)
    }
}

impl Weight<'_> {
    /// Numbers in one row: the product of all dimensions but the first.
    #[must_use]
    pub fn row_len(&self) -> usize {
        self.shape.iter().skip(1).product()
    }

    /// True if its numbers are nowhere as they are, and have to be read: an adapter adds to the tensor, or it is stored in
    /// blocks or in another order.
    #[must_use]
    pub fn is_derived(&self) -> bool {
        let Stored {
            form,
            order,
            update,
            ..
        } = self.stored;
        update.is_some() || matches!(form, StoredForm::Blocks(_)) || order != RowOrder::AsNamed
    }

    /// What its rows are stored as, if that is blocks and no adapter adds to them.
    #[must_use]
    pub fn blocks(&self) -> Option<GgmlType> {
        match self.stored.form {
            StoredForm::Blocks(kind) if self.stored.update.is_none() => Some(kind),
            StoredForm::Blocks(_) | StoredForm::Each(_) => None,
        }
    }

    /// Adds the stored bytes of row `row`, whatever they are, to `out`.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn copy_row(&self, row: usize, out: &mut Vec<u8>) {
        let row_bytes = self.stored.form.row_bytes(self.row_len());
        let at = self.stored.order.place(row) * row_bytes;
        out.extend_from_slice(&self.stored.bytes[at..at + row_bytes]);
    }

    /// All numbers.
    ///
    /// # Errors
    /// [`BackendError::Checkpoint`] unless they are floats or blocks that are read, and finite, and the file still has them.
    pub fn to_f32(&self) -> Result<Vec<f32>, BackendError> {
        let mut numbers = vec![0.0; self.shape.iter().product()];
        let rows = self.shape.first().copied().unwrap_or(1);
        self.read_rows(0..rows, &mut numbers)?;
        Ok(numbers)
    }

    /// Writes rows `rows` of the first dimension to `out`, of length `rows.len() * row_len`.
    ///
    /// # Errors
    /// [`BackendError::Checkpoint`] unless the numbers are floats or blocks that are read, and finite, and the file still has
    /// them.
    ///
    /// # Panics
    /// If `rows` reaches beyond the tensor or `out` has another length.
    pub fn read_rows(&self, rows: Range<usize>, out: &mut [f32]) -> Result<(), BackendError> {
        self.decode_rows(rows, out)?;
        self.check_read(out)
    }

    /// Writes the rows `rows` of the first dimension to `out`, one after the other, as [`read_rows`](Self::read_rows) does each;
    /// but the system is asked once for all whether the file still has them.
    ///
    /// # Errors
    /// As [`read_rows`](Self::read_rows).
    ///
    /// # Panics
    /// If a row is beyond the tensor, or `out` has room for another number of rows.
    pub fn gather_rows(
        &self,
        rows: impl ExactSizeIterator<Item = usize>,
        out: &mut [f32],
    ) -> Result<(), BackendError> {
        let columns = self.row_len();
        assert_eq!(rows.len() * columns, out.len(), "room for the rows");
        for (row, out) in rows.zip(out.chunks_exact_mut(columns.max(1))) {
            self.decode_rows(row..row + 1, out)?;
        }
        self.check_read(out)
    }

    /// Writes the numbers of some rows, and what an adapter adds to them.
    fn decode_rows(&self, rows: Range<usize>, out: &mut [f32]) -> Result<(), BackendError> {
        let Stored {
            form,
            bytes,
            order,
            update,
            ..
        } = self.stored;
        let columns = self.row_len();
        let row_bytes = form.row_bytes(columns);
        assert_eq!(
            rows.len() * columns,
            out.len(),
            "the buffer is as long as the rows asked for"
        );
        let decoded = |bytes: &[u8], out: &mut [f32]| match form {
            StoredForm::Each(dtype) if decode(dtype, bytes, out) => Ok(()),
            StoredForm::Each(dtype) => Err(self.broken(unreadable(dtype))),
            StoredForm::Blocks(kind) => {
                blocks::decode(kind, bytes, out);
                Ok(())
            }
        };
        match order {
            RowOrder::AsNamed => {
                decoded(&bytes[rows.start * row_bytes..rows.end * row_bytes], out)?;
            }
            order => {
                for (row, out) in rows.clone().zip(out.chunks_exact_mut(columns.max(1))) {
                    decoded(&bytes[order.place(row) * row_bytes..][..row_bytes], out)?;
                }
            }
        }
        if let Some(update) = update {
            // It has two dimensions.
            update.add(rows.start..self.shape[0], columns, out);
        }
        Ok(())
    }

    /// Tests what was read.
    fn check_read(&self, out: &[f32]) -> Result<(), BackendError> {
        if let Some(update) = self.stored.update {
            update.file.check_whole()?;
        }
        self.stored.file.check_whole()?;
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
        if self.is_derived() {
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

/// What is wrong with numbers that are none to compute with.
fn unreadable(dtype: Dtype) -> String {
    let hint = match dtype {
        // GPTQ, AWQ and MLX pack several numbers into one of these.
        Dtype::I32 | Dtype::U32 => "; it looks like a checkpoint that was quantised",
        Dtype::I8 | Dtype::U8 | Dtype::F8_E4M3 | Dtype::F8_E5M2 => "; the checkpoint was quantised",
        _ => "",
    };
    format!(
        "is stored as {dtype:?}; only F32, F16 and BF16 can be read{hint}, fetch the one that is not quantised"
    )
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
