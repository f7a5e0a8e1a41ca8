//! The panel of the settings.

use ratatui::layout::Rect;

use super::panel;
use crate::action::Size;
use crate::state::FieldRow;

/// The parts of the panel of the settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SettingsArea {
    /// With its frame.
    pub area: Rect,
    /// The rows of the fields.
    pub fields: Rect,
    /// What the next turn costs, or what is said of a field.
    pub below: Rect,
    /// What the keys do; without a row in a low panel.
    pub keys: Rect,
}

/// The panel of the settings on a screen of this size.
#[must_use]
pub fn settings(size: Size) -> SettingsArea {
    /// Cells of the frame where there is room for more.
    const WIDE: u16 = 84;
    /// Rows inside that are not fields: two empty ones, two of the plan, an empty one and the keys.
    const AROUND: u16 = 6;
    /// With fewer rows inside the empty ones and the keys are left out.
    const ROOMY: u16 = 10;
    let height = u16::try_from(FieldRow::all().len()).unwrap_or(u16::MAX) + AROUND + 2;
    let area = panel(size, WIDE, height);
    let (top, inside) = (area.y + 1, area.height.saturating_sub(2));
    let rows = |y: u16, height: u16| {
        let width = area.width.saturating_sub(4);
        Rect::new(area.x + 2, y, width, height)
    };
    if inside < ROOMY {
        let fields = inside.saturating_sub(2).max(1).min(inside);
        return SettingsArea {
            area,
            fields: rows(top, fields),
            below: rows(top + fields, inside - fields),
            keys: rows(top + inside, 0),
        };
    }
    let fields = inside - AROUND;
    SettingsArea {
        area,
        fields: rows(top + 1, fields),
        below: rows(top + fields + 2, 3),
        keys: rows(top + inside - 1, 1),
    }
}
