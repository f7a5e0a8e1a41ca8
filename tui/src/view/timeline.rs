use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use unmask_core::event::StepEvent;

use super::{put, put_right};
use crate::cells::cell_count;
use crate::geometry::MARGIN;
use crate::number;
use crate::state::{Measure, State, Turn};
use crate::theme::Role;

const BARS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// From this width on the rate is named.
const WIDE: u16 = 100;
/// Eight tokens fill a bar, unless a step has more.
const FULL_OF_TOKENS: usize = 8;

/// Tokens or time of each step as bars; steps to come as dots; how far it is and how fast.
pub(super) fn draw(turn: &Turn, state: &State, area: Rect, buffer: &mut Buffer) {
    let theme = state.look.theme;
    let length = turn.answer().len();
    if length == 0 {
        return;
    }
    let mut numbers = format!("{}/{length} tok", turn.committed);
    if let Some(rate) = number::rate(turn.unmasked(), turn.elapsed) {
        let of = if area.width < WIDE { "" } else { "canvas " };
        numbers += &format!(" · {of}{rate}");
    }
    let end = put_right(buffer, theme, area, (&numbers, Role::Quiet));
    let right = end.saturating_sub(2);
    let label = match state.measure {
        Measure::Tokens => "tok/step ",
        Measure::Time => "ms/step ",
        Measure::Saved => "saved ",
    };
    let mut saved = 0.0;
    let steps = turn.log().steps();
    let heights: Vec<usize> = steps
        .map(|step| height(state.measure, step, &mut saved))
        .collect();
    let full = full(state.measure);
    let at = (area.x + MARGIN, area.y);
    let x = put(buffer, theme, at, right, (label, Role::Quiet));
    let columns = usize::from(right.saturating_sub(x));
    let bars = bars(&heights, turn.steps_expected(), columns, full);
    let x = put(buffer, theme, (x, area.y), right, (&bars, Role::Accent));
    let rest = "·".repeat(columns - cell_count(&bars).min(columns));
    put(buffer, theme, (x, area.y), right, (&rest, Role::Quiet));
}

/// What a bar shows of a step: tokens, microseconds, or hundredths of forwards that were not needed; `saved` is how many
/// there were before.
pub(super) fn height(measure: Measure, step: &StepEvent, saved: &mut f32) -> usize {
    match measure {
        Measure::Tokens => step.commits.len(),
        Measure::Time => usize::try_from(step.elapsed.as_micros()).unwrap_or(usize::MAX / 8),
        Measure::Saved => {
            let more = (step.nfe_saved - *saved).max(0.0);
            *saved = step.nfe_saved;
            (more * 100.0).round() as usize
        }
    }
}

/// How much fills a bar at least.
pub(super) fn full(measure: Measure) -> usize {
    match measure {
        Measure::Tokens => FULL_OF_TOKENS,
        Measure::Time => 1,
        Measure::Saved => 100,
    }
}

/// One bar for each column's steps; the tallest, or `full`, takes the whole height.
pub(super) fn bars(counts: &[usize], steps: usize, columns: usize, full: usize) -> String {
    let steps = steps.max(counts.len()).max(1);
    let done = (counts.len() * columns + steps / 2) / steps;
    let tallest = counts.iter().copied().max().unwrap_or(0).max(full);
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
        assert_eq!(bars(&[0, 1, 2, 8], 4, 4, 8), " ▁▂█");
    }

    #[test]
    fn many_tokens_are_drawn_to_scale() {
        assert_eq!(bars(&[32, 16, 1], 3, 3, 8), "█▄▁");
    }

    #[test]
    fn many_steps_share_a_column_and_the_tallest_is_shown() {
        assert_eq!(bars(&[1, 2, 3, 4], 8, 4, 8), "▂▄");
    }

    #[test]
    fn few_steps_are_stretched() {
        assert_eq!(bars(&[1, 2], 4, 8, 8), "▁▁▂▂");
    }

    #[test]
    fn no_steps_or_no_room_draw_nothing() {
        assert_eq!(bars(&[], 4, 8, 8), "");
        assert_eq!(bars(&[], 0, 8, 8), "");
        assert_eq!(bars(&[1], 4, 0, 8), "");
    }
}
