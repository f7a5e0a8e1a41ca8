use std::fs::{File, TryLockError};
use std::io::Read as _;
use std::path::Path;

use serde::Serialize;
use unmask_core::config::Environment;

use super::question::{Answered, EvalQuestion, EvalSettings};
use crate::cli::EvalArguments;
use crate::command::Usage;
use crate::command::meter::ProgressMeter;
use crate::command::output::{Force, Output, There, append};

/// The file of `--out`, if there is one. It is looked at before the model is loaded, and touched when that is done.
pub(super) struct Answers {
    output: Option<Output>,
    /// What was answered before, of which the file is to be gone on with.
    before: Option<Before>,
    file: Option<File>,
}

/// What a file of answers holds.
#[derive(Debug, PartialEq)]
struct Before {
    settings: EvalSettings,
    answered: Vec<Answered>,
    /// Bytes of its whole lines; behind them a crash may have cut one off, which is answered again.
    whole: u64,
}

impl Answers {
    /// Tests that the file is one of answers, or that it may be replaced.
    pub(super) fn look(
        arguments: &EvalArguments,
        force: Force,
        environment: &Environment,
    ) -> Result<Self, Usage> {
        let mut this = Self {
            output: None,
            before: None,
            file: None,
        };
        let Some(path) = &arguments.out else {
            return Ok(this);
        };
        let output = Output::look(path, environment)?;
        if is_same(&output.path, &environment.expand(&arguments.file)) {
            let text = format!(
                "{} holds the questions; name another --out file",
                output.shown
            );
            return Err(Usage(text));
        }
        if output.there == There::File && force == Force::No {
            let read = read(&output.path);
            this.before = Some(read.map_err(|what| refuse(&output, &what))?);
        }
        this.output = Some(output);
        Ok(this)
    }

    /// What was answered before, under the same settings and of these questions; the file is then written to.
    pub(super) fn resume(
        &mut self,
        settings: &EvalSettings,
        questions: &[EvalQuestion],
        meter: &ProgressMeter,
    ) -> anyhow::Result<Vec<Answered>> {
        let Some(output) = &self.output else {
            return Ok(Vec::new());
        };
        let Some(before) = self.before.take() else {
            let file = output.begin(&line(settings)?)?;
            // Another evaluation is then refused; where there are no locks, it is not.
            file.try_lock().ok();
            self.file = Some(file);
            if output.there == There::File {
                meter.note(&format!("{} was there; it is replaced", output.shown));
            }
            return Ok(Vec::new());
        };
        if let Some(what) = before.differs(settings, questions) {
            return Err(refuse(output, &what).into());
        }
        self.file = Some(go_on(output, before.whole)?);
        let (done, all) = (before.answered.len(), questions.len());
        meter.note(&format!("{done} of {all} questions were answered before"));
        Ok(before.answered)
    }

    pub(super) fn write(&mut self, done: &Answered) -> anyhow::Result<()> {
        match (&mut self.file, &self.output) {
            (Some(file), Some(output)) => {
                append(file, &serde_json::to_string(done)?, &output.shown)
            }
            _ => Ok(()),
        }
    }
}

fn line(value: &impl Serialize) -> serde_json::Result<String> {
    Ok(serde_json::to_string(value)? + "\n")
}

fn refuse(output: &Output, what: &str) -> Usage {
    let shown = &output.shown;
    Usage(format!(
        "{shown}: {what}; choose another --out file, or replace it with --force"
    ))
}

fn is_same(one: &Path, other: &Path) -> bool {
    let real = |path: &Path| path.canonicalize().ok();
    real(one).is_some_and(|one| Some(one) == real(other))
}

/// Opens the file to go on behind its whole lines; nobody else writes to it meanwhile.
fn go_on(output: &Output, whole: u64) -> Result<File, Usage> {
    let refuse = |what: String| Usage(format!("{}: {what}", output.shown));
    let file = File::options().append(true).open(&output.path);
    let file = file.map_err(|error| refuse(format!("cannot be written: {error}")))?;
    if let Err(TryLockError::WouldBlock) = file.try_lock() {
        return Err(refuse(
            "another evaluation writes to it; wait for its end".to_owned(),
        ));
    }
    let cut = file.set_len(whole);
    cut.map_err(|error| refuse(format!("cannot be written: {error}")))?;
    Ok(file)
}

/// Reads a file of answers; else what is wrong with it. A last line that was cut off, as by a crash, does not count.
fn read(path: &Path) -> Result<Before, String> {
    /// More than any evaluation writes.
    const LONGEST: u64 = 1 << 30;
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(LONGEST).read_to_end(&mut bytes));
    read.map_err(|error| format!("cannot be read: {error}"))?;
    let whole = bytes.iter().rposition(|&byte| byte == b'\n');
    bytes.truncate(whole.map_or(0, |end| end + 1));
    let no_answers = "its first line holds no settings of an evaluation";
    let text = str::from_utf8(&bytes).map_err(|_| no_answers)?;
    let mut lines = text.lines();
    let settings = lines.next().and_then(|it| serde_json::from_str(it).ok());
    let settings = settings.ok_or(no_answers)?;
    let answered = lines.map(|line| {
        let done = serde_json::from_str(line);
        done.map_err(|error| format!("a line is damaged: {error}"))
    });
    Ok(Before {
        settings,
        answered: answered.collect::<Result<_, _>>()?,
        whole: bytes.len() as u64,
    })
}

impl Before {
    /// Why it is not what is asked now.
    fn differs(&self, settings: &EvalSettings, questions: &[EvalQuestion]) -> Option<String> {
        if !self.settings.agrees(settings) {
            return Some("it holds answers under other settings".to_owned());
        }
        let is_asked = |done: &&Answered| {
            let mut questions = questions.iter();
            questions.any(|it| it.line == done.line && it.task == done.task)
        };
        let other = self.answered.iter().find(|done| !is_asked(done))?;
        let line = other.line;
        Some(format!(
            "it answers a question on line {line} that is not asked"
        ))
    }
}

#[cfg(test)]
mod tests;
