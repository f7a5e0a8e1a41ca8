//! The tokens of an answer at one of its steps.

use unmask_core::TokenId;
use unmask_core::fold::Mark;
use unmask_core::text::Piece;

use super::canvas::mark_role;
use super::{CanvasPicture, Flow, LayoutOptions, picture_rows, wrap_with_places};
use crate::cells::cell_count;
use crate::row::{Row, TokenPlace, cut};
use crate::state::{
    Arrangement, CanvasMoment, Guesses, Pending, Replay, ReplayLayer, Turn, least_sure_words,
};
use crate::theme::Role;

/// Cells of a token in the grid, the step among them.
const CELL: usize = 16;
/// Colours of the order.
const ORDERS: usize = 6;

/// Lays out what a replay shows, with where each token is.
#[must_use]
pub fn replay_rows(
    replay: &Replay,
    turn: &Turn,
    moment: &CanvasMoment,
    options: LayoutOptions,
) -> (Vec<Row>, Vec<Vec<TokenPlace>>) {
    let painted = Painted::of(replay, turn, moment);
    match replay.arrangement {
        Arrangement::Flow => flow(&painted, options),
        Arrangement::Raw => raw(&painted, options),
        Arrangement::Grid => grid(&painted, options),
    }
}

/// A moment with what lies over it.
struct Painted<'a> {
    replay: &'a Replay,
    turn: &'a Turn,
    moment: &'a CanvasMoment,
    /// The tokens, with those that are to be pinned.
    answer: Vec<TokenId>,
    /// Tokens of the words that the model was least sure of, once all is decided.
    unsure: Vec<usize>,
    /// Commits in all.
    total: usize,
}

impl<'a> Painted<'a> {
    fn of(replay: &'a Replay, turn: &'a Turn, moment: &'a CanvasMoment) -> Self {
        let mut answer = moment.fold.canvas().answer().to_vec();
        for (&at, &token) in &replay.patch.pinned {
            if let Some(slot) = answer.get_mut(at) {
                *slot = token;
            }
        }
        let is_end = replay.shown(turn) == turn.log().entries.len();
        let unsure = match is_end && !answer.contains(&turn.mask()) {
            true => {
                let words = least_sure_words(turn, moment).into_iter();
                words.flat_map(|word| word.tokens).collect()
            }
            false => Vec::new(),
        };
        Self {
            replay,
            turn,
            moment,
            answer,
            unsure,
            total: turn.committed.max(moment.committed).max(1),
        }
    }

    /// What lies over a token: cursor, selection, marks.
    fn over(&self, at: usize) -> Option<Role> {
        let patch = &self.replay.patch;
        if at == self.replay.token {
            Some(Role::Cursor)
        } else if self.replay.anchor.is_some() && self.replay.span().contains(&at) {
            Some(Role::Selected)
        } else if patch.remasked.contains(&at) || self.differs(at) {
            Some(Role::Changed)
        } else if patch.pinned.contains_key(&at) {
            Some(Role::Pinned)
        } else {
            None
        }
    }

    fn differs(&self, at: usize) -> bool {
        let differing = self.replay.differing.as_ref();
        differing.is_some_and(|it| it.contains(&at))
    }

    fn role(&self, at: usize) -> Role {
        let Some(&mark) = self.moment.fold.answer_marks().get(at) else {
            return Role::Text;
        };
        if mark == Mark::Masked {
            return Role::Mask;
        }
        if self.is_changed_by_branch(at) {
            return Role::Changed;
        }
        let role = match self.replay.layer {
            ReplayLayer::Confidence => mark_role(mark, self.moment.step),
            ReplayLayer::Order => self.by_order(at, mark),
            ReplayLayer::Entropy => self.by_entropy(at, mark),
            ReplayLayer::Plain => return Role::Text,
        };
        match role == Role::Text && self.unsure.contains(&at) {
            true => Role::Unsure,
            false => role,
        }
    }

    /// At its end a branch shows what it has that the answer before it has not; beside another answer it is compared with that.
    fn is_changed_by_branch(&self, at: usize) -> bool {
        if self.replay.differing.is_some() {
            return false;
        }
        let is_end = self.replay.shown(self.turn) == self.turn.log().entries.len();
        is_end && self.replay.layer == ReplayLayer::Confidence && self.turn.is_other_than_before(at)
    }

    fn by_order(&self, at: usize, mark: Mark) -> Role {
        let story = self.turn.story(self.moment, at);
        match (
            mark,
            story.and_then(|story| story.step.map(|_| story.order)),
        ) {
            (Mark::Given, _) => Role::Pinned,
            (_, Some(order)) => Role::order((order.max(1) - 1) * ORDERS / self.total),
            (_, None) => Role::Text,
        }
    }

