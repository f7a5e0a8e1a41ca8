//! `unmask bench`: ways to denoise side by side, question by question.

mod frontier;
mod mode_report;
mod plot;
mod record;
mod report;
mod svg;
mod written;

use std::num::NonZeroU32;
use std::path::Path;

use unmask_core::config::{Config, ConfigReader, Environment};
use unmask_core::engine::{Overflow, TurnEvent, TurnInput};
use unmask_core::measured::DenoisingMode;
use unmask_core::provenance::sha256;
use unmask_core::sampler::FittedParams;
use unmask_core::settings::fit;

use super::eval::{EvalQuestion, read_questions};
use super::meter::ProgressMeter;
use super::output::{Force, Output, There};
use super::records::{RecordFile, RecordWords, Recorded, is_same};
use super::turn_runner::TurnRunner;
use super::{Usage, code, print, print_note};
use crate::cli::{BenchArguments, TableFormat};
use record::ModeAnswer;
pub(super) use record::{BenchRecord, BenchSettings};
use report::BenchReport;
use written::{MeasuredPlace, WriteOutcome};

/// Prompts without right answers, a line each.
const PROMPTS: &str = include_str!("bench/prompts.txt");
/// Answers that are made and forgotten before the first that counts.
const WARM_UPS: usize = 2;

/// What the messages call the work.
pub(super) const WORDS: RecordWords = RecordWords {
    work: "a bench",
    input: "questions",
};

pub(super) fn run(
    config: Config,
    reader: &ConfigReader,
    arguments: &BenchArguments,
) -> anyhow::Result<u8> {
    let environment = &reader.environment;
    let modes = modes(&arguments.modes);
    let (mut questions, questions_sha256) = match &arguments.questions {
        Some(file) => read_questions(file)?,
        None => (carried(), sha256(PROMPTS.as_bytes())),
    };
    let most = arguments.limit.map_or(usize::MAX, Into::into);
    questions.truncate(most);
    if arguments.force && arguments.out.is_none() && arguments.svg.is_none() {
        return Err(
            Usage("--force replaces the files of --out and --svg; name one".to_owned()).into(),
        );
    }
    let force = Force::from(arguments.force);
    let svg = plot_file(arguments, force, environment)?;
    let input = arguments.questions.as_deref();
    let mut file: RecordFile<BenchSettings, BenchRecord> =
        RecordFile::look(WORDS, arguments.out.as_deref(), input, force, environment)?;
    let mut meter = ProgressMeter::new(arguments.quiet);
    let mut runner = TurnRunner::open(config, reader, &mut meter)?;
    if runner.loaded.text_alone {
        let key = &runner.loaded.key;
        let text = format!(
            "the server of `{key}` tells text alone: there are no ways of denoising to compare"
        );
        return Err(Usage(text).into());
    }
    // What could not be kept is not measured first.
    let place = match arguments.write {
        true => Some(MeasuredPlace::look(&runner.loaded, environment)?),
        false => None,
    };
    let length = runner.settings()?.length;
    let bench = Bench {
        fits: modes
            .iter()
            .map(|mode| fitted(mode, &runner, length))
            .collect(),
        modes,
        questions: &questions,
        seeds: arguments.seeds,
        order: arguments.order,
    };
    let seeds = arguments.seeds;
    if seeds.get() > 1 && !bench.fits.iter().any(|it| it.params.draws()) {
        return Err(Usage(
            "--seeds: every mode gives the same answer each time; choose one that draws, such as with --temp 0.5"
                .to_owned(),
        )
        .into());
    }
    let (exact, sha256) = (&bench.fits[0], questions_sha256);
    let settings = BenchSettings::new(&runner.loaded, &bench.modes, exact, seeds, sha256);
    let differs = |before: &_| differs(before, &settings, &questions);
    // Who began, and when, stays; the questions are those that are asked now.
    let renewed = |before: &BenchSettings| BenchSettings {
        questions: settings.questions.clone(),
        ..before.clone()
    };
    let before = file.resume(&settings, differs, renewed, &meter)?;
    let all = questions.len();
    if let Some(before) = &before {
        let done = before.len();
        meter.note(&format!("{done} of {all} questions were answered before"));
    }
    let mut records = before.unwrap_or_default();
    let interrupted = bench.run(&mut runner, &mut records, &mut file, &mut meter)?;
    meter.clear();
    if let Some(code) = interrupted {
        let done = records.len();
        meter.note(&format!("stopped after {done} of {all} questions"));
        if records.is_empty() {
            return Ok(code);
        }
    }
    records.sort_by_key(|it| it.line);
    let report = BenchReport::new(&settings, &bench.modes, &records);
    print(&match arguments.format {
        TableFormat::Text => format!("{}\n{}", report.text(), plot::text(&report)),
        TableFormat::Json => {
            let mut json = report.json();
            let best = frontier::frontier(&report).into_iter().map(|it| it.name);
            json["frontier"] = best.collect();
            format!("{json}\n")
        }
    })?;
    if let Some(svg) = svg {
        svg.begin(svg::draw(&report))?;
    }
    match (place, interrupted) {
        (Some(_), Some(_)) => print_note("not written: not all questions were answered"),
        (Some(place), None) => match place.write(&report, environment)? {
            WriteOutcome::Yes(what) => meter.note(&what),
            WriteOutcome::No(why) => print_note(&why),
        },
        (None, _) => (),
    }
    Ok(interrupted.unwrap_or(code::DONE))
}

