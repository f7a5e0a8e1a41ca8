//! What an initialiser is made of.

use std::path::Path;
use std::sync::Arc;

use unmask_sdk::BackendError;
use unmask_sdk::weights::{Dtype, Weight, Weights};

/// The type of a tensor's elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ElementType {
    F32,
    F16,
    Bf16,
    U8,
    I8,
    I64,
}

impl ElementType {
    /// Its number in the ONNX standard (`TensorProto.DataType`), which is the runtime's too.
    pub(crate) fn code(self) -> i32 {
        match self {
            Self::F32 => 1,
            Self::U8 => 2,
            Self::I8 => 3,
            Self::I64 => 7,
            Self::F16 => 10,
            Self::Bf16 => 16,
        }
    }

    /// Bytes of an element.
    pub(crate) fn bytes(self) -> usize {
        match self {
            Self::U8 | Self::I8 => 1,
            Self::F16 | Self::Bf16 => 2,
            Self::F32 => 4,
            Self::I64 => 8,
        }
    }

    /// That of a file's numbers, if this backend has a use for them.
    pub(crate) fn of(dtype: Dtype) -> Option<Self> {
        match dtype {
            Dtype::U8 => Some(Self::U8),
            Dtype::I8 => Some(Self::I8),
            _ => Self::of_floats(dtype),
        }
    }

    /// The type of a checkpoint's numbers, if this backend can read them.
    pub(crate) fn of_floats(dtype: Dtype) -> Option<Self> {
        match dtype {
            Dtype::F32 => Some(Self::F32),
            Dtype::F16 => Some(Self::F16),
            Dtype::BF16 => Some(Self::Bf16),
            _ => None,
        }
    }
}

/// An initialiser's bytes, little-endian, without gaps.
#[derive(Debug, Clone)]
pub(crate) enum Data {
    /// A few bytes that the runtime copies, or that have no need of alignment.
    Held(Vec<u8>),
    /// Numbers made from the checkpoint's.
    Numbers(Vec<f32>),
    /// A tensor of a mapped file.
    Mapped { weights: Arc<Weights>, name: String },
}

impl Data {
    /// The tensor as it is in the file, if the runtime can read it there: the file has to align it, and no adapter may add
    /// to it.
    pub(crate) fn mapped(
        weights: &Arc<Weights>,
        weight: &Weight<'_>,
        kind: ElementType,
    ) -> Option<Self> {
        let aligned =
            !weight.is_derived() && weight.bytes.as_ptr().addr().is_multiple_of(kind.bytes());
        aligned.then(|| Self::Mapped {
            weights: Arc::clone(weights),
            name: weight.name.to_owned(),
        })
    }

    /// The checkpoint's numbers as `f32`: mapped if they are such, else converted.
    ///
    /// # Errors
    /// [`BackendError::Checkpoint`] unless they are F32, F16 or BF16, and finite.
    pub(crate) fn f32(weights: &Arc<Weights>, weight: &Weight<'_>) -> Result<Self, BackendError> {
        let mapped =
            (weight.dtype == Dtype::F32).then(|| Self::mapped(weights, weight, ElementType::F32));
        match mapped.flatten() {
            Some(mapped) => weight.check_finite().map(|()| mapped),
            None => weight.to_f32().map(Self::Numbers),
        }
    }

    /// Bytes on the heap.
    pub(crate) fn held_bytes(&self) -> u64 {
        match self {
            Self::Held(bytes) => bytes.len() as u64,
            Self::Numbers(numbers) => numbers.len() as u64 * 4,
            Self::Mapped { .. } => 0,
        }
    }

    /// The bytes; their address stays as long as this value, or what it shares, is not dropped.
    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            Self::Held(bytes) => bytes,
            Self::Numbers(numbers) => as_bytes(numbers),
            Self::Mapped { weights, name } => weights.find(name).map_or(&[], |it| it.bytes),
        }
    }

    /// # Errors
    /// [`BackendError::Checkpoint`] if the file was cut short since it was mapped: see `Weights::check_whole`.
    pub(super) fn check_whole(&self) -> Result<(), BackendError> {
        match self {
            Self::Held(_) | Self::Numbers(_) => Ok(()),
            Self::Mapped { weights, .. } => weights.check_whole(),
        }
    }

    /// Lets the system take back the pages, if they are of a file.
    pub(super) fn release(&self) {
        match self {
            Self::Held(_) | Self::Numbers(_) => (),
            Self::Mapped { weights, name } => weights.release(name),
        }
    }

    /// The file that holds the bytes, and where in it they begin.
    pub(crate) fn in_file(&self) -> Option<(&Path, usize)> {
        match self {
            Self::Held(_) | Self::Numbers(_) => None,
            // A tensor that was read into memory has a path that is no file.
            Self::Mapped { weights, name } => weights
                .find(name)
                .filter(|it| it.path.is_file())
                .map(|it| (it.path, it.offset)),
        }
    }
}

/// Numbers as they lie in memory.
#[expect(unsafe_code, reason = "a float is four bytes")]
fn as_bytes(numbers: &[f32]) -> &[u8] {
    // SAFETY: bytes have no alignment and no invalid values, and the slice is as long in bytes as it was.
    unsafe { std::slice::from_raw_parts(numbers.as_ptr().cast(), size_of_val(numbers)) }
}
