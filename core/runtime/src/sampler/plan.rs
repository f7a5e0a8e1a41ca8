use std::num::NonZeroUsize;
use std::ops::Range;

use crate::params::Rules;
use crate::{Canvas, Params};

/// Why settings cannot be carried out as they are.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// The answer has no positions.
    #[error("the answer has no positions; give it a length of 1 or more")]
    Empty,
    /// No steps, or no positions per block.
    #[error("{what} is 0; it must be 1 or more")]
    Zero {
        /// Which setting.
        what: &'static str,
    },
    /// The answer does not split into whole blocks.
    #[error(
        "an answer of {length} tokens does not split into blocks of {block_length}; use a multiple of {block_length}"
    )]
    Length {
        /// Positions of the answer.
        length: usize,
        /// Positions per block.
        block_length: usize,
    },
    /// The steps do not split evenly over the blocks.
    #[error("{steps} steps do not split over {blocks} blocks; use a multiple of {blocks}")]
    Steps {
        /// Steps in all.
        steps: usize,
        /// Number of blocks.
        blocks: usize,
    },
    /// A number outside its range.
    #[error("{what} is {value}; it must be {range}")]
    Range {
        /// Which setting.
        what: &'static str,
        /// What it was.
        value: String,
        /// What it may be.
        range: &'static str,
    },
}

/// The answer, cut into blocks and steps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    answer: Range<usize>,
    block_length: usize,
    /// Number of blocks.
    pub blocks: usize,
    /// Steps that each block may take.
    pub steps_per_block: NonZeroUsize,
}

impl Plan {
    /// Lays `params` over the answer of `canvas`, as the rules demand: LLaDA's `generate()` and Fast-dLLM assert that
    /// everything divides; LLaDA's `app.py` rounds the number of blocks up and the steps per block down.
    ///
    /// # Errors
    /// If a number is out of range or does not divide.
    pub fn new(canvas: &Canvas, params: &Params) -> Result<Self, PlanError> {
        let length = canvas.answer().len();
        if length == 0 {
            return Err(PlanError::Empty);
        }
        check_ranges(params)?;
        let answer = canvas.answer_start()..canvas.len();
        let (block_length, blocks, steps) = match params.rules {
            Rules::LladaApp => {
                let block_length = params.block_length.min(length);
                let blocks = length.div_ceil(block_length);
                (block_length, blocks, (params.steps / blocks).max(1))
            }
            Rules::Llada | Rules::FastV0 | Rules::FastV1 | Rules::Settled => {
                let blocks = length / params.block_length;
                if blocks * params.block_length != length {
                    return Err(PlanError::Length {
                        length,
                        block_length: params.block_length,
                    });
                }
                if !params.steps.is_multiple_of(blocks) {
                    return Err(PlanError::Steps {
                        steps: params.steps,
                        blocks,
                    });
                }
                (params.block_length, blocks, params.steps / blocks)
            }
        };
        Ok(Self {
            answer,
            block_length,
            blocks,
            steps_per_block: NonZeroUsize::new(steps).ok_or(PlanError::Zero { what: "steps" })?,
        })
    }

    /// The positions of block `index`.
    #[must_use]
    pub fn block(&self, index: usize) -> Range<usize> {
        let start = self.answer.start + index * self.block_length;
        start..(start + self.block_length).min(self.answer.end)
    }

    /// Steps in all.
    #[must_use]
    pub fn steps(&self) -> usize {
        self.blocks * self.steps_per_block.get()
    }
}

fn check_ranges(params: &Params) -> Result<(), PlanError> {
    use crate::params::Transfer;
    let range = |ok: bool, what, value: f64, range| match ok {
        true => Ok(()),
        false => Err(PlanError::Range {
            what,
            value: value.to_string(),
            range,
        }),
    };
    if params.block_length == 0 {
        return Err(PlanError::Zero {
            what: "block length",
        });
    }
    if params.steps == 0 {
        return Err(PlanError::Zero { what: "steps" });
    }
    let temperature = params.temperature;
    let finite = temperature.is_finite() && temperature >= 0.0;
    range(finite, "temperature", temperature, "0 or more")?;
    let cfg = f64::from(params.cfg_scale);
    range(cfg.is_finite() && cfg >= 0.0, "cfg scale", cfg, "0 or more")?;
    match params.transfer {
        Transfer::Quota => Ok(()),
        Transfer::Threshold(at) => range((0.0..=1.0).contains(&at), "threshold", at, "0 to 1"),
        Transfer::Factor(at) => range(at.is_finite() && at > 0.0, "factor", at, "above 0"),
    }
}

