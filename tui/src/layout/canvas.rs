use unmask_core::TokenId;
use unmask_core::text::Piece;

use super::bytes::Joined;
use super::{AtomKind, Flow, wrap};
use crate::clean::clean_line;
use crate::row::Row;
use crate::state::{Mark, Turn};
use crate::theme::Role;

/// A mask: a space and this, so near the mean width of a token that text moves little when it is lifted.
pub const ACTIVE_MASK: &str = "▒▒▒";

/// End tokens in a run are counted from this many on.
const END_RUN: usize = 3;

/// Lays out the answer of a running turn: committed tokens, masks of the blocks begun, and one row for those that wait.
#[must_use]
pub fn canvas_rows(turn: &Turn, width: usize) -> Vec<Row> {
    let mut painter = Painter::new(turn);
    let shown = turn.begun();
    painter.paint(shown);
    let mut rows = wrap(&painter.flow, width);
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

fn pending_text(blocks: usize, tokens: usize) -> String {
    let s = if blocks == 1 { "" } else { "s" };
    format!("⋯ {blocks} block{s} pending · {tokens} tokens")
}

/// The text before the first mask and the first end token, special tokens left out: what an abandoned turn keeps.
#[must_use]
pub fn answer_so_far(turn: &Turn) -> String {
    let mut bytes = Vec::new();
    for &token in turn.answer() {
        if token == turn.mask() || turn.loaded.is_end(token) {
            break;
        }
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

struct Painter<'a> {
    turn: &'a Turn,
    flow: Flow,
    joined: Joined,
    has_ended: bool,
    /// End tokens in a row, and where the run begins.
    ends: (usize, usize),
}

impl<'a> Painter<'a> {
    fn new(turn: &'a Turn) -> Self {
        Self {
            turn,
            flow: Flow::default(),
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
            self.flow.sign(" ", AtomKind::Space, Role::Mask, index);
            self.flow
                .sign(ACTIVE_MASK, AtomKind::Word, Role::Mask, index);
        } else if self.turn.loaded.is_end(token) {
            self.flush_text(false);
            self.has_ended = true;
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
        let (turn, flow, has_ended) = (self.turn, &mut self.flow, self.has_ended);
        self.joined.drain(before_mask, |grapheme, token| {
            let role = if has_ended {
                Role::Ended
            } else {
                role(turn, token)
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
fn role(turn: &Turn, token: usize) -> Role {
    match turn.marks[token] {
        Mark::Given => Role::Pinned,
        Mark::Changed { step } if step == turn.step => Role::Changed,
        Mark::Committed { step, confidence } if step == turn.step => Role::fresh(confidence),
        Mark::Masked | Mark::Changed { .. } | Mark::Committed { .. } => Role::Text,
    }
}

#[cfg(test)]
mod tests {
    use unmask_core::event::CommitKind;

    use super::*;
    use crate::fixture::{self, Cell};

    fn spans(cells: &[Cell], width: usize) -> Vec<String> {
        let turn = fixture::turn_of(cells);
        canvas_rows(&turn, width).iter().map(Row::text).collect()
    }

    #[track_caller]
    fn check(cells: &[Cell], width: usize, expected: &[&str]) {
        assert_eq!(spans(cells, width), expected);
    }

    use Cell::{End, Mask, Special, Text};

    #[test]
    fn a_mask_is_four_cells_and_never_splits() {
        check(
            &[Text(b"ab"), Mask, Mask, Text(b"."), Mask],
            10,
            &["ab ▒▒▒", "▒▒▒. ▒▒▒"],
        );
    }

    #[test]
    fn split_characters_are_joined_before_they_are_decoded() {
        check(
            &[Text(b"\xe6"), Text(b"\xbc"), Text(b"\xa2!")],
            10,
            &["漢!"],
        );
    }

    #[test]
    fn an_unfinished_character_is_one_box_until_its_neighbour_arrives() {
        check(
            &[Text(b"a\xf0\x9f"), Mask, Text(b"\x98\x80b")],
            20,
            &["a▯ ▒▒▒▯b"],
        );
        check(&[Text(b"a\xf0\x9f"), Text(b"\x98\x80b")], 20, &["a😀b"]);
    }

    #[test]
    fn bytes_that_are_no_text_are_replaced() {
        check(&[Text(b"a\xffb\x1b[2J")], 20, &["a\u{fffd}b\u{fffd}[2J"]);
    }

    #[test]
    fn a_newline_is_drawn_and_breaks() {
        check(
            &[Text(b"a."), Text(b"\n\n"), Text(b"b"), Text(b"\n"), Mask],
            20,
            &["a.↵↵", "", "b↵", " ▒▒▒"],
        );
    }

    #[test]
    fn ends_are_counted_from_three_on() {
        check(&[Text(b"a"), End], 20, &["a␃"]);
        check(&[Text(b"a"), End, End], 20, &["a␃␃"]);
        check(&[Text(b"a"), End, End, End, Mask], 20, &["a␃×3 ▒▒▒"]);
    }

    #[test]
    fn a_canvas_of_nothing_but_ends_is_one_sign() {
        check(&[End; 37], 20, &["␃×37"]);
    }

    #[test]
    fn text_after_the_end_is_struck_through() {
        let turn = fixture::turn_of(&[Text(b"a"), End, Text(b" b")]);
        let rows = canvas_rows(&turn, 20);
        let roles: Vec<Role> = rows[0].spans.iter().map(|span| span.role).collect();
        assert_eq!(roles, [Role::FreshHigh, Role::Muted, Role::Ended]);
    }

    #[test]
    fn other_special_tokens_are_named() {
        check(
            &[Text(b"a"), Special("<|start_header_id|>")],
            30,
            &["a⟨start_header_id⟩"],
        );
    }

    #[test]
    fn wide_characters_wrap_before_the_edge() {
        check(
            &[Text("漢字".as_bytes()), Text("仮名".as_bytes())],
            5,
            &["漢字", "仮名"],
        );
    }

    #[test]
    fn emoji_joined_over_two_tokens_are_one_grapheme_of_the_first() {
        let turn = fixture::turn_of(&[Text("👩\u{200d}".as_bytes()), Text("🚀".as_bytes())]);
        let rows = canvas_rows(&turn, 20);
        assert_eq!(rows.len(), 1);
        assert_eq!(rows[0].text(), "👩\u{200d}🚀");
        assert_eq!(rows[0].spans.len(), 1);
    }

    #[test]
    fn the_last_step_is_coloured_by_confidence_and_earlier_ones_have_settled() {
        let mut turn = fixture::turn_of(&[Text(b"a"), Mask, Mask, Mask]);
        for (at, confidence) in [(1, 0.1), (2, 0.5), (3, 0.9)] {
            fixture::commit(&mut turn, 2, at, confidence, CommitKind::New);
        }
        let roles: Vec<Role> = canvas_rows(&turn, 20)[0]
            .spans
            .iter()
            .map(|span| span.role)
            .collect();
        assert_eq!(
            roles,
            [
                Role::Text,
                Role::FreshLow,
                Role::FreshMiddle,
                Role::FreshHigh
            ]
        );
    }

    #[test]
    fn a_token_that_replaced_another_is_marked() {
        let mut turn = fixture::turn_of(&[Text(b"a"), Text(b"b")]);
        fixture::commit(&mut turn, 2, 1, 0.9, CommitKind::Changed);
        assert_eq!(
            canvas_rows(&turn, 20)[0].spans.last().map(|span| span.role),
            Some(Role::Changed)
        );
    }

    #[test]
    fn an_abandoned_turn_keeps_the_text_before_the_first_mask() {
        let turn = fixture::turn_of(&[Text(b"a"), Text(b" b"), Mask, Text(b" c")]);
        assert_eq!(answer_so_far(&turn), "a b");
        let turn = fixture::turn_of(&[Text(b"a"), Text(b"\xf0\x9f"), Mask]);
        assert_eq!(answer_so_far(&turn), "a");
        let turn = fixture::turn_of(&[Text(b"a"), End, Text(b" c")]);
        assert_eq!(answer_so_far(&turn), "a");
    }
}
