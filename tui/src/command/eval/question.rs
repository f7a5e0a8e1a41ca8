use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};
use unmask_core::engine::{Failure, FailureKind, Loaded, Message, Outcome, Role};
use unmask_core::json_fault;
use unmask_core::regular_file::is_there;
use unmask_core::sampler::FittedParams;
use unmask_core::settings::object;

use super::grade::{Grade, Over};
use crate::command::records::LineRecord;
use crate::command::{Usage, prompt};

/// One line of the file of questions.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in super::super) struct EvalQuestion {
    /// Counted from 1; names the question in the answers' file.
    #[serde(skip)]
    pub(in super::super) line: usize,
    /// Where it is from, for messages.
    #[serde(skip)]
    pub(super) place: String,
    pub(in super::super) task: String,
    pub(in super::super) messages: Vec<Message>,
    /// Any of them counts.
    pub(super) answers: Vec<String>,
    #[serde(default)]
    pub(super) grade: Grade,
    #[serde(default)]
    pub(super) over: Over,
}

/// One line of the answers' file.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq)]
pub(in super::super) struct Answered {
    pub(in super::super) line: usize,
    pub(in super::super) task: String,
    /// What was asked and how it is graded, as a hash; not said by old files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in super::super) asked: Option<String>,
    pub(in super::super) answer: String,
    pub(in super::super) right: bool,
    /// Where the whole canvas is judged, whether the visible answer alone is right.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) right_visible: Option<bool>,
    /// Null where the server tells [text alone](unmask_core::event::Stats::text_alone).
    pub(in super::super) nfe: Option<usize>,
    /// Tokens that the steps committed, end tokens included.
    pub(in super::super) committed: usize,
    pub(super) text_tokens: usize,
    pub(in super::super) seconds: f64,
}

/// What the answers depend on: the first line of their file.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq)]
pub(in super::super) struct EvalSettings {
    /// Who answered: `unmask 0.1.0`; not said by old files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) program: Option<String>,
    /// SHA-256 of the file of questions; not said by old files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in super::super) questions: Option<String>,
    pub(super) model: String,
    /// The model's hash, where it is known; not said by old files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) identity: Option<String>,
    /// The preset that was asked for, if one was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) preset: Option<String>,
    pub(super) backend: String,
    pub(super) precision: String,
    /// Those of denoising by key.
    #[serde(flatten)]
    pub(super) denoising: Map<String, Value>,
}

impl EvalSettings {
    pub(super) fn new(
        loaded: &Loaded,
        fit: &FittedParams,
        questions: String,
        preset: Option<String>,
    ) -> Self {
        Self {
            program: Some(concat!("unmask ", env!("CARGO_PKG_VERSION")).to_owned()),
            questions: Some(questions),
            model: loaded.name.clone(),
            identity: loaded.provenance.identity().map(str::to_owned),
            preset,
            backend: loaded.backend.clone(),
            precision: loaded.facts.precision.clone(),
            denoising: object(&fit.params, fit.length),
        }
    }

    /// True if both say the same, whoever answered, by whatever preset's name, and whatever else the file of questions holds.
    pub(super) fn agrees(&self, other: &Self) -> bool {
        let is_other = |(one, other): (&Option<String>, &Option<String>)| {
            one.is_some() && other.is_some() && one != other
        };
        self.said() == other.said() && !is_other((&self.identity, &other.identity))
    }

    /// Every setting by its name, of the model and of denoising; what is off is as good as unsaid.
    pub(in super::super) fn said(&self) -> Map<String, Value> {
        let model = [
            ("model", &self.model),
            ("backend", &self.backend),
            ("precision", &self.precision),
        ];
        let model = model.map(|(name, value)| (name.to_owned(), Value::from(value.as_str())));
        let denoising = self.denoising.clone().into_iter();
        (model.into_iter().chain(denoising))
            .filter(|(_, value)| !value.is_null())
            .collect()
    }
}

impl LineRecord for Answered {
    fn line(&self) -> usize {
        self.line
    }
}

impl EvalQuestion {
    /// A prompt of which no answer is right or wrong.
    pub(in super::super) fn prompt(line: usize, text: &str) -> Self {
        Self {
            line,
            place: format!("prompt {line}"),
            task: "prompt".to_owned(),
            messages: vec![Message {
                role: Role::User,
                content: text.to_owned(),
            }],
            answers: Vec::new(),
            grade: Grade::default(),
            over: Over::default(),
        }
    }

