use ratatui::layout::Position;

use super::{Areas, INDENT};
use crate::state::{State, TranscriptCell};

/// The cell of the transcript at a place of the screen, as laid out last; beyond its edges the nearest row, below its text
/// the end of that. `None` while nothing is said.
#[must_use]
pub fn spot(state: &State, place: Position) -> Option<TranscriptCell> {
    let area = Areas::of(state).transcript;
    let last = area.bottom().checked_sub(1)?;
    let y = place.y.clamp(area.top(), last.max(area.top()));
    let row = state.transcript.top + usize::from(y - area.top());
    let cell = usize::from(place.x.saturating_sub(area.left() + INDENT));
    let mut first = 0;
    let mut end = None;
    for (part, it) in state.parts().iter().enumerate() {
        let height = it.height();
        if row < first + height {
            let row = row - first;
            return Some(TranscriptCell { part, row, cell });
        }
        first += height;
        end = Some(TranscriptCell {
            part,
            row: height.saturating_sub(1),
            cell: usize::MAX,
        });
    }
    end
}
