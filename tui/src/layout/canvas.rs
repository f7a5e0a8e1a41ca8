#[cfg(test)]
mod tests;

use unmask_core::TokenId;
use unmask_core::engine::Loaded;
use unmask_core::text::Piece;

use super::bytes::Joined;
use super::{AtomKind, Flow, wrap, wrap_with_places};
use crate::cells::Emoji;
use crate::clean::clean_line;
use crate::row::{Row, TokenPlace};
use crate::state::{Mark, Pending, Turn};
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

pub(super) fn pending_text(blocks: usize, tokens: usize) -> String {
    let s = if blocks == 1 { "" } else { "s" };
    format!("⋯ {blocks} block{s} pending · {tokens} tokens")
}

/// The text before the first mask and the first end token behind the pins, special tokens left out: what an abandoned turn
/// keeps.
#[must_use]
pub fn answer_so_far(turn: &Turn) -> String {
    joined(turn, turn.text_tokens())
}

/// The text of every token before the first end token behind the pins, masks and special tokens left out.
#[must_use]
pub fn answer_found(turn: &Turn) -> String {
    joined(turn, turn.found_tokens())
}

fn joined(turn: &Turn, tokens: impl Iterator<Item = TokenId>) -> String {
    let mut bytes = Vec::new();
    for token in tokens {
        if let Piece::Bytes(piece) = turn.loaded.vocabulary.piece(token) {
            bytes.extend_from_slice(piece);
        }
    }
    let mut text = String::new();
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        let is_whole = chunk.invalid().is_empty();
        if !is_whole && text.len() + chunk.invalid().len() < bytes.len() {
            text.push(char::REPLACEMENT_CHARACTER);
        }
    }
    text.trim().to_owned()
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
    shade: String,
    gap: &'static str,
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
            shade: "▒".repeat(cells - gap.len()),
            gap,
            flow: Flow::new(options.emoji),
            joined: Joined::default(),
            has_ended: false,
            ends: (0, 0),
        }
    }

    fn paint(&mut self, shown: usize) {
        for (index, &token) in self.picture.answer[..shown].iter().enumerate() {
            self.token(index, token);
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
            self.flow.sign(&self.shade, AtomKind::Word, role, index);
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
                None => (picture.role)(token),
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

/// What a committed token looks like: its band during its step, then as text.
fn role(turn: &Turn, last_step: LastStep, token: usize) -> Role {
    let is_fresh = |step| last_step == LastStep::Fresh && step == turn.step;
    match turn.marks()[token] {
        Mark::Given => Role::Pinned,
        Mark::Changed { step } if is_fresh(step) => Role::Changed,
        Mark::Committed { step, confidence } if is_fresh(step) => Role::fresh(confidence),
        Mark::Masked => Role::Mask,
        Mark::Changed { .. } | Mark::Committed { .. } => Role::Text,
    }
}
