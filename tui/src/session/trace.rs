//! Between a turn's log and the lines of its trace.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value};
use unmask_core::Params;
use unmask_core::engine::TurnId;
use unmask_core::event::{FinishReason, Stats};
use unmask_core::message::Role;
use unmask_core::wire::{
    CommitLine, Done, Event, Recording, RunLabel, RunSettings, Start, StepLine,
};

use super::recorded_model::recorded_model;
use crate::recorded_run::RecordedRun;
use crate::state::{Answer, LogEntry, RunRecord, Steering, Turn};

/// How an answer ended, beside what its turn knows.
#[derive(Debug, Clone, PartialEq)]
pub struct TracedAnswer {
    /// Its text.
    pub text: String,
    /// Why it ended.
    pub reason: FinishReason,
    /// Totals.
    pub stats: Stats,
}

impl TracedAnswer {
    /// Of an answer.
    #[must_use]
    pub fn of(answer: &Answer) -> Self {
        Self {
            text: answer.text.clone(),
            reason: answer.reason,
            stats: answer.stats,
        }
    }
}

/// The lines of a turn that has come to an answer.
#[must_use]
pub fn trace_lines(turn: &Turn, answer: &TracedAnswer, now: Timestamp) -> String {
    let events = trace_events(turn, answer, now);
    let lines: Vec<String> = events.iter().map(Event::line).collect();
    lines.join("\n") + "\n"
}

/// The same before they are written.
#[must_use]
pub fn trace_events(turn: &Turn, answer: &TracedAnswer, now: Timestamp) -> Vec<Event> {
    let recorded = turn.recorded.as_deref();
    let mut events = vec![start(turn, now)];
    events.extend(entry_events(turn, 0));
    let done = || {
        Event::Done(Done {
            reason: answer.reason,
            text: answer.text.clone(),
            stats: answer.stats,
        })
    };
    events.extend(match recorded {
        Some(recorded) => recorded.end.clone(),
        None => Some(done()),
    });
    events
}

/// What there is of a turn that runs, as far as it has come.
#[must_use]
pub(super) fn running_events(turn: &Turn, now: Timestamp) -> Vec<Event> {
    let mut events = vec![start(turn, now)];
    events.extend(entry_events(turn, 0));
    events
}

/// What a lean trace leaves out: the runners-up of each token.
const TOP: &str = "top";

/// The same without the runners-up of each token; whoever reads it is told, once.
#[must_use]
pub(super) fn lean(events: Vec<Event>) -> Vec<Event> {
    let mut lean = Vec::with_capacity(events.len() + 1);
    let is_told = |event: &Event| matches!(event, Event::Trimmed { what } if what == TOP);
    let mut events = events;
    events.retain(|event| !is_told(event));
    for mut event in events {
        if let Event::Step(step) = &mut event {
            step.commits
                .iter_mut()
                .for_each(|commit| commit.top.clear());
        }
        let is_start = matches!(event, Event::Start(_));
        lean.push(event);
        if is_start {
            lean.push(Event::Trimmed {
                what: TOP.to_owned(),
            });
        }
    }
    lean
}

fn start(turn: &Turn, now: Timestamp) -> Event {
    let (log, loaded) = (turn.log(), &turn.loaded);
    let label = RunLabel {
        id: ulid::Ulid::new().to_string(),
        at: now.to_string(),
        program: format!("unmask {}", env!("CARGO_PKG_VERSION")),
        messages: turn.messages.clone(),
    };
    let made = || Start {
        infill: turn.branch.as_ref().is_some_and(|it| it.is_infill),
        ..Start::of(&log.canvas, &log.params, loaded, &label)
    };
    let recorded = turn.recorded.as_deref();
    Event::Start(Box::new(recorded.map_or_else(made, |it| it.start.clone())))
}

/// What has happened from an entry of a turn's log on.
#[must_use]
pub fn entry_events(turn: &Turn, from: usize) -> Vec<Event> {
    let (log, loaded) = (turn.log(), &turn.loaded);
    let recorded = turn.recorded.iter();
    let trimmed = recorded.flat_map(|it| &it.trimmed);
    let mut trimmed = trimmed.skip_while(|(at, _)| *at < from).peekable();
    let mut events = Vec::new();
    let mut params = log.params_at(from);
    for (at, entry) in log.entries.iter().enumerate().skip(from) {
        while let Some((_, what)) = trimmed.next_if(|(from, _)| *from == at) {
            events.push(Event::Trimmed { what: what.clone() });
        }
        match entry {
            LogEntry::Step(step) => {
                let mut line = StepLine::of(step, &loaded.vocabulary);
                // They are for the eyes, and more than all the rest.
                line.guesses.clear();
                events.push(Event::Step(line));
            }
            LogEntry::Edit(steering) => {
                let commits = steering.commits.iter();
                events.push(Event::Edit {
                    commits: commits
                        .map(|commit| CommitLine::of(commit, &loaded.vocabulary))
                        .collect(),
                });
                if let Some(now) = &steering.params {
                    let length = log.canvas.answer().len();
                    events.push(Event::Settings {
                        params: changed(params, now, length),
                    });
                    params = now;
                }
            }
        }
    }
    events.extend(trimmed.map(|(_, what)| Event::Trimmed { what: what.clone() }));
    events
}

/// The settings that are others now.
fn changed(before: &Params, now: &Params, length: usize) -> Map<String, Value> {
    let before = RunSettings::of(before, length).settings;
    let now = RunSettings::of(now, length).settings;
    now.into_iter()
        .filter(|(key, value)| before.get(key) != Some(value))
        .collect()
}

/// The last run of a recording as a turn at rest, of a model that only stands for the one that computed it.
///
/// # Errors
/// What is wrong with it.
pub fn recorded_turn(recording: &Recording) -> Result<Turn, String> {
    let run = RecordedRun::of(recording, None).map_err(|error| error.to_string())?;
    turn_of_run(&run)
}

/// A run as a turn at rest.
///
/// # Errors
/// If its events do not fit its canvas.
pub fn turn_of_run(run: &RecordedRun) -> Result<Turn, String> {
    // All of it is tried before any of it is shown.
    run.after(run.events.len())
        .map_err(|error| error.to_string())?;
    let canvas = run.start.canvas.canvas();
    let canvas = canvas.ok_or("the canvas of the run does not fit together")?;
    let asked = run.start.messages.iter().rfind(|it| it.role == Role::User);
    let prompt = asked.map_or_else(String::new, |message| message.content.clone());
    let mut turn = Turn::new(TurnId::default(), recorded_model(run), prompt);
    turn.messages.clone_from(&run.start.messages);
    let mut trimmed = Vec::new();
    let mut settings = run.start.params.clone();
    turn.lay_out(canvas, &settings.params());
    for event in &run.events {
        match event {
            Event::Step(step) => turn.replay_step(step.event()),
            Event::Edit { commits } => turn.replay_edit(Steering {
                commits: commits.iter().map(CommitLine::commit).collect(),
                params: None,
            }),
            Event::Settings { params } => {
                settings.settings.extend(params.clone());
                turn.replay_edit(Steering {
                    commits: Vec::new(),
                    params: Some(settings.params()),
                });
            }
            Event::Trimmed { what } => trimmed.push((turn.log().entries.len(), what.clone())),
            Event::Start(_)
            | Event::Paused { .. }
            | Event::Resumed {}
            | Event::Done(_)
            | Event::Failed(_) => (),
        }
    }
    turn.recorded = Some(Arc::new(RunRecord {
        start: run.start.clone(),
        trimmed,
        end: run.end.clone(),
    }));
    Ok(turn.at_rest())
}
