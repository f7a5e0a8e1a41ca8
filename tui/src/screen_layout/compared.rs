//! What two answers have in common, kept while both are shown as they are: words are not compared again for every frame.

use unmask_core::engine::TurnId;

use super::ScreenLayout;
use crate::comparison::ShownComparison;
use crate::state::State;

#[derive(Debug)]
pub(super) struct LaidComparison {
    of: [ComparedMoment; 2],
    compared: ShownComparison,
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
        match before {
            Some(laid) if laid.of == of => Some(laid),
            Some(_) | None => {
                let moments = [0, 1].map(|at| turns[at].log().moment(of[at].shown));
                let [first, second] = [0, 1].map(|at| (turns[at], &moments[at]));
                let compared = ShownComparison::of(first, second);
                Some(Self { of, compared })
            }
        }
    }
}

impl ScreenLayout {
    /// How the two answers compare that are shown side by side.
    #[must_use]
    pub fn compared(&self) -> Option<&ShownComparison> {
        self.compared.as_ref().map(|it| &it.compared)
    }
}
