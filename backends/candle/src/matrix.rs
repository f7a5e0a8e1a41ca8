//! A weight matrix in any precision, and what it is made of.

use candle_core::quantized::QTensor;
use candle_core::{DType, Device, Result, Storage, Tensor};
use unmask_sdk::BackendError;
use unmask_sdk::decoder::MatrixSpec;
use unmask_sdk::weights::{Weight, Weights};

use crate::device;
use crate::precision::Precision;

/// Which tensors of the checkpoint make a matrix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct MatrixSource {
    /// Its place in the network, such as `blocks.3.kv`.
    pub(crate) name: String,
    /// What people call it, such as `k_proj+v_proj`.
    pub(crate) label: &'static str,
    /// Stacked in this order.
    pub(crate) parts: Vec<TensorRows>,
    /// Length of a row.
    pub(crate) columns: usize,
    /// What its two parts are to each other.
    pub(crate) parts_are: Parts,
}

/// Some rows of a tensor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TensorRows {
    /// The tensor.
    pub(crate) name: String,
    /// The first of them.
    pub(crate) first: usize,
    pub(crate) rows: usize,
    /// Rows of the tensor.
    pub(crate) of_rows: usize,
    /// The tensor of the bias, which is cut in the same way.
    pub(crate) bias: Option<String>,
}

impl TensorRows {
    fn of(spec: &MatrixSpec) -> Self {
        Self {
            name: spec.name.clone(),
            first: spec.first_row,
            rows: spec.rows,
            of_rows: spec.of_rows,
            bias: spec.bias.clone(),
        }
    }

    /// The whole tensor.
    ///
    /// # Errors
    /// [`BackendError::Checkpoint`].
    pub(crate) fn tensor<'a>(
        &self,
        weights: &'a Weights,
        columns: usize,
    ) -> std::result::Result<Weight<'a>, BackendError> {
        weights.shaped(&self.name, &[self.of_rows, columns])
    }
}

/// What the parts of a matrix are to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Parts {
    /// Nothing in particular.
    Rows,
    /// The gate and the up projection of a SwiGLU.
    GateUp,
}

impl MatrixSource {
    /// `parts` stacked to one matrix `name`; they have rows of one length, and all a bias or none.
    pub(crate) fn stacked(name: String, label: &'static str, parts: &[&MatrixSpec]) -> Self {
        Self {
            name,
            label,
            parts: parts.iter().map(|it| TensorRows::of(it)).collect(),
            columns: parts.first().map_or(0, |it| it.columns),
            parts_are: Parts::Rows,
        }
    }

    /// As [`stacked`](Self::stacked), of the gate and the up projection of a SwiGLU.
    pub(crate) fn gate_up(name: String, label: &'static str, parts: [&MatrixSpec; 2]) -> Self {
        Self {
            parts_are: Parts::GateUp,
            ..Self::stacked(name, label, &parts)
        }
    }

    /// Rows of all parts.
    pub(crate) fn rows(&self) -> usize {
        self.parts.iter().map(|part| part.rows).sum()
    }

    /// The biases of all rows, if it has some.
    ///
    /// # Errors
    /// [`BackendError::Checkpoint`].
    pub(crate) fn bias(
        &self,
        weights: &Weights,
    ) -> std::result::Result<Option<Vec<f32>>, BackendError> {
        let mut bias = Vec::new();
        for part in &self.parts {
            if let Some(name) = &part.bias {
                let whole = weights.shaped(name, &[part.of_rows])?.to_f32()?;
                bias.extend_from_slice(&whole[part.first..part.first + part.rows]);
            }
        }
        Ok((!bias.is_empty()).then_some(bias))
    }

    /// Bytes that it takes in `precision`, before candle arranges it.
    pub(crate) fn bytes(&self, precision: Precision) -> u64 {
        let columns = device::kept_columns(precision, self.columns);
        (self.rows() * precision.row_bytes(columns)) as u64
    }
}

