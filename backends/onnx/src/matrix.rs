//! What has become of a weight matrix in the graph.

use crate::graph::Value;

/// The numbers of a matrix `[rows, columns]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Numbers {
    /// As `f32`, `[rows, columns]`.
    F32(Value),
    /// As `f16`, `[rows, columns]`.
    F16(Value),
    /// As integers `[columns, rows]`, with scales `[rows]`.
    Int8 {
        numbers: Value,
        scales: Value,
        /// Else 128 stands for zero.
        is_signed: bool,
    },
    /// In blocks `[rows, blocks, bytes]`, with scales `[rows, blocks]`.
    Int4 { numbers: Value, scales: Value },
}

/// `y = x Wᵀ (+ b)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Matrix {
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    pub(crate) numbers: Numbers,
    /// `[rows]`
    pub(crate) bias: Option<Value>,
}
