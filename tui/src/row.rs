//! Rows of cells: what layouts make, the state keeps and views draw.

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

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
}

impl Row {
    /// A row of one span.
    #[must_use]
    pub fn of(text: impl Into<String>, role: Role) -> Self {
        let text = text.into();
        Self {
            spans: vec![Span { text, role }],
            from: 0,
        }
    }

    /// Its cells.
    #[must_use]
    pub fn width(&self) -> usize {
        self.spans.iter().map(|span| span.text.width()).sum()
    }

    /// Its text without roles.
    #[must_use]
    pub fn text(&self) -> String {
        self.spans.iter().map(|span| span.text.as_str()).collect()
    }
}

/// `text` cut to at most `cells`, with `…` where something is missing. Graphemes stay whole.
#[must_use]
pub fn cut(text: &str, cells: usize) -> String {
    if text.width() <= cells {
        return text.to_owned();
    }
    let mut used = 0;
    let mut kept = String::new();
    for grapheme in text.graphemes(true) {
        used += grapheme.width();
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cutting_keeps_graphemes_whole() {
        assert_eq!(cut("漢字かな", 5), "漢字…");
        assert_eq!(cut("漢字かな", 4), "漢…");
        assert_eq!(cut("abc", 3), "abc");
        assert_eq!(cut("abc", 0), "");
    }
}
