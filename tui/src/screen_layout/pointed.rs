//! What the mouse points at.

use ratatui::layout::Position;

use super::ScreenLayout;
use crate::action::Pointed;
use crate::geometry::{Areas, INDENT, ReplayArea};
use crate::row::TokenPlace;
use crate::state::{State, TranscriptCell};

impl ScreenLayout {
    pub(super) fn point(&self, state: &State, place: Position) -> Pointed {
        let cell = self.spot(state, place);
        let is_text = |cell: &TranscriptCell| cell.cell != usize::MAX;
        Pointed {
            place,
            cell,
            part: cell.filter(is_text).map(|cell| cell.part),
            token: self.token(state, place),
        }
    }

    /// The cell of the transcript at a place of the screen; beyond its edges the nearest row, below its text the end of that.
    /// `None` while nothing is said.
    pub(super) fn spot(&self, state: &State, place: Position) -> Option<TranscriptCell> {
        let area = Areas::of(state).transcript;
        let last = area.bottom().checked_sub(1)?;
        let y = place.y.clamp(area.top(), last.max(area.top()));
        let row = self.top + usize::from(y - area.top());
        let cell = usize::from(place.x.saturating_sub(area.left() + INDENT));
        let mut first = 0;
        let mut end = None;
        for (part, it) in self.parts(state).iter().enumerate() {
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

    /// The token of a replay at a place of the screen: one in the row, the nearest.
    fn token(&self, state: &State, place: Position) -> Option<usize> {
        let replay = self.replay.as_ref()?;
        let area = ReplayArea::of(state.size).canvas;
        if !area.contains(place) {
            return None;
        }
        let row = replay.top + usize::from(place.y - area.y);
        let cell = usize::from(place.x.saturating_sub(area.x + INDENT));
        let places = replay.places.get(row)?;
        let distance = |it: &&TokenPlace| match cell {
            cell if cell < it.cells.start => it.cells.start - cell,
            cell if it.cells.contains(&cell) => 0,
            cell => cell + 1 - it.cells.end,
        };
        places.iter().min_by_key(distance).map(|it| it.from)
    }
}
