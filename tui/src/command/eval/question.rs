use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use unmask_core::engine::{Loaded, Message, Outcome};
use unmask_core::regular_file::is_there;
use unmask_core::sampler::FittedParams;
use unmask_core::settings::object;

use crate::command::{Usage, prompt};

/// One line of the file of questions.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EvalQuestion {
    /// Counted from 1; names the question in the answers' file.
    #[serde(skip)]
    pub(super) line: usize,
    pub(super) task: String,
    pub(super) messages: Vec<Message>,
    /// Any of them counts, compared after trimming.
    answers: Vec<String>,
}

/// One line of the answers' file.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq)]
pub(super) struct Answered {
    pub(super) line: usize,
    pub(super) task: String,
    pub(super) answer: String,
    pub(super) right: bool,
    pub(super) nfe: usize,
    /// Tokens that the steps committed, end tokens included.
    pub(super) committed: usize,
    pub(super) text_tokens: usize,
    pub(super) seconds: f64,
}

/// What the answers depend on: the first line of their file.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq)]
pub(super) struct EvalSettings {
    pub(super) model: String,
    pub(super) backend: String,
    pub(super) precision: String,
    /// Those of denoising by key.
    #[serde(flatten)]
    pub(super) denoising: Map<String, Value>,
}

impl EvalSettings {
    pub(super) fn new(loaded: &Loaded, fit: &FittedParams) -> Self {
        Self {
            model: loaded.name.clone(),
            backend: loaded.backend.clone(),
            precision: loaded.facts.precision.clone(),
            denoising: object(&fit.params, fit.length),
        }
    }

    /// True if both say the same; what is off is as good as unsaid.
    pub(super) fn agrees(&self, other: &Self) -> bool {
        let said = |it: &Self| {
            let mut it = it.clone();
            it.denoising.retain(|_, value| !value.is_null());
            it
        };
        said(self) == said(other)
    }
}

impl EvalQuestion {
    pub(super) fn judge(&self, outcome: &Outcome) -> Answered {
        let answer = outcome.text.trim();
        Answered {
            line: self.line,
            task: self.task.clone(),
            answer: answer.to_owned(),
            right: self.answers.iter().any(|right| right.trim() == answer),
            nfe: outcome.stats.nfe,
            committed: outcome.stats.committed,
            text_tokens: outcome.stats.text_tokens,
            seconds: outcome.stats.elapsed.as_secs_f64(),
        }
    }
}

/// Reads the file of questions, of which none is longer than any model could read.
pub(super) fn read_questions(path: &Path) -> Result<Vec<EvalQuestion>, Usage> {
    let unreadable = |error| {
        Usage(format!(
            "cannot read the questions in {}: {error}",
            path.display()
        ))
    };
    is_there(path).map_err(unreadable)?;
    let mut file = BufReader::new(File::open(path).map_err(unreadable)?);
    let mut questions = Vec::new();
    for index in 0.. {
        let line = prompt::line(&mut file).map_err(unreadable)?;
        if line.is_empty() {
            break;
        }
        if line.trim().is_empty() {
            continue;
        }
        let mut question: EvalQuestion = serde_json::from_str(&line).map_err(|error| {
            Usage(format!(
                "{}:{}: {error}; a line is an object with `task`, `messages` and `answers`",
                path.display(),
                index + 1
            ))
        })?;
        question.line = index + 1;
        if question.messages.is_empty() || question.answers.is_empty() {
            let place = format!("{}:{}", path.display(), index + 1);
            return Err(Usage(format!(
                "{place}: a question needs at least one message and one answer"
            )));
        }
        questions.push(question);
    }
    match questions.is_empty() {
        true => Err(Usage(format!("{} holds no questions", path.display()))),
        false => Ok(questions),
    }
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
        assert!(error.to_string().contains(":2: "), "{error}");
    }
}
