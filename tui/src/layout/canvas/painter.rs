//! A canvas token by token, as a flow.

use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation;
use unmask_core::TokenId;
use unmask_core::text::Piece;

use super::{CanvasPicture, LayoutOptions};
use crate::cells::cell_count;
use crate::clean::clean_line;
use crate::layout::bytes::Joined;
use crate::layout::{AtomKind, Flow};
use crate::state::Ghosts;
use crate::theme::Role;

/// End tokens in a run are counted from this many on.
const END_RUN: usize = 3;

/// Paints a canvas.
pub(super) struct CanvasPainter<'a> {
    picture: CanvasPicture<'a>,
    /// Cells of a mask without its space.
    cells: usize,
    gap: &'static str,
    ghosts: Ghosts,
    pub(super) flow: Flow,
    joined: Joined,
    has_ended: bool,
    /// End tokens in a row, and where the run begins.
    ends: (usize, usize),
}

impl<'a> CanvasPainter<'a> {
    pub(super) fn new(picture: CanvasPicture<'a>, options: LayoutOptions) -> Self {
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

    /// Paints the first `shown` tokens.
    pub(super) fn paint(&mut self, shown: usize) {
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
                None => (picture.role)(token),
            };
            let role = match grapheme {
                " " if !picture.is_blank(token) => flow.role_of_space(role),
                _ => role,
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