/// The file of `--svg`, if it may be written.
fn plot_file(
    arguments: &BenchArguments,
    force: Force,
    environment: &Environment,
) -> Result<Option<Output>, Usage> {
    let Some(path) = &arguments.svg else {
        return Ok(None);
    };
    let svg = Output::look(path, environment)?;
    svg.may_replace(
        force,
        match arguments.out {
            Some(_) => "there is a file already (--force begins --out anew too)",
            None => "there is a file already",
        },
    )?;
    let questions = arguments.questions.as_deref();
    refuse_same(&svg, "questions", questions, environment)?;
    refuse_same(
        &svg,
        "answers of --out",
        arguments.out.as_deref(),
        environment,
    )?;
    Ok(Some(svg))
}

/// Refuses to draw the plot into a file that holds something else of this run.
fn refuse_same(
    svg: &Output,
    what: &str,
    other: Option<&Path>,
    environment: &Environment,
) -> Result<(), Usage> {
    let is_other = other.is_some_and(|other| is_same(&svg.path, &environment.expand(other)));
    match is_other && svg.there != There::Stream {
        true => Err(Usage(format!(
            "{} holds the {what}; name another --svg file",
            svg.shown
        ))),
        false => Ok(()),
    }
}

/// Exact decoding, then the others, each once.
fn modes(said: &[DenoisingMode]) -> Vec<DenoisingMode> {
    let mut modes = vec![DenoisingMode::exact()];
    for mode in said {
        if !modes.contains(mode) {
            modes.push(mode.clone());
        }
    }
    modes
}

fn carried() -> Vec<EvalQuestion> {
    let prompts = PROMPTS.lines().enumerate();
    prompts
        .map(|(index, prompt)| EvalQuestion::prompt(index + 1, prompt))
        .collect()
}

fn fitted(mode: &DenoisingMode, runner: &TurnRunner, length: usize) -> FittedParams {
    fit(length, &mode.over(&runner.loaded.defaults, length))
}

/// Why a file's answers are not those that are wanted now.
fn differs(
    before: &Recorded<BenchSettings, BenchRecord>,
    settings: &BenchSettings,
    questions: &[EvalQuestion],
) -> Option<String> {
    if let Some(what) = before.settings.differs(settings) {
        return Some(format!("it was measured with another {what}"));
    }
    let is_asked = |done: &BenchRecord| {
        let found = questions.iter().find(|it| it.line == done.line);
        found.is_some_and(|it| it.identity() == done.asked)
    };
    let other = before.records.iter().find(|done| !is_asked(done))?;
    let line = other.line;
    Some(format!(
        "it answers another question on line {line} than is asked now"
    ))
}

/// What is to be measured.
struct Bench<'a> {
    questions: &'a [EvalQuestion],
    modes: Vec<DenoisingMode>,
    /// Of each mode.
    fits: Vec<FittedParams>,
    /// Answers in each mode.
    seeds: NonZeroU32,
    order: u64,
}

