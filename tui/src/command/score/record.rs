use serde::{Deserialize, Serialize};
use serde_json::Value;
use unmask_core::engine::{Loaded, Measured};
use unmask_core::likelihood::{Pair, Pairing};
use unmask_core::wire::MeasureSettings;

use super::item::{ScoreItem, ScoreText};
use crate::command::records::LineRecord;

/// What the results depend on: the first line of their file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(in super::super) struct ScoreSettings {
    /// Who measured: `unmask 0.1.0`.
    program: String,
    model: String,
    /// The model's hash, where it is known.
    identity: Option<String>,
    backend: String,
    precision: String,
    preset: Option<String>,
    chat: bool,
    pub(super) measure: MeasureSettings,
}

/// One item's result.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(in super::super) struct ScoreRecord {
    pub(in super::super) line: usize,
    pub(in super::super) sha256: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in super::super) task: Option<String>,
    #[serde(flatten)]
    pub(in super::super) score: ItemScore,
    pub(super) seconds: f64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(in super::super) enum ItemScore {
    Continuation(PairScore),
    Choices(ChoicesScore),
    Text(TextScore),
}

/// How likely a continuation is.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(in super::super) struct PairScore {
    /// In nat: a lower bound.
    pub(in super::super) ll: f64,
    /// Its standard error; null if one stratum alone was drawn.
    pub(in super::super) se: Option<f64>,
    pub(in super::super) tokens: usize,
    pub(in super::super) nfe: usize,
    pub(in super::super) draws: usize,
    /// Whether the model would give it greedily; null if that was not asked.
    pub(in super::super) greedy: Option<bool>,
}

/// Which of several continuations is the most likely.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(in super::super) struct ChoicesScore {
    choices: Vec<PairScore>,
    pub(super) best: usize,
    /// By the log-likelihood a character, leading whitespace apart: the harness's `acc_norm`.
    pub(super) best_norm: usize,
    /// Whether the lead over another choice is at most two errors of the difference; null if those are not known.
    pub(super) undecided: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    answer: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) right: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) right_norm: Option<bool>,
}

/// How likely a whole text is.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(in super::super) struct TextScore {
    #[serde(flatten)]
    pub(in super::super) sum: PairScore,
    pub(in super::super) bytes: usize,
    pub(in super::super) windows: usize,
    /// All three are upper bounds by Monte Carlo, which compare with no autoregressive model's.
    pub(in super::super) nats_per_token: f64,
    pub(in super::super) bits_per_byte: f64,
    pub(in super::super) perplexity: f64,
    /// By the delta method.
    pub(in super::super) perplexity_se: Option<f64>,
}

impl ScoreSettings {
    pub(super) fn new(
        loaded: &Loaded,
        preset: Option<&str>,
        chat: bool,
        measure: &MeasureSettings,
    ) -> Self {
        Self {
            program: concat!("unmask ", env!("CARGO_PKG_VERSION")).to_owned(),
            model: loaded.name.clone(),
            identity: loaded.provenance.identity().map(str::to_owned),
            backend: loaded.backend.clone(),
            precision: loaded.facts.precision.clone(),
            preset: preset.map(str::to_owned),
            chat,
            measure: measure.clone(),
        }
    }

    /// True if both say the same, whoever measured and by whatever preset's name.
    pub(super) fn agrees(&self, other: &Self) -> bool {
        let said = |it: &Self| Self {
            program: String::new(),
            preset: None,
            ..it.clone()
        };
        said(self) == said(other)
    }
}

impl LineRecord for ScoreRecord {
    fn line(&self) -> usize {
        self.line
    }
}

impl PairScore {
    pub(in super::super) fn of(
        measured: &Measured,
        pair: &Pair,
        settings: &MeasureSettings,
    ) -> Self {
        let tokens = pair.continuation.len();
        Self {
            ll: measured.estimate.mean,
            se: measured.estimate.standard_error,
            tokens,
            nfe: measured.nfe,
            draws: settings.draws(tokens),
            greedy: measured.greedy,
        }
    }
}

