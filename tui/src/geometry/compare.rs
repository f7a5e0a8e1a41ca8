use ratatui::layout::{Constraint, Layout, Rect};

use crate::size::{MARGIN, Size};

/// From this width on two answers stand side by side.
const WIDE: u16 = 100;

/// The parts of two answers side by side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CompareArea {
    /// What is compared, and which steps are shown.
    pub header: Rect,
    /// Both answers, each below its first row, which says whose it is.
    pub sides: [Rect; 2],
    /// What stands between them.
    pub gap: Rect,
    /// True if they stand side by side, false if one stands below the other.
    pub is_wide: bool,
    /// Where they differ first.
    pub first: Rect,
    /// The steps of each.
    pub bars: [Rect; 2],
    /// Hints.
    pub hints: Rect,
}

impl CompareArea {
    /// The areas on a screen of this size.
    #[must_use]
    pub fn of(size: Size) -> Self {
        let whole = Rect::new(0, 0, size.columns, size.rows);
        let [header, middle, first, first_bars, second_bars, hints] = Layout::vertical([
            Constraint::Length(1),
            Constraint::Fill(1),
            Constraint::Length(1),
            Constraint::Length(1),
            Constraint::Length(1),
            Constraint::Length(1),
        ])
        .areas(whole);
        let is_wide = whole.width >= WIDE;
        let parts = [
            Constraint::Fill(1),
            Constraint::Length(1),
            Constraint::Fill(1),
        ];
        let [left, gap, right] = match is_wide {
            true => Layout::horizontal(parts).areas(middle),
            false => Layout::vertical(parts).areas(middle),
        };
        Self {
            header,
            sides: [left, right],
            gap,
            is_wide,
            first,
            bars: [first_bars, second_bars],
            hints,
        }
    }

    /// Where the tokens of both are.
    #[must_use]
    pub fn canvases(&self) -> [Rect; 2] {
        self.sides.map(|side| Rect {
            x: side.x + MARGIN,
            y: side.y + 1,
            width: side.width.saturating_sub(2 * MARGIN).max(1),
            height: side.height.saturating_sub(1),
        })
    }
}
