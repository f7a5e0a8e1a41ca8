//! Two answers side by side, kept while both are shown as they are: neither are words compared nor canvases laid out again for
//! every frame.

use std::ops::Range;

use unmask_core::engine::TurnId;

use super::ScreenLayout;
use crate::comparison::ShownComparison;
use crate::geometry::CompareArea;
use crate::layout::{LayoutOptions, compared_rows};
use crate::row::Row;
use crate::state::{CanvasMoment, Compare, Differences, Ghosts, State, Turn};

/// Two answers side by side, as they were laid out last.
#[derive(Debug)]
pub struct LaidComparison {
    of: [ComparedMoment; 2],
    /// Both at the step that is shown.
    pub moments: [CanvasMoment; 2],
    /// What they have in common.
    pub shown: ShownComparison,
    /// The tokens of both in each place where they differ.
    pub places: Vec<[Range<usize>; 2]>,
    /// Their canvases; `None` where their differences are listed.
    canvases: Option<LaidCanvases>,
    /// Rows that there is room for.
    seen: [usize; 2],
}

#[derive(Debug)]
struct LaidCanvases {
    options: [LayoutOptions; 2],
    /// The rows of each, and the one that was written last.
    rows: [(Vec<Row>, usize); 2],
}

/// An answer as it is shown.
#[derive(Debug, PartialEq, Eq)]
struct ComparedMoment {
    /// Its place among the parts of the transcript.
    part: usize,
    turn: TurnId,
    version: u64,
    /// How many entries of its log are shown.
    shown: usize,
}

impl LaidComparison {
    pub(super) fn of(state: &State, before: Option<Self>) -> Option<Self> {
        let (compare, turns) = state.compared()?;
        let of = [0, 1].map(|at| ComparedMoment {
            part: compare.parts[at],
            turn: turns[at].id,
            version: turns[at].version,
            shown: compare.shown_of(turns[at]),
        });
        let mut laid = match before {
            Some(laid) if laid.of == of => laid,
            Some(_) | None => Self::compare(turns, of),
        };
        let areas = CompareArea::of(state.size).canvases();
        laid.seen = areas.map(|area| usize::from(area.height));
        laid.canvases = match compare.shown {
            Differences::Listed => None,
            Differences::InPlace => {
                let options = areas.map(|area| LayoutOptions {
                    ghosts: Ghosts::Hidden,
                    ..LayoutOptions::of(state, area.width)
                });
                let before = laid.canvases.take();
                let kept = before.filter(|it| it.options == options);
                Some(kept.unwrap_or_else(|| laid.canvases(compare, turns, options)))
            }
        };
        Some(laid)
    }

    fn compare(turns: [&Turn; 2], of: [ComparedMoment; 2]) -> Self {
        let moments = [0, 1].map(|at| turns[at].log().moment(of[at].shown));
        let shown = ShownComparison::of((turns[0], &moments[0]), (turns[1], &moments[1]));
        Self {
            of,
            places: shown.places(),
            shown,
            moments,
            canvases: None,
            seen: [0; 2],
        }
    }

    fn canvases(
        &self,
        compare: &Compare,
        turns: [&Turn; 2],
        options: [LayoutOptions; 2],
    ) -> LaidCanvases {
        let rows = [0, 1].map(|at| {
            let differing = self.places.iter().flat_map(|place| place[at].clone());
            let moment = (turns[at], &self.moments[at]);
            compared_rows(compare, moment, differing, options[at])
        });
        LaidCanvases { options, rows }
    }

    /// The rows of an answer; none where differences are listed.
    #[must_use]
    pub fn rows(&self, at: usize) -> &[Row] {
        let canvases = self.canvases.as_ref();
        canvases.map_or(&[], |it| it.rows[at].0.as_slice())
    }

    /// The first row that is seen of an answer or of its list.
    #[must_use]
    pub fn first_row(&self, compare: &Compare, at: usize) -> usize {
        let (all, newest) = self.all_rows(at);
        compare.first_row((all, self.seen[at]), newest)
    }

    /// How many rows there are of an answer or of its list, and the one that was written last.
    fn all_rows(&self, at: usize) -> (usize, usize) {
        match &self.canvases {
            Some(canvases) => {
                let (rows, newest) = &canvases.rows[at];
                (rows.len(), *newest)
            }
            None => (self.places.len(), 0),
        }
    }

    /// The first row to be seen of both, once they have moved as was wanted.
    fn moved(&self, compare: &Compare) -> Option<usize> {
        let last = [0, 1].map(|at| self.all_rows(at).0.saturating_sub(self.seen[at]));
        let last = last[0].max(last[1]);
        let tops = [0, 1].map(|at| self.first_row(compare, at));
        let now = compare
            .top
            .map_or(tops[0].max(tops[1]), |top| top.min(last));
        let moves = compare.moves.iter();
        match moves.len() {
            0 => compare.top,
            _ => Some(moves.fold(now, |top, &rows| top.saturating_add_signed(rows).min(last))),
        }
    }
}

impl ScreenLayout {
    /// The two answers that are shown side by side.
    #[must_use]
    pub fn compared(&self) -> Option<&LaidComparison> {
        self.compared.as_ref()
    }

    /// The first row of both once they have moved; `None` if the token that was written last is seen.
    pub(super) fn compared_top(&self, state: &State) -> Option<usize> {
        let compare = state.compare.as_ref()?;
        self.compared.as_ref()?.moved(compare)
    }
}
