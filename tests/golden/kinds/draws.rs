//! Draws that programs made, or none.

use std::sync::Mutex;

use unmask_core::Position;
use unmask_core::sampler::Noise;

use crate::case::{Array, Case};

/// The same draw everywhere: the best token wins whatever the temperature.
pub(super) struct Even;

impl Noise for Even {
    fn uniforms(&self, _: usize, _: Position, vocab: usize, take: &mut dyn FnMut(&[f64])) {
        take(&vec![0.5; vocab]);
    }

    fn uniform(&self, _: usize, _: Position) -> f32 {
        0.5
    }
}

/// PyTorch's own draws, e of Exp(1), of which the token of the greatest p / e is taken: uniform ones are exp(-e).
pub(super) struct Exponential {
    /// `[positions, vocab]` of each step that draws.
    steps: Vec<Array>,
    /// Positions of a block or a part.
    length: usize,
    /// The steps that have drawn, by their names.
    seen: Mutex<Vec<usize>>,
}

impl Exponential {
    /// Of `[steps, positions, vocab]`.
    pub(super) fn of_steps(case: &Case, length: usize) -> Self {
        let all = case.need("exponential");
        let step = |at| Array {
            shape: all.shape[1..].to_vec(),
            values: all.at(&[at]).to_vec(),
            is_bf16: false,
        };
        Self {
            steps: (0..all.shape[0]).map(step).collect(),
            length,
            seen: Mutex::default(),
        }
    }

    /// Of an array for each step.
    pub(super) fn of_parts(case: &Case) -> Box<Self> {
        let steps = (0..).map_while(|at| case.array(&format!("exponential_{at}")));
        Box::new(Self {
            steps: steps.collect(),
            length: case.count("small_block_size"),
            seen: Mutex::default(),
        })
    }
}

impl Noise for Exponential {
    fn uniforms(&self, call: usize, at: Position, vocab: usize, take: &mut dyn FnMut(&[f64])) {
        let step = {
            let mut seen = self.seen.lock().expect("no check panics while it draws");
            match seen.iter().position(|&it| it == call) {
                Some(step) => step,
                None => {
                    seen.push(call);
                    seen.len() - 1
                }
            }
        };
        let row = self.steps[step].at(&[at.index() % self.length]);
        let draws: Vec<f64> = row[..vocab].iter().map(|it| (-it).exp()).collect();
        take(&draws);
    }

    fn uniform(&self, _: usize, _: Position) -> f32 {
        0.0
    }
}
