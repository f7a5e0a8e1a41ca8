use crate::action::{Command, LineEdit, Scroll};
use crate::effect::Effect;
use crate::geometry;
use crate::layout::help_rows;
use crate::state::{Help, Overlay, Pick, State};

/// A character typed: it filters, if the filter is open.
pub(super) fn write(help: &mut Help, character: char) {
    if let Some(pick) = &mut help.filter {
        pick.write(character.encode_utf8(&mut [0; 4]));
        help.top = 0;
    }
}

/// Scrolls, filters and closes; the rest is the chat's.
pub(super) fn perform(state: &mut State, command: &Command) -> Option<Vec<Effect>> {
    let seen = usize::from(geometry::help(state).height.saturating_sub(2)).max(1);
    match command {
        Command::Up => by(state, -1),
        Command::Down => by(state, 1),
        Command::Scroll(Scroll::PageUp) => by(state, -(seen as isize)),
        Command::Scroll(Scroll::PageDown) => by(state, seen as isize),
        Command::Scroll(Scroll::First) => by(state, isize::MIN),
        Command::Scroll(Scroll::Follow) => by(state, isize::MAX),
        Command::Filter => filter(state, |help| help.filter = Some(Pick::default())),
        Command::Edit(LineEdit::Backspace) => filter(state, shorten),
        Command::Edit(_) => filter(state, |help| help.filter = Some(Pick::default())),
        Command::Back => return back(state),
        Command::Choose | Command::Other => (),
        _ => return None,
    }
    Some(Vec::new())
}

fn filter(state: &mut State, change: impl FnOnce(&mut Help)) {
    if let Some(Overlay::Help(help)) = state.overlays.last_mut() {
        change(help);
        help.top = 0;
    }
}

fn shorten(help: &mut Help) {
    match &mut help.filter {
        Some(pick) if !pick.query.is_empty() => pick.backspace(),
        Some(_) | None => help.filter = None,
    }
}

/// Esc leaves the filter first.
fn back(state: &mut State) -> Option<Vec<Effect>> {
    match state.overlays.last_mut() {
        Some(Overlay::Help(help)) if help.filter.is_some() => {
            *help = Help::default();
            Some(Vec::new())
        }
        Some(_) | None => None,
    }
}

/// Scrolls by `rows`; negative is up.
pub(super) fn by(state: &mut State, rows: isize) {
    let area = geometry::help(state);
    let width = usize::from(area.width.saturating_sub(4));
    let seen = usize::from(area.height.saturating_sub(2));
    let Some(Overlay::Help(help)) = state.overlays.last() else {
        return;
    };
    let last = help_rows(state, help, width).len().saturating_sub(seen);
    let top = help.top.saturating_add_signed(rows).min(last);
    if let Some(Overlay::Help(help)) = state.overlays.last_mut() {
        help.top = top;
    }
}
