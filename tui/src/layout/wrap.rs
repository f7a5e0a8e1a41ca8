use std::borrow::Cow;
use std::ops::Range;

use super::{Atom, AtomKind, Flow};
use crate::row::{Row, Span, TokenPlace};

const TAB: usize = 4;

/// Breaks `flow` into rows of at most `width` cells: at spaces, beside wide characters, else between atoms. An atom wider
/// than the row is alone in its own.
#[must_use]
pub fn wrap(flow: &Flow, width: usize) -> Vec<Row> {
    let lines = lines(flow, width);
    lines.iter().map(|line| row(flow, line)).collect()
}

/// As [`wrap`], with what stands where in each row.
#[must_use]
pub fn wrap_with_places(flow: &Flow, width: usize) -> (Vec<Row>, Vec<Vec<TokenPlace>>) {
    let lines = lines(flow, width);
    let both = lines
        .iter()
        .map(|line| (row(flow, line), places(flow, line)));
    both.unzip()
}

/// The atoms of each row.
fn lines(flow: &Flow, width: usize) -> Vec<Range<usize>> {
    let mut wrapper = Wrapper {
        atoms: flow.atoms(),
        width: width.max(1),
        lines: Vec::new(),
        start: 0,
        used: 0,
        chance: None,
    };
    let mut at = 0;
    while at < flow.atoms().len() {
        at = wrapper.take(at);
    }
    wrapper.finish()
}

struct Wrapper<'a> {
    atoms: &'a [Atom],
    width: usize,
    lines: Vec<Range<usize>>,
    /// The first atom of the open row.
    start: usize,
    /// Cells of the open row.
    used: usize,
    /// The last atom at which a new row may begin.
    chance: Option<usize>,
}

impl Wrapper<'_> {
    /// Places the atom at `at`; returns the next one.
    fn take(&mut self, at: usize) -> usize {
        let atom = &self.atoms[at];
        if atom.kind == AtomKind::Newline {
            return self.take_newlines(at);
        }
        if at > self.start && self.may_break_before(at) {
            self.chance = Some(at);
        }
        let cells = cells(atom, self.used);
        if self.used + cells > self.width && at > self.start {
            return self.break_at(self.chance.unwrap_or(at), at);
        }
        self.used += cells;
        at + 1
    }

    /// A run of line ends is drawn in one row, so that an empty row is empty.
    fn take_newlines(&mut self, at: usize) -> usize {
        let run = self.atoms[at..]
            .iter()
            .take_while(|atom| atom.kind == AtomKind::Newline)
            .count();
        self.lines.push(self.start..at + run);
        let empty = (at + 1..at + run).map(|extra| extra..extra);
        self.lines.extend(empty);
        self.open(at + run);
        at + run
    }

    fn may_break_before(&self, at: usize) -> bool {
        let (before, atom) = (&self.atoms[at - 1], &self.atoms[at]);
        is_space(atom) || is_space(before) || is_wide(atom) || is_wide(before)
    }

    /// Begins a row at `chance`, without the spaces there; returns where to go on.
    fn break_at(&mut self, chance: usize, at: usize) -> usize {
        let trailing = self.atoms[self.start..chance]
            .iter()
            .rev()
            .take_while(|atom| is_space(atom))
            .count();
        self.lines.push(self.start..chance - trailing);
        let spaces = self.atoms[chance..=at]
            .iter()
            .take_while(|atom| is_space(atom))
            .count();
        self.open(chance + spaces);
        self.start
    }

    fn open(&mut self, start: usize) {
        self.start = start;
        self.used = 0;
        self.chance = None;
    }

    fn finish(mut self) -> Vec<Range<usize>> {
        if self.start < self.atoms.len() {
            self.lines.push(self.start..self.atoms.len());
        }
        self.lines
    }
}

