//! In how many bits weights are packed.

use unmask_kernels::{Format, Layout};
use unmask_sdk::BackendError;

use super::failed;
use crate::matrix::{MatrixSource, Parts};

/// What `precision = "int8"` and `"int4"` mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Packing {
    /// 8 bits, a scale a row.
    Int8,
    /// 4 bits, a scale for each 128 numbers of a row; the head in 8 bits, since its errors go into the logits as they are.
    Int4,
}

impl Packing {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Int8 => "int8",
            Self::Int4 => "int4",
        }
    }

    /// How `spec` is packed.
    pub(super) fn format(self, spec: &MatrixSource) -> Format {
        match self {
            Self::Int4 if spec.name != "head" => Format::Int4,
            Self::Int4 | Self::Int8 => Format::Int8,
        }
    }
}

/// How the bytes of `spec` lie in `format`.
///
/// # Errors
/// [`BackendError::Device`] if its sizes are beyond all memory.
pub(super) fn layout(spec: &MatrixSource, format: Format) -> Result<Layout, BackendError> {
    match spec.parts_are {
        Parts::Rows => Layout::new(format, spec.rows(), spec.columns),
        Parts::GateUp => Layout::gate_up(format, spec.rows() / 2, spec.columns),
    }
    .map_err(failed)
}

/// The mean error of a row's weights, as a share of its ordinary ones, up to which a matrix is kept in `format`. Normally
/// distributed ones lose 1 % and 13 %; more if a few govern the scale of many others.
pub(super) fn most_lost(format: Format) -> f32 {
    match format {
        Format::Int8 => 0.06,
        Format::Int4 => 0.25,
    }
}
