use crate::geometry;
use crate::state::{Anchor, EntryRow, State, View};

/// Scrolls the transcript; negative is up.
pub(super) fn by(state: &mut State, rows: isize) {
    super::prepare(state);
    let top = state.transcript.top.saturating_add_signed(rows);
    hold(state, top);
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
        row: EntryRow::Before,
    };
    for (block, part) in state.parts().into_iter().enumerate() {
        let row = match top - first {
            0 => EntryRow::Before,
            row if row < part.above => EntryRow::Head,
            row => match part.rows.get(row - part.above) {
                Some(row) => EntryRow::Body(row.from),
                None => EntryRow::Foot,
            },
        };
        last = Anchor { block, row };
        if top < first + part.height() {
            return last;
        }
        first += part.height();
    }
    last
}
