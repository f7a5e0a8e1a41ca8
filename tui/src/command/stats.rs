//! `unmask stats`: two runs over the same questions, compared question by question.

mod run_file;

use serde_json::{Map, Value, json};
use unmask_core::config::Environment;
use unmask_core::stats::{Comparison, Interval, mean_interval, questions_needed, wilson};

use super::eval::percents;
use super::table::table;
use super::{Usage, code, print};
use crate::cli::{StatsArguments, TableFormat};
use run_file::{AnswerMark, RunAnswer, RunFile};

/// Names the draws of the bootstrap.
const SEED: u64 = 0;
/// Below it a difference is not put down to chance.
const SIGNIFICANT: f64 = 0.05;

pub(super) fn run(environment: &Environment, arguments: &StatsArguments) -> anyhow::Result<u8> {
    let one = RunFile::open(&arguments.file, environment)?;
    let other = RunFile::open(&arguments.other, environment)?;
    let compared = Compared::new(&one, &other)?;
    let text = match arguments.format {
        TableFormat::Text => compared.text(),
        TableFormat::Json => format!("{}\n", compared.json()),
    };
    print(&text)?;
    Ok(code::DONE)
}

/// Two files over the same questions.
struct Compared<'a> {
    files: [&'a RunFile; 2],
    /// What both answered, in the order of the questions.
    pairs: Vec<[&'a RunAnswer; 2]>,
    difference: MarkDifference,
}

/// How the marks of two files differ.
enum MarkDifference {
    /// Of right answers.
    Rights(Comparison),
    /// Of numbers: the mean of the first less that of the other, by a bootstrap of the questions.
    Numbers { mean: f64, interval: Interval },
}

impl MarkDifference {
    /// `None` if one question is marked in two ways.
    fn of(pairs: &[[&RunAnswer; 2]]) -> Option<Self> {
        let right = |[a, b]: &[&RunAnswer; 2]| match (a.mark, b.mark) {
            (AnswerMark::Right(a), AnswerMark::Right(b)) => Some((a, b)),
            _ => None,
        };
        if let Some(rights) = pairs.iter().map(right).collect::<Option<Vec<_>>>() {
            return Some(Self::Rights(Comparison::of(&rights)));
        }
        // A measure of shares may be 0 or 1 for some questions.
        let number = |mark: AnswerMark| match mark {
            AnswerMark::Number(number) => number,
            AnswerMark::Right(is_right) => f64::from(u8::from(is_right)),
        };
        let is_number = |[a, b]: &[&RunAnswer; 2]| {
            [a, b]
                .iter()
                .any(|it| matches!(it.mark, AnswerMark::Number(number) if number < 0.0))
        };
        let are_ll = pairs.iter().any(is_number);
        let is_right = |[a, b]: &[&RunAnswer; 2]| {
            [a, b]
                .iter()
                .any(|it| matches!(it.mark, AnswerMark::Right(_)))
        };
        if are_ll && pairs.iter().any(is_right) {
            return None;
        }
        let gains = pairs.iter().map(|[a, b]| number(a.mark) - number(b.mark));
        let gains: Vec<f64> = gains.collect();
        Some(Self::Numbers {
            mean: gains.iter().sum::<f64>() / gains.len().max(1) as f64,
            interval: mean_interval(&gains, SEED),
        })
    }
}

impl<'a> Compared<'a> {
    fn new(one: &'a RunFile, other: &'a RunFile) -> Result<Self, Usage> {
        let refuse = |what: &str| {
            let files = format!("{} and {}", one.shown, other.shown);
            Err(Usage(format!(
                "{files} {what}; compare runs over one file of questions"
            )))
        };
        if let [Some(a), Some(b)] = [&one.questions, &other.questions]
            && a != b
        {
            return refuse("answer different files of questions");
        }
        let mut pairs = Vec::new();
        for it in &one.answers {
            let found = other
                .answers
                .binary_search_by_key(&it.number, |it| it.number);
            match found.map(|at| &other.answers[at]) {
                Ok(twin) if twin.task != it.task => {
                    return refuse(&format!("differ in the task of line {}", it.number));
                }
                Ok(twin) => match [&it.asked, &twin.asked] {
                    [Some(a), Some(b)] if a != b => {
                        return refuse(&format!("differ in the question of line {}", it.number));
                    }
                    _ => pairs.push([it, twin]),
                },
                // One of them was stopped before.
                Err(_) => (),
            }
        }
        if pairs.is_empty() {
            return refuse("have no question in common");
        }
        match MarkDifference::of(&pairs) {
            Some(difference) => Ok(Self {
                files: [one, other],
                pairs,
                difference,
            }),
            None => refuse("mark their answers in different ways"),
        }
    }

    /// Right answers of one of the files among the questions that both answered.
    fn right(&self, file: usize) -> usize {
        let right = |pair: &&[&RunAnswer; 2]| pair[file].mark == AnswerMark::Right(true);
        self.pairs.iter().filter(right).count()
    }

    /// The mean of one of the files' numbers.
    fn mean(&self, file: usize) -> f64 {
        let number = |pair: &[&RunAnswer; 2]| match pair[file].mark {
            AnswerMark::Number(number) => number,
            AnswerMark::Right(is_right) => f64::from(u8::from(is_right)),
        };
        self.pairs.iter().map(number).sum::<f64>() / self.pairs.len() as f64
    }

    /// Forwards a question, where all are known.
    fn forwards(&self, file: usize) -> Option<f64> {
        let nfe: Option<usize> = self.pairs.iter().map(|pair| pair[file].nfe).sum();
        Some(nfe? as f64 / self.pairs.len() as f64)
    }

    fn text(&self) -> String {
        let heading: &[&str] = match self.difference {
            MarkDifference::Rights(_) => &["", "accuracy", "95 %", "right"],
            MarkDifference::Numbers { .. } => &["", "mean", "questions"],
        };
        // Where neither says of forwards, there is no column of them.
        let forwards = [0, 1].map(|at| self.forwards(at));
        let nfe = forwards.iter().any(Option::is_some).then_some("NFE");
        let heading = heading.iter().copied().chain(nfe);
        let mut rows = vec![heading.map(str::to_owned).collect()];
        let questions = self.pairs.len();
        for (at, file) in self.files.iter().enumerate() {
            let mut row = vec![file.shown.clone()];
            match self.difference {
                MarkDifference::Rights(_) => {
                    let right = self.right(at);
                    row.push(format!("{:.1} %", 100.0 * right as f64 / questions as f64));
                    row.push(percents(wilson(right, questions)));
                    row.push(format!("{right}/{questions}"));
                }
                MarkDifference::Numbers { .. } => {
                    row.push(format!("{:.4}", self.mean(at)));
                    row.push(questions.to_string());
                }
            }
            row.extend(forwards[at].map(|nfe| format!("{nfe:.1}")));
            rows.push(row);
        }
        let mut text = table(&rows);
        text.push('\n');
        text.push_str(&self.verdict());
        text.push_str(&self.differing_settings());
        text.push_str(&self.flipped());
        text
    }

    /// `difference -3.0 points (-5.7 to -0.4), 12 won and 26 lost, p 0.034`, and what it does not show.
    fn verdict(&self) -> String {
        let comparison = match &self.difference {
            MarkDifference::Rights(comparison) => comparison,
            MarkDifference::Numbers { mean, interval } => {
                let Interval { low, high } = interval;
                let shown = match low * high > 0.0 {
                    true => "",
                    false => "no difference is shown, which is not to say that there is none\n",
                };
                return format!(
                    "difference {mean:+.4} ({low:+.4} to {high:+.4} with 95 %)\n{shown}"
                );
            }
        };
        let Comparison {
            won,
            lost,
            difference,
            interval: Interval { low, high },
            p,
            ..
        } = *comparison;
        let mut text = format!(
            "difference {:+.1} points ({:+.1} to {:+.1} with 95 %), {won} won and {lost} lost, p {p:.3}\n",
            100.0 * difference,
            100.0 * low,
            100.0 * high
        );
        if p >= SIGNIFICANT {
            text.push_str("no difference is shown, which is not to say that there is none");
            // Runs that never differ need a guess.
            let flipped = comparison.flipped();
            if let Some(needed) = questions_needed(flipped, 0.02).filter(|_| flipped > 0.0) {
                text.push_str(&format!(
                    ": one of 2 points would take about {needed} questions"
                ));
            }
            text.push('\n');
        }
        text
    }

    fn differing_settings(&self) -> String {
        let [one, other] = self.files.map(|file| &file.settings);
        let mut names: Vec<&String> = one.keys().chain(other.keys()).collect();
        names.sort_unstable();
        names.dedup();
        let said = |settings: &Map<String, Value>, name: &str| match settings.get(name) {
            Some(Value::String(text)) => text.clone(),
            Some(value) => value.to_string(),
            None => "off".to_owned(),
        };
        let differ = names
            .into_iter()
            .filter(|&name| one.get(name) != other.get(name));
        let lines =
            differ.map(|name| format!("{name}: {} and {}\n", said(one, name), said(other, name)));
        lines.collect()
    }

    fn flipped(&self) -> String {
        let sign = |[a, b]: &[&RunAnswer; 2]| match (a.mark, b.mark) {
            (AnswerMark::Right(true), AnswerMark::Right(false)) => Some("won"),
            (AnswerMark::Right(false), AnswerMark::Right(true)) => Some("lost"),
            _ => None,
        };
        let flipped = self
            .pairs
            .iter()
            .filter_map(|pair| Some((sign(pair)?, pair)));
        let lines = flipped.map(|(sign, [a, b])| {
            format!(
                "{sign}: line {}, {}: {:?} and {:?}\n",
                a.number, a.task, a.answer, b.answer
            )
        });
        lines.collect()
    }

    fn json(&self) -> Value {
        let questions = self.pairs.len();
        let file = |at: usize| {
            let file = self.files[at];
            json!({"file": file.shown, "settings": file.settings, "nfe": self.forwards(at)})
        };
        let mut files = [file(0), file(1)];
        match &self.difference {
            MarkDifference::Rights(comparison) => {
                for (at, file) in files.iter_mut().enumerate() {
                    let right = self.right(at);
                    let Interval { low, high } = wilson(right, questions);
                    file["right"] = json!(right);
                    file["accuracy"] = json!(right as f64 / questions as f64);
                    file["accuracy_95"] = json!([low, high]);
                }
                json!({
                    "files": files,
                    "questions": questions,
                    "won": comparison.won,
                    "lost": comparison.lost,
                    "difference": comparison.difference,
                    "difference_95": [comparison.interval.low, comparison.interval.high],
                    "p": comparison.p,
                })
            }
            MarkDifference::Numbers { mean, interval } => {
                for (at, file) in files.iter_mut().enumerate() {
                    file["mean"] = json!(self.mean(at));
                }
                json!({
                    "files": files,
                    "questions": questions,
                    "difference": mean,
                    "difference_95": [interval.low, interval.high],
                })
            }
        }
    }
}

#[cfg(test)]
mod tests;
