//! Quantised blocks that stay where they are, in a mapped file, as candle's storage.
//!
//! Candle's own storage would copy them to the heap beside the arrangement it multiplies with. Mapped, they are pages that
//! the system may drop again.

#![expect(unsafe_code, reason = "bytes of a mapped file become candle's blocks")]

use std::sync::Arc;

use candle_core::quantized::k_quants::{self, BlockQ4K, BlockQ5K, BlockQ6K, BlockQ8_0, GgmlType};
use candle_core::quantized::{GgmlDType, QStorage, QTensor, QuantizedType};
use candle_core::{CpuStorage, Error, Result, bail};
use half::f16;
use unmask_sdk::weights::Weights;

use crate::precision::Precision;

struct Blocks {
    weights: Arc<Weights>,
    name: String,
    /// Where in it they begin.
    first: usize,
    /// How many bytes of it.
    length: usize,
    precision: Precision,
}

/// The matrix that is kept under `name`, or whose blocks a checkpoint has under it: `[rows, columns]`, from row `first` on.
pub(crate) fn tensor(
    weights: &Arc<Weights>,
    name: &str,
    precision: Precision,
    first: usize,
    (rows, columns): (usize, usize),
) -> Result<QTensor> {
    let row_bytes = precision.row_bytes(columns);
    let blocks = Blocks {
        weights: Arc::clone(weights),
        name: name.to_owned(),
        first: first * row_bytes,
        length: rows * row_bytes,
        precision,
    };
    let bytes = blocks.bytes().len();
    if bytes != rows * row_bytes {
        bail!("matrix {name} has {bytes} bytes, which is not [{rows}, {columns}]");
    }
    QTensor::new(QStorage::Cpu(Box::new(blocks)), (rows, columns))
}

impl Blocks {
    fn bytes(&self) -> &[u8] {
        let weight = self.weights.find(&self.name);
        let bytes = weight.map(|weight| weight.block_bytes().unwrap_or(weight.bytes));
        let bytes = bytes.and_then(|it| it.get(self.first..)?.get(..self.length));
        bytes.unwrap_or_default()
    }

    fn blocks<T: Block>(&self) -> &[T] {
        // SAFETY: `Block` is implemented for plain old data that any bytes are a value of; `align_to` minds alignment.
        let (before, blocks, after) = unsafe { self.bytes().align_to::<T>() };
        assert!(
            before.is_empty() && after.is_empty(),
            "the store aligns matrices and keeps whole blocks"
        );
        blocks
    }
}

/// # Safety
/// Every pattern of bytes is a value: `repr(C)` of integers and `f16`, no padding.
unsafe trait Block: GgmlType {}

// SAFETY: an f16 and 32 i8.
unsafe impl Block for BlockQ8_0 {}
// SAFETY: two f16 and arrays of u8.
unsafe impl Block for BlockQ4K {}
// SAFETY: as BlockQ4K.
unsafe impl Block for BlockQ5K {}
// SAFETY: arrays of u8 and i8, and an f16.
unsafe impl Block for BlockQ6K {}

impl QuantizedType for Blocks {
    fn dtype(&self) -> GgmlDType {
        self.precision.kind()
    }

    fn matmul_t(&self, mkn: (usize, usize, usize), lhs: &[f32], dst: &mut [f32]) -> Result<()> {
        let check = || self.weights.check_whole().map_err(Error::wrap);
        check()?;
        match self.precision {
            Precision::Q8_0 => k_quants::matmul(mkn, lhs, self.blocks::<BlockQ8_0>(), dst),
            Precision::Q6K => k_quants::matmul(mkn, lhs, self.blocks::<BlockQ6K>(), dst),
            Precision::Q5K => k_quants::matmul(mkn, lhs, self.blocks::<BlockQ5K>(), dst),
            Precision::Q4K => k_quants::matmul(mkn, lhs, self.blocks::<BlockQ4K>(), dst),
            Precision::F32 => bail!("dense matrices are not kept in blocks"),
        }?;
        check()
    }

    fn matmul_t_f16(&self, _: (usize, usize, usize), _: &[f16], _: &mut [f16]) -> Result<()> {
        bail!("activations are f32 in this backend")
    }

    fn embedding(&self, _: &[u32], _: usize, _: usize) -> Result<CpuStorage> {
        bail!("embeddings are read from the checkpoint itself")
    }

    fn dequantize(&self, numbers: usize) -> Result<CpuStorage> {
        let mut out = vec![0.0; numbers];
        match self.precision {
            Precision::Q8_0 => BlockQ8_0::to_float(self.blocks(), &mut out),
            Precision::Q6K => BlockQ6K::to_float(self.blocks(), &mut out),
            Precision::Q5K => BlockQ5K::to_float(self.blocks(), &mut out),
            Precision::Q4K => BlockQ4K::to_float(self.blocks(), &mut out),
            Precision::F32 => bail!("dense matrices are not kept in blocks"),
        }
        Ok(CpuStorage::F32(out))
    }

    fn storage_size_in_bytes(&self) -> usize {
        self.bytes().len()
    }

    fn as_ptr(&self) -> *const u8 {
        self.bytes().as_ptr()
    }

    fn block_size(&self) -> usize {
        self.precision.kind().block_size()
    }

    fn from_float(&mut self, _: &[f32]) {
        panic!("mapped blocks are read-only: candle quantises into storage of its own");
    }

    fn from_float_imatrix(&mut self, _: &[f32], _: &[f32], _: usize) {
        panic!("mapped blocks are read-only: candle quantises into storage of its own");
    }

    fn size(&self) -> usize {
        self.bytes().len()
    }
}
