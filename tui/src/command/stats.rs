//! `unmask stats`: two runs over the same questions, compared question by question.

use std::path::Path;

use serde_json::{Map, Value, json};
use unmask_core::config::Environment;
use unmask_core::stats::{Comparison, Interval, questions_needed, wilson};

use super::eval::{Answered, EvalSettings, WORDS, percents};
use super::records::{Recorded, read};
use super::table::table;
use super::{Usage, code, print};
use crate::cli::{StatsArguments, TableFormat};

/// Names the draws of the bootstrap.
const SEED: u64 = 0;
/// Below it a difference is not put down to chance.
const SIGNIFICANT: f64 = 0.05;

pub(super) fn run(environment: &Environment, arguments: &StatsArguments) -> anyhow::Result<u8> {
    let one = AnswerFile::open(&arguments.file, environment)?;
    let other = AnswerFile::open(&arguments.other, environment)?;
    let compared = Compared::new(&one, &other)?;
    let text = match arguments.format {
        TableFormat::Text => compared.text(),
        TableFormat::Json => format!("{}\n", compared.json()),
    };
    print(&text)?;
    Ok(code::DONE)
}

/// A file of `eval --out`.
struct AnswerFile {
    shown: String,
    settings: EvalSettings,
    answered: Vec<Answered>,
}