impl TextScore {
    /// Of the windows of a text of so many bytes.
    pub(in super::super) fn of(windows: &[PairScore], bytes: usize) -> Self {
        let all = |of: fn(&PairScore) -> usize| windows.iter().map(of).sum();
        let errors: Option<Vec<f64>> = windows.iter().map(|it| it.se).collect();
        let squares = |errors: Vec<f64>| errors.iter().map(|it| it * it).sum::<f64>();
        let greedy: Option<Vec<bool>> = windows.iter().map(|it| it.greedy).collect();
        let sum = PairScore {
            ll: windows.iter().map(|it| it.ll).sum(),
            se: errors.map(|errors| squares(errors).sqrt()),
            tokens: all(|it| it.tokens),
            nfe: all(|it| it.nfe),
            draws: all(|it| it.draws),
            greedy: greedy.map(|all| all.iter().all(|&it| it)),
        };
        let tokens = sum.tokens.max(1) as f64;
        let perplexity = (-sum.ll / tokens).exp();
        Self {
            sum,
            bytes,
            windows: windows.len(),
            nats_per_token: -sum.ll / tokens,
            bits_per_byte: -sum.ll / std::f64::consts::LN_2 / bytes.max(1) as f64,
            perplexity,
            perplexity_se: sum.se.map(|se| perplexity * se / tokens),
        }
    }
}

impl ItemScore {
    /// Of an item whose pairs were measured, all of them and in order.
    pub(super) fn of(
        item: &ScoreItem,
        pairs: &[Pair],
        measured: &[Measured],
        settings: &MeasureSettings,
    ) -> Self {
        let both = measured.iter().zip(pairs);
        let scores: Vec<PairScore> = both
            .map(|(measured, pair)| PairScore::of(measured, pair, settings))
            .collect();
        match &item.text {
            ScoreText::Continuation { .. } => Self::Continuation(scores[0]),
            ScoreText::Whole(text) => Self::Text(TextScore::of(&scores, text.len())),
            ScoreText::Choices {
                choices, answer, ..
            } => {
                let ll = |at: usize| scores[at].ll;
                let norm = |at: usize| {
                    let characters = choices[at].trim_start().chars().count();
                    scores[at].ll / characters.max(1) as f64
                };
                let (best, best_norm) =
                    (first_best(scores.len(), ll), first_best(scores.len(), norm));
                Self::Choices(ChoicesScore {
                    undecided: is_undecided(best, measured, pairs, settings.pairing),
                    best,
                    best_norm,
                    answer: *answer,
                    right: answer.map(|answer| answer == best),
                    right_norm: answer.map(|answer| answer == best_norm),
                    choices: scores,
                })
            }
        }
    }

    /// What was chosen, and whether it is right where that is known.
    pub(in super::super) fn verdict(&self) -> (String, Option<bool>) {
        match self {
            Self::Choices(choices) => (choices.best.to_string(), choices.right),
            Self::Continuation(_) | Self::Text(_) => (String::new(), None),
        }
    }

    /// The log-likelihood: of the choice that was made, where there are several.
    pub(in super::super) fn ll(&self) -> f64 {
        match self {
            Self::Continuation(pair) => pair.ll,
            Self::Choices(choices) => choices.choices[choices.best].ll,
            Self::Text(text) => text.sum.ll,
        }
    }

    /// Forwards that it took.
    pub(in super::super) fn nfe(&self) -> usize {
        match self {
            Self::Continuation(pair) => pair.nfe,
            Self::Choices(choices) => choices.choices.iter().map(|it| it.nfe).sum(),
            Self::Text(text) => text.sum.nfe,
        }
    }
}

impl ChoicesScore {
    /// Of each choice, in order.
    pub(super) fn scores(&self) -> &[PairScore] {
        &self.choices
    }
}

impl ScoreRecord {
    pub(super) fn new(item: &ScoreItem, score: ItemScore, seconds: f64) -> Self {
        Self {
            line: item.line,
            sha256: item.sha256.clone(),
            id: item.id.clone(),
            task: item.task.clone(),
            score,
            seconds,
        }
    }
}

/// The first of the highest, as numpy's `argmax`.
fn first_best(count: usize, of: impl Fn(usize) -> f64) -> usize {
    (1..count).fold(0, |best, at| if of(at) > of(best) { at } else { best })
}

