//! A card to be shared, in the size in which links are shown.

use ratatui::buffer::Buffer;

use super::frame::{frame, rows_needed};
use super::style::{Chrome, PictureStyle};
use super::svg::{svg_card, svg_cells};
use crate::state::Turn;

/// Pixels of a card.
const SIZE: (f32, f32) = (1200.0, 630.0);
/// How large its letters may be, the largest first: pixels of a unit of SVG.
const SCALES: [f32; 7] = [3.0, 2.5, 2.0, 1.75, 1.5, 1.25, 1.0];

/// A card, drawn.
pub(super) struct Card {
    buffer: Buffer,
    size: (f32, f32),
    /// Pixels of one unit of its SVG.
    pub(super) scale: f32,
}

impl Card {
    /// With the largest letters that all of it has room for; what does not even fit in small ones is cut off below. `None`
    /// if the style is of no card, or has a size of its own.
    pub(super) fn of(turn: &Turn, count: usize, style: &PictureStyle) -> Option<Self> {
        if style.chrome != Chrome::Card || style.rows.is_some() {
            return None;
        }
        let at = |scale: f32| {
            let size = (SIZE.0 / scale, SIZE.1 / scale);
            let (columns, rows) = svg_cells(size);
            (
                size,
                PictureStyle {
                    columns,
                    scale,
                    ..*style
                },
                rows,
            )
        };
        let fits =
            |(_, style, rows): &(_, PictureStyle, u16)| rows_needed(turn, &[count], style) <= *rows;
        let found = SCALES.into_iter().map(at).find(fits);
        let (size, style, rows) = found.unwrap_or_else(|| at(SCALES[SCALES.len() - 1]));
        Some(Self {
            buffer: frame(turn, count, &style, rows),
            size,
            scale: style.scale,
        })
    }

    pub(super) fn svg(&self, style: &PictureStyle) -> String {
        svg_card(&self.buffer, self.size, style.paper())
    }
}
