//! A recorded run made again: from its canvas, with its settings, its edits in their places. Unless it is to go its own way,
//! its canvas follows the recorded one.

mod verification;

use unmask::picture::RecordedRun;
use unmask_core::config::{Config, ConfigReader};
use unmask_core::engine::{Failure, FailureKind, Loaded, TurnEvent, TurnInput};
use unmask_core::event::{Commit, StepEvent};
use unmask_core::fold::Fold;
use unmask_core::wire::{CommitLine, Event, ModelLine, RunSettings, StepLine, TokenizerLine};
use unmask_core::{Canvas, Params};
use verification::Verification;

use crate::cli::{ReplayArguments, ReportFormat};
use crate::command::meter::ProgressMeter;
use crate::command::turn_runner::TurnRunner;
use crate::command::{Usage, code, print, print_note};

/// A part of a run between two edits.
struct Leg {
    canvas: Canvas,
    settings: RunSettings,
    steps: Vec<StepLine>,
}

pub(super) fn verify(
    config: Config,
    reader: &ConfigReader,
    run: &RecordedRun,
    arguments: &ReplayArguments,
) -> anyhow::Result<u8> {
    let legs = legs(run)?;
    let known = RunSettings::of(&Params::default(), 0).noise;
    if legs.iter().any(|leg| leg.settings.noise != known) {
        let text = "the run's random numbers are of another kind than this version makes; use the unmask that recorded it";
        return Err(Usage(text.to_owned()).into());
    }
    let mut meter = ProgressMeter::new(arguments.quiet);
    let (config, choice) = model_of(run, config, reader)?;
    let mut runner = TurnRunner::open(config, reader, &mut meter)?;
    check_model(run, &runner.loaded, choice)?;
    let mut verification = Verification::of(arguments);
    let mut interrupted = None;
    for (number, leg) in legs.iter().enumerate() {
        let input = match run.start.infill && number == 0 {
            true => TurnInput::Infill(leg.canvas.clone()),
            false => TurnInput::Canvas(leg.canvas.clone()),
        };
        let mut made: Vec<StepEvent> = Vec::new();
        let recorded = match arguments.free {
            true => Vec::new(),
            false => leg.steps.iter().map(|it| commits(&it.commits)).collect(),
        };
        let ended = runner.turn_along(recorded, input, &leg.settings.params(), |event| {
            if let TurnEvent::Step(step) = event {
                meter.at("making it again", step.step as u64, step.steps as u64);
                made.push(step.clone());
            }
            Ok(())
        })?;
        interrupted = ended.interrupted;
        if interrupted.is_some() {
            // What was not made is no difference.
            break;
        }
        let is_last = number + 1 == legs.len();
        let vocabulary = &runner.loaded.vocabulary;
        let is_ended = is_last && run.end.is_some();
        verification.add(&leg.steps, (&made, vocabulary), is_ended);
    }
    meter.clear();
    let (start, loaded) = (&run.start, &runner.loaded);
    print(&match arguments.format {
        ReportFormat::Text => verification.lines(start, loaded),
        ReportFormat::Json => verification.json(start, loaded),
    })?;
    Ok(match (interrupted, verification.is_same()) {
        (Some(code), _) => code,
        (None, true) => code::DONE,
        (None, false) => code::GENERATION,
    })
}

/// The parts of a run, each with the canvas and the settings that it begins with.
fn legs(run: &RecordedRun) -> anyhow::Result<Vec<Leg>> {
    let unfit = || Usage("the canvas of the run does not fit together".to_owned());
    let canvas = run.start.canvas.canvas().ok_or_else(unfit)?;
    let mut fold = Fold::new(canvas.clone());
    let mut legs = vec![Leg {
        canvas,
        settings: run.start.params.clone(),
        steps: Vec::new(),
    }];
    let mut made = 0;
    for event in &run.events {
        let last = legs.len() - 1;
        match event {
            Event::Step(step) => {
                made = step.step;
                fold.apply(made, &commits(&step.commits))?;
                legs[last].steps.push(step.clone());
            }
            Event::Edit { commits: edits } => {
                fold.apply(made, &commits(edits))?;
                let settings = legs[last].settings.clone();
                legs.push(Leg {
                    canvas: fold.canvas().clone(),
                    settings,
                    steps: Vec::new(),
                });
            }
            // They are told behind the edit that they come with, or alone.
            Event::Settings { params } => {
                let mut settings = legs[last].settings.clone();
                settings.settings.extend(params.clone());
                match legs[last].steps.is_empty() && last > 0 {
                    true => legs[last].settings = settings,
                    false => legs.push(Leg {
                        canvas: fold.canvas().clone(),
                        settings,
                        steps: Vec::new(),
                    }),
                }
            }
            Event::Start(_)
            | Event::Paused { .. }
            | Event::Resumed {}
            | Event::Trimmed { .. }
            | Event::Done(_)
            | Event::Failed(_) => (),
        }
    }
    Ok(legs)
}

fn commits(lines: &[CommitLine]) -> Vec<Commit> {
    lines.iter().map(CommitLine::commit).collect()
}

/// Who says which model makes the run again.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ModelSource {
    /// The run itself, by a key that the configuration has.
    Recorded,
    /// The configuration, which does not have the key of the run.
    Configured,
    /// The user, whatever the run says.
    Named,
}

/// The configuration with the model of the run, unless the user has named another one. The run comes from anywhere: it
/// chooses among the entries that there are, and names no folder.
fn model_of(
    run: &RecordedRun,
    config: Config,
    reader: &ConfigReader,
) -> anyhow::Result<(Config, ModelSource)> {
    let recorded = &run.start.model;
    if reader.overrides.model.is_some() {
        return Ok((config, ModelSource::Named));
    }
    Ok(match config.model(&recorded.key) {
        Some(entry) => (reader.read_for(&entry.key)?, ModelSource::Recorded),
        None => (config, ModelSource::Configured),
    })
}

/// Refuses another model than that of the run, unless it was named; and in any case one whose tokens mean something else.
fn check_model(run: &RecordedRun, loaded: &Loaded, choice: ModelSource) -> Result<(), Failure> {
    let (recorded, now) = (&run.start.model, ModelLine::of(loaded));
    let refusal = |text: String, hint: String| {
        Err(Failure {
            kind: FailureKind::Model,
            text,
            hint,
        })
    };
    let tokenizers = (&run.start.tokenizer, TokenizerLine::of(loaded));
    if let (Some(then), Some(now_is)) = tokenizers
        && then.sha256 != now_is.sha256
    {
        let text = format!(
            "the run is of {}, and {} has another tokenizer: the same tokens mean other text",
            recorded.name, now.name
        );
        let hint = "name a model of the same tokenizer with -m".to_owned();
        return refusal(text, hint);
    }
    let (Some(then), Some(now_is)) = (&recorded.identity, &now.identity) else {
        return Ok(());
    };
    if then == now_is {
        return Ok(());
    }
    let both = format!(
        "the run is of {} ({then}), and {} is loaded ({now_is})",
        recorded.name, now.name
    );
    match choice {
        ModelSource::Named => {
            print_note(&both);
            Ok(())
        }
        ModelSource::Recorded => refusal(
            both,
            format!(
                "-m says which model is to make it again, such as -m {}",
                recorded.key
            ),
        ),
        ModelSource::Configured => {
            refusal(both, "-m says which model is to make it again".to_owned())
        }
    }
}
