use serde_json::{Value, json};
use unmask_core::measured::{Accuracy, Agreement, DenoisingMode, Difference, MeasuredMode, Spread};
use unmask_core::stats::{Comparison, Interval, mean_interval, quantile, wilson};

use super::record::{BenchRecord, ModeAnswer};
use crate::command::eval::percents;

/// Names the resamples of questions.
const SEED: u64 = 0;

/// One mode.
pub(super) struct ModeReport {
    pub(super) measured: MeasuredMode,
    /// Of the mean of forwards, by questions.
    forwards_interval: Interval,
    /// Of the share of answers that are those of exact decoding.
    same_interval: Interval,
    /// How far the accuracies of single seeds lie apart: their standard deviation. Nothing for one seed.
    over_seeds: Option<f64>,
    /// McNemar's p, with all modes that were tried taken together.
    pub(super) p_holm: Option<f64>,
    /// Tokens that steps wrote, end tokens included.
    committed: usize,
    /// Those of the visible answers.
    visible: usize,
    pub(super) forwards: usize,
    pub(super) seconds: f64,
}

impl ModeReport {
    pub(super) fn new(
        mode: &DenoisingMode,
        at: usize,
        seeds: usize,
        records: &[BenchRecord],
    ) -> Self {
        let of = |at: usize| records.iter().flat_map(move |it| it.of_mode(at, seeds));
        let answers = || of(at);
        let pairs = || of(at).zip(of(0));
        let sum = |of: fn(&ModeAnswer) -> usize| answers().map(of).sum::<usize>();
        let share = |of: usize, all: usize| of as f64 / all.max(1) as f64;
        let agreements = pairs().map(|(one, exact)| one.agreement(exact));
        let [placed, aligned, longest] = agreements.fold([0; 3], |sums, it| {
            [0, 1, 2].map(|part| sums[part] + it[part])
        });
        let same: Vec<f64> = pairs()
            .map(|(one, exact)| f64::from(u8::from(one.answer == exact.answer)))
            .collect();
        let forwards_each: Vec<f64> = answers().map(|it| it.nfe as f64).collect();
        let rights = pairs().map(|(one, exact)| Some((one.right?, exact.right?)));
        let rights: Option<Vec<(bool, bool)>> = rights.collect();
        let rights = rights.filter(|it| !it.is_empty());
        let rights = rights.as_deref();
        let forwards = sum(|it| it.nfe);
        let measured = MeasuredMode {
            mode: mode.clone(),
            forwards: spread(answers().map(|it| it.nfe as f64)),
            fed_a_forward: share(sum(|it| it.fed), forwards),
            seconds: spread(answers().map(|it| it.seconds)),
            agreement: Agreement {
                tokens: match longest {
                    0 => 1.0,
                    _ => share(placed, longest),
                },
                aligned: match longest {
                    0 => 1.0,
                    _ => share(aligned, longest),
                },
                answers: share(same.iter().sum::<f64>() as usize, same.len()),
            },
            accuracy: rights.map(|it| accuracy(it, seeds)),
            difference: rights.filter(|_| at > 0).map(|it| difference(it, seeds)),
        };
        Self {
            measured,
            forwards_interval: mean_interval(&by_question(&forwards_each, seeds), SEED),
            same_interval: match seeds {
                1 => wilson(same.iter().sum::<f64>() as usize, same.len()),
                _ => mean_interval(&by_question(&same, seeds), SEED),
            },
            over_seeds: rights
                .filter(|_| seeds > 1)
                .map(|it| deviation_of_seeds(it, seeds)),
            p_holm: None,
            committed: sum(|it| it.committed),
            visible: sum(|it| it.tokens.len()),
            forwards,
            seconds: answers().map(|it| it.seconds).sum(),
        }
    }

    pub(super) fn speed_row(&self, exact: usize) -> Vec<String> {
        let MeasuredMode {
            mode,
            forwards,
            seconds,
            ..
        } = &self.measured;
        let saved = 100.0 * (1.0 - self.forwards as f64 / exact.max(1) as f64);
        let per = |of: usize, what: f64| of as f64 / what.max(f64::MIN_POSITIVE);
        vec![
            mode.to_string(),
            format!("{:.1}", forwards.mean),
            match self.forwards > 0 {
                true => format!(
                    "{:.1}–{:.1}",
                    self.forwards_interval.low, self.forwards_interval.high
                ),
                false => String::new(),
            },
            format!("{:.0}", forwards.p90),
            format!("{saved:.0} %"),
            format!("{:.2}", per(self.committed, self.forwards as f64)),
            format!("{:.2}", per(self.visible, self.forwards as f64)),
            format!("{:.3}", seconds.median),
            format!("{:.3}", seconds.p90),
            format!("{:.0}", per(self.visible, self.seconds)),
            format!("{:.0}", per(self.committed, self.seconds)),
        ]
    }

