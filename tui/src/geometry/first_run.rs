use ratatui::layout::Rect;

use super::Areas;
use crate::state::State;

/// Options of the first screen.
pub const OPTIONS: usize = 3;

/// The first screen: what it shows in the room that there is, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FirstRun {
    /// All of it.
    pub area: Rect,
    /// Whether there is room for its heading.
    pub heading: bool,
    /// Whether there is room for where models were looked for.
    pub searched: bool,
    /// The options, a row each.
    pub options: Rect,
    /// Rows that are left for the backends, with their title.
    pub backends: u16,
}

/// As much as fits: what to do comes first.
#[must_use]
pub fn first_run(state: &State) -> FirstRun {
    /// Cells of the text.
    const WIDTH: u16 = 78;
    /// Rows of the heading and of the options, each with an empty one behind it.
    const HEADING: usize = 2;
    const BEHIND: usize = OPTIONS + 1;
    let area = Areas::of(state).transcript;
    let queued: u16 = match state.queue.len() {
        0 => 0,
        n => u16::try_from(n + 1).unwrap_or(u16::MAX).min(5),
    };
    let room = area.height.saturating_sub(queued);
    let catalogue = state.machine.catalogue.as_deref();
    let mut rest = usize::from(room).saturating_sub(BEHIND);
    let mut take = |rows: usize| {
        let fits = rows <= rest;
        rest -= if fits { rows } else { 0 };
        fits
    };
    let heading = take(HEADING);
    let looked_in = catalogue.map_or(2, |it| it.searched.len() + 2);
    let searched = heading && take(looked_in);
    let backends = match (heading, catalogue) {
        (true, Some(catalogue)) => rest.min(catalogue.backends.len() + 1),
        (true, None) | (false, _) => 0,
    };
    let above = HEADING * usize::from(heading) + looked_in * usize::from(searched);
    let short = |rows: usize| u16::try_from(rows).unwrap_or(u16::MAX);
    let height = short(above + BEHIND + backends);
    let width = WIDTH.min(area.width.saturating_sub(2));
    // In the middle, a little above it, as far as the queue leaves room.
    let top = area.y + queued + room.saturating_sub(height).div_ceil(3);
    let x = area.x + (area.width - width) / 2;
    let options = Rect::new(x, top + short(above), width, short(OPTIONS));
    FirstRun {
        area: Rect::new(x, top, width, height).intersection(area),
        heading,
        searched,
        options: options.intersection(area),
        backends: short(backends),
    }
}
