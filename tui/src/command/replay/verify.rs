//! A recorded run made again: from its canvas, with its settings, its edits in their places. Unless it is to go its own way,
//! its canvas follows the recorded one.

use std::collections::BTreeSet;

use unmask::amount::counted;
use unmask::picture::RecordedRun;
use unmask_core::Canvas;
use unmask_core::config::{Config, ConfigReader};
use unmask_core::engine::{Failure, FailureKind, Loaded, TurnEvent, TurnInput};
use unmask_core::event::{Commit, StepEvent};
use unmask_core::fold::Fold;
use unmask_core::text::Vocabulary;
use unmask_core::wire::{BackendLine, CommitLine, Event, ModelLine, RunSettings, StepLine};

use crate::cli::ReplayArguments;
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
    /// Recorded tokens in whose place another one would stand now.
    others: usize,
    /// Differences of the confidences of equal commits.
    confidences: Vec<f32>,
}

pub(super) fn verify(
    config: Config,
    reader: &ConfigReader,
    run: &RecordedRun,
    arguments: &ReplayArguments,
) -> anyhow::Result<u8> {
    let legs = legs(run)?;
    let mut meter = ProgressMeter::new(arguments.quiet);
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
        comparison.add(leg, (&made, vocabulary), is_last && run.end.is_some());
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
    fn add(&mut self, leg: &Leg, (made, vocabulary): (&[StepEvent], &Vocabulary), is_ended: bool) {
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
                    let apart = other.map(|it| (it.confidence - commit.confidence).abs());
                    self.confidences.extend(apart);
                }
                continue;
            }
            let is_other = |line: &CommitLine, it: &Commit| {
                it.at.0 == line.position && it.token.0 != line.token
            };
            let others = (step.commits.iter())
                .filter(|line| now.commits.iter().any(|it| is_other(line, it)));
            self.others += others.count();
            self.differs(|| difference(step, &StepLine::of(now, vocabulary)));
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

/// `step 12, position 31: recorded “ the” 0.412, now “ a” 0.409; its best two differ by 0.003, a near tie`.
fn difference(step: &StepLine, now: &StepLine) -> String {
    let is_now = |line: &&CommitLine| {
        let mut commits = now.commits.iter();
        commits.any(|it| (it.position, it.token) == (line.position, line.token))
    };
    let Some(line) = step.commits.iter().find(|line| !is_now(line)) else {
        return format!("step {}: more is committed now", step.step);
    };
    let said = |it: &CommitLine| {
        let text = it.text.as_ref().map(|text| text.shown());
        let text = text.unwrap_or_else(|| format!("token {}", it.token));
        format!("“{text}” {:.3}", it.confidence)
    };
    let recorded = format!(
        "step {}, position {}: recorded {}",
        step.step,
        line.position,
        said(line)
    );
    match now.commits.iter().find(|it| it.position == line.position) {
        Some(it) => format!("{recorded}, now {}{}", said(it), tie(it)),
        None => format!("{recorded}, now it is left masked there"),
    }
}

/// How near the two best candidates are to each other.
fn tie(commit: &CommitLine) -> String {
    /// Arithmetic in another order moves probabilities by about this much.
    const NEAR: f32 = 0.01;
    let [best, second, ..] = &commit.top[..] else {
        return String::new();
    };
    let apart = best.1 - second.1;
    let near = if apart < NEAR { ", a near tie" } else { "" };
    format!("; its best two differ by {apart:.3}{near}")
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
    let mut apart = comparison.confidences.clone();
    apart.sort_unstable_by(f32::total_cmp);
    if let (Some(most), Some(median)) = (apart.last(), apart.get(apart.len() / 2)) {
        lines += &format!("confidences differ by at most {most:.6}, median {median:.6}\n");
    }
    lines += match (&comparison.first, comparison.others) {
        (None, _) => String::new(),
        (Some(_), 0) => "no token that is fixed at the same step is another one\n".to_owned(),
        (Some(_), others) => format!("{} would be another now\n", counted(others, "token")),
    }
    .as_str();
    lines
}
