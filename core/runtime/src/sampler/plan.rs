use std::num::NonZeroUsize;
use std::ops::Range;

use crate::family::BlockOrigin;
use crate::params::{CacheMode, Growth, Transfer};
use crate::{Canvas, Params};

/// Why settings cannot be carried out as they are.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
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
    /// No strategy is asked for.
    #[error(
        "no strategy of this build does {transfer:?} with cache {cache:?}; change one of the two"
    )]
    NoStrategy {
        /// How many positions a step was to commit.
        transfer: Transfer,
        /// Which K/V were to be reused.
        cache: CacheMode,
    },
    /// Two settings of which one would be ignored.
    #[error("{what} does nothing with {other}; {instead}")]
    Beside {
        /// Which setting would be ignored.
        what: String,
        /// Beside which one.
        other: &'static str,
        /// What to do.
        instead: &'static str,
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
    /// Where the first block would begin if all of it were in the answer; at most `answer.start`.
    first: usize,
    block_length: usize,
    /// Where blocks are counted from.
    origin: BlockOrigin,
    /// Number of blocks.
    pub blocks: usize,
    /// Steps that each block may take.
    pub steps_per_block: NonZeroUsize,
}

impl Plan {
    /// Lays `params` over the answer of `canvas`. Blocks that are counted from the answer's start have to divide it, and the
    /// steps, as LLaDA's `generate()` and Fast-dLLM assert; where those of the canvas lie follows from the prompt, so they
    /// are [`rounded`](Self::rounded).
    ///
    /// # Errors
    /// If a number is out of range or does not divide.
    pub fn new(canvas: &Canvas, params: &Params, origin: BlockOrigin) -> Result<Self, PlanError> {
        let plan = Self::rounded(canvas, params, origin)?;
        let (length, block_length, steps) =
            (canvas.answer().len(), params.block_length, params.steps);
        match origin {
            BlockOrigin::Canvas => Ok(plan),
            BlockOrigin::Answer if !length.is_multiple_of(block_length) => Err(PlanError::Length {
                length,
                block_length,
            }),
            BlockOrigin::Answer if !steps.is_multiple_of(plan.blocks) => Err(PlanError::Steps {
                steps,
                blocks: plan.blocks,
            }),
            BlockOrigin::Answer => Ok(plan),
        }
    }

    /// As [`new`](Self::new), but the number of blocks is rounded up, so that the last one may be shorter, and the steps per
    /// block down to one at least; LLaDA's `app.py`.
    ///
    /// # Errors
    /// If a number is out of range.
    pub fn rounded(
        canvas: &Canvas,
        params: &Params,
        origin: BlockOrigin,
    ) -> Result<Self, PlanError> {
        let end = match params.growth {
            Growth::Blocks { ceiling } => canvas.answer_start() + ceiling,
            Growth::Fixed | Growth::Auto | Growth::Daedal(_) => canvas.len(),
        };
        let answer = canvas.answer_start()..end;
        if answer.is_empty() {
            return Err(PlanError::Empty);
        }
        check_ranges(params)?;
        let first = match origin {
            BlockOrigin::Answer => answer.start,
            BlockOrigin::Canvas => answer.start - answer.start % params.block_length,
        };
        let blocks = (answer.end - first).div_ceil(params.block_length);
        let steps_per_block = match (params.growth, origin) {
            // One for each position: nobody knows how many blocks will share the steps.
            (Growth::Blocks { .. }, _) => params.block_length,
            // Those that the prompt's end and the answer's end have to themselves are not counted.
            (_, BlockOrigin::Canvas) => params.steps / (answer.len() / params.block_length).max(1),
            (_, BlockOrigin::Answer) => params.steps / blocks,
        };
        Ok(Self {
            answer,
            first,
            block_length: params.block_length,
            origin,
            blocks,
            steps_per_block: NonZeroUsize::new(steps_per_block).unwrap_or(NonZeroUsize::MIN),
        })
    }

    /// The positions of block `index`.
    #[must_use]
    pub fn block(&self, index: usize) -> Range<usize> {
        let start = self
            .first
            .saturating_add(index.saturating_mul(self.block_length));
        let end = start.saturating_add(self.block_length);
        start.max(self.answer.start)..end.min(self.answer.end)
    }

    /// Positions of a whole block.
    #[must_use]
    pub fn block_length(&self) -> usize {
        self.block_length
    }

    /// Where blocks are counted from.
    #[must_use]
    pub fn origin(&self) -> BlockOrigin {
        self.origin
    }

    /// Steps in all.
    #[must_use]
    pub fn steps(&self) -> usize {
        self.blocks * self.steps_per_block.get()
    }
}