/// The numbers of a matrix, `[rows, columns]`.
pub(crate) enum Numbers {
    /// As `f32`.
    Dense(Tensor),
    /// In blocks; its rows may be longer by zeros, see [`device::kept_columns`].
    Quantised(Box<QTensor>),
    /// Several, whose rows follow each other.
    Stacked(Vec<Numbers>),
}

impl Numbers {
    pub(crate) fn are_quantised(&self) -> bool {
        match self {
            Self::Dense(_) => false,
            Self::Quantised(_) => true,
            Self::Stacked(parts) => parts.iter().any(Self::are_quantised),
        }
    }

    /// `x Wᵀ`
    fn product(&self, x: &Tensor) -> Result<Tensor> {
        match self {
            Self::Dense(weight) => x.matmul(&weight.t()?),
            Self::Quantised(weight) => {
                let (_, columns) = weight.shape().dims2()?;
                widened(x, columns)?.apply_op1_no_bwd(weight.as_ref())
            }
            Self::Stacked(parts) => {
                let products = parts.iter().map(|part| part.product(x));
                let products: Vec<Tensor> = products.collect::<Result<_>>()?;
                Tensor::cat(&products, 1)?.contiguous()
            }
        }
    }

    fn arrange(&self) -> Result<()> {
        let weight = match self {
            Self::Dense(_) => return Ok(()),
            Self::Quantised(weight) => weight,
            Self::Stacked(parts) => return parts.iter().try_for_each(Self::arrange),
        };
        let (_, columns) = weight.shape().dims2()?;
        // Candle chooses by the number of tokens: a single one or a few may use another arrangement than many.
        let batches: &[usize] = if device::has_matrix_unit() {
            &[2, 32]
        } else {
            &[2]
        };
        for tokens in batches {
            let zeros = Tensor::zeros((*tokens, columns), DType::F32, &Device::Cpu)?;
            zeros.apply_op1_no_bwd(weight.as_ref())?;
        }
        Ok(())
    }
}

/// `y = x Wᵀ (+ b)`.
pub(crate) struct Matrix {
    pub(crate) numbers: Numbers,
    /// `[rows]`
    pub(crate) bias: Option<Tensor>,
}

impl Matrix {
    /// `x` is `[tokens, columns]`, the result `[tokens, rows]`.
    pub(crate) fn apply(&self, x: &Tensor) -> Result<Tensor> {
        let product = self.numbers.product(x)?;
        match &self.bias {
            Some(bias) => product.broadcast_add(bias),
            None => Ok(product),
        }
    }

    /// Makes candle arrange a quantised matrix for this processor now, not in the middle of the first pass.
    pub(crate) fn arrange(&self) -> Result<()> {
        self.numbers.arrange()
    }
}

/// `x` with zeros at the end of its rows, so that they have `columns` numbers.
fn widened(x: &Tensor, columns: usize) -> Result<Tensor> {
    let (tokens, width) = x.dims2()?;
    if width == columns {
        return Ok(x.clone());
    }
    let mut wide = vec![0.0; tokens * columns];
    with_slice(x, |x| {
        for (wide, x) in wide.chunks_exact_mut(columns).zip(x.chunks_exact(width)) {
            wide[..width].copy_from_slice(x);
        }
    })?;
    Tensor::from_vec(wide, (tokens, columns), &Device::Cpu)
}

/// Lends the numbers of a contiguous tensor.
pub(crate) fn with_slice<T>(tensor: &Tensor, look: impl FnOnce(&[f32]) -> T) -> Result<T> {
    let (storage, layout) = tensor.storage_and_layout();
    let Storage::Cpu(storage) = &*storage else {
        candle_core::bail!("a tensor left the CPU");
    };
    let first = layout.start_offset();
    Ok(look(
        &storage.as_slice::<f32>()?[first..first + layout.shape().elem_count()],
    ))
}
