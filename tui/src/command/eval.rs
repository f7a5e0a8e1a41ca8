//! `unmask eval`: a file of questions, answered and counted.

mod question;
mod report;

use std::fs::File;
use std::io::Write as _;

use unmask_core::config::{Config, ConfigReader};
use unmask_core::engine::{Overflow, TurnInput};
use unmask_core::sampler::Fit;

use super::host::Host;
use super::meter::Meter;
use super::{Usage, code, print};
use crate::cli::{Eval, TableFormat};
use question::{Answered, Question, Settings, read_answered, read_questions};
use report::Report;

pub(super) fn run(config: Config, reader: &ConfigReader, arguments: &Eval) -> anyhow::Result<u8> {
    let questions = read_questions(&arguments.file)?;
    let mut meter = Meter::new(arguments.quiet);
    let mut host = Host::open(config, reader, &mut meter)?;
    let fit = host.settings()?;
    fit.notes.iter().for_each(|note| meter.note(note));
    let settings = Settings::new(&host.loaded, &fit);
    let mut answered = match &arguments.out {
        Some(path) => read_answered(path, &settings, &questions)?,
        None => Vec::new(),
    };
    let all = questions.len();
    if !answered.is_empty() {
        let before = answered.len();
        meter.note(&format!("{before} of {all} questions were answered before"));
    }
    let mut keep = Keep::open(arguments, &settings, answered.is_empty())?;
    let interrupted = answer_all(
        &mut host,
        &fit,
        &questions,
        &mut answered,
        &mut keep,
        &mut meter,
    )?;
    meter.clear();
    if interrupted {
        let done = answered.len();
        meter.note(&format!("stopped after {done} of {all} questions"));
        if answered.is_empty() {
            return Ok(code::INTERRUPTED);
        }
    }
    let report = Report::new(&settings, &answered);
    let text = match arguments.format {
        TableFormat::Text => report.text(),
        TableFormat::Json => format!("{}\n", report.json()),
    };
    print(&text)?;
    Ok(match interrupted {
        true => code::INTERRUPTED,
        false => code::DONE,
    })
}

/// Answers what is not answered yet; true if ^C ended it.
fn answer_all(
    host: &mut Host,
    fit: &Fit,
    questions: &[Question],
    answered: &mut Vec<Answered>,
    keep: &mut Keep,
    meter: &mut Meter,
) -> anyhow::Result<bool> {
    for question in questions {
        if answered.iter().any(|done| done.line == question.line) {
            continue;
        }
        let right = answered.iter().filter(|done| done.right).count();
        let word = format!("{right} of {} right", answered.len());
        let (done, all) = (answered.len() as u64, questions.len() as u64);
        meter.at_with("answering", &word, done, all);
        let input = TurnInput::Chat {
            messages: question.messages.clone(),
            pins: Vec::new(),
            length: fit.length,
            overflow: Overflow::Refuse,
        };
        let ended = host.turn(input, &fit.params, |_| Ok(()))?;
        if ended.interrupted {
            return Ok(true);
        }
        let done = question.judge(&ended.outcome);
        keep.write(&done)?;
        answered.push(done);
    }
    Ok(false)
}

/// The file of `--out`, if there is one.
struct Keep(Option<File>);

impl Keep {
    fn open(arguments: &Eval, settings: &Settings, is_new: bool) -> anyhow::Result<Self> {
        let Some(path) = &arguments.out else {
            return Ok(Self(None));
        };
        let file = File::options().create(true).append(true).open(path);
        let mut file =
            file.map_err(|error| Usage(format!("cannot write {}: {error}", path.display())))?;
        if is_new && file.metadata()?.len() == 0 {
            writeln!(file, "{}", serde_json::to_string(settings)?)?;
        }
        Ok(Self(Some(file)))
    }

    fn write(&mut self, done: &Answered) -> anyhow::Result<()> {
        match &mut self.0 {
            Some(file) => Ok(writeln!(file, "{}", serde_json::to_string(done)?)?),
            None => Ok(()),
        }
    }
}
