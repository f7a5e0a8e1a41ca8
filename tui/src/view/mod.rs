//! How the screen looks: a pure function of the prepared state. One file for each panel.

mod ascii;
mod completion;
mod composer;
mod confirm;
mod header;
mod help;
mod menu;
mod number;
mod palette;
mod panel;
mod search;
mod sessions;
mod status;
mod themes;
mod timeline;
mod toast;
mod too_small;
mod transcript;

#[cfg(test)]
mod tests;

use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use unicode_width::UnicodeWidthStr;

use crate::geometry::Areas;
use crate::row::Row;
use crate::state::{Focus, Glyphs, Overlay, State};
use crate::theme::{Role, Theme};

/// Draws a whole frame of a state that was [prepared](crate::update::prepare).
pub fn draw(state: &State, frame: &mut Frame<'_>) {
    if state.is_too_small() {
        too_small::draw(state, frame);
    } else {
        chat(state, frame);
    }
    if state.look.glyphs == Glyphs::Ascii {
        ascii::replace(frame.buffer_mut());
    }
}

fn chat(state: &State, frame: &mut Frame<'_>) {
    let areas = Areas::of(state);
    let buffer = frame.buffer_mut();
    header::draw(state, areas.header, buffer);
    transcript::draw(state, areas.transcript, buffer);
    if let Some(turn) = state.running() {
        timeline::draw(turn, state.look.theme, areas.timeline, buffer);
    }
    let caret = composer::draw(state, &areas, buffer);
    status::draw(state, areas.status, buffer);
    if let Some(toast) = &state.toast {
        toast::draw(state, toast, frame.buffer_mut());
    }
    match state.overlays.last() {
        Some(Overlay::Sessions(list)) => {
            let caret = sessions::draw(state, list, frame.buffer_mut());
            frame.set_cursor_position(caret);
        }
        Some(Overlay::Search(search)) => {
            let caret = search::draw(state, search, frame.buffer_mut());
            frame.set_cursor_position(caret);
        }
        Some(Overlay::Confirm(confirm)) => confirm::draw(state, confirm, frame.buffer_mut()),
        Some(Overlay::Help(panel)) => help::draw(state, panel, frame.buffer_mut()),
        Some(&Overlay::Menu { shown_at }) if shown_at <= state.now.since_start => {
            menu::draw(state, frame.buffer_mut());
        }
        Some(Overlay::Palette(pick)) => {
            let caret = palette::draw(state, pick, frame.buffer_mut());
            frame.set_cursor_position(caret);
        }
        Some(Overlay::Themes(list)) => {
            let caret = themes::draw(state, list, frame.buffer_mut());
            frame.set_cursor_position(caret);
        }
        Some(Overlay::Menu { .. }) => frame.set_cursor_position(caret),
        None if state.focus == Focus::Composer => {
            completion::draw(state, frame.buffer_mut());
            frame.set_cursor_position(caret);
        }
        // What is typed goes to the composer all the same; but no caret stands there yet.
        None => (),
    }
}

/// Writes `text` at a place, as far as it fits before `right`; returns the cell after it.
fn put(buffer: &mut Buffer, theme: Theme, (x, y): (u16, u16), right: u16, it: (&str, Role)) -> u16 {
    let (text, role) = it;
    let cells = usize::from(right.saturating_sub(x));
    let (end, _) = buffer.set_stringn(x, y, text, cells, theme.style(role));
    end
}

/// Writes a row of spans.
fn put_row(buffer: &mut Buffer, theme: Theme, (mut x, y): (u16, u16), right: u16, row: &Row) {
    for span in &row.spans {
        x = put(buffer, theme, (x, y), right, (&span.text, span.role));
    }
}

/// Writes `text` so that it ends before the margin of `area`; returns its first cell.
fn put_right(buffer: &mut Buffer, theme: Theme, area: Rect, it: (&str, Role)) -> u16 {
    let right = area.right().saturating_sub(crate::geometry::MARGIN);
    let cells = u16::try_from(it.0.width()).unwrap_or(u16::MAX);
    let x = right.saturating_sub(cells).max(area.left());
    put(buffer, theme, (x, area.y), right, it);
    x
}
