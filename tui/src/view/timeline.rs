use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use unicode_segmentation::UnicodeSegmentation;
use unmask_core::event::StepEvent;

use super::{put, put_right};
use crate::amount::counted;
use crate::cells::cell_count;
use crate::geometry::{INDENT, MARGIN, text_width};
use crate::layout::answer_found;
use crate::number;
use crate::state::{Mark, Measure, State, Turn};
use crate::theme::{Role, Theme};

const BARS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// Eight tokens fill a bar, unless a step has more.
const FULL_OF_TOKENS: usize = 8;

/// What is settled where, or tokens or time of each step as bars; how far it is, and how long it takes yet.
pub(super) fn draw(turn: &Turn, state: &State, area: Rect, buffer: &mut Buffer) {
    let theme = state.look.theme;
    if turn.answer().is_empty() {
        return;
    }
    let column = Rect {
        x: area.x + MARGIN,
        width: text_width(state.size) + 2 * (INDENT - MARGIN),
        ..area
    };
    let numbers = numbers(turn, state, usize::from(area.width));
    let end = put_right(buffer, theme, column, (&numbers, Role::Quiet));
    let right = end.saturating_sub(2);
    let at = (area.x + INDENT, area.y);
    let measure = measure(state, turn);
    let label = match measure {
        Measure::Barcode => return barcode(turn, theme, (at, right), buffer),
        Measure::Tokens => "tok/step ".to_owned(),
        Measure::Time => format!("ms/{} ", turn.loaded.step_word()),
        Measure::Saved => "saved ".to_owned(),
    };
    let mut saved = 0.0;
    let steps = turn.log().steps();
    let heights: Vec<usize> = steps
        .map(|step| height(measure, step, &mut saved))
        .collect();
    let full = full(measure);
    let x = put(buffer, theme, at, right, (&label, Role::Quiet));
    let columns = usize::from(right.saturating_sub(x));
    let bars = bars(&heights, turn.steps_expected(), columns, full);
    let x = put(buffer, theme, (x, area.y), right, (&bars, Role::Accent));
    let rest = "·".repeat(columns - cell_count(&bars).min(columns));
    put(buffer, theme, (x, area.y), right, (&rest, Role::Quiet));
}

/// `26/64 tok · 3 forwards · 21 saved · 0.6 s left`, as far as half the row has room; of a text of which no more is known,
/// how long it is.
fn numbers(turn: &Turn, state: &State, cells: usize) -> String {
    if turn.loaded.text_alone {
        return counted(answer_found(turn).graphemes(true).count(), "character");
    }
    let mut parts = vec![format!("{}/{} tok", turn.committed, turn.answer().len())];
    if let Some(branch) = &turn.branch {
        parts[0] = format!("{} · {}", branch.name, parts[0]);
    }
    let left = turn.time_left(state.settings.delay);
    parts.extend(left.map(|left| format!("{} left", number::wait(left))));
    let forwards = counted(turn.nfe, "forward");
    let saved = turn.nfe_saved.round();
    let saved = (saved >= 1.0).then(|| format!("{saved} saved"));
    for (at, part) in [Some(forwards), saved].into_iter().flatten().enumerate() {
        let used: usize = parts.iter().map(|it| cell_count(it) + 3).sum();
        if used + cell_count(&part) <= cells * 3 / 5 {
            parts.insert(at + 1, part);
        }
    }
    parts.join(" · ")
}

/// A cell for each token of the answer, or of the block if the answer is too long: the higher the earlier it was fixed.
fn barcode(turn: &Turn, theme: Theme, ((x, y), right): ((u16, u16), u16), buffer: &mut Buffer) {
    let columns = usize::from(right.saturating_sub(x));
    let marks = turn.marks();
    let marks = match marks.len() <= columns {
        true => marks,
        false => {
            let first = turn.block * turn.block_length();
            let end = (first + turn.block_length()).min(marks.len());
            marks.get(first..end).unwrap_or(marks)
        }
    };
    let last = turn.steps_expected().max(2);
    let mut x = x;
    for (at, share) in shares(marks.len(), columns) {
        let fixed = marks[at..share].iter().filter_map(fixed_at).min();
        let (sign, role) = match fixed {
            None => ('·', Role::Quiet),
            Some(step) => {
                let late = step.saturating_sub(1).min(last - 1);
                let height = 8 - late * 7 / (last - 1);
                (BARS[height], Role::order(late * 6 / last))
            }
        };
        x = put(buffer, theme, (x, y), right, (&sign.to_string(), role));
    }
}

/// The tokens of each column: one, or as many as make all fit.
fn shares(tokens: usize, columns: usize) -> impl Iterator<Item = (usize, usize)> {
    let each = tokens.div_ceil(columns.max(1)).max(1);
    (0..tokens)
        .step_by(each)
        .map(move |at| (at, (at + each).min(tokens)))
}

/// The step that fixed a token; 0 if none had to.
fn fixed_at(mark: &Mark) -> Option<usize> {
    match *mark {
        Mark::Masked => None,
        Mark::Given => Some(0),
        Mark::Committed { step, .. } | Mark::Changed { step } => Some(step),
    }
}

/// What the bars of a turn show: the time where its server told nothing else.
pub(super) fn measure(state: &State, turn: &Turn) -> Measure {
    match turn.loaded.text_alone {
        true => Measure::Time,
        false => state.measure,
    }
}

/// What a bar shows of a step: tokens, microseconds, or hundredths of forwards that were not needed; `saved` is how many
/// there were before.
pub(super) fn height(measure: Measure, step: &StepEvent, saved: &mut f32) -> usize {
    match measure {
        Measure::Barcode | Measure::Tokens => step.commits.len(),
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
        Measure::Barcode | Measure::Tokens => FULL_OF_TOKENS,
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
