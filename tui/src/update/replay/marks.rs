//! What is marked on a canvas to be otherwise, and which token is beside another.

use unmask_core::fold::Mark;

use crate::row::TokenPlace;
use crate::state::{Replay, Turn};

/// Marks the span to be masked again, or not.
pub(super) fn remask(replay: &mut Replay, turn: &Turn) {
    let span = replay.span();
    let moment = replay.moment(turn);
    let marks = moment.fold.answer_marks().to_vec();
    let last = marks.len().saturating_sub(1);
    let are_marked = span.clone().all(|at| replay.patch.remasked.contains(&at));
    let patch = replay.change();
    for at in *span.start()..=(*span.end()).min(last) {
        match are_marked {
            true => drop(patch.remasked.remove(&at)),
            false if marks.get(at) == Some(&Mark::Masked) => drop(patch.pinned.remove(&at)),
            false => patch.remask(at),
        }
    }
    replay.anchor = None;
}

/// Fixes the span, or lets it go.
pub(super) fn pin(replay: &mut Replay, turn: &Turn) {
    let moment = replay.moment(turn);
    let canvas = moment.fold.canvas();
    let start = canvas.answer_start();
    for at in replay.span() {
        let Some(&token) = canvas.answer().get(at) else {
            continue;
        };
        let is_given = canvas.is_given(unmask_core::Position((start + at) as u32));
        let is_pinned = replay.patch.pinned.contains_key(&at);
        let patch = replay.change();
        match (is_pinned, is_given) {
            (true, _) => drop(patch.pinned.remove(&at)),
            (false, true) if !patch.unpinned.remove(&at) => drop(patch.unpinned.insert(at)),
            (false, true) => (),
            (false, false) if token == canvas.mask() => (),
            (false, false) => patch.pin(at, token),
        }
    }
    replay.anchor = None;
}

/// The token in the row above or below, nearest to the same cells.
pub(super) fn beside(places: &[Vec<TokenPlace>], token: usize, rows: isize) -> Option<usize> {
    let is_it = |place: &&TokenPlace| place.from == token;
    let row = places
        .iter()
        .position(|row| row.iter().any(|it| is_it(&it)))?;
    let place = places[row].iter().find(is_it)?;
    let middle = usize::midpoint(place.cells.start, place.cells.end);
    let mut to = row.checked_add_signed(rows)?;
    // Rows without tokens are passed over.
    while places.get(to)?.is_empty() {
        to = to.checked_add_signed(rows)?;
    }
    let distance =
        |place: &&TokenPlace| usize::midpoint(place.cells.start, place.cells.end).abs_diff(middle);
    places[to]
        .iter()
        .min_by_key(distance)
        .map(|place| place.from)
}