    fn by_entropy(&self, at: usize, mark: Mark) -> Role {
        let story = self.turn.story(self.moment, at);
        match (mark, story.filter(|story| story.step.is_some())) {
            (Mark::Given, _) => Role::Pinned,
            (_, Some(story)) => Role::entropy(story.commit.entropy),
            (_, None) => Role::Text,
        }
    }
}

fn flow(painted: &Painted<'_>, options: LayoutOptions) -> (Vec<Row>, Vec<Vec<TokenPlace>>) {
    let turn = painted.turn;
    let canvas = painted.moment.fold.canvas();
    let length = painted.answer.len();
    // Blocks that no step has come to, since the answer ended before them, wait too.
    let last = turn.log().step_at(painted.replay.shown(turn));
    let (block, block_length) = (last.map_or(0, |step| step.block), turn.block_length());
    let shown = match painted.replay.pending {
        Pending::Unfolded => length,
        // The cursor, if there is one, is always seen.
        Pending::Folded => (block + 1)
            .saturating_mul(block_length)
            .max(painted.replay.token.checked_add(1).unwrap_or(0))
            .min(length),
    };
    let picture = CanvasPicture {
        loaded: &turn.loaded,
        answer: &painted.answer,
        mask: turn.mask(),
        pinned: canvas.pinned_until().saturating_sub(canvas.answer_start()),
        role: &|at| painted.role(at),
        guesses: Guesses::of(last, canvas.answer_start()),
        over: &|at| painted.over(at),
    };
    let (mut rows, mut places) = picture_rows(picture, options, shown);
    let pending = length - shown;
    if pending > 0 {
        let blocks = pending.div_ceil(block_length);
        rows.push(Row::default());
        rows.push(Row::of(
            super::canvas::pending_text(blocks, pending),
            Role::Mask,
        ));
        places.extend([Vec::new(), Vec::new()]);
    }
    (rows, places)
}

/// A token with every sign of it: spaces, line ends, the names of special ones.
fn written(turn: &Turn, token: TokenId) -> String {
    match turn.loaded.vocabulary.piece(token) {
        _ if token == turn.mask() => "▒▒▒".to_owned(),
        Piece::Bytes(_) => turn.token_text(token).replace(' ', "·"),
        Piece::Special(_) | Piece::Unknown => turn.token_text(token),
    }
}

/// The tokens one behind the other, with a line between them.
fn raw(painted: &Painted<'_>, options: LayoutOptions) -> (Vec<Row>, Vec<Vec<TokenPlace>>) {
    let mut flow = Flow::new(options.emoji);
    for (at, &token) in painted.answer.iter().enumerate() {
        let role = painted.over(at).unwrap_or(painted.role(at));
        let text = written(painted.turn, token);
        flow.sign(&text, super::AtomKind::Word, role, at);
        flow.sign(" ", super::AtomKind::Space, Role::Quiet, at);
        flow.sign("│ ", super::AtomKind::Word, Role::Quiet, at);
    }
    wrap_with_places(&flow, options.width)
}

/// Each token in a cell of its own, behind the step that fixed it.
fn grid(painted: &Painted<'_>, options: LayoutOptions) -> (Vec<Row>, Vec<Vec<TokenPlace>>) {
    let columns = (options.width / CELL).max(1);
    let mut flow = Flow::new(options.emoji);
    for (at, &token) in painted.answer.iter().enumerate() {
        let is_masked = token == painted.turn.mask();
        let step = painted
            .turn
            .story(painted.moment, at)
            .and_then(|it| it.step);
        let step = step
            .filter(|_| !is_masked)
            .map_or_else(String::new, |it| it.to_string());
        let text = cut(&written(painted.turn, token), CELL - 6);
        let gap = " ".repeat((CELL - 6).saturating_sub(cell_count(&text)) + 1);
        let role = painted.over(at).unwrap_or(painted.role(at));
        flow.sign(
            &format!("{step:>4} "),
            super::AtomKind::Word,
            Role::Quiet,
            at,
        );
        flow.sign(&text, super::AtomKind::Word, role, at);
        flow.sign(&gap, super::AtomKind::Word, Role::Text, at);
        if (at + 1) % columns == 0 {
            flow.sign("", super::AtomKind::Newline, Role::Text, at);
        }
    }
    wrap_with_places(&flow, columns * CELL)
}
