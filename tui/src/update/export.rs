//! An answer and how it came about as a file for others.

use std::path::PathBuf;
use std::sync::Arc;

use crate::action::Command;
use crate::effect::{Effect, ExportJob};
use crate::picture::{Chrome, PictureStyle};
use crate::session::TracedAnswer;
use crate::state::{Confirm, Entry, ExportFormat, Overlay, ReplayLayer, State};
use crate::theme::{Depth, Theme};

/// Has the answer that is replayed or selected, else the last one, written into a new file.
pub(super) fn export(
    state: &mut State,
    format: ExportFormat,
    path: Option<PathBuf>,
) -> Vec<Effect> {
    let part = match (&state.compare, &state.replay) {
        (Some(compare), _) => Some(compare.part()),
        (None, Some(replay)) => Some(replay.part),
        (None, None) => state.selected(),
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
    let job = ExportJob {
        turn: Arc::clone(turn),
        answer: Box::new(TracedAnswer::of(answer)),
        format,
        style: Box::new(style(state, format)),
        shown: replay.map_or(all, |replay| replay.shown(turn)),
        path,
    };
    state.exporting += 1;
    vec![Effect::Export(job)]
}

/// A file is written, or could not be.
pub(super) fn ended(state: &mut State) {
    state.exporting = state.exporting.saturating_sub(1);
}

/// Asks before the program ends in the middle of a file; false if there is none, or this was asked.
pub(super) fn ask_to_leave(state: &mut State) -> bool {
    let is_asked = matches!(
        state.overlays.last(),
        Some(Overlay::Confirm(it)) if it.command == Command::Leave
    );
    if state.exporting == 0 || is_asked {
        return false;
    }
    state.overlays.push(Overlay::Confirm(Confirm {
        title: "Leave before the export is written?".to_owned(),
        lines: vec![format!(
            "{} being written; who leaves now gets nothing of it. The conversation is kept.",
            match state.exporting {
                1 => "A file is".to_owned(),
                n => format!("{n} files are"),
            }
        )],
        yes: "leave".to_owned(),
        letter: 'q',
        command: Command::Leave,
    }));
    true
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
