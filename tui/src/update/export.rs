//! An answer and how it came about as a file for others.

use std::path::PathBuf;
use std::sync::Arc;

use crate::effect::{CopyJob, Effect};
use crate::picture::{Chrome, PictureStyle};
use crate::session::TracedAnswer;
use crate::state::{Entry, ExportFormat, ReplayLayer, State};
use crate::theme::{Depth, Theme};

/// Has the answer that is replayed or selected, else the last one, written into a new file.
pub(super) fn export(
    state: &mut State,
    format: ExportFormat,
    path: Option<PathBuf>,
) -> Vec<Effect> {
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
    let all = turn.log().entries.len();
    let replay = state.replay.as_ref();
    vec![Effect::Copy(CopyJob::Export {
        turn: Arc::clone(turn),
        answer: Box::new(TracedAnswer::of(answer)),
        format,
        style: Box::new(style(state, format)),
        shown: replay.map_or(all, |replay| replay.shown(turn)),
        path,
    })]
}

/// In the theme of the screen, which a file has all colours for.
fn style(state: &State, format: ExportFormat) -> PictureStyle {
    let replay = state.replay.as_ref();
    PictureStyle {
        theme: Theme {
            depth: Depth::True,
            ..state.look.theme
        },
        layer: match format {
            ExportFormat::Card => ReplayLayer::Order,
            _ => replay.map_or(ReplayLayer::Confidence, |replay| replay.layer),
        },
        chrome: match format {
            ExportFormat::Card => Chrome::Card,
            _ => Chrome::Full,
        },
        ..PictureStyle::default()
    }
}