/// Settings rounded so that everything divides, with a sentence for each change.
#[derive(Debug, Clone, PartialEq)]
pub struct Fit {
    /// Positions of the answer.
    pub length: usize,
    /// Settings that [`Plan::new`] accepts for that length.
    pub params: Params,
    /// What was changed, such as `steps 50 → 48 = 6 × 8`.
    pub notes: Vec<String>,
}

impl Fit {
    /// Rounds the length up to whole blocks and the steps down to a multiple of the blocks, at least one each.
    #[must_use]
    pub fn new(length: usize, params: &Params) -> Self {
        let mut params = params.clone();
        let mut notes = Vec::new();
        let asked = length;
        let length = length.max(1);
        let block_length = params.block_length.clamp(1, length);
        if block_length != params.block_length {
            notes.push(format!(
                "block length {} → {block_length}",
                params.block_length
            ));
        }
        let blocks = length.div_ceil(block_length);
        let length = blocks.saturating_mul(block_length);
        if length != asked {
            notes.push(format!(
                "length {asked} → {length} = {blocks} × {block_length}"
            ));
        }
        let per_block = (params.steps / blocks).max(1);
        let steps = blocks * per_block;
        if steps != params.steps {
            notes.push(format!(
                "steps {} → {steps} = {blocks} × {per_block}",
                params.steps
            ));
        }
        params.block_length = block_length;
        params.steps = steps;
        Self {
            length,
            params,
            notes,
        }
    }
}

#[cfg(test)]
mod tests {
    use unmask_api::TokenId;

    use super::*;

    fn plan(
        length: usize,
        block_length: usize,
        steps: usize,
        rules: Rules,
    ) -> Result<Plan, String> {
        let canvas = Canvas::new(&[TokenId(5)], length, TokenId(0));
        let params = Params {
            steps,
            block_length,
            rules,
            ..Params::default()
        };
        Plan::new(&canvas, &params).map_err(|error| error.to_string())
    }

    #[test]
    fn what_does_not_divide_is_refused_with_the_numbers() {
        let refused = |result: Result<Plan, String>| result.expect_err("must be refused");
        assert_eq!(
            refused(plan(100, 32, 64, Rules::Llada)),
            "an answer of 100 tokens does not split into blocks of 32; use a multiple of 32"
        );
        assert_eq!(
            refused(plan(96, 16, 50, Rules::Llada)),
            "50 steps do not split over 6 blocks; use a multiple of 6"
        );
        assert_eq!(
            refused(plan(96, 16, 0, Rules::Llada)),
            "steps is 0; it must be 1 or more"
        );
    }

    #[test]
    fn the_web_demo_rounds_instead() {
        let plan = plan(100, 32, 50, Rules::LladaApp).expect("rounds");
        assert_eq!((plan.blocks, plan.steps_per_block.get()), (4, 12));
        assert_eq!(plan.block(3), 97..101);
    }

    #[test]
    fn fitting_says_what_it_changed() {
        let params = Params {
            steps: 50,
            block_length: 16,
            ..Params::default()
        };
        let fit = Fit::new(90, &params);
        assert_eq!((fit.length, fit.params.steps), (96, 48));
        assert_eq!(
            fit.notes,
            ["length 90 → 96 = 6 × 16", "steps 50 → 48 = 6 × 8"]
        );
        assert_eq!(Fit::new(96, &fit.params).notes, Vec::<String>::new());
    }

    #[test]
    fn a_fit_is_always_a_plan() {
        for (length, block_length, steps) in [(1, 128, 128), (33, 32, 1), (7, 0, 0), (0, 4, 3)] {
            let params = Params {
                steps,
                block_length,
                ..Params::default()
            };
            let fit = Fit::new(length, &params);
            let canvas = Canvas::new(&[], fit.length, TokenId(0));
            assert!(Plan::new(&canvas, &fit.params).is_ok(), "{fit:?}");
        }
    }
}
