use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use unmask_core::engine::{Failure, Loaded, Outcome};
use unmask_core::measured::DenoisingMode;
use unmask_core::sampler::FittedParams;
use unmask_core::settings::{Setting, object};
use unmask_core::text::answer::before_end;

use crate::command::eval::EvalQuestion;
use crate::command::records::LineRecord;

/// What the answers depend on: the first line of their file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct BenchSettings {
    /// Who measured: `unmask 0.1.0`.
    pub(super) program: String,
    /// The day, `2026-11-30`.
    pub(super) date: String,
    /// SHA-256 of the questions.
    pub(in super::super) questions: String,
    pub(super) model: String,
    /// The model's hash, where it is known.
    pub(super) identity: Option<String>,
    pub(super) backend: String,
    pub(super) device: String,
    /// Its name for people.
    pub(super) device_name: String,
    /// Those that the configuration asks for; null leaves them to the backend.
    pub(super) threads: Option<u32>,
    pub(super) precision: String,
    pub(super) length: usize,
    /// Answers to each question in each mode.
    #[serde(default = "once")]
    pub(in super::super) seeds: NonZeroU32,
    /// Exact decoding first.
    pub(in super::super) modes: Vec<DenoisingMode>,
    /// Of exact decoding, by key.
    pub(super) settings: Map<String, Value>,
}

/// A question's answers: one line of the file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(in super::super) struct BenchRecord {
    pub(in super::super) line: usize,
    pub(in super::super) task: String,
    /// A hash of the question.
    pub(in super::super) asked: String,
    /// In the order of the modes, those of all seeds in a row.
    pub(in super::super) answers: Vec<ModeAnswer>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(in super::super) struct ModeAnswer {
    pub(in super::super) answer: String,
    /// Null where no answer is right or wrong.
    pub(in super::super) right: Option<bool>,
    /// The visible ones.
    pub(super) tokens: Vec<u32>,
    pub(in super::super) nfe: usize,
    /// Positions that all forwards together recomputed.
    pub(super) fed: usize,
    /// Tokens that steps wrote, end tokens included.
    pub(super) committed: usize,
    pub(super) seconds: f64,
}

fn once() -> NonZeroU32 {
    NonZeroU32::MIN
}

impl BenchSettings {
    pub(super) fn new(
        loaded: &Loaded,
        modes: &[DenoisingMode],
        exact: &FittedParams,
        seeds: NonZeroU32,
        questions: String,
    ) -> Self {
        let mut settings = object(&exact.params, exact.length);
        // Those that are off are as good as unsaid, and newer programs have more of them.
        settings.retain(|_, value| !value.is_null());
        Self {
            program: concat!("unmask ", env!("CARGO_PKG_VERSION")).to_owned(),
            date: jiff::Zoned::now().date().to_string(),
            questions,
            model: loaded.name.clone(),
            identity: loaded.provenance.identity().map(str::to_owned),
            backend: loaded.backend.clone(),
            device: loaded.device.clone(),
            device_name: loaded.device_name.clone(),
            threads: loaded.provenance.threads,
            precision: loaded.facts.precision.clone(),
            length: exact.length,
            seeds,
            modes: modes.to_vec(),
            settings,
        }
    }

    /// What is not the same in both; who measured and when apart, and whatever else the file of questions holds.
    pub(super) fn differs(&self, other: &Self) -> Option<&'static str> {
        let parts = [
            (
                "model",
                self.identity == other.identity && self.model == other.model,
            ),
            ("backend", self.backend == other.backend),
            ("device", self.device == other.device),
            ("number of threads", self.threads == other.threads),
            ("precision", self.precision == other.precision),
            ("set of modes", self.modes == other.modes),
            ("number of seeds", self.seeds == other.seeds),
            ("answer's length", self.length == other.length),
            ("setting", self.settings == other.settings),
        ];
        let differing = parts.iter().find(|(_, is_same)| !is_same);
        differing.map(|(what, _)| *what)
    }

    /// Every setting by its name, of the model and of exact decoding.
    pub(in super::super) fn said(&self) -> Map<String, Value> {
        let model = [
            ("model", &self.model),
            ("backend", &self.backend),
            ("device", &self.device),
            ("precision", &self.precision),
        ];
        let model = model.map(|(name, value)| (name.to_owned(), Value::from(value.as_str())));
        (model.into_iter()).chain(self.settings.clone()).collect()
    }

    /// The length of a block, as exact decoding has it.
    pub(super) fn block_length(&self) -> Option<u64> {
        let key = Setting::BlockLength.definition().key;
        self.settings.get(key).and_then(Value::as_u64)
    }
}

impl BenchRecord {
    /// The answers in a mode, one a seed.
    pub(super) fn of_mode(&self, at: usize, seeds: usize) -> &[ModeAnswer] {
        &self.answers[at * seeds..][..seeds]
    }
}

impl LineRecord for BenchRecord {
    fn line(&self) -> usize {
        self.line
    }
}

impl ModeAnswer {
    pub(super) fn of(
        question: &EvalQuestion,
        outcome: &Outcome,
        fed: usize,
        loaded: &Loaded,
    ) -> Result<Self, Failure> {
        let judged = question.judge(outcome, loaded)?;
        let visible = before_end(outcome.canvas.answer(), &loaded.special);
        Ok(Self {
            answer: judged.answer,
            right: question.has_answers().then_some(judged.right),
            tokens: visible.iter().map(|it| it.0).collect(),
            nfe: outcome.stats.nfe,
            fed,
            committed: judged.committed,
            seconds: judged.seconds,
        })
    }

    /// Tokens that stand where they do in `exact`, those that come in the same order, and the tokens of the longer answer.
    pub(super) fn agreement(&self, exact: &Self) -> [usize; 3] {
        let (one, other) = (&self.tokens, &exact.tokens);
        let placed = one.iter().zip(other).filter(|(a, b)| a == b).count();
        [placed, common(one, other), one.len().max(other.len())]
    }
}

/// Length of the longest common subsequence.
fn common(one: &[u32], other: &[u32]) -> usize {
    let mut row = vec![0; other.len() + 1];
    for token in one {
        let mut diagonal = 0;
        for (at, twin) in other.iter().enumerate() {
            let above = row[at + 1];
            row[at + 1] = match token == twin {
                true => diagonal + 1,
                false => above.max(row[at]),
            };
            diagonal = above;
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_inserted_token_moves_the_rest_but_not_their_order() {
        let answer = |tokens: &[u32]| ModeAnswer {
            answer: String::new(),
            right: None,
            tokens: tokens.to_vec(),
            nfe: 1,
            fed: 1,
            committed: 1,
            seconds: 0.1,
        };
        let check = |one: &[u32], other: &[u32], stated| {
            assert_eq!(answer(one).agreement(&answer(other)), stated);
        };
        check(&[1, 2, 3, 4], &[1, 2, 3, 4], [4, 4, 4]);
        check(&[1, 9, 2, 3, 4], &[1, 2, 3, 4], [1, 4, 5]);
        check(&[], &[1, 2], [0, 0, 2]);
        check(&[], &[], [0, 0, 0]);
        check(&[3, 1, 2], &[1, 2, 3], [0, 2, 3]);
    }
}
