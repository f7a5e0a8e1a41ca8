//! A canvas of tokens as rows.

mod painter;
#[cfg(test)]
mod tests;

use unmask_core::TokenId;
use unmask_core::engine::Loaded;
use unmask_core::text::Piece;

use super::{Flow, wrap, wrap_with_places};
use crate::amount::counted;
use crate::cells::Emoji;
use crate::row::{Row, TokenPlace};
use crate::state::{Ghosts, Guesses, Mark, Pending, State, Turn};
use crate::theme::Role;
use painter::CanvasPainter;

/// How tokens are laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LayoutOptions {
    /// Cells of a row.
    pub width: usize,
    /// Cells of a mask with the space before it; a mask of one cell has none.
    pub mask_width: u8,
    /// How emoji by variation are drawn.
    pub emoji: Emoji,
    /// Whether guesses are written on masks.
    pub ghosts: Ghosts,
}

impl LayoutOptions {
    /// As the screen shows them, in rows of this width.
    #[must_use]
    pub fn of(state: &State, width: u16) -> Self {
        Self {
            width: usize::from(width),
            mask_width: state.look.mask_width,
            emoji: state.look.emoji,
            ghosts: state.ghosts,
        }
    }
}

/// Lays out the answer of a running turn: committed tokens, masks of the blocks begun, and one row for those that wait or,
/// unfolded, their masks too.
#[must_use]
pub fn canvas_rows(turn: &Turn, options: LayoutOptions) -> Vec<Row> {
    let shown = match turn.pending {
        Pending::Folded => turn.begun(),
        Pending::Unfolded => turn.answer().len(),
    };
    let mut rows = wrap(
        &turn_flow(turn, options, LastStep::Fresh, shown),
        options.width,
    );
    let pending = turn.answer().len() - shown;
    if pending > 0 {
        rows.push(Row {
            from: shown,
            ..Row::default()
        });
        rows.push(Row {
            from: shown,
            ..Row::of(pending_text(turn.blocks_pending(), pending), Role::Mask)
        });
    }
    rows
}

/// Lays out the tokens of a finished answer; the colours of its last step are gone.
#[must_use]
pub fn settled_rows(turn: &Turn, options: LayoutOptions) -> Vec<Row> {
    let shown = turn.answer().len();
    wrap(
        &turn_flow(turn, options, LastStep::Settled, shown),
        options.width,
    )
}

/// Lays out an answer after so many entries of its log.
#[must_use]
pub fn moment_rows(turn: &Turn, entries: usize, options: LayoutOptions) -> Vec<Row> {
    let moment = turn.log().moment(entries);
    let canvas = moment.fold.canvas();
    let marks = moment.fold.answer_marks();
    let role = |token: usize| {
        marks
            .get(token)
            .map_or(Role::Text, |&it| mark_role(it, moment.step))
    };
    let picture = CanvasPicture {
        loaded: &turn.loaded,
        answer: canvas.answer(),
        mask: canvas.mask(),
        pinned: canvas.pinned_until().saturating_sub(canvas.answer_start()),
        role: &role,
        guesses: Guesses::of(turn.log().step_at(entries), canvas.answer_start()),
        over: &|_| None,
    };
    // What it comes to in the end is what is seen from the beginning.
    let text = turn
        .answer()
        .iter()
        .position(|&token| turn.loaded.is_end(token));
    let mut painter = CanvasPainter::new(picture, options);
    painter.paint(text.unwrap_or(canvas.answer().len()));
    wrap(&painter.flow, options.width)
}

pub(super) fn pending_text(blocks: usize, tokens: usize) -> String {
    let [blocks, tokens] = [(blocks, "block"), (tokens, "token")].map(|(n, one)| counted(n, one));
    format!("⋯ {blocks} pending · {tokens}")
}

/// A canvas to be drawn.
#[derive(Clone, Copy)]
pub struct CanvasPicture<'a> {
    /// Whose tokens they are.
    pub loaded: &'a Loaded,
    /// The answer.
    pub answer: &'a [TokenId],
    /// The mask.
    pub mask: TokenId,
    /// Where the pins end, as an offset in the answer.
    pub pinned: usize,
    /// What a token or a mask looks like.
    pub role: &'a dyn Fn(usize) -> Role,
    /// What the model would put in the place of a mask.
    pub guesses: Guesses<'a>,
    /// What lies over that, and over the signs of tokens without text: a cursor, a selection.
    pub over: &'a dyn Fn(usize) -> Option<Role>,
}

impl CanvasPicture<'_> {
    /// True if a token is spaces and nothing else.
    fn is_blank(&self, token: usize) -> bool {
        match self.loaded.vocabulary.piece(self.answer[token]) {
            Piece::Bytes(bytes) => bytes.iter().all(|&it| it == b' '),
            Piece::Special(_) | Piece::Unknown => false,
        }
    }
}

/// Lays out the first `shown` tokens of a canvas, with where each is.
#[must_use]
pub fn picture_rows(
    picture: CanvasPicture<'_>,
    options: LayoutOptions,
    shown: usize,
) -> (Vec<Row>, Vec<Vec<TokenPlace>>) {
    let mut painter = CanvasPainter::new(picture, options);
    painter.paint(shown);
    wrap_with_places(&painter.flow, options.width)
}

/// How the tokens of the last step look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LastStep {
    /// By their confidence.
    Fresh,
    /// As text.
    Settled,
}

/// The answer of a turn as it stands.
fn turn_flow(turn: &Turn, options: LayoutOptions, last_step: LastStep, shown: usize) -> Flow {
    let role = |token| role(turn, last_step, token);
    let mut painter = CanvasPainter::new(
        CanvasPicture {
            loaded: &turn.loaded,
            answer: turn.answer(),
            mask: turn.mask(),
            pinned: turn.pinned(),
            role: &role,
            guesses: match last_step {
                LastStep::Fresh => turn.guesses(),
                LastStep::Settled => Guesses::default(),
            },
            over: &|_| None,
        },
        options,
    );
    painter.paint(shown);
    painter.flow
}

/// What a committed token looks like: its band, which fades to text over some steps.
fn role(turn: &Turn, last_step: LastStep, token: usize) -> Role {
    let mark = turn.marks()[token];
    match last_step {
        LastStep::Fresh => mark_role(mark, turn.step),
        LastStep::Settled => mark_role(mark, usize::MAX),
    }
}

/// What a token with this mark looks like after so many steps.
pub(super) fn mark_role(mark: Mark, now: usize) -> Role {
    let age = |step: usize| now.saturating_sub(step);
    match mark {
        Mark::Masked => Role::Mask,
        Mark::Given => Role::Pinned,
        // By a run before this one.
        Mark::Committed { step: 0, .. } => Role::Text,
        Mark::Committed { step, confidence } => Role::aged(confidence, age(step)),
        Mark::Changed { step } if age(step) == 0 => Role::Changed,
        Mark::Changed { .. } => Role::Text,
    }
}