/// These atoms as a row: what stands together in one role is one span.
fn row(flow: &Flow, line: &Range<usize>) -> Row {
    let mut spans: Vec<Span> = Vec::new();
    let mut used = 0;
    let mut rest = &flow.atoms()[line.clone()];
    while let [first, ..] = rest {
        let is_like = |atom: &&Atom| {
            (atom.kind == AtomKind::Tab, atom.role) == (first.kind == AtomKind::Tab, first.role)
        };
        let (run, after) = rest.split_at(rest.iter().take_while(is_like).count());
        rest = after;
        let before = used;
        used = run.iter().fold(used, |used, atom| used + cells(atom, used));
        let text = match first.kind {
            AtomKind::Tab => Cow::Owned(" ".repeat(used - before)),
            AtomKind::Word | AtomKind::Space | AtomKind::Newline => Cow::Borrowed(flow.texts(run)),
        };
        match spans.last_mut() {
            Some(span) if span.role == first.role => span.text.push_str(&text),
            _ => spans.push(Span {
                text: text.into_owned(),
                role: first.role,
            }),
        }
    }
    Row {
        spans,
        from: flow.atoms().get(line.start).map_or(0, |atom| atom.from),
        ..Row::default()
    }
}

/// Where each of these atoms' sources is in their row.
fn places(flow: &Flow, line: &Range<usize>) -> Vec<TokenPlace> {
    let mut used = 0;
    let mut places: Vec<TokenPlace> = Vec::new();
    for atom in &flow.atoms()[line.clone()] {
        let cells = cells(atom, used);
        match places.last_mut() {
            Some(place) if place.from == atom.from => place.cells.end += cells,
            _ => places.push(TokenPlace {
                cells: used..used + cells,
                from: atom.from,
            }),
        }
        used += cells;
    }
    places
}

/// True for the characters of scripts that break anywhere, and for emoji; signs of ours are narrower or wider.
fn is_wide(atom: &Atom) -> bool {
    atom.width == 2
}

fn is_space(atom: &Atom) -> bool {
    matches!(atom.kind, AtomKind::Space | AtomKind::Tab)
}

fn cells(atom: &Atom, used: usize) -> usize {
    match atom.kind {
        AtomKind::Tab => TAB - used % TAB,
        AtomKind::Word | AtomKind::Space | AtomKind::Newline => atom.width,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theme::Role;

    #[track_caller]
    fn check(text: &str, width: usize, expected: &[&str]) {
        let rows = wrap(&Flow::plain(text, Role::Text), width);
        let rows: Vec<String> = rows.iter().map(Row::text).collect();
        assert_eq!(rows, expected);
    }

    #[test]
    fn words_move_to_the_next_row_whole() {
        check("one two three", 8, &["one two", "three"]);
    }

    #[test]
    fn a_word_longer_than_the_row_is_cut_at_cells() {
        check(
            "a incomprehensible b",
            6,
            &["a", "incomp", "rehens", "ible b"],
        );
    }

    #[test]
    fn wide_characters_never_straddle_the_edge() {
        check("漢字かなabc", 5, &["漢字", "かな", "abc"]);
    }

    #[test]
    fn joined_emoji_stay_whole() {
        check("ab👩‍👩‍👧cd", 3, &["ab", "👩‍👩‍👧", "cd"]);
    }

    #[test]
    fn empty_lines_and_indents_are_kept() {
        check("a\n\n  b\n", 10, &["a", "", "  b"]);
    }

    #[test]
    fn a_tab_goes_to_the_next_multiple_of_four() {
        check("a\tb\t\tc", 20, &["a   b       c"]);
    }

    #[test]
    fn an_atom_wider_than_the_row_does_not_hang() {
        check("漢字", 1, &["漢", "字"]);
    }

    #[test]
    fn unsafe_characters_are_replaced() {
        check("a\u{1b}[2J\r\nb", 10, &["a\u{fffd}[2J\u{fffd}", "b"]);
    }
}
