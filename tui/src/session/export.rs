//! An answer and how it came about as text for a file.

use jiff::Timestamp;
use unmask_core::wire::Recording;

use super::trace::{TracedAnswer, trace_events, trace_lines};
use crate::picture::{RecordedRun, answer, html, json, log};
use crate::state::{ExportFormat, Turn};

/// What the file holds.
///
/// # Errors
/// If the log does not fit the canvas.
pub fn exported(
    turn: &Turn,
    said: &TracedAnswer,
    format: ExportFormat,
    now: Timestamp,
) -> Result<String, String> {
    let recording = Recording {
        events: trace_events(turn, said, now),
        is_cut: false,
    };
    let run = RecordedRun::of(&recording, None).map_err(|error| error.to_string())?;
    let text = match format {
        ExportFormat::Html => html(&run),
        ExportFormat::Json => Ok(json(&run)),
        ExportFormat::Log => Ok(log(&run)),
        ExportFormat::Text => answer(&run, run.events.len()).map(|text| text + "\n"),
        ExportFormat::Trace => Ok(trace_lines(turn, said, now)),
    };
    text.map_err(|error| error.to_string())
}
