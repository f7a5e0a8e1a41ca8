//! One of two answers side by side.

use super::{LayoutOptions, replay_rows};
use crate::row::{Row, TokenPlace};
use crate::state::{CanvasMoment, Compare, Replay, Turn};

/// Lays out an answer as a comparison shows it, the tokens that differ marked; tells the row of the token that was written
/// last.
#[must_use]
pub fn compared_rows(
    compare: &Compare,
    (turn, moment): (&Turn, &CanvasMoment),
    differing: impl Iterator<Item = usize>,
    options: LayoutOptions,
) -> (Vec<Row>, usize) {
    let shown = compare.shown_of(turn);
    let replay = Replay {
        at: Some(shown),
        differing: Some(differing.collect()),
        // No token is pointed at.
        ..Replay::new(0, usize::MAX)
    };
    let (rows, places) = replay_rows(&replay, turn, moment, options);
    let row = turn.newest(shown).and_then(|token| {
        let holds = |row: &Vec<TokenPlace>| row.iter().any(|it| it.from == token);
        places.iter().rposition(holds)
    });
    (rows, row.unwrap_or(0))
}
