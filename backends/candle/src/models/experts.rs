//! Layers of experts on candle: each computes its own tokens.

use candle_core::{Device, Result, Tensor};
use rayon::prelude::*;

use super::router::Routes;
use super::stack::{Experts, Gated};
use crate::layers;
use crate::matrix::{Matrix, with_slice};

impl Gated<Matrix> {
    /// `down(silu(gate x) * up x)` of `[tokens, width]`, of the same shape.
    pub(super) fn apply(&self, x: &Tensor) -> Result<Tensor> {
        let gate_up = self.gate_up.apply(x)?;
        let (tokens, both) = gate_up.dims2()?;
        let hidden = both / 2;
        let gated = with_slice(&gate_up, |gate_up| layers::gated(gate_up, hidden))?;
        let gated = Tensor::from_vec(gated, (tokens, hidden), &Device::Cpu)?;
        self.down.apply(&gated)
    }
}

impl Experts<Matrix> {
    /// Adds to `x` what the experts make of `normed`, `[tokens, width]` both.
    pub(super) fn add(&self, normed: &Tensor, x: &mut [f32]) -> Result<()> {
        let (tokens, width) = normed.dims2()?;
        let mut routes = Routes::default();
        routes.begin(&self.router, tokens);
        with_slice(normed, |normed| {
            let results = routes.results.par_chunks_mut(self.router.experts());
            let rows = results.zip(normed.par_chunks(width));
            rows.for_each(|(results, token)| self.router.results(token, results));
        })?;
        routes.choose(&self.router);
        let (busy, of_expert) = routes.busy();
        let compute = |(expert, route): (&u32, &unmask_kernels::Route)| {
            let rows = Tensor::from_slice(&route.rows, route.rows.len(), &Device::Cpu)?;
            self.experts[*expert as usize].apply(&normed.index_select(&rows, 0)?)
        };
        // Quantised products have threads of their own.
        let computed: Vec<Tensor> = match are_quantised(&self.experts) {
            true => busy
                .iter()
                .zip(of_expert)
                .map(compute)
                .collect::<Result<_>>()?,
            false => busy
                .par_iter()
                .zip(of_expert)
                .map(compute)
                .collect::<Result<_>>()?,
        };
        for (route, computed) in of_expert.iter().zip(&computed) {
            with_slice(computed, |computed| {
                let rows = route.rows.iter().zip(&route.weights);
                for ((row, weight), update) in rows.zip(computed.chunks_exact(width)) {
                    let to = &mut x[*row as usize * width..][..width];
                    layers::add_scaled(to, update, *weight);
                }
            })?;
        }
        if let Some(shared) = &self.shared {
            let update = shared.apply(normed)?;
            with_slice(&update, |update| layers::add(x, update))?;
        }
        Ok(())
    }
}

/// Whether a product of theirs is: files may keep one matrix of an expert in blocks and another not.
fn are_quantised(experts: &[Gated<Matrix>]) -> bool {
    let mut matrices = experts.iter().flat_map(|it| [&it.gate_up, &it.down]);
    matrices.any(|it| it.numbers.are_quantised())
}

#[cfg(test)]
mod tests {
    use candle_core::DType;
    use candle_core::quantized::{GgmlDType, QTensor};

    use super::*;
    use crate::matrix::Numbers;

    #[test]
    fn one_matrix_in_blocks_is_enough_for_products_with_threads_of_their_own() {
        let dense = || Tensor::zeros((32, 32), DType::F32, &Device::Cpu).expect("it is small");
        let matrix = |is_quantised: bool| Matrix {
            numbers: match is_quantised {
                false => Numbers::Dense(dense()),
                true => {
                    let blocks = QTensor::quantize(&dense(), GgmlDType::Q8_0);
                    Numbers::Quantised(Box::new(blocks.expect("its rows fill blocks")))
                }
            },
            bias: None,
        };
        let expert = |gate_up, down| Gated {
            gate_up: matrix(gate_up),
            down: matrix(down),
        };
        assert!(!are_quantised(&[expert(false, false)]));
        assert!(are_quantised(&[expert(true, false)]));
        assert!(are_quantised(&[expert(false, false), expert(false, true)]));
    }
}
