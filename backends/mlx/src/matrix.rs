//! A weight matrix in any precision.

use mlx_rs::error::Result;
use mlx_rs::{Array, Dtype, ops};
use unmask_sdk::BackendError;
use unmask_sdk::decoder::MatrixSpec;
use unmask_sdk::weights::Weights;

use crate::bytes;
use crate::device::failed;

/// Whole numbers with a scale and a bias for each group of a row: MLX's "affine" quantisation.
#[derive(Clone)]
pub(crate) struct Quantised {
    /// `[rows, columns * bits / 32]`, 32 bits each.
    pub(crate) numbers: Array,
    /// `[rows, columns / group]`
    pub(crate) scales: Array,
    /// `[rows, columns / group]`
    pub(crate) biases: Array,
    pub(crate) bits: usize,
    pub(crate) group: usize,
}

/// Widths of a number that MLX has kernels for.
const BITS: [usize; 6] = [2, 3, 4, 5, 6, 8];
/// Lengths of a group that MLX has kernels for.
const GROUPS: [usize; 3] = [32, 64, 128];

impl Quantised {
    /// Quantises `[rows, columns]`, of which `columns` is a multiple of `group`.
    pub(crate) fn new(dense: &Array, bits: usize, group: usize) -> Result<Self> {
        let (numbers, scales, biases) = ops::quantize(dense, group as i32, bits as i32)?;
        Ok(Self {
            numbers,
            scales,
            biases,
            bits,
            group,
        })
    }

    /// Reads a matrix that is stored so: `name` and its neighbours `.scales` and `.biases`. Bits and group are what the
    /// shapes say, so that folders may mix them.
    ///
    /// # Errors
    /// [`BackendError::Checkpoint`] for shapes that make no sense.
    pub(crate) fn read(
        weights: &Weights,
        name: &str,
        rows: usize,
        columns: usize,
    ) -> std::result::Result<Self, BackendError> {
        let stem = name.strip_suffix(".weight").unwrap_or(name);
        let (numbers, scales) = (weights.get(name)?, weights.get(&format!("{stem}.scales"))?);
        let biases = weights.shaped(&format!("{stem}.biases"), scales.shape)?;
        let words = numbers.row_len();
        let groups = scales.row_len();
        let found = (
            words * 32 / columns,
            columns.checked_div(groups).unwrap_or(0),
        );
        let (bits, group) = found;
        let fits = [numbers.shape, scales.shape] == [[rows, columns * bits / 32], [rows, groups]]
            && group * groups == columns
            && words * 32 == columns * bits
            && BITS.contains(&bits)
            && GROUPS.contains(&group);
        if !fits {
            return Err(bytes::broken(
                &numbers,
                format!(
                    "has shape {:?} with scales {:?}, which is no quantisation of [{rows}, {columns}]; the folder and its \
                     config.json are of different models",
                    numbers.shape, scales.shape
                ),
            ));
        }
        Ok(Self {
            numbers: bytes::array(&numbers)?,
            scales: bytes::array(&scales)?,
            biases: bytes::array(&biases)?,
            bits,
            group,
        })
    }

    /// With scales and biases of type `dtype`, which is that of the products.
    pub(crate) fn cast(self, dtype: Dtype) -> Result<Self> {
        Ok(Self {
            scales: self.scales.as_dtype(dtype)?,
            biases: self.biases.as_dtype(dtype)?,
            ..self
        })
    }

    /// Rows `ids`, `[ids, columns]`.
    pub(crate) fn rows(&self, ids: &Array) -> Result<Array> {
        let take = |all: &Array| all.take_axis(ids, 0);
        let (numbers, scales, biases) = (
            take(&self.numbers)?,
            take(&self.scales)?,
            take(&self.biases)?,
        );
        ops::dequantize(
            numbers,
            scales,
            &biases,
            self.group as i32,
            self.bits as i32,
        )
    }

    pub(crate) fn arrays(&self) -> [&Array; 3] {
        [&self.numbers, &self.scales, &self.biases]
    }
}

/// The numbers of a matrix.
pub(crate) enum Numbers {
    /// `[rows, columns]`
    Dense(Array),
    Quantised(Quantised),
}

/// `y = x Wᵀ (+ b)`.
pub(crate) struct Matrix {
    pub(crate) numbers: Numbers,
    /// `[rows]`
    pub(crate) bias: Option<Array>,
}

impl Matrix {
    /// `x` is `[tokens, columns]`, the result `[tokens, rows]`.
    pub(crate) fn apply(&self, x: &Array) -> Result<Array> {
        let product = match &self.numbers {
            Numbers::Dense(weight) => x.matmul(weight.transpose()?)?,
            Numbers::Quantised(weight) => ops::quantized_matmul(
                x,
                &weight.numbers,
                &weight.scales,
                &weight.biases,
                true,
                weight.group as i32,
                weight.bits as i32,
            )?,
        };
        match &self.bias {
            Some(bias) => product.add(bias),
            None => Ok(product),
        }
    }

    fn arrays(&self) -> Vec<&Array> {
        let numbers = match &self.numbers {
            Numbers::Dense(numbers) => vec![numbers],
            Numbers::Quantised(quantised) => quantised.arrays().to_vec(),
        };
        numbers.into_iter().chain(&self.bias).collect()
    }

    /// Makes the numbers be there now, not in the middle of the first pass; returns their bytes.
    pub(crate) fn settle(&self) -> std::result::Result<u64, BackendError> {
        let arrays = self.arrays();
        mlx_rs::transforms::eval(arrays.iter().copied()).map_err(failed)?;
        Ok(arrays.iter().map(|array| array.nbytes() as u64).sum())
    }
}

/// Bytes of a matrix of this size, quantised to `bits` or, without, as numbers of `width` bytes.
pub(crate) fn bytes_of(spec: &MatrixSpec, quantised: Option<(usize, usize)>, width: usize) -> u64 {
    let numbers = spec.rows * spec.columns;
    match quantised {
        Some((bits, group)) => (numbers * bits / 8 + numbers / group * 2 * width) as u64,
        None => (numbers * width) as u64,
    }
}
