//! A run as text: its answer, or a line a step, as the original's visualization logs it; and as one JSON object.

use serde_json::{Value, json};
use unmask_core::clean::clean_line;
use unmask_core::event::CommitKind;
use unmask_core::wire::{CommitLine, Event, StepLine, TokenText};

use crate::recorded_run::{RecordedRun, RunError};

/// The answer as it stands after the first `count` events.
///
/// # Errors
/// If the events do not fit the canvas.
pub fn answer(run: &RecordedRun, count: usize) -> Result<String, RunError> {
    Ok(run.after(count)?.answer(&run.start.canvas.ends))
}

/// A line for each commit of each step: `step 9/64 · block 1/2 · 13 "exactly" 0.41 · 55 masked`; for each part of a text that
/// came alone: `part 9 · "exactly"`.
#[must_use]
pub fn log(run: &RecordedRun) -> String {
    let mut lines = String::new();
    for event in &run.events {
        match event {
            Event::Step(step) if run.start.backend.text_alone => lines.push_str(&part_line(step)),
            Event::Step(step) => lines.push_str(&step_lines(step)),
            Event::Edit { commits } => {
                for commit in commits {
                    lines.push_str(&format!("edit · {}\n", said(commit)));
                }
            }
            Event::Settings { params } => {
                let params = Value::Object(params.clone());
                lines.push_str(&format!("settings · {params}\n"));
            }
            Event::Paused { step } => lines.push_str(&format!("paused after step {step}\n")),
            Event::Start(_)
            | Event::Resumed {}
            | Event::Trimmed { .. }
            | Event::Done(_)
            | Event::Failed(_) => (),
        }
    }
    lines
}

fn step_lines(step: &StepLine) -> String {
    let head = format!(
        "step {}/{} · block {}/{}",
        step.step,
        step.steps,
        step.block + 1,
        step.blocks
    );
    let commits = step.commits.iter();
    let lines = commits.map(|it| format!("{head} · {} · {} masked\n", said(it), step.masked));
    match step.commits.is_empty() {
        true => format!("{head} · nothing · {} masked\n", step.masked),
        false => lines.collect(),
    }
}

fn part_line(part: &StepLine) -> String {
    let mut bytes = Vec::new();
    for text in part.commits.iter().filter_map(|it| it.text.as_ref()) {
        match text {
            TokenText::Text(text) => bytes.extend(text.bytes()),
            TokenText::Bytes(more) => bytes.extend(more),
            TokenText::Special(_) => (),
        }
    }
    let text = String::from_utf8_lossy(&bytes);
    format!("part {} · \"{}\"\n", part.step, clean_line(&text))
}

fn said(commit: &CommitLine) -> String {
    let text = commit
        .text
        .as_ref()
        .map(|text| text.shown())
        .unwrap_or_default();
    let text = clean_line(&text);
    let how = match commit.kind {
        CommitKind::New => String::new(),
        CommitKind::Changed => " changed".to_owned(),
        CommitKind::Remasked => " remasked".to_owned(),
        CommitKind::Inserted => " inserted".to_owned(),
        CommitKind::Deleted => " deleted".to_owned(),
        CommitKind::Pinned => " pinned".to_owned(),
    };
    format!(
        "{} \"{text}\" {:.2}{how}",
        commit.position, commit.confidence
    )
}

/// One object: `{"start": …, "steps": […], "end": …}`, whose members are the lines of the trace.
///
/// # Panics
/// Never: events have only plain values.
#[must_use]
pub fn json(run: &RecordedRun) -> String {
    let value =
        |event: &Event| -> Value { serde_json::from_str(&event.line()).expect("a line is JSON") };
    let start = Event::Start(Box::new(run.start.clone()));
    let steps: Vec<Value> = run.events.iter().map(value).collect();
    let whole =
        json!({ "start": value(&start), "steps": steps, "end": run.end.as_ref().map(value) });
    format!("{whole}\n")
}
