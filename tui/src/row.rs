//! Rows of cells: what layouts make, the state keeps and views draw.

use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation;

use crate::cells::cell_count;
use crate::theme::Role;

/// A piece of a row in one role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// What it says.
    pub text: String,
    /// What it is.
    pub role: Role,
}

/// One row of the screen.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Row {
    /// From left to right.
    pub spans: Vec<Span>,
    /// Where it begins in its source: a byte of the text, or a token of the answer.
    pub from: usize,
    /// What lies under it, if that is not the ground of all text.
    pub ground: Option<Role>,
}

/// What stands before each row of a block of code, and is no part of it.
pub const CODE_BAR: &str = "┃ ";

impl Row {
    /// A row of one span.
    #[must_use]
    pub fn of(text: impl Into<String>, role: Role) -> Self {
        let text = text.into();
        Self {
            spans: vec![Span { text, role }],
            ..Self::default()
        }
    }

    /// The cell that its ground begins at: that of the bar before code.
    #[must_use]
    pub fn ground_from(&self) -> usize {
        let bar = self.spans.iter().position(|span| span.text == CODE_BAR);
        let before = &self.spans[..bar.unwrap_or(0)];
        before.iter().map(|span| cell_count(&span.text)).sum()
    }

    /// True for the row that names the language of code, which is no part of it.
    #[must_use]
    pub fn is_label(&self) -> bool {
        let mut spans = self.spans.iter().skip_while(|span| span.text != CODE_BAR);
        spans.next().is_some()
            && spans
                .next()
                .is_some_and(|span| span.role == Role::CodeLabel)
    }

    /// Its cells.
    #[must_use]
    pub fn width(&self) -> usize {
        self.spans.iter().map(|span| cell_count(&span.text)).sum()
    }

    /// What lies in `cells`, at least in part: where it is, clusters whole, and the spans of it, as many as the row has.
    #[must_use]
    pub fn cut_out(&self, cells: &Range<usize>) -> (Range<usize>, Self) {
        let (mut at, mut range) = (0, None);
        let mut cut = Self {
            spans: Vec::with_capacity(self.spans.len()),
            from: self.from,
            ground: self.ground,
        };
        for span in &self.spans {
            let mut text = String::new();
            for cluster in span.text.graphemes(true) {
                let end = at + cell_count(cluster);
                if at < cells.end && end > cells.start {
                    text.push_str(cluster);
                    range = Some(range.map_or(at, |(start, _)| start)).map(|start| (start, end));
                }
                at = end;
            }
            cut.spans.push(Span {
                text,
                role: span.role,
            });
        }
        let (start, end) = range.unwrap_or((0, 0));
        (start..end, cut)
    }

    /// Its text without roles.
    #[must_use]
    pub fn text(&self) -> String {
        self.spans.iter().map(|span| span.text.as_str()).collect()
    }
}

/// Where a token is in a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenPlace {
    /// Its cells.
    pub cells: Range<usize>,
    /// What stands there: a byte of the text, or a token of the answer.
    pub from: usize,
}

/// `text` cut to at most `cells`, with `…` where something is missing. Graphemes stay whole.
#[must_use]
pub fn cut(text: &str, cells: usize) -> String {
    if cell_count(text) <= cells {
        return text.to_owned();
    }
    let mut used = 0;
    let mut kept = String::new();
    for grapheme in text.graphemes(true) {
        used += cell_count(grapheme);
        if used + 1 > cells {
            break;
        }
        kept.push_str(grapheme);
    }
    if cells > 0 {
        kept.push('…');
    }
    kept
}

/// As [`cut`], but out of the middle: of names that begin alike the ends tell which is which.
#[must_use]
pub fn cut_middle(text: &str, cells: usize) -> String {
    if cell_count(text) <= cells {
        return text.to_owned();
    }
    let mut end = text.len();
    for (at, _) in text.grapheme_indices(true).rev() {
        if cell_count(&text[at..]) > cells / 2 {
            break;
        }
        end = at;
    }
    let end = &text[end..];
    cut(text, cells - cell_count(end)) + end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wide_cluster_is_cut_out_whole() {
        let row = Row::of("a漢字b", Role::Text);
        for (cells, expected, text) in [
            (0..1, 0..1, "a"),
            (2..4, 1..5, "漢字"),
            (3..usize::MAX, 3..6, "字b"),
            (6..9, 0..0, ""),
        ] {
            let (range, cut) = row.cut_out(&cells);
            assert_eq!((range, cut.text().as_str()), (expected, text));
        }
    }

    #[test]
    fn cutting_keeps_graphemes_whole() {
        assert_eq!(cut("漢字かな", 5), "漢字…");
        assert_eq!(cut("漢字かな", 4), "漢…");
        assert_eq!(cut("abc", 3), "abc");
        assert_eq!(cut("abc", 0), "");
    }

    #[test]
    fn a_name_that_is_cut_keeps_its_end() {
        assert_eq!(cut_middle("LLaDA-8B-mlx-4bit", 12), "LLaDA…x-4bit");
        assert_eq!(cut_middle("漢字かなカナ", 7), "漢字…ナ");
        assert_eq!(cut_middle("abc", 3), "abc");
        assert_eq!(cut_middle("abc", 1), "…");
        assert_eq!(cut_middle("abc", 0), "");
    }
}