    /// `answered` are the answers of all questions and seeds.
    pub(super) fn loss_row(&self, answered: usize) -> Vec<String> {
        let MeasuredMode {
            mode,
            agreement,
            accuracy,
            difference,
            ..
        } = &self.measured;
        let percent = |share: f64| format!("{:.1} %", 100.0 * share);
        let is_exact = mode.is_exact();
        let mut row = vec![mode.to_string()];
        row.push(if is_exact { "" } else { "approximate" }.to_owned());
        let agreement = [agreement.tokens, agreement.aligned, agreement.answers];
        row.extend(agreement.map(|share| match is_exact {
            true => String::new(),
            false => percent(share),
        }));
        row.push(match is_exact {
            true => String::new(),
            false => percents(self.same_interval),
        });
        if let Some(Accuracy { right, low, high }) = *accuracy {
            let interval = Interval { low, high };
            let share = percent(right as f64 / answered.max(1) as f64);
            row.push(match self.over_seeds {
                Some(deviation) => format!("{share} ± {:.1}", 100.0 * deviation),
                None => share,
            });
            row.push(percents(interval));
        }
        if let Some(it) = difference {
            row.push(format!("{:+.1}", 100.0 * it.mean));
            row.push(format!("{:+.1} to {:+.1}", 100.0 * it.low, 100.0 * it.high));
            row.push(format!("{}/{}", it.won, it.lost));
            row.push(format!("{:.3}", it.p));
            row.extend(self.p_holm.map(|p| format!("{p:.3}")));
        }
        row
    }

    pub(super) fn json(&self) -> Value {
        let mut object = json!(self.measured);
        object["approximate"] = json!(!self.measured.mode.is_exact());
        object["over_seeds"] = json!(self.over_seeds);
        object["p_of_all"] = json!(self.p_holm);
        let interval = |it: Interval| json!({"low": it.low, "high": it.high});
        object["forwards"]["interval"] = interval(self.forwards_interval);
        object["agreement"]["answers_interval"] = interval(self.same_interval);
        object["committed"] = json!(self.committed);
        object["text_tokens"] = json!(self.visible);
        object
    }
}

fn spread(values: impl Iterator<Item = f64>) -> Spread {
    let values: Vec<f64> = values.collect();
    if values.is_empty() {
        return Spread {
            mean: 0.0,
            median: 0.0,
            p90: 0.0,
        };
    }
    Spread {
        mean: values.iter().sum::<f64>() / values.len() as f64,
        median: quantile(&values, 0.5),
        p90: quantile(&values, 0.9),
    }
}

/// The mean of each question's values, so many of each.
fn by_question(values: &[f64], seeds: usize) -> Vec<f64> {
    let questions = values.chunks_exact(seeds);
    questions
        .map(|it| it.iter().sum::<f64>() / seeds as f64)
        .collect()
}

/// Of each question the shares of its answers that are right, in the mode and in exact decoding.
fn shares(rights: &[(bool, bool)], seeds: usize) -> Vec<(f64, f64)> {
    let share = |of: usize| of as f64 / seeds as f64;
    let questions = rights.chunks_exact(seeds);
    let shares = questions.map(|it| {
        let (one, exact) = (it.iter().filter(|it| it.0), it.iter().filter(|it| it.1));
        (share(one.count()), share(exact.count()))
    });
    shares.collect()
}

/// The standard deviation of the accuracies of single seeds.
fn deviation_of_seeds(rights: &[(bool, bool)], seeds: usize) -> f64 {
    let of_seed = |seed: usize| rights.iter().skip(seed).step_by(seeds);
    let accuracy = |seed| {
        let right = of_seed(seed).filter(|it| it.0).count();
        right as f64 * seeds as f64 / rights.len() as f64
    };
    let values: Vec<f64> = (0..seeds).map(accuracy).collect();
    let mean = values.iter().sum::<f64>() / seeds as f64;
    let squares = values.iter().map(|it| (it - mean).powi(2));
    (squares.sum::<f64>() / (seeds - 1) as f64).sqrt()
}

fn accuracy(rights: &[(bool, bool)], seeds: usize) -> Accuracy {
    let right = rights.iter().filter(|it| it.0).count();
    let interval = match seeds {
        1 => wilson(right, rights.len()),
        _ => {
            let shares: Vec<f64> = shares(rights, seeds).iter().map(|it| it.0).collect();
            mean_interval(&shares, SEED)
        }
    };
    Accuracy {
        right,
        low: interval.low,
        high: interval.high,
    }
}

fn difference(rights: &[(bool, bool)], seeds: usize) -> Difference {
    let Comparison {
        won,
        lost,
        difference,
        interval,
        p,
        ..
    } = match seeds {
        1 => Comparison::of(rights),
        _ => Comparison::of_shares(&shares(rights, seeds), SEED),
    };
    Difference {
        mean: difference,
        low: interval.low,
        high: interval.high,
        won,
        lost,
        p,
    }
}
