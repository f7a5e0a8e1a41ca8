use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use super::{BAR, put};
use crate::action::Command;
use crate::geometry::{Areas, INDENT, MARGIN, PROMPT, composer_width, list_top};
use crate::keymap::Context;
use crate::row::cut;
use crate::state::{Activity, ComposerRow, Focus, State};
use crate::theme::Role;

/// The draft on its ground, behind a bar; returns where the caret is.
pub(super) fn draw(state: &State, areas: &Areas, buffer: &mut Buffer) -> Position {
    let theme = state.look.theme;
    let area = areas.composer;
    let ground = Rect {
        x: area.x + MARGIN,
        width: area.width.saturating_sub(2 * MARGIN),
        ..area
    };
    buffer.set_style(ground, theme.style(Role::Surface));
    let bar = match state.focus {
        Focus::Composer => Role::Accent,
        Focus::Canvas => Role::Quiet,
    };
    for y in area.y..area.bottom() {
        put(buffer, theme, (MARGIN, y), area.right(), (BAR, bar));
    }
    put(buffer, theme, (INDENT, area.y), area.right(), ("›", bar));
    let (rows, caret) = state.composer.rows(composer_width(state.size));
    // The caret's row is always seen.
    let height = usize::from(area.height);
    let top = list_top(0, caret.row, height);
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
    if let Some(mark) = edited(state) {
        let mark = cut(&mark, usize::from(ground.width));
        put(
            buffer,
            theme,
            (INDENT, areas.gap.y),
            ground.right(),
            (&mark, Role::Warn),
        );
    }
    if state.composer.is_empty() {
        let invitation = invitation(state);
        put(
            buffer,
            theme,
            (PROMPT, area.y),
            area.right(),
            (&invitation, Role::Quiet),
        );
    }
    let short = |value: usize| u16::try_from(value).unwrap_or(u16::MAX);
    Position::new(
        PROMPT.saturating_add(short(caret.cell)),
        area.y.saturating_add(short(caret.row - top)),
    )
}

/// What the draft is, if it is an earlier message: `message 2, edited · Enter begins a branch · Esc gives up`.
fn edited(state: &State) -> Option<String> {
    let number = state.transcript.turn_number(state.editing?)?;
    let key = |command, word: &str| {
        let places = [Context::Composer, Context::Anywhere];
        let key = state.keymap.label(&places, &command);
        key.map_or_else(String::new, |key| format!(" · {key} {word}"))
    };
    let send = key(Command::Send, "begins a branch");
    let back = key(Command::Back, "gives up");
    Some(format!("message {number}, edited{send}{back}"))
}

/// A tab is drawn as one space, so that the caret stays on its cell.
fn row_text(state: &State, row: &ComposerRow) -> String {
    state.composer.shown(row).replace('\t', " ")
}

fn invitation(state: &State) -> String {
    let places = [Context::Paused, Context::Empty, Context::Composer];
    let key = |command, word: &str| {
        let key = state.keymap.label(&places, &command);
        key.map(|key| format!("{key} {word}"))
    };
    let parts = match &state.activity {
        Activity::Turn(_) if state.is_paused() => vec![
            key(Command::Resume, "goes on"),
            Some("type a message to queue it".to_owned()),
        ],
        Activity::Turn(_) => vec![Some(match key(Command::Send, "queues it") {
            Some(enter) => format!("You can type the next message now; {enter}"),
            None => "You can type the next message now".to_owned(),
        })],
        Activity::Loading(_) => vec![Some(
            "You can type a message now; it is sent when the model is ready".to_owned(),
        )],
        Activity::Idle if !state.queue.is_empty() && state.model.is_some() => vec![
            key(Command::Send, "sends the queued message"),
            key(Command::Up, "edits it"),
        ],
        Activity::Idle if state.model.is_none() => vec![Some(
            "Commands work now; messages are kept until a model is loaded".to_owned(),
        )],
        Activity::Idle => vec![
            Some("Type a message".to_owned()),
            Some("/ commands".to_owned()),
            key(Command::Help, "help"),
        ],
    };
    parts.into_iter().flatten().collect::<Vec<_>>().join(" · ")
}
