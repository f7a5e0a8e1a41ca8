//! A recorded run made again: from its canvas, with its settings, its edits in their places.

use std::collections::BTreeSet;

use unmask::amount::counted;
use unmask::picture::RecordedRun;
use unmask_core::Canvas;
use unmask_core::config::{Config, ConfigReader};
use unmask_core::engine::{Failure, FailureKind, Loaded, TurnEvent, TurnInput};
use unmask_core::event::StepEvent;
use unmask_core::fold::Fold;
use unmask_core::wire::{BackendLine, CommitLine, Event, ModelLine, RunSettings, StepLine};

use crate::command::meter::ProgressMeter;
use crate::command::turn_runner::TurnRunner;
use crate::command::{Usage, code, print};

/// A part of a run between two edits.
struct Leg {
    canvas: Canvas,
    settings: RunSettings,
    steps: Vec<StepLine>,
}

/// How two runs compare.
#[derive(Default)]
struct Comparison {
    steps: usize,
    same: usize,
    first: Option<String>,
    /// The largest difference of the confidences of equal commits.
    confidences: f32,
}

pub(super) fn verify(
    config: Config,
    reader: &ConfigReader,
    run: &RecordedRun,
    quiet: bool,
) -> anyhow::Result<u8> {
    let legs = legs(run)?;
    let mut meter = ProgressMeter::new(quiet);
    let mut runner = TurnRunner::open(config, reader, &mut meter)?;
    check_model(run, &runner.loaded)?;
    let mut comparison = Comparison::default();
    let mut interrupted = None;
    for (number, leg) in legs.iter().enumerate() {
        let input = match run.start.infill && number == 0 {
            true => TurnInput::Infill(leg.canvas.clone()),
            false => TurnInput::Canvas(leg.canvas.clone()),
        };
        let mut made: Vec<StepEvent> = Vec::new();
        let ended = runner.turn(input, &leg.settings.params(), |event| {
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
        comparison.add(leg, &made, is_last && run.end.is_some());
    }
    meter.clear();
    print(&report(run, &runner.loaded, &comparison))?;
    Ok(match (interrupted, &comparison.first) {
        (Some(code), _) => code,
        (None, None) => code::DONE,
        (None, Some(_)) => code::GENERATION,
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
        let commits =
            |lines: &[CommitLine]| lines.iter().map(CommitLine::commit).collect::<Vec<_>>();
        match event {
            Event::Step(step) => {
                made = step.step;
                fold.apply(made, &commits(&step.commits))?;
                legs[last].steps.push(step.clone());
            }
            Event::Edit { commits: lines } => {
                fold.apply(made, &commits(lines))?;
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

fn check_model(run: &RecordedRun, loaded: &Loaded) -> Result<(), Failure> {
    let now = ModelLine::of(loaded);
    let recorded = &run.start.model;
    match (&recorded.identity, &now.identity) {
        (Some(then), Some(now_is)) if then != now_is => Err(Failure {
            kind: FailureKind::Model,
            text: format!(
                "the run is of {} ({then}), and {} is loaded ({now_is})",
                recorded.name, now.name
            ),
            hint: format!(
                "name the model of the run with -m, such as -m {}",
                recorded.key
            ),
        }),
        _ => Ok(()),
    }
}

impl Comparison {
    /// Compares step by step; what was made beyond the recorded steps counts where the recorded part has ended by itself.
    fn add(&mut self, leg: &Leg, made: &[StepEvent], is_ended: bool) {
        for (at, step) in leg.steps.iter().enumerate() {
            self.steps += 1;
            let Some(now) = made.get(at) else {
                self.differs(|| format!("step {}: it is not made any more", step.step));
                continue;
            };
            let tokens =
                |commits: &mut dyn Iterator<Item = (u32, u32)>| commits.collect::<BTreeSet<_>>();
            let then = tokens(&mut step.commits.iter().map(|it| (it.position, it.token)));
            let again = tokens(&mut now.commits.iter().map(|it| (it.at.0, it.token.0)));
            if then == again {
                self.same += 1;
                for commit in &step.commits {
                    let mut others = now.commits.iter();
                    let other = others.find(|it| it.at.0 == commit.position);
                    let apart = other.map_or(0.0, |it| (it.confidence - commit.confidence).abs());
                    self.confidences = self.confidences.max(apart);
                }
                continue;
            }
            self.differs(|| difference(step, now));
        }
        if is_ended && made.len() > leg.steps.len() {
            let more = made.len() - leg.steps.len();
            self.differs(|| format!("{more} more steps are made now"));
        }
    }

    fn differs(&mut self, what: impl FnOnce() -> String) {
        if self.first.is_none() {
            self.first = Some(what());
        }
    }
}

/// `step 12, position 31: recorded “ the” 0.412, now “ a” 0.409`.
fn difference(step: &StepLine, now: &StepEvent) -> String {
    let is_now = |line: &&CommitLine| {
        let mut commits = now.commits.iter();
        commits.any(|it| (it.at.0, it.token.0) == (line.position, line.token))
    };
    let Some(line) = step.commits.iter().find(|line| !is_now(line)) else {
        return format!("step {}: more is committed now", step.step);
    };
    let text = |it: &CommitLine| {
        let text = it.text.as_ref().map(|text| text.shown());
        text.unwrap_or_default()
    };
    let recorded = format!(
        "step {}, position {}: recorded “{}” {:.3}",
        step.step,
        line.position,
        text(line),
        line.confidence
    );
    match now.commits.iter().find(|it| it.at.0 == line.position) {
        Some(it) => format!("{recorded}, now token {} {:.3}", it.token.0, it.confidence),
        None => format!("{recorded}, now it is left masked there"),
    }
}

fn report(run: &RecordedRun, loaded: &Loaded, comparison: &Comparison) -> String {
    let who = |it: &BackendLine| format!("{} {} {}", it.name, it.version, it.precision);
    let mut lines = format!(
        "recorded {}, now {} · {} of {} the same\n",
        who(&run.start.backend),
        who(&BackendLine::of(loaded)),
        comparison.same,
        counted(comparison.steps, "step")
    );
    if let Some(first) = &comparison.first {
        lines += &format!("first difference: {first}\n");
    }
    lines += &format!(
        "confidences differ by at most {:.6}\n",
        comparison.confidences
    );
    lines
}
