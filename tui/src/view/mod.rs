//! How the screen looks: a pure function of the state and its layout. One file for each panel.

mod ascii;
mod compare;
mod completion;
mod composer;
mod confirm;
mod find;
mod first_run;
mod header;
mod help;
mod info;
mod menu;
pub(crate) mod panel;
mod plan;
mod replay;
mod settings;
mod status;
mod timeline;
mod toast;
mod token_text;
mod too_small;
mod transcript;
mod welcome;

#[cfg(test)]
mod tests;

use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use crate::cells::cell_count;
use crate::geometry::Areas;
use crate::row::Row;
use crate::screen_layout::ScreenLayout;
use crate::state::{Focus, Glyphs, ListData, Overlay, State};
use crate::theme::{Role, Theme};

/// Stands before a person's words, the draft, and what the keys mean.
const BAR: &str = "▌";

/// Draws a whole frame of a state, as it was laid out.
pub fn draw(state: &State, layout: &ScreenLayout, frame: &mut Frame<'_>) {
    let area = frame.area();
    let theme = state.look.theme;
    let ground = theme.style(Role::Ground).patch(theme.style(Role::Text));
    frame.buffer_mut().set_style(area, ground);
    if state.is_too_small() {
        too_small::draw(state, frame);
    } else {
        chat(state, layout, frame);
    }
    if state.look.glyphs == Glyphs::Ascii {
        ascii::replace(frame.buffer_mut());
    }
}

fn chat(state: &State, layout: &ScreenLayout, frame: &mut Frame<'_>) {
    if state.compared().is_some() {
        compare::draw(state, layout, frame.buffer_mut());
        return over_replay(state, frame);
    }
    if state.replayed().is_some() {
        replay::draw(state, layout, frame.buffer_mut());
        return over_replay(state, frame);
    }
    let areas = Areas::of(state);
    let buffer = frame.buffer_mut();
    header::draw(state, areas.header, buffer);
    transcript::draw(state, layout, areas.transcript, buffer);
    find::draw(state, areas.transcript, buffer);
    if state.is_first_run() {
        first_run::draw(state, buffer);
    }
    if let Some(shown) = state.welcomed() {
        welcome::draw(state, shown, buffer);
    }
    if let Some(turn) = state.running() {
        timeline::draw(turn, state, areas.timeline, buffer);
    }
    let caret = composer::draw(state, &areas, buffer);
    status::draw(state, areas.status, buffer);
    recede(state, frame.buffer_mut());
    let caret = match state.overlays.last() {
        Some(overlay) => draw_overlay(state, overlay, caret, frame.buffer_mut()),
        None if state.focus == Focus::Composer => {
            completion::draw(state, frame.buffer_mut());
            Some(caret)
        }
        // What is typed goes to the composer all the same; but no caret stands there yet.
        None => None,
    };
    if let Some(toast) = &state.toast {
        toast::draw(state, toast, frame.buffer_mut());
    }
    if let Some(caret) = caret {
        frame.set_cursor_position(caret);
    }
}

/// What lies over answers that stand in place of the chat.
fn over_replay(state: &State, frame: &mut Frame<'_>) {
    let behind = Position::new(0, 0);
    recede(state, frame.buffer_mut());
    let caret = match state.overlays.last() {
        Some(overlay) => draw_overlay(state, overlay, behind, frame.buffer_mut()),
        None => None,
    };
    if let Some(toast) = &state.toast {
        toast::draw(state, toast, frame.buffer_mut());
    }
    if let Some(caret) = caret.filter(|&caret| caret != behind) {
        frame.set_cursor_position(caret);
    }
}

/// What lies behind a panel loses most of its colour, but for what a panel lets one try: the themes.
fn recede(state: &State, buffer: &mut Buffer) {
    let is_seen = match state.overlays.last() {
        Some(Overlay::Menu { shown_at }) => *shown_at <= state.now.since_start,
        Some(Overlay::List(list)) => !matches!(list.data, ListData::Theme(_)),
        Some(_) => true,
        None => false,
    };
    if !is_seen {
        return;
    }
    let theme = state.look.theme;
    for cell in &mut buffer.content {
        cell.set_style(theme.behind(cell.style()));
    }
}

/// Draws what lies over the chat; returns where the caret is, if it is shown.
fn draw_overlay(
    state: &State,
    overlay: &Overlay,
    caret: Position,
    buffer: &mut Buffer,
) -> Option<Position> {
    match overlay {
        Overlay::Help(panel) => help::draw(state, panel, buffer),
        Overlay::Menu { shown_at } if *shown_at <= state.now.since_start => {
            menu::draw(state, buffer);
        }
        Overlay::Menu { .. } => return Some(caret),
        Overlay::List(list) => return Some((list.kind.draw)(state, list, buffer)),
        Overlay::TokenEdit(typed) => return Some(token_text::draw(state, typed, buffer)),
        Overlay::Settings(panel) => return settings::draw(state, panel, buffer),
        Overlay::Confirm(question) => confirm::draw(state, question, buffer),
        Overlay::Info(text) => info::draw(state, text, buffer),
    }
    None
}

/// Writes `text` at a place, as far as it fits before `right`; returns the cell after it.
pub(crate) fn put(
    buffer: &mut Buffer,
    theme: Theme,
    (x, y): (u16, u16),
    right: u16,
    it: (&str, Role),
) -> u16 {
    let (text, role) = it;
    let cells = usize::from(right.saturating_sub(x));
    let (end, _) = buffer.set_stringn(x, y, text, cells, theme.style(role));
    end
}

/// Writes a row of spans.
pub(crate) fn put_row(
    buffer: &mut Buffer,
    theme: Theme,
    (mut x, y): (u16, u16),
    right: u16,
    row: &Row,
) {
    for span in &row.spans {
        x = put(buffer, theme, (x, y), right, (&span.text, span.role));
    }
}

/// Writes `text` so that it ends before the margin of `area`; returns its first cell.
pub(crate) fn put_right(buffer: &mut Buffer, theme: Theme, area: Rect, it: (&str, Role)) -> u16 {
    let right = area.right().saturating_sub(crate::geometry::MARGIN);
    let cells = u16::try_from(cell_count(it.0)).unwrap_or(u16::MAX);
    let x = right.saturating_sub(cells).max(area.left());
    put(buffer, theme, (x, area.y), right, it);
    x
}
