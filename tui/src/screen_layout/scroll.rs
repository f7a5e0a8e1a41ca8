//! Which rows of the transcript are seen.

use super::{Part, ScreenLayout};
use crate::action::{EdgePull, FrameView};
use crate::geometry::transcript_height;
use crate::state::{Anchor, Button, EntryRow, ScrollMove, State, View};

impl ScreenLayout {
    /// Works out the first row seen, and what the moves since the last frame make of the view.
    pub(super) fn settle(&mut self, state: &State) -> FrameView {
        let moves = &state.transcript.moves;
        let mut view = state.transcript.view;
        let (before, top) = {
            let scrolled = Scrolled {
                parts: &self.parts(state),
                seen: transcript_height(state),
            };
            let before = scrolled.top(view);
            for &it in moves {
                view = scrolled.moved(view, it);
            }
            (before, scrolled.top(view))
        };
        self.top = top;
        let pulled = match state.text_selection.map(|it| it.button) {
            Some(Button::Beyond(..)) if moves.is_empty() => None,
            Some(Button::Beyond(..)) if top == before => Some(EdgePull::End),
            Some(Button::Beyond(place, _)) => self.spot(state, place).map(EdgePull::To),
            Some(Button::Held | Button::Released) | None => None,
        };
        FrameView {
            view,
            pulled,
            compared_top: self.compared_top(state),
        }
    }
}

/// The transcript where it is scrolled.
struct Scrolled<'a> {
    parts: &'a [Part<'a>],
    /// Rows that are seen.
    seen: usize,
}

impl Scrolled<'_> {
    fn height(&self) -> usize {
        self.above(self.parts.len())
    }

    /// Rows above a part.
    fn above(&self, part: usize) -> usize {
        self.parts.iter().take(part).map(Part::height).sum()
    }

    fn top(&self, view: View) -> usize {
        let last = self.height().saturating_sub(self.seen);
        match view {
            View::Follow => last,
            View::Held(anchor) => self.row_of(anchor).min(last),
        }
    }

    fn moved(&self, view: View, it: ScrollMove) -> View {
        let top = self.top(view);
        match it {
            ScrollMove::Rows(rows) => {
                let mut to = top.saturating_add_signed(rows);
                // Rows that share a name are seen from the last of them on: upwards beyond them all, or nothing would move.
                while rows < 0 && to > 0 && self.row_of(self.anchor(to)) >= top {
                    to -= 1;
                }
                self.held(to)
            }
            ScrollMove::Reveal(part) => {
                let first = self.above(part);
                let height = self.parts.get(part).map_or(0, Part::height);
                if first < top || height > self.seen {
                    self.held(first)
                } else if first + height > top + self.seen {
                    self.held(first + height - self.seen)
                } else {
                    view
                }
            }
        }
    }

    fn held(&self, top: usize) -> View {
        match top.saturating_add(self.seen) >= self.height() {
            true => View::Follow,
            false => View::Held(self.anchor(top)),
        }
    }

    /// The name of a row.
    fn anchor(&self, top: usize) -> Anchor {
        let mut first = 0;
        let mut last = Anchor {
            block: 0,
            row: EntryRow::Before,
        };
        for (block, part) in self.parts.iter().enumerate() {
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

    fn row_of(&self, anchor: Anchor) -> usize {
        let above = self.above(anchor.block);
        let Some(block) = self.parts.get(anchor.block) else {
            return above;
        };
        match anchor.row {
            EntryRow::Before => above,
            EntryRow::Head => above + block.above.saturating_sub(1),
            EntryRow::Foot => (above + block.height()).saturating_sub(1),
            EntryRow::Body(from) => {
                let row = block.rows.iter().rposition(|row| row.from <= from);
                above + block.above + row.unwrap_or(0)
            }
        }
    }
}