    /// Whether answers can be right.
    pub(in super::super) fn has_answers(&self) -> bool {
        !self.answers.is_empty()
    }

    /// The error, with the question's place before it if it is the question that cannot be answered.
    pub(in super::super) fn named(&self, error: anyhow::Error) -> anyhow::Error {
        match error.downcast::<Failure>() {
            Ok(failure) => match failure.kind {
                FailureKind::Usage | FailureKind::Context { .. } => Failure {
                    text: format!("{}: {}", self.place, failure.text),
                    ..failure
                }
                .into(),
                _ => failure.into(),
            },
            Err(other) => other,
        }
    }

    /// A hash of all that its answer and its grade depend on.
    pub(in super::super) fn identity(&self) -> String {
        let mut digest = Sha256::new();
        digest.update(serde_json::json!([self.messages, self.answers]).to_string());
        digest.update(format!("{:?}{:?}", self.grade, self.over));
        let bytes = digest.finalize();
        bytes
            .iter()
            .take(8)
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }

    pub(in super::super) fn judge(
        &self,
        outcome: &Outcome,
        loaded: &Loaded,
    ) -> Result<Answered, Failure> {
        let judged = self.over.text(outcome, loaded)?;
        let is_right = |text: &str| self.grade.is_right(text, &self.answers);
        Ok(Answered {
            line: self.line,
            task: self.task.clone(),
            asked: Some(self.identity()),
            answer: judged.trim().to_owned(),
            right: is_right(&judged),
            right_visible: (self.over == Over::Canvas).then(|| is_right(&outcome.text)),
            nfe: outcome.stats.told(outcome.stats.nfe),
            committed: outcome.stats.committed,
            text_tokens: outcome.stats.text_tokens,
            seconds: outcome.stats.elapsed.as_secs_f64(),
        })
    }
}

/// Reads the file of questions, of which none is longer than any model could read; also gives the SHA-256 of their lines.
pub(in super::super) fn read_questions(path: &Path) -> Result<(Vec<EvalQuestion>, String), Usage> {
    let unreadable = |error| {
        Usage(format!(
            "cannot read the questions in {}: {error}",
            path.display()
        ))
    };
    is_there(path).map_err(unreadable)?;
    let mut file = BufReader::new(File::open(path).map_err(unreadable)?);
    let mut questions = Vec::new();
    let mut digest = Sha256::new();
    for index in 0.. {
        let line = prompt::line(&mut file).map_err(unreadable)?;
        if line.is_empty() {
            break;
        }
        digest.update(&line);
        let line = match index {
            0 => prompt::without_mark(&line),
            _ => &line,
        };
        if line.trim().is_empty() {
            continue;
        }
        let mut question: EvalQuestion =
            serde_json::from_str(line.trim_end()).map_err(|error| {
                Usage(format!(
                    "{}:{}: {}; a line is an object with `task`, `messages` and `answers`",
                    path.display(),
                    index + 1,
                    json_fault(&error)
                ))
            })?;
        question.line = index + 1;
        question.place = format!("{}:{}", path.display(), question.line);
        let is_empty = |text: &String| text.trim().is_empty();
        let says_nothing = question.answers.iter().any(is_empty);
        if question.messages.is_empty() || question.answers.is_empty() || says_nothing {
            let place = &question.place;
            return Err(Usage(format!(
                "{place}: a question needs at least one message and one answer, none of them empty"
            )));
        }
        questions.push(question);
    }
    match questions.is_empty() {
        true => Err(Usage(format!("{} holds no questions", path.display()))),
        false => Ok((questions, hex(&digest.finalize()))),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(lines: &[String]) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().expect("a file can be made");
        std::fs::write(file.path(), lines.concat()).expect("it can be written");
        file
    }

    #[test]
    fn a_damaged_question_is_named_by_its_line() {
        let file = file(&["{\"task\":\"a\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"answers\":[\"y\"]}\n{\n".to_owned()]);
        let error = read_questions(file.path()).expect_err("the second line is no object");
        let told = ":2: EOF while parsing an object at column 1; a line is an object with";
        assert!(error.to_string().contains(told), "{error}");
    }
}
