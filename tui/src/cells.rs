//! How many cells text takes: the one measure of layouts, the caret and what is drawn.

use std::borrow::Cow;

use ratatui::buffer::CellWidth;
use unicode_segmentation::UnicodeSegmentation;

/// Cells of `text` as it is drawn, cluster by cluster; a control character counts as the one sign that stands for it.
#[must_use]
pub fn cell_count(text: &str) -> usize {
    match text.is_ascii() {
        true => text.len(),
        false => text.graphemes(true).map(cluster_cells).sum(),
    }
}

/// The same of one cluster.
#[must_use]
pub fn cluster_cells(cluster: &str) -> usize {
    match cluster.len() {
        1 => 1,
        _ => usize::from(cluster.cell_width()),
    }
}

/// What the terminal makes of an emoji that is a sign with variation selector 16 behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Emoji {
    /// A picture of two cells, as Unicode says.
    #[default]
    Wide,
    /// Something of one cell.
    Narrow,
}

impl Emoji {
    /// What is drawn of a cluster. For terminals that draw such an emoji in one cell it is the sign alone, which has one cell
    /// everywhere, so that nobody has to be told of the difference.
    #[must_use]
    pub fn drawn(self, cluster: &str) -> Cow<'_, str> {
        const PICTURE: char = '\u{fe0f}';
        const JOINER: char = '\u{200d}';
        match self {
            Self::Narrow if cluster.contains(PICTURE) && !cluster.contains(JOINER) => {
                Cow::Owned(cluster.replace(PICTURE, ""))
            }
            Self::Wide | Self::Narrow => Cow::Borrowed(cluster),
        }
    }
}

#[cfg(test)]
mod tests {
    use ratatui::buffer::Buffer;
    use ratatui::layout::Rect;
    use ratatui::style::Style;

    use super::*;

    #[test]
    fn text_takes_as_many_cells_as_it_is_drawn_in() {
        for text in [
            "plain",
            "漢字",
            "e\u{301}",
            "👩\u{200d}👩\u{200d}👧",
            "🇩🇪🇩",
            "❤\u{fe0f}❤",
            "1\u{fe0f}\u{20e3}",
            // The mark has a cell of its own.
            "ｶ\u{ff9e}",
            // Joined to one sign only where both are one cluster.
            "\u{644}\u{627}",
        ] {
            let mut buffer = Buffer::empty(Rect::new(0, 0, 20, 1));
            let (end, _) = buffer.set_stringn(0, 0, text, 20, Style::new());
            assert_eq!(cell_count(text), usize::from(end), "{text:?}");
        }
    }

    #[test]
    fn a_narrow_emoji_by_variation_is_drawn_as_its_sign() {
        let drawn = |cluster| Emoji::Narrow.drawn(cluster).into_owned();
        assert_eq!((drawn("❤\u{fe0f}").as_str(), cell_count("❤")), ("❤", 1));
        assert_eq!(drawn("1\u{fe0f}\u{20e3}"), "1\u{20e3}");
        let joined = "❤\u{fe0f}\u{200d}🔥";
        assert_eq!(drawn(joined), joined);
        assert_eq!(Emoji::Wide.drawn("❤\u{fe0f}"), "❤\u{fe0f}");
    }
}
