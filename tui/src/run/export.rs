//! An answer and how it came about as bytes for a file.

use jiff::Timestamp;
use unmask_core::wire::Recording;

use crate::picture::{
    PictureFormat, PictureSpan, PictureStyle, RecordedRun, answer, html, json, log, picture,
};
use crate::session::{TracedAnswer, trace_events, trace_lines};
use crate::state::{ExportFormat, Turn};

/// What the file holds; of a still the first `shown` entries of the log.
///
/// # Errors
/// If the log does not fit the canvas, or cannot be drawn.
pub(super) fn exported(
    turn: &Turn,
    said: &TracedAnswer,
    (format, shown, style): (ExportFormat, usize, &PictureStyle),
    now: Timestamp,
) -> Result<Vec<u8>, String> {
    let drawn = |format, span| {
        let drawn = picture(turn, format, span, style);
        drawn.map_err(|error| error.to_string())
    };
    let run = || {
        let recording = Recording {
            events: trace_events(turn, said, now),
            is_cut: false,
        };
        RecordedRun::of(&recording, None).map_err(|error| error.to_string())
    };
    let text = match format {
        ExportFormat::Html => html(&run()?).map_err(|error| error.to_string())?,
        ExportFormat::Json => json(&run()?),
        ExportFormat::Log => log(&run()?),
        ExportFormat::Text => {
            let run = run()?;
            let text = answer(&run, run.events.len());
            text.map_err(|error| error.to_string())? + "\n"
        }
        ExportFormat::Trace => trace_lines(turn, said, now),
        ExportFormat::Svg => return drawn(PictureFormat::Svg, PictureSpan::Still(shown)),
        ExportFormat::Film => return drawn(PictureFormat::Svg, PictureSpan::Film),
        ExportFormat::Png => return drawn(PictureFormat::Png, PictureSpan::Still(shown)),
        ExportFormat::Card => {
            let all = turn.log().entries.len();
            return drawn(PictureFormat::Png, PictureSpan::Still(all));
        }
        ExportFormat::Apng => return drawn(PictureFormat::Apng, PictureSpan::Film),
        ExportFormat::Gif => return drawn(PictureFormat::Gif, PictureSpan::Film),
        ExportFormat::Cast => return drawn(PictureFormat::Cast, PictureSpan::Film),
    };
    Ok(text.into_bytes())
}