/// Whether another choice may as well be the best; `None` if an error that it takes is not known.
fn is_undecided(
    best: usize,
    measured: &[Measured],
    pairs: &[Pair],
    pairing: Pairing,
) -> Option<bool> {
    let lead = &measured[best].estimate;
    let mut others = measured.iter().zip(pairs).enumerate();
    others.try_fold(false, |undecided, (at, (other, pair))| {
        if at == best {
            return Some(undecided);
        }
        let is_alike = pairing == Pairing::SameLength
            && pair.continuation.len() == pairs[best].continuation.len();
        let error = match is_alike {
            true => lead.error_of_paired_difference(&other.estimate)?,
            false => lead.error_of_difference(&other.estimate)?,
        };
        // A lead of nothing decides nothing, however exact it is.
        Some(undecided || lead.mean - other.estimate.mean <= 2.0 * error)
    })
}

#[cfg(test)]
mod tests {
    use unmask_core::TokenId;
    use unmask_core::likelihood::LikelihoodEstimate;

    use super::*;

    fn measured(mean: f64, strata: &[f64], standard_error: Option<f64>) -> Measured {
        Measured {
            pair: 0,
            estimate: LikelihoodEstimate {
                mean,
                standard_error,
                strata: strata.to_vec(),
                nfe: 4,
            },
            greedy: None,
            nfe: 4,
        }
    }

    fn pairs(lengths: [usize; 2]) -> [Pair; 2] {
        lengths.map(|length| Pair {
            context: Vec::new(),
            continuation: vec![TokenId(1); length],
        })
    }

    #[test]
    fn what_moves_both_choices_alike_decides_between_them() {
        let both = [
            measured(-2.0, &[-1.0, -3.0], Some(1.0)),
            measured(-2.5, &[-1.5, -3.5], Some(1.0)),
        ];
        let of = |lengths, pairing| is_undecided(0, &both, &pairs(lengths), pairing);
        assert_eq!(of([2, 2], Pairing::SameLength), Some(false));
        assert_eq!(of([2, 2], Pairing::Independent), Some(true));
        assert_eq!(of([2, 3], Pairing::SameLength), Some(true));
        let alone = [measured(-2.0, &[-2.0], None), measured(-9.0, &[-9.0], None)];
        assert_eq!(
            is_undecided(0, &alone, &pairs([2, 3]), Pairing::SameLength),
            None
        );
    }

    #[test]
    fn a_result_is_read_as_it_was_written() {
        let item = ScoreItem {
            line: 3,
            sha256: "ab".to_owned(),
            id: Some(Value::from("q1")),
            task: None,
            text: ScoreText::Choices {
                context: "a".to_owned(),
                choices: vec![" b".to_owned(), " cd".to_owned()],
                answer: Some(1),
            },
        };
        let both = [
            measured(-2.0, &[], Some(0.0)),
            measured(-2.5, &[], Some(0.0)),
        ];
        let settings = MeasureSettings::default();
        let score = ItemScore::of(&item, &pairs([1, 1]), &both, &settings);
        let ItemScore::Choices(choices) = &score else {
            panic!("it is about choices");
        };
        assert_eq!(
            (choices.right, choices.right_norm),
            (Some(false), Some(true))
        );
        assert_eq!((choices.undecided, score.nfe()), (Some(false), 8));
        let record = ScoreRecord::new(&item, score, 0.5);
        let line = serde_json::to_string(&record).expect("it is plain data");
        let read: ScoreRecord = serde_json::from_str(&line).expect("it is one");
        assert_eq!(read, record);
    }

    #[test]
    fn a_text_sums_its_windows_and_their_squared_errors() {
        let window = |ll, se| PairScore {
            ll,
            se,
            tokens: 2,
            nfe: 8,
            draws: 8,
            greedy: None,
        };
        let text = TextScore::of(&[window(-3.0, Some(0.3)), window(-1.0, Some(0.4))], 8);
        assert_eq!((text.sum.ll, text.sum.tokens, text.windows), (-4.0, 4, 2));
        let error = text.sum.se.expect("both are known");
        assert!((error - 0.5).abs() < 1e-12, "{error}");
        assert!((text.perplexity - 1_f64.exp()).abs() < 1e-12, "{text:?}");
        let expected = 1_f64.exp() * 0.5 / 4.0;
        assert!(
            text.perplexity_se
                .is_some_and(|it| (it - expected).abs() < 1e-12)
        );
        assert_eq!(TextScore::of(&[window(-3.0, None)], 8).sum.se, None);
    }
}
