use ratatui::layout::{Constraint, Layout, Rect};

use crate::size::{INDENT, MARGIN, Size};
use crate::state::State;

/// From this width on the inspector stands at the side.
const WIDE: u16 = 100;
/// Rows of the inspector below the canvas: two of facts, five candidates, the frame.
const INSPECTOR: u16 = 9;
/// Columns of the inspector at the side.
const SIDE: u16 = 46;
/// From this width on it has two columns of its own, and the text as much room as on a narrower screen.
const WIDER: u16 = 164;
/// Columns of it then.
const WIDER_SIDE: u16 = 89;
/// Columns of text at most.
const TEXT: u16 = 100;

/// The parts of a replay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReplayArea {
    /// What is shown, and what happens now.
    pub header: Rect,
    /// The tokens.
    pub canvas: Rect,
    /// All about one token; no rows where there is no room.
    pub inspector: Rect,
    /// True if that stands at the side.
    pub is_wide: bool,
    /// What the colours mean.
    pub legend: Rect,
    /// The steps.
    pub timeline: Rect,
    /// Hints.
    pub status: Rect,
}

impl ReplayArea {
    /// The areas on a screen of this size.
    #[must_use]
    pub fn of(size: Size) -> Self {
        let whole = Rect::new(0, 0, size.columns, size.rows);
        let is_wide = size.columns >= WIDE;
        let below = match (is_wide, size.rows) {
            (true, _) | (_, ..14) => 0,
            (false, 14..20) => 5,
            (false, _) => INSPECTOR,
        };
        let [header, middle, inspector, legend, timeline, status] = Layout::vertical([
            Constraint::Length(1),
            Constraint::Fill(1),
            Constraint::Length(below),
            Constraint::Length(1),
            Constraint::Length(1),
            Constraint::Length(1),
        ])
        .areas(whole);
        let side = match size.columns {
            ..WIDE => 0,
            WIDE..WIDER => SIDE,
            WIDER.. => WIDER_SIDE,
        };
        let [canvas, at_side] =
            Layout::horizontal([Constraint::Fill(1), Constraint::Length(side)]).areas(middle);
        Self {
            header,
            canvas,
            inspector: if is_wide { at_side } else { inspector },
            is_wide,
            legend,
            timeline,
            status,
        }
    }

    /// Cells of a row of tokens.
    #[must_use]
    pub fn text_width(&self) -> u16 {
        let room = self.canvas.width.saturating_sub(2 * INDENT);
        room.clamp(1, TEXT)
    }
}

/// The columns of the timeline's bars, and how many entries of the log it shows.
#[must_use]
pub fn timeline_bars(state: &State) -> Option<(Rect, usize)> {
    let (_, turn) = state.replayed()?;
    let area = ReplayArea::of(state.size).timeline;
    /// `▸ 22/64 · 1.0×` with the gap before it.
    const NUMBERS: u16 = 20;
    let bars = Rect {
        x: area.x + MARGIN + 2,
        width: area.width.saturating_sub(MARGIN + 2 + NUMBERS),
        ..area
    };
    Some((bars, turn.log().entries.len()))
}
