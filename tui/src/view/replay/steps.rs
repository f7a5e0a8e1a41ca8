use ratatui::buffer::Buffer;

use crate::geometry::{self, MARGIN, ReplayArea};
use crate::state::{LogEntry, Replay, State, Turn};
use crate::theme::Role;
use crate::view::{put, put_right, timeline};

/// A bar for each entry of the log, with a line behind those that are shown; which step that is, and how fast it plays.
pub(super) fn draw(state: &State, replay: &Replay, turn: &Turn, buffer: &mut Buffer) {
    let Some((area, entries)) = geometry::timeline_bars(state) else {
        return;
    };
    let theme = state.look.theme;
    let line = ReplayArea::of(state.size).timeline;
    let shown = replay.shown(turn);
    let step = turn.log().step_at(shown).map_or(0, |step| step.step);
    let steps = super::steps(state, turn);
    let numbers = format!("▸ {step}/{steps} · {}×", replay.speed.factor());
    put_right(buffer, theme, line, (&numbers, Role::Quiet));
    put(
        buffer,
        theme,
        (line.x + MARGIN, line.y),
        line.right(),
        ("◂", Role::Quiet),
    );
    let columns = usize::from(area.width.saturating_sub(1));
    let (heights, full) = heights(state, turn);
    let to_come = steps.saturating_sub(turn.step);
    let bars = timeline::bars(&heights, entries + to_come, columns, full);
    let bars: Vec<char> = bars.chars().collect();
    let behind = (shown * bars.len()).checked_div(entries).unwrap_or(0);
    let (before, after): (String, String) = (
        bars[..behind.min(bars.len())].iter().collect(),
        bars[behind.min(bars.len())..].iter().collect(),
    );
    let right = area.right();
    let x = put(
        buffer,
        theme,
        (area.x, area.y),
        right,
        (&before, Role::Accent),
    );
    let x = put(buffer, theme, (x, area.y), right, ("┃", Role::Strong));
    let x = put(buffer, theme, (x, area.y), right, (&after, Role::Quiet));
    let rest = "·".repeat(usize::from(right.saturating_sub(x)));
    put(buffer, theme, (x, area.y), right, (&rest, Role::Quiet));
}

/// What the bars show of each entry, and how much fills one at least.
fn heights(state: &State, turn: &Turn) -> (Vec<usize>, usize) {
    let measure = timeline::measure(state, turn);
    let mut saved = 0.0;
    let of = |entry: &LogEntry| match entry {
        LogEntry::Edit(_) => 0,
        LogEntry::Step(step) => timeline::height(measure, step, &mut saved),
    };
    let heights = turn.log().entries.iter().map(of).collect();
    (heights, timeline::full(measure))
}
