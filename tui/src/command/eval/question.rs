use std::fs;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use unmask_core::engine::{Loaded, Message, Outcome};
use unmask_core::sampler::Fit;
use unmask_core::settings::object;

use crate::command::Usage;

/// One line of the file of questions.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Question {
    /// Counted from 1; names the question in the answers' file.
    #[serde(skip)]
    pub(super) line: usize,
    task: String,
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
pub(super) struct Settings {
    pub(super) model: String,
    pub(super) backend: String,
    pub(super) precision: String,
    /// Those of denoising by key.
    #[serde(flatten)]
    denoising: Map<String, Value>,
}

impl Settings {
    pub(super) fn new(loaded: &Loaded, fit: &Fit) -> Self {
        Self {
            model: loaded.name.clone(),
            backend: loaded.backend.clone(),
            precision: loaded.facts.precision.clone(),
            denoising: object(&fit.params, fit.length),
        }
    }

    /// True if both say the same; what is off is as good as unsaid.
    fn agrees(&self, other: &Self) -> bool {
        let said = |it: &Self| {
            let mut it = it.clone();
            it.denoising.retain(|_, value| !value.is_null());
            it
        };
        said(self) == said(other)
    }
}

impl Question {
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

/// Reads the file of questions.
pub(super) fn read_questions(path: &Path) -> Result<Vec<Question>, Usage> {
    let text = fs::read_to_string(path).map_err(|error| {
        Usage(format!(
            "cannot read the questions in {}: {error}",
            path.display()
        ))
    })?;
    let mut questions = Vec::new();
    for (index, line) in text.lines().enumerate() {
        if line.trim().is_empty() {
            continue;
        }
        let mut question: Question = serde_json::from_str(line).map_err(|error| {
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

/// Reads what was answered before under the same settings; nothing if the file is new.
///
/// A last line that was cut off, as by a crash, is answered again; so that it does not run into the next, it is taken away.
pub(super) fn read_answered(
    path: &Path,
    settings: &Settings,
    questions: &[Question],
) -> Result<Vec<Answered>, Usage> {
    let refuse = |what: String| {
        Usage(format!(
            "{}: {what}; choose another --out file",
            path.display()
        ))
    };
    let text = match fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.map_err(|error| refuse(format!("cannot be read: {error}")))?,
    };
    let whole = text.rfind('\n').map_or(0, |end| end + 1);
    if whole < text.len() {
        fs::write(path, &text[..whole])
            .map_err(|error| refuse(format!("cannot be written: {error}")))?;
    }
    let mut lines = text[..whole].lines();
    let Some(first) = lines.next() else {
        return Ok(Vec::new());
    };
    let before: Settings = serde_json::from_str(first)
        .map_err(|_| refuse("its first line holds no settings of an evaluation".to_owned()))?;
    if !before.agrees(settings) {
        return Err(refuse("it holds answers under other settings".to_owned()));
    }
    let mut answered = Vec::new();
    for line in lines {
        let done: Answered = serde_json::from_str(line)
            .map_err(|error| refuse(format!("a line is damaged: {error}")))?;
        let same = |question: &Question| question.line == done.line && question.task == done.task;
        if !questions.iter().any(same) {
            return Err(refuse(format!(
                "it answers a question on line {} that is not asked",
                done.line
            )));
        }
        answered.push(done);
    }
    Ok(answered)
}

#[cfg(test)]
mod tests {
    use unmask_core::Params;

    use super::*;

    fn settings(steps: usize) -> Settings {
        Settings {
            model: "demo".to_owned(),
            backend: "candle".to_owned(),
            precision: "f32".to_owned(),
            denoising: object(
                &Params {
                    steps,
                    ..Params::default()
                },
                64,
            ),
        }
    }

    fn question(line: usize) -> Question {
        Question {
            line,
            task: "add".to_owned(),
            messages: Vec::new(),
            answers: vec!["4".to_owned()],
        }
    }

    fn answered(line: usize) -> Answered {
        Answered {
            line,
            task: "add".to_owned(),
            answer: "4".to_owned(),
            right: true,
            nfe: 3,
            committed: 9,
            text_tokens: 1,
            seconds: 0.5,
        }
    }

    fn file(lines: &[String]) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().expect("a file can be made");
        fs::write(file.path(), lines.concat()).expect("it can be written");
        file
    }

    fn line(value: &impl Serialize) -> String {
        format!(
            "{}\n",
            serde_json::to_string(value).expect("it is plain data")
        )
    }

    #[test]
    fn answers_are_taken_up_again_and_a_cut_line_is_dropped() {
        let file = file(&[
            line(&settings(8)),
            line(&answered(1)),
            "{\"line\":2,\"ta".to_owned(),
        ]);
        let questions = [question(1), question(2)];
        let before = read_answered(file.path(), &settings(8), &questions).expect("it is ours");
        assert_eq!(before, [answered(1)]);
        let kept = fs::read_to_string(file.path()).expect("it is there");
        assert_eq!(kept.lines().count(), 2);
    }

    #[test]
    fn answers_under_other_settings_are_refused() {
        let file = file(&[line(&settings(8)), line(&answered(1))]);
        let error =
            read_answered(file.path(), &settings(9), &[question(1)]).expect_err("other steps");
        assert!(
            error.to_string().contains("under other settings"),
            "{error}"
        );
        let error =
            read_answered(file.path(), &settings(8), &[question(7)]).expect_err("other questions");
        assert!(error.to_string().contains("line 1"), "{error}");
    }

    #[test]
    fn answers_of_before_a_setting_was_known_are_taken_up_again() {
        let old = line(&settings(8)).replace("\"threshold\":null,", "");
        let file = file(&[old, line(&answered(1))]);
        let before = read_answered(file.path(), &settings(8), &[question(1)]);
        assert_eq!(before.ok(), Some(vec![answered(1)]));
    }

    #[test]
    fn a_damaged_question_is_named_by_its_line() {
        let file = file(&["{\"task\":\"a\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"answers\":[\"y\"]}\n{\n".to_owned()]);
        let error = read_questions(file.path()).expect_err("the second line is no object");
        assert!(error.to_string().contains(":2: "), "{error}");
    }
}
