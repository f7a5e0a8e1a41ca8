use super::{help, info, models, palette, search, sessions, settings, themes};
use crate::action::Scroll;
use crate::geometry;
use crate::state::{Anchor, Overlay, Place, State, View};

/// Moves the view by `rows`; negative is up.
pub(super) fn by(state: &mut State, rows: isize) {
    match state.overlays.last() {
        Some(Overlay::Help(_)) => return help::by(state, rows),
        Some(Overlay::Palette(_)) => return palette::step(state, rows),
        Some(Overlay::Themes(_)) => return themes::step(state, rows),
        Some(Overlay::Sessions(_)) => return sessions::step(state, rows),
        Some(Overlay::Search(_)) => return search::step(state, rows),
        Some(Overlay::Models(_)) => return models::step(state, rows),
        Some(Overlay::Settings(_)) => return settings::go(state, rows),
        Some(Overlay::Info(_)) => return info::by(state, rows),
        Some(Overlay::Confirm(_)) => return,
        Some(Overlay::Menu { .. }) | None => (),
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
        Scroll::RowUp => by(state, -1),
        Scroll::RowDown => by(state, 1),
        Scroll::First => by(state, isize::MIN + 1),
        Scroll::Follow => state.transcript.view = View::Follow,
    }
}

/// Brings a part of the transcript into view: whole if there is room, else its beginning.
pub(super) fn reveal(state: &mut State, at: usize) {
    let parts = state.parts();
    let first: usize = parts.iter().take(at).map(|part| part.height()).sum();
    let height = parts.get(at).map_or(0, |part| part.height());
    drop(parts);
    let seen = geometry::transcript_height(state);
    let top = state.transcript.top;
    if first < top || height > seen {
        hold(state, first);
    } else if first + height > top + seen {
        hold(state, first + height - seen);
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
