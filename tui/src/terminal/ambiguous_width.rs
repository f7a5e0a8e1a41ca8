//! Clusters whose width terminals disagree on.

use ratatui::buffer::{Buffer, CellDiffOption};

/// Keeps rows whole that hold joined emoji, flags, skin tones or emoji by variation.
///
/// A terminal that counts such a cluster wider than we do writes over its neighbours, which a frame then takes for
/// unchanged. So a row that holds one, or held one in the frame before, is written whole: what comes behind a cluster is
/// placed by its column ([`RepositioningBackend`](super::repositioning::RepositioningBackend)), and covers the surplus. The
/// row below may have been reached by it too.
#[derive(Debug, Default)]
pub(super) struct AmbiguousRows {
    /// Of each row, whether it held one in the last frame.
    rows: Vec<bool>,
}

impl AmbiguousRows {
    /// Marks what must be written of a frame, even if it is as it was in the one before.
    pub(super) fn mark(&mut self, buffer: &mut Buffer) {
        let width = usize::from(buffer.area.width).max(1);
        let rows = buffer.content.chunks(width);
        let now: Vec<bool> = rows
            .map(|row| row.iter().any(|cell| is_ambiguous_width(cell.symbol())))
            .collect();
        let held = |row: usize| {
            let is_in = |rows: &[bool]| rows.get(row).copied().unwrap_or(false);
            is_in(&now) || is_in(&self.rows)
        };
        for (at, row) in buffer.content.chunks_mut(width).enumerate() {
            if held(at) || at.checked_sub(1).is_some_and(held) {
                for cell in row {
                    cell.set_diff_option(CellDiffOption::AlwaysUpdate);
                }
            }
        }
        self.rows = now;
    }
}

/// Whether terminals disagree on the cells of a cluster.
pub(super) fn is_ambiguous_width(symbol: &str) -> bool {
    // None is shorter.
    symbol.len() >= 4
        && symbol.chars().any(|character| {
            matches!(character,
                '\u{200d}' // Joins emoji.
                | '\u{fe0e}' // Makes a sign of an emoji.
                | '\u{fe0f}' // Makes an emoji of a sign.
                | '\u{1f1e6}'..='\u{1f1ff}' // Two are a flag, one is a letter.
                | '\u{1f3fb}'..='\u{1f3ff}') // Skin tones.
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(frames: &[&[&str]], expected: &[usize]) {
        let mut ambiguous_width = AmbiguousRows::default();
        let mut marked = Vec::new();
        for lines in frames {
            let mut buffer = Buffer::with_lines(lines.iter().copied());
            ambiguous_width.mark(&mut buffer);
            let width = usize::from(buffer.area.width);
            let is_marked = |row: &[ratatui::buffer::Cell]| {
                let always = CellDiffOption::AlwaysUpdate;
                row.iter().all(|cell| cell.diff_option == always)
            };
            let rows = buffer.content.chunks(width).enumerate();
            marked = rows
                .filter(|(_, row)| is_marked(row))
                .map(|(at, _)| at)
                .collect();
        }
        assert_eq!(marked, expected);
    }

    #[test]
    fn rows_of_plain_and_wide_text_are_left_alone() {
        check(&[&["plain", "漢字", "é", "🙂"]], &[]);
    }

    #[test]
    fn a_row_with_a_joined_cluster_is_written_with_the_one_below() {
        for cluster in ["👩‍👩‍👧", "🇩🇪", "🇩", "👍🏽", "❤️", "⌚\u{fe0e}"]
        {
            check(&[&["a", cluster, "b", "c"]], &[1, 2]);
        }
    }

    #[test]
    fn a_row_that_held_one_is_written_once_more() {
        check(&[&["👍🏽", "a", "b"], &["x", "a", "b"]], &[0, 1]);
        let gone: &[&str] = &["x", "a", "b"];
        check(&[&["👍🏽", "a", "b"], gone, gone], &[]);
    }
}
