use crate::action::Scroll;
use crate::geometry;
use crate::keymap;
use crate::state::{Anchor, Overlay, Place, State, View};

/// Moves the view by `rows`; negative is up.
pub(super) fn by(state: &mut State, rows: isize) {
    if let Some(Overlay::Help { top }) = state.overlays.last_mut() {
        let last = keymap::help_height().saturating_sub(1);
        *top = top.saturating_add_signed(rows).min(last);
        return;
    }
    super::prepare(state);
    let top = state.transcript.top.saturating_add_signed(rows);
    hold(state, top);
}

/// Moves the view to a place.
pub(super) fn to(state: &mut State, scroll: Scroll) {
    let page = (geometry::transcript_height(state).div_ceil(2) as isize).max(1);
    match scroll {
        Scroll::PageUp => by(state, -page),
        Scroll::PageDown => by(state, page),
        Scroll::First => by(state, isize::MIN + 1),
        Scroll::Follow if state.overlays.is_empty() => state.transcript.view = View::Follow,
        Scroll::Follow => by(state, isize::MAX),
    }
}

fn hold(state: &mut State, top: usize) {
    let seen = geometry::transcript_height(state);
    state.transcript.view = if top.saturating_add(seen) >= state.transcript.height {
        View::Follow
    } else {
        View::Held(anchor(state, top))
    };
}

/// The name of a row.
fn anchor(state: &State, top: usize) -> Anchor {
    let mut first = 0;
    let mut last = Anchor {
        block: 0,
        place: Place::Before,
    };
    for (block, part) in state.parts().into_iter().enumerate() {
        let place = match top - first {
            0 => Place::Before,
            row if row < part.above => Place::Head,
            row => match part.rows.get(row - part.above) {
                Some(row) => Place::Body(row.from),
                None => Place::Before,
            },
        };
        last = Anchor { block, place };
        if top < first + part.height() {
            return last;
        }
        first += part.height();
    }
    last
}
