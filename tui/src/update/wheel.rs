use super::{help, info, settings};
use crate::action::Scroll;
use crate::geometry;
use crate::state::{FieldRow, Overlay, ScrollMove, State, View};

/// Moves the view by `rows`; negative is up.
pub(super) fn by(state: &mut State, rows: isize) {
    match state.overlays.last() {
        Some(Overlay::Help(_)) => help::by(state, rows),
        Some(Overlay::Info(_)) => info::by(state, rows),
        Some(Overlay::Settings(_)) => settings::go(state, rows),
        Some(Overlay::List(list)) => (list.kind.step)(state, rows),
        Some(Overlay::Menu { .. }) | None if state.compare.is_some() => {
            super::compare::scroll(state, rows);
        }
        Some(Overlay::Menu { .. }) | None if state.replay.is_some() => {
            super::replay::scroll(state, rows);
        }
        Some(Overlay::Menu { .. }) | None => state.transcript.moves.push(ScrollMove::Rows(rows)),
        Some(Overlay::Confirm(_) | Overlay::TokenEdit(_)) => (),
    }
}

/// Chooses the row at `to`, which was pointed at.
pub(super) fn choose(state: &mut State, to: usize, list: &geometry::List) {
    let rows = to as isize - list.chosen as isize;
    match state.overlays.last() {
        Some(Overlay::Settings(_)) => {
            if let Some(FieldRow::Field(field)) = FieldRow::all().get(to) {
                settings::choose_field(state, *field);
            }
        }
        Some(_) | None => by(state, rows),
    }
}

/// Moves the view to a place.
pub(super) fn to(state: &mut State, scroll: Scroll) {
    let page = (geometry::transcript_height(state).div_ceil(2) as isize).max(1);
    match scroll {
        Scroll::PageUp => by(state, -page),
        Scroll::PageDown => by(state, page),
        Scroll::RowUp => by(state, -1),
        Scroll::RowDown => by(state, 1),
        Scroll::First => by(state, isize::MIN + 1),
        Scroll::Follow if state.compare.is_some() => super::compare::follow(state),
        Scroll::Follow => state.transcript.show(View::Follow),
    }
}
