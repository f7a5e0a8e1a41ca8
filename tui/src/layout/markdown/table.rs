use pulldown_cmark::Alignment;

use crate::layout::{Flow, wrap};
use crate::row::{Row, Span};
use crate::theme::Role;

const BETWEEN: &str = " │ ";
const BETWEEN_CELLS: usize = 3;
/// Columns are not made narrower.
const NARROWEST: usize = 3;

/// A table while it is read.
#[derive(Debug)]
pub(super) struct Table {
    alignments: Vec<Alignment>,
    /// The first one is the head.
    rows: Vec<(usize, Vec<Flow>)>,
}

impl Table {
    pub(super) fn new(alignments: Vec<Alignment>) -> Self {
        Self {
            alignments,
            rows: Vec::new(),
        }
    }

    pub(super) fn open_row(&mut self, from: usize) {
        self.rows.push((from, Vec::new()));
    }

    pub(super) fn push(&mut self, cell: Flow) {
        if let Some((_, cells)) = self.rows.last_mut() {
            cells.push(cell);
        }
    }

    /// Its rows; none if `width` has no room for its columns.
    pub(super) fn rows(&self, width: usize) -> Option<Vec<Row>> {
        let columns = self.columns(width)?;
        let mut rows = Vec::new();
        for (index, (from, cells)) in self.rows.iter().enumerate() {
            rows.extend(self.row(*from, cells, &columns));
            if index == 0 {
                rows.push(below_head(*from, &columns));
            }
        }
        Some(rows)
    }

    /// Cells of each column: as many as its longest cell needs, but the widest give way to the width.
    fn columns(&self, width: usize) -> Option<Vec<usize>> {
        let count = self.alignments.len();
        let room = width.checked_sub(BETWEEN_CELLS * count.checked_sub(1)?)?;
        if room < NARROWEST * count {
            return None;
        }
        let needed = |column: usize| {
            let cells = self.rows.iter().filter_map(|(_, cells)| cells.get(column));
            cells.map(cells_of).max().unwrap_or(0).max(1)
        };
        let needed: Vec<usize> = (0..count).map(needed).collect();
        let capped = |cap: usize| needed.iter().map(|&cells| cells.min(cap)).sum::<usize>();
        let mut cap = needed.iter().copied().max()?;
        if capped(cap) > room {
            cap = (1..cap).rfind(|&cap| capped(cap) <= room)?;
        }
        let mut columns: Vec<usize> = needed.iter().map(|&cells| cells.min(cap)).collect();
        let mut left = room - columns.iter().sum::<usize>();
        for (cells, &needed) in columns.iter_mut().zip(&needed) {
            if *cells < needed && left > 0 {
                *cells += 1;
                left -= 1;
            }
        }
        Some(columns)
    }

    fn row(&self, from: usize, cells: &[Flow], columns: &[usize]) -> Vec<Row> {
        let wrapped: Vec<Vec<Row>> = cells
            .iter()
            .zip(columns)
            .map(|(flow, &width)| wrap(flow, width))
            .collect();
        let height = wrapped.iter().map(Vec::len).max().unwrap_or(0).max(1);
        let line = |at: usize| {
            let mut row = Row {
                spans: Vec::new(),
                from,
                ..Row::default()
            };
            for (column, &width) in columns.iter().enumerate() {
                if column > 0 {
                    row.spans.push(span(BETWEEN, Role::Quiet));
                }
                let cell = wrapped.get(column).and_then(|rows| rows.get(at));
                let alignment = self.alignments[column];
                aligned(&mut row, cell, width, alignment);
            }
            trim_end(&mut row);
            row
        };
        (0..height).map(line).collect()
    }
}

fn cells_of(flow: &Flow) -> usize {
    flow.atoms().iter().map(|atom| atom.width).sum()
}

fn below_head(from: usize, columns: &[usize]) -> Row {
    let lines: Vec<String> = columns.iter().map(|&cells| "─".repeat(cells)).collect();
    Row {
        from,
        ..Row::of(lines.join("─┼─"), Role::Quiet)
    }
}

fn aligned(row: &mut Row, cell: Option<&Row>, width: usize, alignment: Alignment) {
    let spare = width.saturating_sub(cell.map_or(0, Row::width));
    let before = match alignment {
        Alignment::None | Alignment::Left => 0,
        Alignment::Center => spare / 2,
        Alignment::Right => spare,
    };
    row.spans.push(span(&" ".repeat(before), Role::Text));
    row.spans
        .extend(cell.into_iter().flat_map(|cell| cell.spans.iter().cloned()));
    row.spans
        .push(span(&" ".repeat(spare - before), Role::Text));
}

fn trim_end(row: &mut Row) {
    row.spans.retain(|span| !span.text.is_empty());
    while row
        .spans
        .last()
        .is_some_and(|span| span.text.trim_end_matches(' ').is_empty())
    {
        row.spans.pop();
    }
}

fn span(text: &str, role: Role) -> Span {
    Span {
        text: text.to_owned(),
        role,
    }
}
