//! What lies between the matrix products of a network.

use mlx_rs::error::Result;
use mlx_rs::{Array, fast, ops};

/// RMSNorm: computed in float32, cast back, then multiplied by the weight, as the reference does.
pub(crate) struct Norm {
    /// `[width]`
    pub(crate) weight: Array,
    /// `[width]`
    pub(crate) bias: Option<Array>,
    pub(crate) eps: f32,
}

impl Norm {
    /// Of every row of `x`.
    pub(crate) fn apply(&self, x: &Array) -> Result<Array> {
        let normed = fast::rms_norm(x, Some(&self.weight), self.eps)?;
        match &self.bias {
            Some(bias) => normed.add(bias),
            None => Ok(normed),
        }
    }
}

/// `silu(gate) * up`.
///
/// Written out: `nn::silu` is a compiled function, for which MLX calls a C++ compiler on processors.
pub(crate) fn gated(gate: &Array, up: &Array) -> Result<Array> {
    gate.multiply(ops::sigmoid(gate)?)?.multiply(up)
}

/// `x * factor`, in the type of `x`.
pub(crate) fn scaled(x: &Array, factor: f32) -> Result<Array> {
    x.multiply(Array::from_f32(factor).as_dtype(x.dtype())?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::ComputeDevice;

    #[test]
    fn a_gate_of_zero_closes_and_a_large_one_passes() {
        ComputeDevice::Cpu.run(|| {
            let (gate, up) = ([0.0_f32, 30.0], [5.0_f32, 2.0]);
            let [gate, up] = [gate, up].map(|it| Array::from_slice(&it, &[2]));
            let out = gated(&gate, &up).expect("the shapes fit");
            assert_eq!(out.as_slice::<f32>(), [0.0, 60.0]);
        });
    }

    #[test]
    fn a_norm_brings_rows_to_unit_mean_square() {
        ComputeDevice::Cpu.run(|| {
            let norm = Norm {
                weight: Array::from_slice(&[2.0_f32; 4], &[4]),
                bias: Some(Array::from_slice(&[1.0_f32; 4], &[4])),
                eps: 0.0,
            };
            let x = Array::from_slice(&[3.0_f32, -3.0, 3.0, 3.0], &[1, 4]);
            let out = norm.apply(&x).expect("the shapes fit");
            assert_eq!(out.as_slice::<f32>(), [3.0, -1.0, 3.0, 3.0]);
        });
    }
}
