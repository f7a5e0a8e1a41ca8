use unmask_core::Canvas;
use unmask_core::sampler::{Candidate, CanvasEdit, StepPlan, Strategy, StrategyProgress};

/// A strategy whose scores are rounded to bfloat16, as LLaDA's `generate.py` has them from bfloat16 logits on a GPU; ties
/// are then common.
pub(crate) struct Bf16(pub(crate) Box<dyn Strategy>);

impl Strategy for Bf16 {
    fn next(&mut self, canvas: &Canvas) -> Option<StepPlan> {
        self.0.next(canvas)
    }

    fn decide(&mut self, canvas: &Canvas, candidates: &[Candidate]) -> Vec<CanvasEdit> {
        let round = |candidate: &Candidate| Candidate {
            score: f64::from(round_to_bf16(candidate.score as f32)),
            ..candidate.clone()
        };
        let rounded: Vec<Candidate> = candidates.iter().map(round).collect();
        self.0.decide(canvas, &rounded)
    }

    fn progress(&self) -> StrategyProgress {
        self.0.progress()
    }
}

/// Rounds to the nearest bfloat16, ties to even.
fn round_to_bf16(value: f32) -> f32 {
    let bits = value.to_bits();
    let rounded = bits.wrapping_add(0x7fff + ((bits >> 16) & 1)) & 0xffff_0000;
    f32::from_bits(rounded)
}
