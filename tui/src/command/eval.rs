//! `unmask eval`: a file of questions, answered and counted.

mod answers;
mod grade;
mod pairs;
mod question;
mod report;

use unmask_core::config::{Config, ConfigReader};
use unmask_core::engine::{Overflow, TurnInput};
use unmask_core::sampler::FittedParams;

use super::meter::ProgressMeter;
use super::output::Force;
use super::turn_runner::TurnRunner;
use super::{Usage, code, print};
use crate::cli::{EvalArguments, TableFormat};
pub(super) use answers::WORDS;
use answers::{Answers, differs};
use pairs::{BothWays, read_pairs};
pub(super) use question::{Answered, EvalQuestion, EvalSettings, read_questions};
use report::EvalReport;
pub(super) use report::percents;

pub(super) fn run(
    config: Config,
    reader: &ConfigReader,
    arguments: &EvalArguments,
) -> anyhow::Result<u8> {
    let environment = &reader.environment;
    let input = arguments.pairs.as_deref().or(arguments.file.as_deref());
    let (questions, sha256) = match (&arguments.pairs, &arguments.file) {
        (Some(pairs), _) => read_pairs(pairs, arguments, environment)?,
        (None, Some(file)) => read_questions(file)?,
        (None, None) => return Err(Usage("name a file of questions".to_owned()).into()),
    };
    let force = Force::from(arguments.force);
    let mut answers = Answers::look(WORDS, arguments.out.as_deref(), input, force, environment)?;
    let mut meter = ProgressMeter::new(arguments.quiet);
    let said = config.active_model().generation.clone();
    let preset = config.preset.as_ref().map(|it| it.name.clone());
    let mut turn_runner = TurnRunner::open(config, reader, &mut meter)?;
    let fit = match arguments.pairs {
        Some(_) => pairs::settings(&turn_runner.loaded, &said),
        None => turn_runner.settings()?,
    };
    fit.notes.iter().for_each(|note| meter.note(note));
    let settings = EvalSettings::new(&turn_runner.loaded, &fit, sha256, preset);
    let all = questions.len();
    let differs = |before: &_| differs(before, &settings, &questions);
    // Who answered first stays, and the questions are those that are asked now.
    let renewed = |before: &EvalSettings| EvalSettings {
        questions: settings.questions.clone(),
        ..before.clone()
    };
    let before = answers.resume(&settings, differs, renewed, &meter)?;
    if let Some(before) = &before {
        let done = before.len();
        meter.note(&format!("{done} of {all} questions were answered before"));
    }
    let mut answered = before.unwrap_or_default();
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
    let both_ways = BothWays::of(&answered);
    let text = match (arguments.format, &both_ways) {
        (TableFormat::Text, None) => report.text(),
        (TableFormat::Text, Some(both_ways)) => report.text() + &both_ways.text(),
        (TableFormat::Json, both_ways) => {
            let mut json = report.json();
            if let Some(both_ways) = both_ways {
                json["both_ways"] = both_ways.json();
            }
            format!("{json}\n")
        }
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
        let ended = turn_runner.turn(input, &fit.params, |_| Ok(()));
        let ended = ended.map_err(|error| question.named(error))?;
        if ended.interrupted.is_some() {
            return Ok(ended.interrupted);
        }
        let done = question.judge(&ended.outcome, &turn_runner.loaded)?;
        answers.write(&done)?;
        answered.push(done);
    }
    Ok(None)
}
