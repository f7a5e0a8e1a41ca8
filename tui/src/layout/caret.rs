use std::ops::Range;

use unicode_segmentation::UnicodeSegmentation;

use crate::cells::cell_count;
use crate::clean::{REPLACEMENT, is_unsafe};
use crate::row::cut;

/// `text` with carets under the bytes of `span`, as two rows of at most `cells`; text before the span gives way to it.
#[must_use]
pub fn with_carets(text: &str, span: &Range<usize>, cells: usize) -> [String; 2] {
    let part = |range: Range<usize>| clean(text.get(range).unwrap_or(""));
    let (before, under) = (part(0..span.start), part(span.clone()));
    let after = part(span.end..text.len());
    // The span and a few cells behind it are seen.
    let room = cells.saturating_sub(cell_count(&under).max(1) + 2);
    let before = last(&before, room);
    let carets = "^".repeat(cell_count(&under).max(1));
    let carets = format!("{}{carets}", " ".repeat(cell_count(&before)));
    let text = format!("{before}{under}{after}");
    [cut(&text, cells), cut(&carets, cells)]
}

/// Spaces stay, at the ends too.
fn clean(text: &str) -> String {
    let clean = |it: char| match it {
        it if it.is_whitespace() => ' ',
        it if is_unsafe(it) => REPLACEMENT,
        it => it,
    };
    text.chars().map(clean).collect()
}

/// The end of `text` that fits, with `…` for what is missing.
fn last(text: &str, cells: usize) -> String {
    if cell_count(text) <= cells {
        return text.to_owned();
    }
    let mut used = 1;
    let mut start = text.len();
    for (at, grapheme) in text.grapheme_indices(true).rev() {
        used += cell_count(grapheme);
        if used > cells {
            break;
        }
        start = at;
    }
    match cells {
        0 => String::new(),
        _ => format!("…{}", &text[start..]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn carets_stand_under_the_part() {
        assert_eq!(
            with_carets("0:Once, x:up", &(8..9), 40),
            ["0:Once, x:up", "        ^"]
        );
        assert_eq!(
            with_carets("0:漢字, x:up", &(10..14), 40),
            ["0:漢字, x:up", "        ^^^^"]
        );
        assert_eq!(with_carets("5:", &(2..2), 40), ["5:", "  ^"]);
    }

    #[test]
    fn a_long_text_is_cut_before_the_part() {
        let rows = with_carets("0:Once, 1:upon, 2:a, x:time", &(21..22), 12);
        assert_eq!(rows, ["…n, 2:a, x:…", "         ^"]);
    }
}