fn check_ranges(params: &Params) -> Result<(), PlanError> {
    if params.block_length == 0 {
        return Err(PlanError::Zero {
            what: "block length",
        });
    }
    if params.steps == 0 {
        return Err(PlanError::Zero { what: "steps" });
    }
    // More than any canvas has positions; a plan is walked through step by step.
    let steps = params.steps;
    in_range(steps <= 1 << 20, "steps", steps as f64, "1 to 1048576")?;
    let temperature = params.temperature;
    let finite = temperature.is_finite() && temperature >= 0.0;
    in_range(finite, "temperature", temperature, "0 or more")?;
    let top_p = params.top_p.unwrap_or(1.0);
    in_range((0.0..=1.0).contains(&top_p), "top_p", top_p, "0 to 1")?;
    let noise = params.order_temperature;
    let is_in = noise.is_finite() && noise >= 0.0;
    in_range(is_in, "alg_temp", noise, "0 or more")?;
    let cfg = f64::from(params.cfg_scale);
    in_range(cfg.is_finite() && cfg >= 0.0, "cfg scale", cfg, "0 or more")
}

/// An error that names the setting and its range, unless it `is_in` it.
pub(super) fn in_range(
    is_in: bool,
    what: &'static str,
    value: f64,
    range: &'static str,
) -> Result<(), PlanError> {
    match is_in {
        true => Ok(()),
        false => Err(PlanError::Range {
            what,
            value: value.to_string(),
            range,
        }),
    }
}

/// Settings rounded so that everything divides, with a sentence for each change.
#[derive(Debug, Clone, PartialEq)]
pub struct FittedParams {
    /// Positions of the answer.
    pub length: usize,
    /// Settings that [`Plan::new`] accepts for that length.
    pub params: Params,
    /// What was changed, such as `steps 50 → 48 = 6 × 8`.
    pub notes: Vec<String>,
}

impl FittedParams {
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

    /// A plan for an answer behind a prompt of one token.
    fn plan(
        length: usize,
        block_length: usize,
        steps: usize,
        origin: BlockOrigin,
    ) -> Result<Plan, String> {
        let canvas = Canvas::new(&[TokenId(5)], length, TokenId(0));
        Plan::new(&canvas, &params(block_length, steps), origin).map_err(|error| error.to_string())
    }

    fn params(block_length: usize, steps: usize) -> Params {
        Params {
            steps,
            block_length,
            ..Params::default()
        }
    }

    #[test]
    fn what_does_not_divide_is_refused_with_the_numbers() {
        let refused = |length, block_length, steps| {
            plan(length, block_length, steps, BlockOrigin::Answer).expect_err("must be refused")
        };
        assert_eq!(
            refused(100, 32, 64),
            "an answer of 100 tokens does not split into blocks of 32; use a multiple of 32"
        );
        assert_eq!(
            refused(96, 16, 50),
            "50 steps do not split over 6 blocks; use a multiple of 6"
        );
        assert_eq!(refused(96, 16, 0), "steps is 0; it must be 1 or more");
    }

    #[test]
    fn a_rounded_plan_has_a_short_last_block() {
        let canvas = Canvas::new(&[TokenId(5)], 100, TokenId(0));
        let plan = Plan::rounded(&canvas, &params(32, 50), BlockOrigin::Answer).expect("it rounds");
        assert_eq!((plan.blocks, plan.steps_per_block.get()), (4, 12));
        assert_eq!(plan.block(3), 97..101);
    }

    #[test]
    fn blocks_of_the_canvas_begin_inside_the_prompt() {
        let plan = plan(8, 4, 6, BlockOrigin::Canvas).expect("nothing has to divide");
        let blocks: Vec<Range<usize>> = (0..plan.blocks).map(|it| plan.block(it)).collect();
        assert_eq!(blocks, [1..4, 4..8, 8..9]);
        // Of the two that an answer of 8 has room for.
        assert_eq!(plan.steps_per_block.get(), 3);
    }

    #[test]
    fn fitting_says_what_it_changed() {
        let params = Params {
            steps: 50,
            block_length: 16,
            ..Params::default()
        };
        let fit = FittedParams::new(90, &params);
        assert_eq!((fit.length, fit.params.steps), (96, 48));
        assert_eq!(
            fit.notes,
            ["length 90 → 96 = 6 × 16", "steps 50 → 48 = 6 × 8"]
        );
        assert_eq!(
            FittedParams::new(96, &fit.params).notes,
            Vec::<String>::new()
        );
    }

    #[test]
    fn a_fit_is_always_a_plan() {
        for (length, block_length, steps) in [(1, 128, 128), (33, 32, 1), (7, 0, 0), (0, 4, 3)] {
            let params = Params {
                steps,
                block_length,
                ..Params::default()
            };
            let fit = FittedParams::new(length, &params);
            let canvas = Canvas::new(&[], fit.length, TokenId(0));
            let plan = Plan::new(&canvas, &fit.params, BlockOrigin::Answer);
            assert!(plan.is_ok(), "{fit:?}");
        }
    }
}
