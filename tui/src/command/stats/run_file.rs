//! Files of answers, whoever wrote them.

use std::path::Path;

use serde_json::{Map, Value, json};
use unmask_core::config::Environment;
use unmask_core::json_fault;
use unmask_core::regular_file::{self, LARGE};

use crate::command::bench::{self, BenchRecord, BenchSettings};
use crate::command::eval::{self, Answered, EvalSettings};
use crate::command::records::{LineRecord, read};
use crate::command::score::{self, ScoreRecord, ScoreSettings};
use crate::command::{Usage, prompt};

/// A run over questions.
pub(super) struct RunFile {
    pub(super) shown: String,
    /// The hash of the questions, where it is known.
    pub(super) questions: Option<String>,
    /// By name; what is off is as good as unsaid.
    pub(super) settings: Map<String, Value>,
    /// In the order of the questions.
    pub(super) answers: Vec<RunAnswer>,
}

/// What a run made of a question.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct RunAnswer {
    /// The question's number.
    pub(super) number: usize,
    pub(super) task: String,
    /// A hash of the question, where it is known.
    pub(super) asked: Option<String>,
    pub(super) answer: String,
    pub(super) mark: AnswerMark,
    /// Forwards, where they are known.
    pub(super) nfe: Option<usize>,
}

/// How good an answer is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum AnswerMark {
    /// Right or wrong.
    Right(bool),
    /// A number, such as a log-likelihood.
    Number(f64),
}

/// Behind a bench's file, before the mode that is meant.
const OF_MODE: char = '@';

impl RunFile {
    /// Reads a file of `eval --out`, `score --out`, `bench --out` with a mode behind `@`, or the harness's samples.
    pub(super) fn open(path: &Path, environment: &Environment) -> Result<Self, Usage> {
        let shown = path.display().to_string();
        let named = shown.rsplit_once(OF_MODE);
        let (file, mode) = match named.filter(|_| !environment.expand(path).exists()) {
            Some((file, mode)) => (Path::new(file), Some(mode)),
            None => (path, None),
        };
        let expanded = environment.expand(file);
        let of = Self::of(&expanded, mode);
        let mut run = of.map_err(|what| Usage(format!("{shown}: {what}")))?;
        run.shown = shown;
        run.answers.sort_by_key(|it| it.number);
        Ok(run)
    }

    fn of(path: &Path, mode: Option<&str>) -> Result<Self, String> {
        let bytes = regular_file::read(path, LARGE);
        let bytes = bytes.map_err(|error| format!("cannot be read: {error}"))?;
        let text = String::from_utf8_lossy(&bytes);
        let first = prompt::without_mark(&text).lines().next().unwrap_or("");
        let first: Map<String, Value> = serde_json::from_str(first).unwrap_or_default();
        match mode {
            _ if first.contains_key("modes") => of_bench(path, mode),
            Some(_) => Err("it holds no modes; name the file alone".to_owned()),
            None if first.contains_key("doc_id") => of_samples(&text),
            None if first.contains_key("measure") => of_score(path),
            None => of_eval(path),
        }
    }
}

fn of_eval(path: &Path) -> Result<RunFile, String> {
    let read = read::<EvalSettings, Answered>(path, eval::WORDS)?;
    let answer = |it: &Answered| RunAnswer {
        number: it.line(),
        task: it.task.clone(),
        asked: it.asked.clone(),
        answer: it.answer.clone(),
        mark: AnswerMark::Right(it.right),
        nfe: it.nfe,
    };
    Ok(RunFile {
        shown: String::new(),
        questions: read.settings.questions.clone(),
        settings: read.settings.said(),
        answers: read.records.iter().map(answer).collect(),
    })
}

fn of_bench(path: &Path, mode: Option<&str>) -> Result<RunFile, String> {
    let read = read::<BenchSettings, BenchRecord>(path, bench::WORDS)?;
    if read.settings.seeds.get() > 1 {
        return Err("it holds several answers a question; `bench` itself compares them".to_owned());
    }
    let modes: Vec<String> = read
        .settings
        .modes
        .iter()
        .map(ToString::to_string)
        .collect();
    let at = mode.and_then(|mode| modes.iter().position(|it| it == mode));
    let Some(at) = at else {
        let known = modes.join(", ");
        return Err(format!(
            "write {OF_MODE} and a mode behind the file; it has {known}"
        ));
    };
    let answer = |it: &BenchRecord| {
        let of_mode = it.answers.get(at)?;
        Some(RunAnswer {
            number: it.line,
            task: it.task.clone(),
            asked: Some(it.asked.clone()),
            answer: of_mode.answer.clone(),
            mark: AnswerMark::Right(of_mode.right?),
            nfe: Some(of_mode.nfe),
        })
    };
    let mut settings = read.settings.said();
    settings.insert("mode".to_owned(), json!(modes[at]));
    let answers: Option<Vec<RunAnswer>> = read.records.iter().map(answer).collect();
    Ok(RunFile {
        shown: String::new(),
        questions: Some(read.settings.questions.clone()),
        settings,
        answers: answers.ok_or("its questions have no right answers")?,
    })
}

