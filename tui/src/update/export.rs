//! An answer and how it came about as a file for others.

use std::path::PathBuf;
use std::sync::Arc;

use crate::effect::{CopyJob, Effect};
use crate::session::TracedAnswer;
use crate::state::{Entry, ExportFormat, State};

/// Has the answer that is replayed or selected, else the last one, written into a new file.
pub(super) fn export(state: &mut State, format: ExportFormat, path: PathBuf) -> Vec<Effect> {
    let part = match &state.replay {
        Some(replay) => Some(replay.part),
        None => state.selected(),
    };
    let item = part.and_then(|part| state.transcript.entries.get(part));
    let Some(Entry::Answer(answer)) = item.map(|item| &item.entry) else {
        state.notify("There is no finished answer to export yet");
        return Vec::new();
    };
    let turn = answer.trace.as_ref();
    let Some(turn) = turn.filter(|turn| !turn.log().entries.is_empty()) else {
        state.notify("How this answer came about is not in memory; /replay reads it");
        return Vec::new();
    };
    vec![Effect::Copy(CopyJob::Export {
        turn: Arc::clone(turn),
        answer: Box::new(TracedAnswer::of(answer)),
        format,
        path,
    })]
}
