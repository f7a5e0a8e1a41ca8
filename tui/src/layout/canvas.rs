#[cfg(test)]
mod tests;

use unmask_core::TokenId;
use unmask_core::engine::Loaded;
use unmask_core::text::Piece;

use super::bytes::Joined;
use super::{AtomKind, Flow, wrap, wrap_with_places};
use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation;

use crate::amount::counted;
use crate::cells::{Emoji, cell_count};
use crate::clean::clean_line;
use crate::row::{Row, TokenPlace};
use crate::state::{Ghosts, Guesses, Mark, Pending, State, Turn};
use crate::theme::Role;

/// End tokens in a run are counted from this many on.
const END_RUN: usize = 3;

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
    let mut painter = Painter::new(picture, options);
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

/// Lays out the first `shown` tokens of a canvas, with where each is.
#[must_use]
pub fn picture_rows(
    picture: CanvasPicture<'_>,
    options: LayoutOptions,
    shown: usize,
) -> (Vec<Row>, Vec<Vec<TokenPlace>>) {
    let mut painter = Painter::new(picture, options);
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
    let mut painter = Painter::new(
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

struct Painter<'a> {
    picture: CanvasPicture<'a>,
    /// Cells of a mask without its space.
    cells: usize,
    gap: &'static str,
    ghosts: Ghosts,
    flow: Flow,
    joined: Joined,
    has_ended: bool,
    /// End tokens in a row, and where the run begins.
    ends: (usize, usize),
}

impl<'a> Painter<'a> {
    fn new(picture: CanvasPicture<'a>, options: LayoutOptions) -> Self {
        let cells = usize::from(options.mask_width.clamp(1, 8));
        let gap = if cells > 1 { " " } else { "" };
        Self {
            picture,
            cells: cells - gap.len(),
            gap,
            ghosts: options.ghosts,
            flow: Flow::new(options.emoji),
            joined: Joined::default(),
            has_ended: false,
            ends: (0, 0),
        }
    }

    fn paint(&mut self, shown: usize) {
        let shown = shown.min(self.picture.answer.len());
        let rest = self.folded_from(shown);
        for (index, &token) in self.picture.answer[..rest].iter().enumerate() {
            self.token(index, token);
        }
        if rest < shown {
            return self.fold(rest..shown);
        }
        let is_cut_by_mask = shown < self.picture.answer.len();
        self.flush_text(is_cut_by_mask);
        self.flush_ends();
    }

    fn token(&mut self, index: usize, token: TokenId) {
        if token == self.picture.mask {
            self.flush_text(true);
            self.flush_ends();
            let role = (self.picture.over)(index).unwrap_or((self.picture.role)(index));
            if !self.gap.is_empty() {
                self.flow.sign(self.gap, AtomKind::Space, role, index);
            }
            self.mask(index, role);
        } else if self.picture.loaded.is_end(token) {
            self.flush_text(false);
            self.has_ended |= index >= self.picture.pinned;
            self.ends = match self.ends {
                (0, _) => (1, index),
                (count, first) => (count + 1, first),
            };
        } else {
            self.flush_ends();
            self.piece(index, token);
        }
    }

    /// Where nothing but end tokens and masks is left behind a text that is complete.
    fn folded_from(&self, shown: usize) -> usize {
        let picture = &self.picture;
        let is_end = |token: TokenId| picture.loaded.is_end(token);
        let stops = |&(at, &token): &(usize, &TokenId)| {
            token == picture.mask || (at >= picture.pinned && is_end(token))
        };
        let first = picture.answer[..shown].iter().enumerate().find(stops);
        let Some((at, _)) = first.filter(|(_, token)| **token != picture.mask) else {
            return shown;
        };
        let mut rest = picture.answer[at..shown].iter();
        let is_rest = rest.all(|&token| token == picture.mask || is_end(token));
        match is_rest && shown - at >= END_RUN {
            true => at,
            false => shown,
        }
    }

    fn fold(&mut self, rest: Range<usize>) {
        self.flush_text(false);
        let over = rest
            .clone()
            .find(|&index| (self.picture.over)(index).is_some());
        let run = format!("␃×{}", rest.len());
        self.sign(&run, over.unwrap_or(rest.start));
    }

    /// A mask: the denser the surer its guess is, or that guess itself.
    fn mask(&mut self, index: usize, role: Role) {
        let guess = self.picture.guesses.at(index);
        let shade = match guess.map(|guess| guess.confidence) {
            Some(..0.3) => "░",
            Some(0.7..) => "▓",
            Some(_) | None => "▒",
        };
        let ghost = guess.filter(|_| self.ghosts == Ghosts::Shown);
        let ghost = ghost.and_then(|guess| self.ghost(guess.token));
        match ghost {
            Some(text) => {
                let role = if role == Role::Mask {
                    Role::Muted
                } else {
                    role
                };
                self.flow.sign(&text, AtomKind::Word, role, index);
            }
            None => {
                let shade = shade.repeat(self.cells);
                self.flow.sign(&shade, AtomKind::Word, role, index);
            }
        }
    }

    /// A guess in the cells of its mask; none for what is no text.
    fn ghost(&self, token: TokenId) -> Option<String> {
        let Piece::Bytes(bytes) = self.picture.loaded.vocabulary.piece(token) else {
            return None;
        };
        let text = String::from_utf8_lossy(bytes);
        let text = clean_line(text.trim());
        let mut ghost = String::new();
        for grapheme in text.graphemes(true) {
            if cell_count(&ghost) + cell_count(grapheme) > self.cells {
                break;
            }
            ghost.push_str(grapheme);
        }
        let missing = self.cells - cell_count(&ghost);
        // Not spaces: those would be dropped where a row ends.
        (!ghost.is_empty()).then(|| ghost + &"·".repeat(missing))
    }

    fn piece(&mut self, index: usize, token: TokenId) {
        match self.picture.loaded.vocabulary.piece(token) {
            Piece::Bytes(bytes) => {
                self.joined.push(bytes, index);
            }
            Piece::Special(name) => {
                self.flush_text(false);
                let name = clean_line(name);
                let name = name
                    .trim_start_matches(['<', '|'])
                    .trim_end_matches(['>', '|']);
                let name = format!("⟨{name}⟩");
                self.sign(&name, index);
            }
            Piece::Unknown => {
                self.flush_text(false);
                let name = format!("⟨id {}⟩", token.0);
                self.sign(&name, index);
            }
        }
    }

    /// A sign that stands for what is no text.
    fn sign(&mut self, sign: &str, index: usize) {
        let role = (self.picture.over)(index).unwrap_or(Role::Muted);
        self.flow.sign(sign, AtomKind::Word, role, index);
    }

    fn flush_text(&mut self, before_mask: bool) {
        let picture = self.picture;
        let (flow, has_ended) = (&mut self.flow, self.has_ended);
        self.joined.drain(before_mask, |grapheme, token| {
            let role = match (picture.over)(token) {
                Some(role) => role,
                None if has_ended => Role::Ended,
                None => flow.role_of(grapheme, (picture.role)(token)),
            };
            flow.grapheme(grapheme, role, token, "↵");
        });
    }

    fn flush_ends(&mut self) {
        let (count, first) = std::mem::take(&mut self.ends);
        if count >= END_RUN {
            let run = format!("␃×{count}");
            self.sign(&run, first);
        } else {
            for index in first..first + count {
                self.sign("␃", index);
            }
        }
    }
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