impl Bench<'_> {
    /// Answers what is not answered yet; the exit code, if a signal ended it.
    fn run(
        &self,
        runner: &mut TurnRunner,
        records: &mut Vec<BenchRecord>,
        file: &mut RecordFile<BenchSettings, BenchRecord>,
        meter: &mut ProgressMeter,
    ) -> anyhow::Result<Option<u8>> {
        let mut is_warm = false;
        for question in self.questions {
            if records.iter().any(|done| done.line == question.line) {
                continue;
            }
            let (done, all) = (records.len() as u64, self.questions.len() as u64);
            meter.at("answering in every mode", done, all);
            if !is_warm {
                for at in (0..self.fits.len()).take(WARM_UPS) {
                    if let Err(code) = self.answer(question, at, 0, runner)? {
                        return Ok(Some(code));
                    }
                }
                is_warm = true;
            }
            let seeds = self.seeds.get() as usize;
            let mut answers: Vec<Option<ModeAnswer>> = vec![None; self.modes.len() * seeds];
            for at in self.shuffled(question.line) {
                match self.answer(question, at / seeds, (at % seeds) as u64, runner)? {
                    Ok(answer) => answers[at] = Some(answer),
                    Err(code) => return Ok(Some(code)),
                }
            }
            let record = BenchRecord {
                line: question.line,
                task: question.task.clone(),
                asked: question.identity(),
                answers: answers.into_iter().flatten().collect(),
            };
            file.write(&record)?;
            records.push(record);
        }
        Ok(None)
    }

    /// The modes and seeds in an order of this question's own, so that what disturbs the machine meets all of them alike.
    fn shuffled(&self, line: usize) -> Vec<usize> {
        let all = self.modes.len() * self.seeds.get() as usize;
        let mut order: Vec<usize> = (0..all).collect();
        order.sort_by_cached_key(|at| sha256(format!("{} {line} {at}", self.order).as_bytes()));
        order
    }

    /// A question in one mode, with so much added to the seed; the exit code, if a signal ended it.
    fn answer(
        &self,
        question: &EvalQuestion,
        at: usize,
        seed: u64,
        runner: &mut TurnRunner,
    ) -> anyhow::Result<Result<ModeAnswer, u8>> {
        let fit = &self.fits[at];
        let mut params = fit.params.clone();
        params.seed = params.seed.wrapping_add(seed);
        let input = TurnInput::Chat {
            messages: question.messages.clone(),
            pins: Vec::new(),
            length: fit.length,
            overflow: Overflow::Refuse,
        };
        let mut fed = 0;
        let ended = runner.turn(input, &params, |event| {
            if let TurnEvent::Step(step) = event {
                fed += step.fed.len();
            }
            Ok(())
        });
        let ended = ended.map_err(|error| question.named(error))?;
        if let Some(code) = ended.interrupted {
            return Ok(Err(code));
        }
        let answer = ModeAnswer::of(question, &ended.outcome, fed, &runner.loaded)?;
        Ok(Ok(answer))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exact_comes_first_and_no_mode_twice() {
        let said = ["dual", "exact", "dual", "threshold=0.9"];
        let said = said.map(|it| it.parse().expect("it is one"));
        let names: Vec<String> = modes(&said).iter().map(ToString::to_string).collect();
        assert_eq!(names, ["exact", "dual", "threshold=0.9"]);
    }

    #[test]
    fn the_carried_prompts_are_64_and_no_two_are_alike() {
        let mut prompts: Vec<&str> = PROMPTS.lines().collect();
        assert!(prompts.iter().all(|it| !it.trim().is_empty()));
        prompts.sort_unstable();
        prompts.dedup();
        assert_eq!(prompts.len(), 64);
    }

    #[test]
    fn every_question_has_an_order_of_its_own_that_its_seed_names() {
        let bench = |order| Bench {
            questions: &[],
            modes: vec![DenoisingMode::exact(); 8],
            fits: Vec::new(),
            seeds: NonZeroU32::MIN,
            order,
        };
        let mut sorted = bench(1).shuffled(3);
        assert_eq!(sorted, bench(1).shuffled(3));
        assert_ne!(sorted, bench(1).shuffled(4));
        assert_ne!(sorted, bench(2).shuffled(3));
        sorted.sort_unstable();
        assert_eq!(sorted, [0, 1, 2, 3, 4, 5, 6, 7]);
    }
}
