//! LLaDA's `generate()`, step by step, with the reference's random draws.

use unmask_core::api::{CancelFlag, Model};
use unmask_core::denoise::Denoise;
use unmask_core::event::StepEvent;
use unmask_core::family::FamilyRules;
use unmask_core::generate::Generation;
use unmask_core::params::{ConfidenceType, Remasking};
use unmask_core::sampler::Noise;
use unmask_core::{Canvas, Params, Position, TokenId};

use crate::case::{Array, Case, Verdict, attended, id_rows, same};
use crate::models::Models;

pub(crate) fn generate(case: &Case, models: &Models) -> Verdict {
    let model = models.get(case)?;
    let prompts = id_rows(&case.json["input"]["prompt_ids"]);
    let expected = id_rows(&case.json["expected"]["ids"]);
    let history = case.need("x_history");
    for (row, prompt) in prompts.iter().enumerate() {
        let params = params(case);
        let canvas = Canvas::new(prompt, case.count("gen_length"), case.special().mask)
            .with_padding(padding(case, row)?);
        let mut generation = begin(&*model, case, canvas, params, row)?;
        follow(&mut generation, &history, row)?;
        same(
            "result",
            generation.denoise().canvas().tokens(),
            &expected[row],
        )?;
    }
    Ok(())
}

/// Settings of a case under the rules of `generate()`.
pub(crate) fn params(case: &Case) -> Params {
    Params {
        steps: case.count("steps"),
        block_length: case.count("block_length"),
        temperature: case.number("temperature"),
        cfg_scale: case.number("cfg_scale") as f32,
        remasking: remasking(case),
        logits_eos_inf: case.flag("logits_eos_inf"),
        confidence_eos_eot_inf: case.flag("confidence_eos_eot_inf"),
        early_stop: false,
        confidence_type: ConfidenceType::F32,
        ..Params::default()
    }
}

pub(crate) fn remasking(case: &Case) -> Remasking {
    match case.json["settings"]["remasking"].as_str() {
        Some("low_confidence") => Remasking::LowConfidence,
        Some("random") => Remasking::Random,
        other => panic!("no remasking {other:?}"),
    }
}

/// Left padding of a row: the zeros of its attention mask.
pub(crate) fn padding(case: &Case, row: usize) -> Result<usize, String> {
    let mask = &case.json["input"]["attention_mask"];
    if mask.is_null() {
        return Ok(0);
    }
    let mask = &id_rows(mask)[row];
    let attended = attended(mask)?;
    match attended.end == mask.len() {
        true => Ok(attended.start),
        // The answer follows, so that the zeros would be a hole in what is attended to.
        false => Err("its prompt is padded on the right".to_owned()),
    }
}

/// Makes every step and compares the canvas after each with `history`, `[calls + 1, batch, length]`.
pub(crate) fn follow(generation: &mut Generation, history: &Array, row: usize) -> Verdict {
    let mut seen = Seen::new(history, row);
    seen.compare(generation.denoise().canvas(), 0)?;
    while step(generation)?.is_some() {
        let denoise = generation.denoise();
        seen.compare(denoise.canvas(), denoise.calls())?;
    }
    seen.end(generation.denoise().canvas())
}

/// Begins on `canvas` with the strategy that the settings ask for and the draws of a batch row.
fn begin(
    model: &dyn Model,
    case: &Case,
    canvas: Canvas,
    params: Params,
    row: usize,
) -> Result<Generation, String> {
    let denoise = Denoise::new(case.special(), FamilyRules::default(), canvas, params)
        .map_err(|error| error.to_string())?;
    let denoise = denoise.with_noise(Box::new(Recorded::new(case, row)));
    Generation::new(model, denoise).map_err(|error| error.to_string())
}

pub(crate) fn step(generation: &mut Generation) -> Result<Option<StepEvent>, String> {
    generation
        .step(&CancelFlag::new())
        .map_err(|error| error.to_string())
}

/// What the reference's canvas of one batch row was after each of its steps.
pub(crate) struct Seen<'a> {
    history: &'a Array,
    row: usize,
    /// The last step that was compared.
    last: usize,
}

impl<'a> Seen<'a> {
    /// Before the first step of `history`, `[calls + 1, batch, length]`.
    pub(crate) fn new(history: &'a Array, row: usize) -> Self {
        Self {
            history,
            row,
            last: 0,
        }
    }

    /// Compares the canvas after step `call`; those that were skipped before it must have changed nothing.
    pub(crate) fn compare(&mut self, canvas: &Canvas, call: usize) -> Verdict {
        if call >= self.history.shape[0] {
            return Err(format!("step {call} is beyond the reference's last"));
        }
        self.skip_to(call)?;
        self.last = call;
        let expected = self.history.at(&[call, self.row]);
        let expected: Vec<TokenId> = expected.iter().map(|&id| TokenId(id as u32)).collect();
        same(
            &format!("row {} after step {call}", self.row),
            canvas.tokens(),
            &expected,
        )
    }

    /// Compares the canvas with the result.
    pub(crate) fn end(mut self, canvas: &Canvas) -> Verdict {
        let last = self.history.shape[0] - 1;
        self.skip_to(last + 1)?;
        self.last = last;
        self.compare(canvas, last)
    }

    /// Steps that had nothing to do left the canvas as it was.
    fn skip_to(&self, call: usize) -> Verdict {
        let before = self.history.at(&[self.last, self.row]);
        let changed = |&call: &usize| self.history.at(&[call, self.row]) != before;
        match (self.last + 1..call).find(changed) {
            None => Ok(()),
            Some(call) => Err(format!(
                "step {call} was skipped, but the reference changed row {}",
                self.row
            )),
        }
    }
}

/// Runs one prompt to its end and gives the canvas.
pub(crate) fn complete(
    model: &dyn Model,
    case: &Case,
    prompt: &[TokenId],
) -> Result<Vec<TokenId>, String> {
    let canvas = Canvas::new(prompt, case.count("gen_length"), case.special().mask);
    let mut generation = begin(model, case, canvas, params(case), 0)?;
    while step(&mut generation)?.is_some() {}
    Ok(generation.denoise().canvas().tokens().to_vec())
}

/// The draws that the reference made.
pub(crate) struct Recorded {
    row: usize,
    gumbel: Option<Array>,
    scores: Option<Array>,
}

impl Recorded {
    /// The draws of batch row `row`.
    pub(crate) fn new(case: &Case, row: usize) -> Self {
        Self {
            row,
            gumbel: case.array("gumbel_uniform"),
            scores: case.array("random_confidence"),
        }
    }
}

impl Recorded {
    /// Draws for positions alone, `[steps, batch, length]`.
    pub(crate) fn scores(scores: Option<Array>, row: usize) -> Self {
        Self {
            row,
            gumbel: None,
            scores,
        }
    }
}

impl Noise for Recorded {
    fn uniforms(&self, call: usize, at: Position, vocab: usize, take: &mut dyn FnMut(&[f64])) {
        let recorded = self
            .gumbel
            .as_ref()
            .expect("the case recorded its Gumbel draws");
        let draws = recorded.at(&[call, self.row, at.index()]);
        assert_eq!(draws.len(), vocab, "a draw was recorded for each token");
        take(draws);
    }

    fn uniform(&self, call: usize, at: Position) -> f32 {
        let recorded = self.scores.as_ref().expect("the case recorded its scores");
        recorded.at(&[call, self.row, at.index()])[0] as f32
    }
}
