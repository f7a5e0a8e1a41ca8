#[cfg(test)]
mod tests;

use unmask_core::TokenId;
use unmask_core::text::Piece;

use super::bytes::Joined;
use super::{AtomKind, Flow, wrap};
use crate::cells::Emoji;
use crate::clean::clean_line;
use crate::row::Row;
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
    let mut painter = Painter::new(turn, options, LastStep::Fresh);
    let shown = match turn.pending {
        Pending::Folded => turn.begun(),
        Pending::Unfolded => turn.answer().len(),
    };
    painter.paint(shown);
    let mut rows = wrap(&painter.flow, options.width);
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
    let mut painter = Painter::new(turn, options, LastStep::Settled);
    painter.paint(turn.answer().len());
    wrap(&painter.flow, options.width)
}

fn pending_text(blocks: usize, tokens: usize) -> String {
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

/// How the tokens of the last step look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LastStep {
    /// By their confidence.
    Fresh,
    /// As text.
    Settled,
}

struct Painter<'a> {
    turn: &'a Turn,
    last_step: LastStep,
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
    fn new(turn: &'a Turn, options: LayoutOptions, last_step: LastStep) -> Self {
        let cells = usize::from(options.mask_width.clamp(1, 8));
        let gap = if cells > 1 { " " } else { "" };
        Self {
            turn,
            last_step,
            shade: "▒".repeat(cells - gap.len()),
            gap,
            flow: Flow::new(options.emoji),
            joined: Joined::default(),
            has_ended: false,
            ends: (0, 0),
        }
    }

    fn paint(&mut self, shown: usize) {
        for (index, &token) in self.turn.answer()[..shown].iter().enumerate() {
            self.token(index, token);
        }
        let is_cut_by_mask = shown < self.turn.answer().len();
        self.flush_text(is_cut_by_mask);
        self.flush_ends();
    }

    fn token(&mut self, index: usize, token: TokenId) {
        if token == self.turn.mask() {
            self.flush_text(true);
            self.flush_ends();
            if !self.gap.is_empty() {
                self.flow.sign(self.gap, AtomKind::Space, Role::Mask, index);
            }
            self.flow
                .sign(&self.shade, AtomKind::Word, Role::Mask, index);
        } else if self.turn.loaded.is_end(token) {
            self.flush_text(false);
            self.has_ended |= index >= self.turn.pinned();
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
        match self.turn.loaded.vocabulary.piece(token) {
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
                self.flow.sign(&name, AtomKind::Word, Role::Muted, index);
            }
            Piece::Unknown => {
                self.flush_text(false);
                let name = format!("⟨id {}⟩", token.0);
                self.flow.sign(&name, AtomKind::Word, Role::Muted, index);
            }
        }
    }

    fn flush_text(&mut self, before_mask: bool) {
        let (turn, last_step) = (self.turn, self.last_step);
        let (flow, has_ended) = (&mut self.flow, self.has_ended);
        self.joined.drain(before_mask, |grapheme, token| {
            let role = if has_ended {
                Role::Ended
            } else {
                role(turn, last_step, token)
            };
            flow.grapheme(grapheme, role, token, "↵");
        });
    }

    fn flush_ends(&mut self) {
        let (count, first) = std::mem::take(&mut self.ends);
        if count >= END_RUN {
            let run = format!("␃×{count}");
            self.flow.sign(&run, AtomKind::Word, Role::Muted, first);
        } else {
            for index in first..first + count {
                self.flow.sign("␃", AtomKind::Word, Role::Muted, index);
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
        Mark::Masked | Mark::Changed { .. } | Mark::Committed { .. } => Role::Text,
    }
}
