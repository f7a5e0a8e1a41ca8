use ratatui::layout::{Position, Rect};

use super::{canvas, completion, draft, first_run, overlay, replay, settings, wheel};
use crate::action::{Action, Command, Pointed};
use crate::effect::Effect;
use crate::geometry::{self, Areas};
use crate::keymap;
use crate::state::{Overlay, State};

/// A click: it places the caret, chooses a row, or goes where it points.
pub(super) fn at(state: &mut State, pointed: Pointed) -> Vec<Effect> {
    match state.overlays.last() {
        Some(Overlay::Menu { .. }) => on_menu(state, pointed.place),
        Some(_) => on_list(state, pointed.place),
        None => on_chat(state, pointed),
    }
}

fn on_chat(state: &mut State, pointed: Pointed) -> Vec<Effect> {
    let place = pointed.place;
    let areas = Areas::of(state);
    if state.is_too_small() {
        return Vec::new();
    }
    if state.compare.is_some() {
        return Vec::new();
    }
    if state.replay.is_some() {
        on_replay(state, pointed);
        return Vec::new();
    }
    if let Some(found) = state.completions() {
        let list = geometry::completions(state, found.len());
        if list.contains(place) {
            return on_completions(state, list, place);
        }
    }
    let options = geometry::first_run(state).options;
    if state.is_first_run() && options.contains(place) {
        return first_run::click(state, usize::from(place.y - options.y));
    }
    if areas.composer.contains(place) {
        on_composer(state, areas.composer, place);
    } else if areas.transcript.contains(place) {
        canvas::point_at(state, pointed.part);
    } else if areas.header.contains(place) && place.x >= areas.header.width / 2 {
        return on_model(state);
    }
    Vec::new()
}

/// On a token it puts the cursor there, where a drag begins a span; on the timeline it goes to the step.
fn on_replay(state: &mut State, Pointed { place, token, .. }: Pointed) {
    if let Some(token) = token {
        if let Some(replay) = &mut state.replay {
            replay.anchor = None;
        }
        return replay::point(state, token);
    }
    if let Some((bars, entries)) = geometry::timeline_bars(state)
        && bars.contains(place)
    {
        let column = usize::from(place.x - bars.x);
        let columns = usize::from(bars.width.saturating_sub(1)).max(1);
        replay::go(state, (column * entries).div_ceil(columns));
    }
}

fn on_composer(state: &mut State, area: Rect, place: Position) {
    canvas::leave(state);
    let width = draft::width(state);
    let row = usize::from(place.y - area.y) + geometry::composer_top(state, area);
    let cell = usize::from(place.x.saturating_sub(area.x + geometry::PROMPT));
    state.composer.place_caret(row, cell, width);
}

/// The model's name leads to the models.
fn on_model(state: &mut State) -> Vec<Effect> {
    super::update(state, Action::Do(Command::Models))
}

fn on_completions(state: &mut State, list: Rect, place: Position) -> Vec<Effect> {
    let chosen = state.completion.chosen;
    let seen = usize::from(list.height);
    let top = geometry::list_top(state.completion.top, chosen.unwrap_or(0), seen);
    let clicked = top + usize::from(place.y - list.y);
    state.completion.chosen = Some(clicked);
    if chosen == Some(clicked) {
        completion::complete(state);
    }
    Vec::new()
}

/// Chooses the row; a second click on it is Enter.
fn on_list(state: &mut State, place: Position) -> Vec<Effect> {
    let Some(list) = geometry::list(state).filter(|list| list.area.contains(place)) else {
        return Vec::new();
    };
    let clicked = list.top + usize::from(place.y - list.area.y);
    if clicked >= list.length {
        return Vec::new();
    }
    if clicked == list.chosen {
        return super::update(state, Action::Do(Command::Choose));
    }
    // A value that is being typed in another row is taken, as it is with the arrow keys; one that is refused stays.
    if settings::finish_typing(state) {
        wheel::choose(state, clicked, &list);
    }
    Vec::new()
}

/// A letter's cell is the letter.
fn on_menu(state: &mut State, place: Position) -> Vec<Effect> {
    let menu = geometry::Menu::of(state);
    let letters = keymap::letters(&state.keymap);
    let letter = menu.cell(place).and_then(|at| letters.get(at));
    let Some((command, _, _)) = letter else {
        return Vec::new();
    };
    overlay::perform(state, command)
        .unwrap_or_else(|| super::update(state, Action::Do(command.clone())))
}
