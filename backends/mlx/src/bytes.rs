//! Numbers of a file as MLX's arrays, and back.

#![expect(unsafe_code, reason = "bytes of a mapped file become MLX's numbers")]

use mlx_rs::error::AsSliceError;
use mlx_rs::{Array, Dtype};
use unmask_sdk::BackendError;
use unmask_sdk::weights::{Dtype as Stored, Weight};

use crate::device::failed;

/// A copy of the tensor, in the type that it is stored in; in f32 where it is derived.
///
/// # Errors
/// [`BackendError::Checkpoint`] for a type that networks here have no use for, and for numbers that are not finite.
pub(crate) fn array(weight: &Weight<'_>) -> Result<Array, BackendError> {
    if weight.is_derived() {
        let shape: Vec<i32> = weight.shape.iter().map(|side| *side as i32).collect();
        return Ok(Array::from_slice(&weight.to_f32()?, &shape));
    }
    let dtype = match weight.dtype {
        Stored::F32 => Dtype::Float32,
        Stored::F16 => Dtype::Float16,
        Stored::BF16 => Dtype::Bfloat16,
        Stored::U32 => Dtype::Uint32,
        other => {
            return Err(broken(
                weight,
                format!(
                    "is stored as {other:?}, which mlx's networks do not use; fetch another checkpoint"
                ),
            ));
        }
    };
    let width = weight.dtype.bitsize() / 8;
    let mut shape: Vec<usize> = weight.shape.to_vec();
    if let Some(last) = shape.last_mut() {
        *last *= width;
    }
    let shape: Result<Vec<i32>, _> = shape.into_iter().map(i32::try_from).collect();
    let shape = shape.map_err(|_| {
        broken(
            weight,
            format!(
                "has the shape {:?}, which is too large for MLX",
                weight.shape
            ),
        )
    })?;
    // SAFETY: the tensor has as many bytes as its shape and type say, which the reader of the file has checked; MLX copies
    // them. As bytes, since tensors are aligned to nothing.
    let bytes = unsafe { Array::from_raw_data(weight.bytes.as_ptr().cast(), &shape, Dtype::Uint8) };
    // Behind the copy, since it also tells whether the file was cut short meanwhile.
    weight.check_finite()?;
    bytes.view_dtype(dtype).map_err(failed)
}

/// Lends the numbers of an array as bytes, row-major.
pub(crate) fn with_bytes<T>(
    array: &Array,
    look: impl FnOnce(&[u8]) -> T,
) -> Result<T, AsSliceError> {
    let bytes = array.view_dtype(Dtype::Uint8)?;
    Ok(look(bytes.try_as_slice::<u8>()?))
}

/// What is wrong with a tensor.
pub(crate) fn broken(weight: &Weight<'_>, what: String) -> BackendError {
    BackendError::Checkpoint {
        path: weight.path.to_owned(),
        what: format!("tensor {} {what}", weight.name),
    }
}
