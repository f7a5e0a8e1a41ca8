use std::io::{self, Write};

use ratatui::backend::{Backend, ClearType, CrosstermBackend, WindowSize};
use ratatui::buffer::{Cell, CellWidth};
use ratatui::layout::{Position, Size};

use super::ambiguous_width::is_ambiguous_width;

/// Writes a frame so that it is right whatever cells the terminal gives to the clusters on whose width terminals disagree.
///
/// After such a cluster nobody knows where the cursor is, so that what follows is placed by its column. The second cell of
/// a wide one is made blank before it: a terminal that draws the cluster in one cell shows what was there else.
#[derive(Debug)]
pub(super) struct RepositioningBackend<W: Write>(pub(super) CrosstermBackend<W>);

impl<W: Write> Backend for RepositioningBackend<W> {
    type Error = io::Error;

    fn draw<'a, I>(&mut self, content: I) -> io::Result<()>
    where
        I: Iterator<Item = (u16, u16, &'a Cell)>,
    {
        let mut run = Vec::new();
        // The second cell of the last cluster of ambiguous width.
        let mut covered = None;
        for (x, y, cell) in content {
            if covered == Some((x, y)) {
                continue;
            }
            if !is_ambiguous_width(cell.symbol()) {
                run.push((x, y, cell));
                continue;
            }
            // What is drawn anew begins with a move.
            if !run.is_empty() {
                self.0.draw(run.drain(..))?;
            }
            covered = (cell.cell_width() == 2).then_some((x + 1, y));
            if let Some((x, y)) = covered {
                let mut blank = Cell::EMPTY;
                blank.set_style(cell.style());
                self.0.draw(std::iter::once((x, y, &blank)))?;
            }
            self.0.draw(std::iter::once((x, y, cell)))?;
        }
        self.0.draw(run.into_iter())
    }

    fn append_lines(&mut self, count: u16) -> io::Result<()> {
        self.0.append_lines(count)
    }

    fn hide_cursor(&mut self) -> io::Result<()> {
        self.0.hide_cursor()
    }

    fn show_cursor(&mut self) -> io::Result<()> {
        self.0.show_cursor()
    }

    fn get_cursor_position(&mut self) -> io::Result<Position> {
        self.0.get_cursor_position()
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, position: P) -> io::Result<()> {
        self.0.set_cursor_position(position)
    }

    fn clear(&mut self) -> io::Result<()> {
        self.0.clear()
    }

    fn clear_region(&mut self, region: ClearType) -> io::Result<()> {
        self.0.clear_region(region)
    }

    fn size(&self) -> io::Result<Size> {
        self.0.size()
    }

    fn window_size(&mut self) -> io::Result<WindowSize> {
        self.0.window_size()
    }

    fn flush(&mut self) -> io::Result<()> {
        Backend::flush(&mut self.0)
    }
}

impl<W: Write> Write for RepositioningBackend<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Write::flush(&mut self.0)
    }
}

#[cfg(test)]
mod tests {
    use ratatui::buffer::Buffer;

    use super::*;

    /// What is written of a frame over one that was `before`, without colours.
    #[track_caller]
    fn check(before: &str, text: &str, expected: &str) {
        let [before, now] = [before, text].map(|text| {
            let mut buffer = Buffer::empty(ratatui::layout::Rect::new(0, 0, 6, 1));
            buffer.set_string(0, 0, text, ratatui::style::Style::new());
            buffer
        });
        let mut bytes = Vec::new();
        let mut backend = RepositioningBackend(CrosstermBackend::new(&mut bytes));
        let cells = before.diff(&now);
        backend.draw(cells.into_iter()).expect("a vector takes all");
        let written = String::from_utf8(bytes).expect("terminals are written UTF-8");
        let written = written.replace("\x1b[39m\x1b[49m\x1b[59m\x1b[0m", "");
        assert_eq!(written, expected);
    }

    #[test]
    fn plain_text_is_written_in_one_go() {
        check("", "abc漢", "\x1b[1;1Habc漢");
    }

    #[test]
    fn text_behind_an_unsure_cluster_is_placed_by_its_column() {
        check("", "🇩bc", "\x1b[1;1H🇩\x1b[1;2Hbc");
        check(
            "",
            "👩\u{200d}👧bc",
            "\x1b[1;2H \x1b[1;1H👩\u{200d}👧\x1b[1;3Hbc",
        );
    }

    #[test]
    fn the_second_cell_of_a_wide_one_is_blank_before_it_and_not_after() {
        check(
            "vwxyz",
            "❤\u{fe0f}bc",
            "\x1b[1;2H \x1b[1;1H❤\u{fe0f}\x1b[1;3Hbc ",
        );
    }
}
