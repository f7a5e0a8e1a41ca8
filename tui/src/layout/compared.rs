//! One of two answers side by side.

use super::{LayoutOptions, replay_rows};
use crate::row::{Row, Span, TokenPlace};
use crate::state::{CanvasMoment, Compare, Replay, Turn};
use crate::theme::Role;

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
    let (mut rows, places) = replay_rows(&replay, turn, moment, options);
    rows.iter_mut().for_each(mark_words_alone);
    let row = turn.newest(shown).and_then(|token| {
        let holds = |row: &Vec<TokenPlace>| row.iter().any(|it| it.from == token);
        places.iter().rposition(holds)
    });
    (rows, row.unwrap_or(0))
}

/// The space before a word is of its first token; a mark begins with the word.
fn mark_words_alone(row: &mut Row) {
    for span in std::mem::take(&mut row.spans) {
        let word = span.text.trim_start_matches(' ');
        let space = &span.text[..span.text.len() - word.len()];
        if span.role == Role::Changed && !space.is_empty() {
            let parts = [(space, Role::Text), (word, span.role)];
            row.spans.extend(parts.map(|(text, role)| Span {
                text: text.to_owned(),
                role,
            }));
        } else {
            row.spans.push(span);
        }
    }
}