fn of_score(path: &Path) -> Result<RunFile, String> {
    let read = read::<ScoreSettings, ScoreRecord>(path, score::WORDS)?;
    let answer = |it: &ScoreRecord| {
        let (answer, right) = it.score.verdict();
        RunAnswer {
            number: it.line,
            task: it.task.clone().unwrap_or_else(|| "-".to_owned()),
            asked: Some(it.sha256.clone()),
            mark: right.map_or(AnswerMark::Number(it.score.ll()), AnswerMark::Right),
            answer,
            nfe: Some(it.score.nfe()),
        }
    };
    let settings = json!(read.settings);
    let settings = settings.as_object().cloned().unwrap_or_default();
    Ok(RunFile {
        shown: String::new(),
        questions: None,
        settings: flat(settings),
        answers: read.records.iter().map(answer).collect(),
    })
}

/// Settings within settings beside the others.
fn flat(settings: Map<String, Value>) -> Map<String, Value> {
    let mut out = Map::new();
    for (name, value) in settings {
        match value {
            Value::Object(inner) => out.extend(inner),
            Value::Null => (),
            value => drop(out.insert(name, value)),
        }
    }
    out
}

/// The harness's `samples_TASK_….jsonl`, by the first metric that each names.
fn of_samples(text: &str) -> Result<RunFile, String> {
    let mut answers: Vec<RunAnswer> = Vec::new();
    let mut metric = String::new();
    for (index, line) in prompt::without_mark(text).lines().enumerate() {
        let damaged = |what: &str| format!("line {}: {what}", index + 1);
        let sample: Value =
            serde_json::from_str(line).map_err(|error| damaged(&json_fault(&error)))?;
        let number = sample["doc_id"]
            .as_u64()
            .ok_or_else(|| damaged("it has no `doc_id`"))?;
        let name = sample["metrics"][0].as_str();
        name.ok_or_else(|| damaged("it names no `metrics`"))?
            .clone_into(&mut metric);
        let value = sample[&metric].as_f64();
        let value = value.ok_or_else(|| damaged(&format!("its `{metric}` is no number")))?;
        let answer = RunAnswer {
            number: number as usize,
            task: String::new(),
            asked: sample["doc_hash"].as_str().map(str::to_owned),
            answer: sample["filtered_resps"].to_string(),
            mark: match value {
                0.0 | 1.0 => AnswerMark::Right(value == 1.0),
                value => AnswerMark::Number(value),
            },
            nfe: None,
        };
        // A filter's samples follow those of the one before.
        if answers.iter().all(|it| it.number != answer.number) {
            answers.push(answer);
        }
    }
    let settings = [("metric".to_owned(), json!(metric))];
    Ok(RunFile {
        shown: String::new(),
        questions: None,
        settings: settings.into_iter().collect(),
        answers,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_harness_s_samples_are_marked_by_their_first_metric() {
        let sample = |id: u64, acc: f64| {
            json!({"doc_id": id, "doc_hash": format!("h{id}"), "metrics": ["acc", "acc_norm"], "acc": acc,
                "acc_norm": 0.0, "filtered_resps": [["-1.5", "False"]]})
            .to_string()
        };
        let text = [sample(3, 1.0), sample(1, 0.0), sample(3, 0.0)].join("\n");
        let run = of_samples(&text).expect("they are samples");
        let marks: Vec<(usize, AnswerMark)> =
            run.answers.iter().map(|it| (it.number, it.mark)).collect();
        assert_eq!(
            marks,
            [(3, AnswerMark::Right(true)), (1, AnswerMark::Right(false))]
        );
        assert_eq!(run.answers[0].asked.as_deref(), Some("h3"));
        let error = of_samples("{\"doc_id\":1}").err();
        assert_eq!(error.as_deref(), Some("line 1: it names no `metrics`"));
        let error = of_samples(&format!("{}\n{{", sample(1, 1.0))).err();
        let told = "line 2: EOF while parsing an object at column 1";
        assert_eq!(error.as_deref(), Some(told));
    }
}
