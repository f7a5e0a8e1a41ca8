use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use unicode_width::UnicodeWidthStr;

use super::{number, put, put_right};
use crate::geometry::MARGIN;
use crate::state::Turn;
use crate::theme::{Role, Theme};

const LABEL: &str = "tok/step ";
const BARS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Tokens per step as bars; steps to come as dots; how far it is and how fast.
pub(super) fn draw(turn: &Turn, theme: Theme, area: Rect, buffer: &mut Buffer) {
    let length = turn.answer().len();
    if length == 0 {
        return;
    }
    let mut numbers = format!("{}/{length} tok", turn.committed);
    if let Some(rate) = number::rate(turn.committed, turn.elapsed) {
        numbers += &format!(" · {rate}");
    }
    let end = put_right(buffer, theme, area, (&numbers, Role::Quiet));
    let right = end.saturating_sub(2);
    let x = put(
        buffer,
        theme,
        (area.x + MARGIN, area.y),
        right,
        (LABEL, Role::Quiet),
    );
    let columns = usize::from(right.saturating_sub(x));
    let bars = bars(&turn.bars, turn.steps, columns);
    let x = put(buffer, theme, (x, area.y), right, (&bars, Role::Accent));
    let rest = "·".repeat(columns - bars.width().min(columns));
    put(buffer, theme, (x, area.y), right, (&rest, Role::Quiet));
}

/// One bar for each column's steps, an eighth of the height for each token, as long as there are no more than eight.
fn bars(counts: &[usize], steps: usize, columns: usize) -> String {
    let steps = steps.max(counts.len()).max(1);
    let done = (counts.len() * columns + steps / 2) / steps;
    let tallest = counts.iter().copied().max().unwrap_or(0).max(8);
    (0..done)
        .map(|column| {
            let first = (column * steps / columns).min(counts.len() - 1);
            let end = ((column + 1) * steps / columns).clamp(first + 1, counts.len());
            let most = counts[first..end].iter().copied().max().unwrap_or(0);
            BARS[(most * 8).div_ceil(tallest)]
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_has_an_eighth_for_each_token() {
        assert_eq!(bars(&[0, 1, 2, 8], 4, 4), " ▁▂█");
    }

    #[test]
    fn many_tokens_are_drawn_to_scale() {
        assert_eq!(bars(&[32, 16, 1], 3, 3), "█▄▁");
    }

    #[test]
    fn many_steps_share_a_column_and_the_tallest_is_shown() {
        assert_eq!(bars(&[1, 2, 3, 4], 8, 4), "▂▄");
    }

    #[test]
    fn few_steps_are_stretched() {
        assert_eq!(bars(&[1, 2], 4, 8), "▁▁▂▂");
    }

    #[test]
    fn no_steps_or_no_room_draw_nothing() {
        assert_eq!(bars(&[], 4, 8), "");
        assert_eq!(bars(&[], 0, 8), "");
        assert_eq!(bars(&[1], 4, 0), "");
    }
}
