use std::time::Duration;

use ratatui::layout::Position;

use super::{copy, prepare, scroll};
use crate::effect::Effect;
use crate::geometry::{self, Areas};
use crate::state::{Button, CopyOnSelect, State, TextSelection};

/// How long after a row the transcript scrolls by another while the mouse is held beyond its edge.
const PULL: Duration = Duration::from_millis(50);

/// The button was pressed: what was selected is so no more, and in the transcript a drag may begin.
pub(super) fn press(state: &mut State, place: Position) {
    state.text_selection = None;
    let is_there = Areas::of(state).transcript.contains(place);
    let is_covered = !state.overlays.is_empty() || state.completions().is_some();
    if !is_there
        || is_covered
        || state.is_too_small()
        || state.replay.is_some()
        || state.compare.is_some()
    {
        return;
    }
    prepare(state);
    state.text_selection = geometry::spot(state, place).map(|from| TextSelection {
        from,
        to: None,
        button: Button::Held,
    });
}

/// The mouse was moved with the button held; beyond the edge the transcript scrolls, and in a replay it selects tokens.
pub(super) fn drag(state: &mut State, place: Position) {
    if state.replay.is_some() && state.overlays.is_empty() {
        return drag_tokens(state, place);
    }
    let held = state
        .text_selection
        .filter(|it| it.button != Button::Released);
    let Some(text_selection) = held.filter(|_| state.overlays.is_empty()) else {
        return;
    };
    let area = Areas::of(state).transcript;
    let before = state.transcript.top;
    if place.y < area.top() {
        scroll::by(state, -1);
    } else if place.y >= area.bottom() {
        scroll::by(state, 1);
    }
    prepare(state);
    let to = geometry::spot(state, place);
    let button = match state.transcript.top == before {
        true => Button::Held,
        false => Button::Beyond(place, state.now.since_start + PULL),
    };
    state.text_selection = Some(TextSelection {
        to: to.filter(|to| text_selection.to.is_some() || *to != text_selection.from),
        button,
        ..text_selection
    });
    state.is_dirty = true;
}

/// Selects the tokens from where the button was pressed to here.
fn drag_tokens(state: &mut State, place: Position) {
    let Some(token) = geometry::replayed_token(state, place) else {
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
        drag(state, place);
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

/// The rows of a part of the transcript are others now.
pub(super) fn part_changes(state: &mut State, part: usize) {
    if state.text_selection.is_some_and(|it| it.touches(part)) {
        state.text_selection = None;
    }
}
