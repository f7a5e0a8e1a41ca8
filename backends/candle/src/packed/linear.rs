//! A weight matrix as passes use it.

use std::sync::Arc;

use candle_core::{Device, Tensor};
use unmask_kernels::{Activations, Epilogue, Finish, Layout, Matrix as Packed, Pool, product};
use unmask_sdk::BackendError;
use unmask_sdk::weights::Weights;

use super::failed;
use crate::matrix::{Matrix, Parts, with_slice};
use crate::{device_error, layers};

/// `y = x Wᵀ (+ b)`.
pub(super) struct Projection {
    pub(super) numbers: Numbers,
    /// `[rows]`
    pub(super) bias: Option<Vec<f32>>,
}

/// The numbers of a matrix.
pub(super) enum Numbers {
    /// Array `name` of `weights`.
    Packed {
        weights: Arc<Weights>,
        name: String,
        layout: Layout,
    },
    /// As `f32`, since it would lose too much otherwise; never fast.
    Dense {
        matrix: Matrix,
        rows: usize,
        parts_are: Parts,
    },
}

impl Projection {
    /// Numbers that come out of a row.
    pub(super) fn width(&self) -> usize {
        match &self.numbers {
            Numbers::Packed { layout, .. } => layout.width(),
            Numbers::Dense {
                rows, parts_are, ..
            } => match parts_are {
                Parts::Rows => *rows,
                Parts::GateUp => rows / 2,
            },
        }
    }

    /// The matrix, where it is packed.
    pub(super) fn packed(&self) -> Result<Option<Packed<'_>>, BackendError> {
        let Numbers::Packed {
            weights,
            name,
            layout,
        } = &self.numbers
        else {
            return Ok(None);
        };
        let bytes = weights.find(name).map_or(&[][..], |array| array.bytes);
        Packed::new(*layout, bytes).map(Some).map_err(failed)
    }

    /// `out = y`, `[m, width]`; `silu(gate) * up` of a gate and an up projection.
    pub(super) fn store(
        &self,
        pool: &Pool,
        x: &Activations,
        out: &mut [f32],
    ) -> Result<(), BackendError> {
        let is_gated = match &self.numbers {
            Numbers::Packed { layout, .. } => layout.rows() == unmask_kernels::Rows::GateUp,
            Numbers::Dense { parts_are, .. } => *parts_are == Parts::GateUp,
        };
        let finish = if is_gated {
            Finish::SwiGlu
        } else {
            Finish::Store
        };
        self.apply(pool, x, finish, out)
    }

    /// `out += y`, `[m, width]`.
    pub(super) fn add(
        &self,
        pool: &Pool,
        x: &Activations,
        out: &mut [f32],
    ) -> Result<(), BackendError> {
        self.apply(pool, x, Finish::Add, out)
    }

    fn apply(
        &self,
        pool: &Pool,
        x: &Activations,
        finish: Finish<'_>,
        out: &mut [f32],
    ) -> Result<(), BackendError> {
        if let Numbers::Dense { matrix, rows, .. } = &self.numbers {
            return self.apply_dense(matrix, *rows, x, finish, out);
        }
        let Some(matrix) = self.packed()? else {
            return Ok(());
        };
        let bias = self.bias.as_deref();
        product(pool, x, &matrix, &Epilogue { bias, finish }, out).map_err(failed)
    }

    fn apply_dense(
        &self,
        matrix: &Matrix,
        rows: usize,
        x: &Activations,
        finish: Finish<'_>,
        out: &mut [f32],
    ) -> Result<(), BackendError> {
        let mut numbers = vec![0.0; x.m() * x.k()];
        for (row, numbers) in numbers.chunks_exact_mut(x.k()).enumerate() {
            x.read_row(row, numbers).map_err(failed)?;
        }
        let x = Tensor::from_vec(numbers, (x.m(), x.k()), &Device::Cpu).map_err(device_error)?;
        let product = matrix.apply(&x).map_err(device_error)?;
        with_slice(&product, |product| {
            let mut product = product.to_vec();
            if let Some(bias) = &self.bias {
                product
                    .chunks_exact_mut(rows)
                    .for_each(|row| layers::add(row, bias));
            }
            match finish {
                Finish::SwiGlu => out.copy_from_slice(&layers::gated(&product, rows / 2)),
                Finish::Add => layers::add(out, &product),
                Finish::Store | Finish::ScatterAdd { .. } => out.copy_from_slice(&product),
            }
        })
        .map_err(device_error)
    }
}
