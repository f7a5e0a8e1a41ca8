//! `unmask export trace`: a recorded run as a page, a picture, a film, as text, as one JSON object.

use std::io::{self, IsTerminal as _, Write as _};
use std::path::Path;

use anyhow::Context as _;
use unmask::amount::counted;
use unmask::picture::{PictureFormat, PictureSpan, RecordedRun, answer, html, json, log, picture};
use unmask::session::turn_of_run;
use unmask::theme::{Depth, Ground, Theme};
use unmask::themes::{Colours, Themes};
use unmask_core::config::Environment;
use unmask_core::regular_file;
use unmask_core::wire::{Event, ReadError, Recording, read_file};

use super::output::{Force, Output};
use super::records::is_same;
use super::{Usage, code, print, print_note};
use crate::cli::{ExportTraceArguments, ScreenFlags, TraceFormat, TraceStep};

pub(super) fn run(
    environment: &Environment,
    flags: &ScreenFlags,
    arguments: &ExportTraceArguments,
) -> anyhow::Result<u8> {
    if matches!(arguments.to, TraceFormat::Html | TraceFormat::Json) && arguments.step.is_some() {
        let text =
            "--step is for text and pictures; a page has a slider, and JSON holds every step";
        return Err(Usage(text.to_owned()).into());
    }
    let theme = theme(environment, flags.theme().unwrap_or("dark"))?;
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
    let text = |step: TraceStep| -> anyhow::Result<String> {
        let count = match step {
            TraceStep::All => return Ok(log(&run)),
            TraceStep::Last => run.events.len(),
            TraceStep::After(steps) => events_of(&run, steps).map_err(|error| unusable(&error))?,
        };
        let answer = answer(&run, count).map_err(|error| unusable(&error))?;
        Ok(format!("{answer}\n"))
    };
    let bytes = match arguments.to {
        TraceFormat::Html => html(&run).map_err(|error| unusable(&error))?.into_bytes(),
        TraceFormat::Json => json(&run).into_bytes(),
        TraceFormat::Text => text(arguments.step.unwrap_or(TraceStep::Last))?.into_bytes(),
        TraceFormat::Svg => drawn(PictureFormat::Svg, &run, arguments, theme)?,
        TraceFormat::Png => drawn(PictureFormat::Png, &run, arguments, theme)?,
        TraceFormat::Apng => drawn(PictureFormat::Apng, &run, arguments, theme)?,
        TraceFormat::Gif => drawn(PictureFormat::Gif, &run, arguments, theme)?,
        TraceFormat::Cast => drawn(PictureFormat::Cast, &run, arguments, theme)?,
    };
    match out {
        None => print_bytes(&bytes)?,
        Some(out) => {
            out.begin(&bytes)?;
            print_note(&format!(
                "{} is written: {}",
                out.shown,
                counted(bytes.len(), "byte")
            ));
        }
    }
    Ok(code::DONE)
}

fn drawn(
    format: PictureFormat,
    run: &RecordedRun,
    arguments: &ExportTraceArguments,
    theme: Theme,
) -> anyhow::Result<Vec<u8>> {
    let shown = arguments.file.display();
    let unusable = |error: &dyn std::fmt::Display| Usage(format!("{shown}: {error}"));
    let turn = turn_of_run(run).map_err(|error| unusable(&error))?;
    let entries = turn.log().entries.len();
    let moves = match format {
        PictureFormat::Svg | PictureFormat::Png => TraceStep::Last,
        PictureFormat::Apng | PictureFormat::Gif | PictureFormat::Cast => TraceStep::All,
    };
    let span = match arguments.step.unwrap_or(moves) {
        TraceStep::All => PictureSpan::Film,
        TraceStep::Last => PictureSpan::Still(entries),
        TraceStep::After(steps) => {
            events_of(run, steps).map_err(|error| unusable(&error))?;
            PictureSpan::Still(turn.log().entries_of(steps))
        }
    };
    let style = arguments.picture.style(theme);
    picture(&turn, format, span, &style).map_err(|error| Usage(error.to_string()).into())
}

/// A theme in all colours; one without a ground of its own is drawn on a dark one.
fn theme(environment: &Environment, name: &str) -> Result<Theme, Usage> {
    let folder = super::config::themes_folder(environment);
    let files = folder.map(|folder| unmask::run::read_themes(&folder));
    let themes = Themes {
        files: files.unwrap_or_default(),
        ..Themes::default()
    };
    let colours = Colours {
        ground: Some(Ground::Dark),
        depth: Depth::True,
    };
    let found = themes.theme(name, colours);
    let (theme, diagnostics) = found.map_err(|why| Usage(format!("--theme: {why}")))?;
    for diagnostic in diagnostics {
        print_note(&diagnostic.to_string());
    }
    Ok(theme)
}

/// To a terminal text alone goes, and cleaned.
fn print_bytes(bytes: &[u8]) -> anyhow::Result<()> {
    match std::str::from_utf8(bytes) {
        Ok(text) => print(text),
        Err(_) if io::stdout().is_terminal() => {
            let text = "this is no text for a terminal; name a file with --out";
            Err(Usage(text.to_owned()).into())
        }
        Err(_) => {
            let mut stdout = io::stdout();
            let written = stdout.write_all(bytes).and_then(|()| stdout.flush());
            written.context("cannot write to standard output")
        }
    }
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
pub(super) fn events_of(run: &RecordedRun, steps: usize) -> Result<usize, String> {
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
        format!("it has {}, not {steps}", counted(made, "step"))
    })
}
