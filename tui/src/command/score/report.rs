use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use unmask_core::stats::wilson;

use super::record::{ItemScore, PairScore, ScoreRecord, ScoreSettings};
use crate::command::eval::percents;
use crate::command::table::table;

/// Under every number of a whole text.
const BOUND: &str =
    "perplexity is an upper bound by Monte Carlo; not comparable with an autoregressive model's";

/// Sums over a set of results.
#[derive(Default, Clone, Copy)]
struct ScoreSums {
    items: usize,
    /// Items with choices of which the right one is known.
    judged: usize,
    right: usize,
    right_norm: usize,
    undecided: usize,
    nfe: usize,
    seconds: f64,
}

/// All results: each of them, per task and overall.
pub(super) struct ScoreReport<'a> {
    settings: &'a ScoreSettings,
    records: &'a [ScoreRecord],
    tasks: BTreeMap<&'a str, ScoreSums>,
    all: ScoreSums,
}

impl ScoreSums {
    fn add(&mut self, record: &ScoreRecord) {
        self.items += 1;
        self.nfe += record.score.nfe();
        self.seconds += record.seconds;
        if let ItemScore::Choices(choices) = &record.score {
            self.judged += usize::from(choices.right.is_some());
            self.right += usize::from(choices.right == Some(true));
            self.right_norm += usize::from(choices.right_norm == Some(true));
            self.undecided += usize::from(choices.undecided == Some(true));
        }
    }

    fn row(&self, name: &str) -> Vec<String> {
        let rate = |right: usize| match self.judged {
            0 => String::new(),
            judged => {
                let percent = 100.0 * right as f64 / judged as f64;
                format!("{percent:.1} % ({})", percents(wilson(right, judged)))
            }
        };
        vec![
            name.to_owned(),
            self.items.to_string(),
            rate(self.right),
            rate(self.right_norm),
            self.undecided.to_string(),
            self.nfe.to_string(),
            format!("{:.2}", self.seconds),
        ]
    }

    fn object(&self) -> Value {
        let mut object = json!({
            "items": self.items,
            "undecided": self.undecided,
            "nfe": self.nfe,
            "seconds": self.seconds,
        });
        if self.judged > 0 {
            for (name, right) in [("accuracy", self.right), ("accuracy_norm", self.right_norm)] {
                let interval = wilson(right, self.judged);
                object[name] = json!(right as f64 / self.judged as f64);
                object[format!("{name}_95")] = json!([interval.low, interval.high]);
            }
            object["judged"] = json!(self.judged);
        }
        object
    }
}

impl<'a> ScoreReport<'a> {
    pub(super) fn new(settings: &'a ScoreSettings, records: &'a [ScoreRecord]) -> Self {
        let mut tasks: BTreeMap<&str, ScoreSums> = BTreeMap::new();
        let mut all = ScoreSums::default();
        for record in records {
            let task = record.task.as_deref().unwrap_or("-");
            tasks.entry(task).or_default().add(record);
            all.add(record);
        }
        Self {
            settings,
            records,
            tasks,
            all,
        }
    }

    /// A table of the results, and one of what they come to.
    pub(super) fn text(&self) -> String {
        let heading = ["text", "log-likelihood", "error", "tokens", "NFE", ""];
        let mut rows = vec![heading.map(str::to_owned).to_vec()];
        rows.extend(self.records.iter().flat_map(|it| self.rows(it)));
        let mut text = table(&rows);
        if (self.records.iter()).any(|it| matches!(it.score, ItemScore::Text(_))) {
            text.push_str(&format!("{BOUND}\n"));
        }
        if self.records.len() > 1 {
            let heading = [
                "task",
                "texts",
                "accuracy (95 %)",
                "by length (95 %)",
                "undecided",
                "NFE",
                "seconds",
            ];
            let mut rows = vec![heading.map(str::to_owned).to_vec()];
            if self.tasks.len() > 1 {
                rows.extend(self.tasks.iter().map(|(task, sums)| sums.row(task)));
            }
            rows.push(self.all.row("all"));
            text.push('\n');
            text.push_str(&table(&rows));
        }
        text
    }

    /// A row, or one for each choice of the only item.
    fn rows(&self, record: &ScoreRecord) -> Vec<Vec<String>> {
        let name = match record.line {
            0 => String::new(),
            line => line.to_string(),
        };
        match &record.score {
            ItemScore::Continuation(pair) => vec![row(name, pair, greedy(pair).to_owned())],
            ItemScore::Text(text) => {
                let error = text.perplexity_se.map(|se| format!(" ± {se:.3}"));
                let words = format!(
                    "perplexity {:.3}{}, {:.3} nat a token, {:.3} bits a byte",
                    text.perplexity,
                    error.unwrap_or_default(),
                    text.nats_per_token,
                    text.bits_per_byte
                );
                vec![row(name, &text.sum, words)]
            }
            ItemScore::Choices(choices) => {
                let words = |at: usize| {
                    let is = |yes: bool, word: &'static str| yes.then_some(word);
                    let words = [
                        is(at == choices.best, "best"),
                        is(at == choices.best_norm, "best by length"),
                        is(
                            at == choices.best && choices.undecided == Some(true),
                            "undecided",
                        ),
                        is(at == choices.best && choices.right == Some(true), "right"),
                        is(at == choices.best && choices.right == Some(false), "wrong"),
                    ];
                    words.into_iter().flatten().collect::<Vec<_>>().join(", ")
                };
                let label =
                    |at: usize| format!("{name}{}{at}", if name.is_empty() { "" } else { "." });
                let each = choices.scores().iter().enumerate();
                let shown = each.filter(|(at, _)| self.records.len() == 1 || *at == choices.best);
                shown
                    .map(|(at, pair)| row(label(at), pair, words(at)))
                    .collect()
            }
        }
    }

    /// What all results come to.
    pub(super) fn summary(&self) -> Map<String, Value> {
        let tasks: Map<String, Value> = (self.tasks.iter())
            .map(|(task, sums)| ((*task).to_owned(), sums.object()))
            .collect();
        let parts = [
            ("settings", json!(self.settings)),
            ("all", self.all.object()),
            ("tasks", Value::Object(tasks)),
        ];
        parts
            .map(|(name, part)| (name.to_owned(), part))
            .into_iter()
            .collect()
    }

    pub(super) fn json(&self) -> Value {
        let mut object = self.summary();
        object.insert("texts".to_owned(), json!(self.records));
        Value::Object(object)
    }
}

fn row(name: String, pair: &PairScore, words: String) -> Vec<String> {
    vec![
        name,
        format!("{:.4}", pair.ll),
        pair.se.map_or("?".to_owned(), |se| format!("{se:.4}")),
        pair.tokens.to_string(),
        pair.nfe.to_string(),
        words,
    ]
}

fn greedy(pair: &PairScore) -> &'static str {
    match pair.greedy {
        Some(true) => "greedy",
        Some(false) => "not greedy",
        None => "",
    }
}
