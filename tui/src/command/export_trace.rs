//! `unmask export trace`: a recorded run as a page, as text, as one JSON object.

use std::path::Path;

use anyhow::Context as _;
use unmask::picture::{RecordedRun, answer, html, json, log};
use unmask_core::config::Environment;
use unmask_core::regular_file;
use unmask_core::wire::{Event, ReadError, Recording, read_file};

use super::output::{Force, Output};
use super::records::is_same;
use super::{Usage, code, print, print_note};
use crate::cli::{ExportTraceArguments, TraceFormat, TraceStep};

pub(super) fn run(
    environment: &Environment,
    arguments: &ExportTraceArguments,
) -> anyhow::Result<u8> {
    if arguments.to != TraceFormat::Text && arguments.step != TraceStep::Last {
        let text = "--step is for --to text; a page has a slider, and JSON holds every step";
        return Err(Usage(text.to_owned()).into());
    }
    let out = arguments
        .out
        .as_deref()
        .map(|path| Output::look(path, environment));
    let out = out.transpose()?;
    if let Some(out) = &out {
        if is_same(&out.path, &environment.expand(&arguments.file)) {
            let text = format!(
                "{} is the recorded run itself; name another --out file",
                out.shown
            );
            return Err(Usage(text).into());
        }
        out.may_replace(Force::from(arguments.force), "it is there")?;
    }
    let recording = recording(&environment.expand(&arguments.file))?;
    if recording.is_cut {
        print_note("the last line is cut off and left out");
    }
    if recording.events.is_empty() {
        let text = format!("{} holds no run", arguments.file.display());
        return Err(Usage(text).into());
    }
    let shown = arguments.file.display();
    let unusable = |error: &dyn std::fmt::Display| Usage(format!("{shown}: {error}"));
    let run = RecordedRun::of(&recording, arguments.run).map_err(|error| unusable(&error))?;
    let text = match (arguments.to, arguments.step) {
        (TraceFormat::Html, _) => html(&run).map_err(|error| unusable(&error))?,
        (TraceFormat::Json, _) => json(&run),
        (TraceFormat::Text, TraceStep::All) => log(&run),
        (TraceFormat::Text, TraceStep::Last) => {
            let answer = answer(&run, run.events.len()).map_err(|error| unusable(&error))?;
            format!("{answer}\n")
        }
        (TraceFormat::Text, TraceStep::After(steps)) => {
            let count = events_of(&run, steps).map_err(|error| unusable(&error))?;
            let answer = answer(&run, count).map_err(|error| unusable(&error))?;
            format!("{answer}\n")
        }
    };
    match out {
        None => print(&text)?,
        Some(out) => {
            out.begin(&text)?;
            print_note(&format!("{} is written: {} bytes", out.shown, text.len()));
        }
    }
    Ok(code::DONE)
}

pub(super) fn recording(path: &Path) -> anyhow::Result<Recording> {
    let shown = path.display();
    if !regular_file::is_there(path).with_context(|| format!("cannot read {shown}"))? {
        return Err(Usage(format!(
            "there is no {shown}; `unmask generate --trace FILE` records a run"
        ))
        .into());
    }
    match read_file(path) {
        Ok(recording) => Ok(recording),
        Err(ReadError::Io(error)) => Err(error).with_context(|| format!("cannot read {shown}")),
        Err(error) => Err(Usage(format!("{shown}: {error}")).into()),
    }
}

/// How many events there are up to the end of this many steps.
fn events_of(run: &RecordedRun, steps: usize) -> Result<usize, String> {
    if steps == 0 {
        return Ok(0);
    }
    let all = run.events.iter().enumerate();
    let mut ends = all.filter_map(|(index, event)| match event {
        Event::Step(_) => Some(index + 1),
        _ => None,
    });
    ends.nth(steps - 1).ok_or_else(|| {
        let made = run
            .events
            .iter()
            .filter(|event| matches!(event, Event::Step(_)))
            .count();
        format!("it has {made} steps, not {steps}")
    })
}
