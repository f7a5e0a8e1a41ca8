use std::time::Duration;

use ratatui::layout::Position;

use super::copy;
use crate::action::{EdgePull, Pointed};
use crate::effect::Effect;
use crate::geometry::Areas;
use crate::state::{Button, CopyOnSelect, ScrollMove, State, TextSelection};

/// How long after a row the transcript scrolls by another while the mouse is held beyond its edge.
const PULL: Duration = Duration::from_millis(50);

/// The button was pressed: what was selected is so no more, and in the transcript a drag may begin.
pub(super) fn press(state: &mut State, pointed: Pointed) {
    state.text_selection = None;
    let is_there = Areas::of(state).transcript.contains(pointed.place);
    let is_covered = !state.overlays.is_empty() || state.completions().is_some();
    if !is_there
        || is_covered
        || state.is_too_small()
        || state.replay.is_some()
        || state.compare.is_some()
    {
        return;
    }
    state.text_selection = pointed.cell.map(|from| TextSelection {
        from,
        to: None,
        button: Button::Held,
    });
}

/// The mouse was moved with the button held; beyond the edge the transcript scrolls, and in a replay it selects tokens.
pub(super) fn drag(state: &mut State, pointed: Pointed) {
    if state.replay.is_some() && state.overlays.is_empty() {
        return drag_tokens(state, pointed);
    }
    let held = state
        .text_selection
        .filter(|it| it.button != Button::Released);
    let Some(text_selection) = held.filter(|_| state.overlays.is_empty()) else {
        return;
    };
    state.text_selection = Some(TextSelection {
        button: Button::Held,
        ..text_selection.dragged(pointed.cell)
    });
    scroll(state, pointed.place);
    state.is_dirty = true;
}

/// Scrolls by a row for a mouse that is held beyond the edge; the frame tells what comes of it.
fn scroll(state: &mut State, place: Position) {
    let area = Areas::of(state).transcript;
    let rows = match place.y {
        y if y < area.top() => -1,
        y if y >= area.bottom() => 1,
        _ => return,
    };
    state.transcript.moves.push(ScrollMove::Rows(rows));
    let again = state.now.since_start + PULL;
    if let Some(text_selection) = &mut state.text_selection {
        text_selection.button = Button::Beyond(place, again);
    }
}

/// The transcript was scrolled for a mouse that is held beyond the edge.
pub(super) fn pulled(state: &mut State, pulled: Option<EdgePull>) {
    let (Some(text_selection), Some(pulled)) = (&mut state.text_selection, pulled) else {
        return;
    };
    match pulled {
        EdgePull::End => text_selection.button = Button::Held,
        EdgePull::To(cell) => *text_selection = text_selection.dragged(Some(cell)),
    }
}

/// Selects the tokens from where the button was pressed to here.
fn drag_tokens(state: &mut State, pointed: Pointed) {
    let Some(token) = pointed.token else {
        return;
    };
    if let Some(replay) = &mut state.replay
        && token != replay.token
    {
        let from = replay.token;
        replay.anchor.get_or_insert(from);
    }
    super::replay::point(state, token);
    state.is_dirty = true;
}

/// Goes on scrolling while the mouse rests beyond the edge.
pub(super) fn pull(state: &mut State) {
    if let Some(TextSelection {
        button: Button::Beyond(place, at),
        ..
    }) = state.text_selection
        && at <= state.now.since_start
    {
        scroll(state, place);
        state.is_dirty = true;
    }
}

/// The button was let go.
pub(super) fn release(state: &mut State) -> Vec<Effect> {
    let Some(text_selection) = &mut state.text_selection else {
        return Vec::new();
    };
    text_selection.button = Button::Released;
    if text_selection.to.is_none() {
        state.text_selection = None;
        return Vec::new();
    }
    match state.copy_on_select {
        CopyOnSelect::Never => Vec::new(),
        CopyOnSelect::AtRelease => copy::selection(state).unwrap_or_default(),
    }
}

/// Nobody will tell of the button any more.
pub(super) fn let_go(state: &mut State) {
    if let Some(text_selection) = &mut state.text_selection {
        text_selection.button = Button::Released;
    }
}

/// Selects nothing; false if nothing was.
pub(super) fn clear(state: &mut State) -> bool {
    state
        .text_selection
        .take()
        .is_some_and(|it| it.to.is_some())
}

/// The rows of some parts of the transcript are others now.
pub(super) fn parts_change(state: &mut State, parts: &[usize]) {
    for &part in parts {
        part_changes(state, part);
        state.is_dirty = true;
    }
}

/// The rows of a part of the transcript are others now.
pub(super) fn part_changes(state: &mut State, part: usize) {
    if state.text_selection.is_some_and(|it| it.touches(part)) {
        state.text_selection = None;
    }
}
