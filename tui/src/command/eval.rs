//! `unmask eval`: a file of questions, answered and counted.

mod answers;
mod question;
mod report;

use unmask_core::config::{Config, ConfigReader};
use unmask_core::engine::{Overflow, TurnInput};
use unmask_core::sampler::FittedParams;

use super::meter::ProgressMeter;
use super::output::Force;
use super::turn_runner::TurnRunner;
use super::{code, print};
use crate::cli::{EvalArguments, TableFormat};
use answers::Answers;
use question::{Answered, EvalQuestion, EvalSettings, read_questions};
use report::EvalReport;

pub(super) fn run(
    config: Config,
    reader: &ConfigReader,
    arguments: &EvalArguments,
) -> anyhow::Result<u8> {
    let questions = read_questions(&arguments.file)?;
    let force = Force::from(arguments.force);
    let mut answers = Answers::look(arguments, force, &reader.environment)?;
    let mut meter = ProgressMeter::new(arguments.quiet);
    let mut turn_runner = TurnRunner::open(config, reader, &mut meter)?;
    let fit = turn_runner.settings()?;
    fit.notes.iter().for_each(|note| meter.note(note));
    let settings = EvalSettings::new(&turn_runner.loaded, &fit);
    let mut answered = answers.resume(&settings, &questions, &meter)?;
    let all = questions.len();
    let interrupted = answer_all(
        &mut turn_runner,
        &fit,
        &questions,
        &mut answered,
        &mut answers,
        &mut meter,
    )?;
    meter.clear();
    if let Some(code) = interrupted {
        let done = answered.len();
        meter.note(&format!("stopped after {done} of {all} questions"));
        if answered.is_empty() {
            return Ok(code);
        }
    }
    let report = EvalReport::new(&settings, &answered);
    let text = match arguments.format {
        TableFormat::Text => report.text(),
        TableFormat::Json => format!("{}\n", report.json()),
    };
    print(&text)?;
    Ok(interrupted.unwrap_or(code::DONE))
}

/// Answers what is not answered yet; the exit code, if a signal ended it.
fn answer_all(
    turn_runner: &mut TurnRunner,
    fit: &FittedParams,
    questions: &[EvalQuestion],
    answered: &mut Vec<Answered>,
    answers: &mut Answers,
    meter: &mut ProgressMeter,
) -> anyhow::Result<Option<u8>> {
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
        let ended = turn_runner.turn(input, &fit.params, |_| Ok(()))?;
        if ended.interrupted.is_some() {
            return Ok(ended.interrupted);
        }
        let done = question.judge(&ended.outcome);
        answers.write(&done)?;
        answered.push(done);
    }
    Ok(None)
}
