use super::{Atom, AtomKind, Flow};
use crate::row::{Row, Span, TokenPlace};

const TAB: usize = 4;

/// Breaks `flow` into rows of at most `width` cells: at spaces, beside wide characters, else between atoms. An atom wider
/// than the row is alone in its own.
#[must_use]
pub fn wrap(flow: &Flow, width: usize) -> Vec<Row> {
    wrapped(flow, width).finish().0
}

/// As [`wrap`], with what stands where in each row.
#[must_use]
pub fn wrap_with_places(flow: &Flow, width: usize) -> (Vec<Row>, Vec<Vec<TokenPlace>>) {
    wrapped(flow, width).finish()
}

fn wrapped(flow: &Flow, width: usize) -> Wrapper<'_> {
    let mut wrapper = Wrapper {
        flow,
        width: width.max(1),
        rows: Vec::new(),
        places: Vec::new(),
        start: 0,
        used: 0,
        chance: None,
    };
    let mut at = 0;
    while at < flow.atoms().len() {
        at = wrapper.take(at);
    }
    wrapper
}

struct Wrapper<'a> {
    flow: &'a Flow,
    width: usize,
    rows: Vec<Row>,
    places: Vec<Vec<TokenPlace>>,
    /// The first atom of the open row.
    start: usize,
    /// Cells of the open row.
    used: usize,
    /// The last atom at which a new row may begin.
    chance: Option<usize>,
}

impl Wrapper<'_> {
    /// TokenPlaces the atom at `at`; returns the next one.
    fn take(&mut self, at: usize) -> usize {
        let atom = &self.flow.atoms()[at];
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
        let run = self.flow.atoms()[at..]
            .iter()
            .take_while(|atom| atom.kind == AtomKind::Newline)
            .count();
        self.emit(at + run);
        for extra in 1..run {
            self.rows.push(Row {
                spans: Vec::new(),
                from: self.flow.atoms()[at + extra].from,
                ..Row::default()
            });
            self.places.push(Vec::new());
        }
        self.open(at + run);
        at + run
    }

    fn may_break_before(&self, at: usize) -> bool {
        let (before, atom) = (&self.flow.atoms()[at - 1], &self.flow.atoms()[at]);
        is_space(atom) || is_space(before) || is_wide(atom) || is_wide(before)
    }

    /// Begins a row at `chance`, without the spaces there; returns where to go on.
    fn break_at(&mut self, chance: usize, at: usize) -> usize {
        let atoms = self.flow.atoms();
        let trailing = atoms[self.start..chance]
            .iter()
            .rev()
            .take_while(|atom| is_space(atom))
            .count();
        self.emit(chance - trailing);
        let spaces = atoms[chance..=at]
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

    fn emit(&mut self, end: usize) {
        let atoms = &self.flow.atoms()[self.start..end];
        let mut row = Row {
            spans: Vec::new(),
            from: self
                .flow
                .atoms()
                .get(self.start)
                .map_or(0, |atom| atom.from),
            ..Row::default()
        };
        let mut used = 0;
        let mut places: Vec<TokenPlace> = Vec::new();
        for atom in atoms {
            let cells = cells(atom, used);
            match places.last_mut() {
                Some(place) if place.from == atom.from => place.cells.end += cells,
                _ => places.push(TokenPlace {
                    cells: used..used + cells,
                    from: atom.from,
                }),
            }
            match atom.kind {
                AtomKind::Tab => push(&mut row, &" ".repeat(cells), atom),
                AtomKind::Word | AtomKind::Space | AtomKind::Newline => {
                    push(&mut row, self.flow.text(atom), atom);
                }
            }
            used += cells;
        }
        self.rows.push(row);
        self.places.push(places);
    }

    fn finish(mut self) -> (Vec<Row>, Vec<Vec<TokenPlace>>) {
        if self.start < self.flow.atoms().len() {
            self.emit(self.flow.atoms().len());
        }
        (self.rows, self.places)
    }
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

fn push(row: &mut Row, text: &str, atom: &Atom) {
    match row.spans.last_mut() {
        Some(span) if span.role == atom.role => span.text.push_str(text),
        _ => row.spans.push(Span {
            text: text.to_owned(),
            role: atom.role,
        }),
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
