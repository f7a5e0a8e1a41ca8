use std::collections::HashMap;

use super::question::{Answered, EvalQuestion, EvalSettings};
use crate::command::records::{RecordFile, RecordWords, Recorded};

/// What the messages call an evaluation.
pub(in super::super) const WORDS: RecordWords = RecordWords {
    work: "an evaluation",
    input: "questions",
};

/// The file of `--out`.
pub(super) type Answers = RecordFile<EvalSettings, Answered>;

/// Why a file's answers are not those that are wanted now.
pub(super) fn differs(
    before: &Recorded<EvalSettings, Answered>,
    settings: &EvalSettings,
    questions: &[EvalQuestion],
) -> Option<String> {
    if !before.settings.agrees(settings) {
        return Some("it holds answers under other settings".to_owned());
    }
    let asked: HashMap<(usize, &str), String> = questions
        .iter()
        .map(|it| ((it.line, it.task.as_str()), it.identity()))
        .collect();
    let is_asked = |done: &&Answered| {
        let now = asked.get(&(done.line, done.task.as_str()));
        now.is_some_and(|now| done.asked.as_ref().is_none_or(|then| then == now))
    };
    let other = before.records.iter().find(|done| !is_asked(done))?;
    let line = other.line;
    Some(format!(
        "it answers another question on line {line} than is asked now"
    ))
}

#[cfg(test)]
mod tests;
