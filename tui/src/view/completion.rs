use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::widgets::{Clear, Widget};

use super::{panel, put};
use crate::availability;
use crate::geometry::{self, MARGIN};
use crate::row::cut;
use crate::slash::Slash;
use crate::state::State;
use crate::theme::Role;

/// Cells of a command with its argument.
const USAGE: u16 = 30;

/// The commands that fit what is typed, above the composer.
pub(super) fn draw(state: &State, buffer: &mut Buffer) {
    let Some(found) = state.completions() else {
        return;
    };
    let area = geometry::completions(state, found.len());
    Clear.render(area, buffer);
    let theme = state.look.theme;
    buffer.set_style(area, panel::ground(theme, Role::Raised));
    let chosen = state.completion.chosen.map(|it| it.min(found.len() - 1));
    let top = geometry::list_top(
        state.completion.top,
        chosen.unwrap_or(0),
        usize::from(area.height),
    );
    for ((at, slash), y) in found
        .iter()
        .enumerate()
        .skip(top)
        .zip(area.y..area.bottom())
    {
        let is_chosen = chosen == Some(at);
        row(
            state,
            slash,
            is_chosen,
            Rect::new(area.x, y, area.width, 1),
            buffer,
        );
    }
}

fn row(state: &State, slash: &Slash, is_chosen: bool, line: Rect, buffer: &mut Buffer) {
    let theme = state.look.theme;
    let refusal = availability::of(state, slash).err();
    let role = match (refusal, is_chosen) {
        (Some(_), _) => Role::Muted,
        (None, true) => Role::Strong,
        (None, false) => Role::Text,
    };
    let right = line.right().saturating_sub(MARGIN);
    if is_chosen {
        buffer.set_style(line, theme.style(Role::Chosen));
    }
    let sign = if is_chosen { "▸" } else { " " };
    put(
        buffer,
        theme,
        (line.x + 1, line.y),
        right,
        (sign, Role::Accent),
    );
    let about_at = (line.x + 3 + USAGE).min(right / 2);
    let usage = cut(
        &slash.usage(),
        usize::from(about_at.saturating_sub(line.x + 4)),
    );
    put(
        buffer,
        theme,
        (line.x + 3, line.y),
        about_at,
        (&usage, role),
    );
    let about = cut(
        refusal.unwrap_or_else(|| slash.about()),
        usize::from(right.saturating_sub(about_at)),
    );
    put(
        buffer,
        theme,
        (about_at, line.y),
        right,
        (&about, Role::Quiet),
    );
}
