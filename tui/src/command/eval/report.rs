use std::collections::BTreeMap;

use serde_json::{Value, json};

use unmask_core::stats::{Interval, wilson};

use super::question::{Answered, EvalSettings};
use crate::command::table::table;

/// Sums over a set of answers.
#[derive(Default, Clone, Copy)]
struct Sums {
    questions: usize,
    right: usize,
    /// Where the whole canvas is judged: right in the visible answer alone.
    right_visible: Option<usize>,
    /// Forwards, and whether there are some that nobody counted.
    nfe: usize,
    is_uncounted: bool,
    committed: usize,
    text_tokens: usize,
    seconds: f64,
}

/// The result of an evaluation: per task and overall.
pub(super) struct EvalReport<'a> {
    settings: &'a EvalSettings,
    tasks: BTreeMap<&'a str, Sums>,
    all: Sums,
}

impl Sums {
    fn add(&mut self, done: &Answered) {
        self.questions += 1;
        self.right += usize::from(done.right);
        if let Some(right) = done.right_visible {
            self.right_visible = Some(self.right_visible.unwrap_or(0) + usize::from(right));
        }
        self.nfe += done.nfe.unwrap_or(0);
        self.is_uncounted |= done.nfe.is_none();
        self.committed += done.committed;
        self.text_tokens += done.text_tokens;
        self.seconds += done.seconds;
    }

    fn per(total: f64, of: usize) -> f64 {
        if of == 0 { 0.0 } else { total / of as f64 }
    }

    fn accuracy(&self) -> f64 {
        Self::per(self.right as f64, self.questions)
    }

    /// The forwards; `None` if nobody counted them, as of a server that tells text alone.
    fn counted_nfe(&self) -> Option<usize> {
        (!self.is_uncounted).then_some(self.nfe)
    }

    fn forwards(&self) -> Option<f64> {
        let nfe = self.counted_nfe()?;
        Some(Self::per(nfe as f64, self.questions))
    }

    fn tokens_per_forward(&self) -> Option<f64> {
        let nfe = self.counted_nfe()?;
        Some(Self::per(self.committed as f64, nfe))
    }

    fn text_tokens_per_forward(&self) -> Option<f64> {
        let nfe = self.counted_nfe()?;
        Some(Self::per(self.text_tokens as f64, nfe))
    }

    fn row(&self, name: &str) -> Vec<String> {
        let visible = self.right_visible.map(|it| format!(" ({it} visible)"));
        let visible = visible.unwrap_or_default();
        let number = |number: Option<f64>, digits: usize| match number {
            Some(number) => format!("{number:.digits$}"),
            None => "unknown".to_owned(),
        };
        vec![
            name.to_owned(),
            format!("{:.1} %", 100.0 * self.accuracy()),
            percents(wilson(self.right, self.questions)),
            format!("{}/{}{visible}", self.right, self.questions),
            number(self.forwards(), 1),
            number(self.tokens_per_forward(), 2),
            number(self.text_tokens_per_forward(), 2),
            format!("{:.2}", self.seconds),
        ]
    }

    fn object(&self) -> Value {
        let Interval { low, high } = wilson(self.right, self.questions);
        json!({
            "questions": self.questions,
            "right": self.right,
            "right_visible": self.right_visible,
            "accuracy": self.accuracy(),
            "accuracy_95": [low, high],
            "nfe": self.counted_nfe(),
            "nfe_per_answer": self.forwards(),
            "tokens_per_forward": self.tokens_per_forward(),
            "text_tokens_per_forward": self.text_tokens_per_forward(),
            "seconds": self.seconds,
        })
    }
}

/// `80.6–87.3`, of rates.
pub(in super::super) fn percents(Interval { low, high }: Interval) -> String {
    format!("{:.1}–{:.1}", 100.0 * low, 100.0 * high)
}

impl<'a> EvalReport<'a> {
    pub(super) fn new(settings: &'a EvalSettings, answered: &'a [Answered]) -> Self {
        let mut tasks: BTreeMap<&str, Sums> = BTreeMap::new();
        let mut all = Sums::default();
        for done in answered {
            tasks.entry(&done.task).or_default().add(done);
            all.add(done);
        }
        Self {
            settings,
            tasks,
            all,
        }
    }

    /// A table; `95 %` is where the accuracy lies with that confidence, were there more such questions; `tokens/NFE` counts all that the steps committed, `text/NFE` what a reader sees of it.
    pub(super) fn text(&self) -> String {
        let heading = [
            "task",
            "accuracy",
            "95 %",
            "right",
            "NFE",
            "tokens/NFE",
            "text/NFE",
            "seconds",
        ];
        let mut rows = vec![heading.map(str::to_owned).to_vec()];
        rows.extend(self.tasks.iter().map(|(task, sums)| sums.row(task)));
        rows.push(self.all.row("all"));
        table(&rows)
    }

    pub(super) fn json(&self) -> Value {
        let tasks: serde_json::Map<String, Value> = (self.tasks.iter())
            .map(|(task, sums)| ((*task).to_owned(), sums.object()))
            .collect();
        json!({ "settings": self.settings, "all": self.all.object(), "tasks": tasks })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forwards_that_nobody_counted_are_not_divided_by() {
        let mut sums = Sums {
            questions: 2,
            right: 1,
            text_tokens: 9,
            is_uncounted: true,
            ..Sums::default()
        };
        assert_eq!(sums.row("all")[4..7], ["unknown"; 3]);
        let unknown = [
            "nfe",
            "nfe_per_answer",
            "tokens_per_forward",
            "text_tokens_per_forward",
        ];
        assert!(unknown.iter().all(|&key| sums.object()[key].is_null()));
        (sums.is_uncounted, sums.nfe, sums.committed) = (false, 6, 12);
        assert_eq!(sums.row("all")[4..7], ["3.0", "2.00", "1.50"]);
        assert_eq!(sums.object()["nfe"], 6);
    }
}
