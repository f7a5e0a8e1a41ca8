//! Answers and how they came about as files, on a thread of its own: a film takes seconds, and nothing waits for it.

use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use tokio::sync::mpsc::UnboundedSender;
use unmask_core::wire::Recording;

use super::new_file::{as_written, write};
use super::worker::Worker;
use crate::action::{Action, Copied};
use crate::effect::ExportJob;
use crate::picture::{
    PictureFormat, PictureSpan, PictureStyle, RecordedRun, answer, html, json, log, picture,
};
use crate::session::{TracedAnswer, trace_events, trace_lines};
use crate::state::{ExportFormat, Turn};

/// Starts the thread; `folder` is where files go that the user does not name.
///
/// # Errors
/// If the system has no thread to give.
pub(super) fn start(
    sender: &UnboundedSender<Action>,
    folder: Option<PathBuf>,
) -> io::Result<Worker<ExportJob>> {
    Worker::start("export", sender.clone(), move |job| {
        let exported = export(&job, folder.as_deref());
        Some(Action::Copied(exported.unwrap_or_else(Copied::NotExported)))
    })
}

fn export(job: &ExportJob, folder: Option<&Path>) -> Result<Copied, String> {
    let how = (job.format, job.shown, &*job.style);
    let bytes = exported(&job.turn, &job.answer, how, Timestamp::now())?;
    let extension = job.format.extension();
    let at = write(&bytes, job.path.as_deref(), (folder, extension))?;
    Ok(Copied::Exported(as_written(at), bytes.len() as u64))
}

/// What the file holds; of a still the first `shown` entries of the log.
///
/// # Errors
/// If the log does not fit the canvas, or cannot be drawn.
fn exported(
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
