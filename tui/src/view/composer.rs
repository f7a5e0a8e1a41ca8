use ratatui::buffer::Buffer;
use ratatui::layout::Position;

use super::put;
use crate::geometry::{Areas, MARGIN, PROMPT, composer_width};
use crate::state::{Activity, ComposerRow, State};
use crate::theme::Role;

/// The rule and the draft below it; returns where the caret is.
pub(super) fn draw(state: &State, areas: &Areas, buffer: &mut Buffer) -> Position {
    let theme = state.look.theme;
    let area = areas.composer;
    let rule = "─".repeat(usize::from(areas.rule.width));
    put(
        buffer,
        theme,
        (0, areas.rule.y),
        areas.rule.right(),
        (&rule, Role::Quiet),
    );
    put(
        buffer,
        theme,
        (MARGIN, area.y),
        area.right(),
        ("›", Role::Accent),
    );
    let (rows, caret) = state.composer.rows(composer_width(state.size));
    // The caret's row is always seen.
    let height = usize::from(area.height);
    let top = (caret.row + 1).saturating_sub(height);
    for (row, y) in rows.iter().skip(top).take(height).zip(area.y..) {
        let text = row_text(state, row);
        put(
            buffer,
            theme,
            (PROMPT, y),
            area.right(),
            (&text, Role::Text),
        );
    }
    if state.composer.is_empty() {
        let invitation = invitation(state);
        put(
            buffer,
            theme,
            (PROMPT, area.y),
            area.right(),
            (invitation, Role::Quiet),
        );
    }
    let short = |value: usize| u16::try_from(value).unwrap_or(u16::MAX);
    Position::new(
        PROMPT.saturating_add(short(caret.cell)),
        area.y.saturating_add(short(caret.row - top)),
    )
}

/// A tab is drawn as one space, so that the caret stays on its cell.
fn row_text(state: &State, row: &ComposerRow) -> String {
    state.composer.lines()[row.line][row.start..row.end].replace('\t', " ")
}

fn invitation(state: &State) -> &'static str {
    match &state.activity {
        Activity::Turn(_) if state.is_paused() => "Space goes on · type a message to queue it",
        Activity::Turn(_) => "You can type the next message now; Enter queues it",
        Activity::Loading(_) => "You can type a message now; it is sent when the model is ready",
        Activity::Idle if !state.queue.is_empty() && state.model.is_some() => {
            "Enter sends the queued message · ↑ edits it"
        }
        Activity::Idle if state.model.is_none() => {
            "Commands work now; messages are kept until a model is loaded"
        }
        Activity::Idle => "Type a message · / commands · ? help",
    }
}