/// Two files over the same questions.
struct Compared<'a> {
    files: [&'a AnswerFile; 2],
    /// What both answered, in the order of the questions.
    pairs: Vec<[&'a Answered; 2]>,
    comparison: Comparison,
}

impl AnswerFile {
    fn open(path: &Path, environment: &Environment) -> Result<Self, Usage> {
        let shown = path.display().to_string();
        let read = read(&environment.expand(path), WORDS);
        let read: Recorded<EvalSettings, Answered> =
            read.map_err(|what| Usage(format!("{shown}: {what}")))?;
        let mut answered = read.records;
        answered.sort_by_key(|it| it.line);
        Ok(Self {
            shown,
            settings: read.settings,
            answered,
        })
    }
}

impl<'a> Compared<'a> {
    fn new(one: &'a AnswerFile, other: &'a AnswerFile) -> Result<Self, Usage> {
        let refuse = |what: &str| {
            let files = format!("{} and {}", one.shown, other.shown);
            Err(Usage(format!(
                "{files} {what}; compare runs over one file of questions"
            )))
        };
        let questions = [&one.settings.questions, &other.settings.questions];
        if let [Some(a), Some(b)] = questions
            && a != b
        {
            return refuse("answer different files of questions");
        }
        let mut pairs = Vec::new();
        for it in &one.answered {
            let found = other.answered.binary_search_by_key(&it.line, |it| it.line);
            match found.map(|at| &other.answered[at]) {
                Ok(twin) if twin.task == it.task => pairs.push([it, twin]),
                Ok(_) => return refuse(&format!("differ in the task of line {}", it.line)),
                // One of them was stopped before.
                Err(_) => (),
            }
        }
        if pairs.is_empty() {
            return refuse("have no question in common");
        }
        let rights: Vec<(bool, bool)> = pairs.iter().map(|[a, b]| (a.right, b.right)).collect();
        Ok(Self {
            files: [one, other],
            comparison: Comparison::of(&rights, SEED),
            pairs,
        })
    }

    /// Right answers of one of the files among the questions that both answered.
    fn right(&self, file: usize) -> usize {
        self.pairs.iter().filter(|pair| pair[file].right).count()
    }

    fn text(&self) -> String {
        let heading = ["", "accuracy", "95 %", "right", "NFE"];
        let mut rows = vec![heading.map(str::to_owned).to_vec()];
        let questions = self.pairs.len();
        for (at, file) in self.files.iter().enumerate() {
            let right = self.right(at);
            let nfe: usize = self.pairs.iter().map(|pair| pair[at].nfe).sum();
            rows.push(vec![
                file.shown.clone(),
                format!("{:.1} %", 100.0 * right as f64 / questions as f64),
                percents(wilson(right, questions)),
                format!("{right}/{questions}"),
                format!("{:.1}", nfe as f64 / questions as f64),
            ]);
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
        let Comparison {
            won,
            lost,
            difference,
            interval: Interval { low, high },
            p,
            ..
        } = self.comparison;
        let mut text = format!(
            "difference {:+.1} points ({:+.1} to {:+.1} with 95 %), {won} won and {lost} lost, p {p:.3}\n",
            100.0 * difference,
            100.0 * low,
            100.0 * high
        );
        if p >= SIGNIFICANT {
            text.push_str("no difference is shown, which is not to say that there is none");
            // Runs that never differ need a guess.
            let flipped = self.comparison.flipped();
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
        let [one, other] = self.files.map(|file| file.settings.said());
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
            differ.map(|name| format!("{name}: {} and {}\n", said(&one, name), said(&other, name)));
        lines.collect()
    }

    fn flipped(&self) -> String {
        let flipped = self.pairs.iter().filter(|[a, b]| a.right != b.right);
        let lines = flipped.map(|[a, b]| {
            let sign = if a.right { "won" } else { "lost" };
            format!(
                "{sign}: line {}, {}: {:?} and {:?}\n",
                a.line, a.task, a.answer, b.answer
            )
        });
        lines.collect()
    }

    fn json(&self) -> Value {
        let Comparison {
            questions,
            won,
            lost,
            difference,
            interval: Interval { low, high },
            p,
        } = self.comparison;
        let files = [0, 1].map(|at| {
            let right = self.right(at);
            let Interval { low, high } = wilson(right, questions);
            json!({
                "file": self.files[at].shown,
                "settings": self.files[at].settings.said(),
                "right": right,
                "accuracy": right as f64 / questions as f64,
                "accuracy_95": [low, high],
            })
        });
        json!({
            "files": files,
            "questions": questions,
            "won": won,
            "lost": lost,
            "difference": difference,
            "difference_95": [low, high],
            "p": p,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(precision: &str, rights: &[bool]) -> AnswerFile {
        let settings =
            json!({"model": "demo", "backend": "candle", "precision": precision, "steps": 8});
        let answered = (1..).zip(rights).map(|(line, right)| {
            let answer = json!({"line": line, "task": "add", "answer": if *right { "4" } else { "5" },
                "right": right, "nfe": 4, "committed": 9, "text_tokens": 1, "seconds": 0.5});
            serde_json::from_value(answer).expect("it is an answer")
        });
        AnswerFile {
            shown: format!("{precision}.jsonl"),
            settings: serde_json::from_value(settings).expect("they are settings"),
            answered: answered.collect(),
        }
    }

    #[test]
    fn what_flipped_and_what_was_set_otherwise_is_told() {
        let one = file("int8", &[true, false, true, true]);
        let other = file("f32", &[true, true, true, true, false]);
        let compared = Compared::new(&one, &other).expect("they go together");
        let text = compared.text();
        for part in [
            "int8.jsonl  75.0 %    30.1–95.4   3/4    4.0",
            "f32.jsonl   100.0 %   51.0–100.0  4/4    4.0",
            "difference -25.0 points (-75.0 to +0.0 with 95 %), 0 won and 1 lost, p 1.000",
            "one of 2 points would take about 3865 questions",
            "precision: int8 and f32\nlost: line 2, add: \"5\" and \"4\"\n",
        ] {
            assert!(text.contains(part), "{part} is missing in\n{text}");
        }
        let json = compared.json();
        assert_eq!((&json["questions"], &json["lost"]), (&json!(4), &json!(1)));
    }

    #[test]
    fn other_questions_are_refused() {
        let refusal = |one: &AnswerFile, other: &AnswerFile| {
            let refused = Compared::new(one, other).err();
            refused.map_or(String::new(), |error| error.to_string())
        };
        let (mut one, mut other) = (file("a", &[true]), file("b", &[true]));
        assert_eq!(refusal(&one, &other), "");
        other.answered[0].task = "capital".to_owned();
        assert!(refusal(&one, &other).contains("task of line 1"));
        other.answered.clear();
        assert!(refusal(&one, &other).contains("no question in common"));
        one.settings.questions = Some("12".to_owned());
        other.settings.questions = Some("34".to_owned());
        assert!(refusal(&one, &other).contains("different files of questions"));
    }
}
