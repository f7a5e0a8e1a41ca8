#[cfg(test)]
mod tests;

use ratatui_textarea::{CursorMove, TextArea};
use unicode_segmentation::UnicodeSegmentation;

use super::folded_pastes::FoldedPastes;
use crate::cells::{Emoji, cell_count};
use crate::commands::LineEdit;

/// The draft.
#[derive(Debug, Clone, Default)]
pub struct Composer {
    area: TextArea<'static>,
    folded_pastes: FoldedPastes,
    /// How emoji by variation are drawn.
    pub emoji: Emoji,
}

/// Two are equal that say the same and have the caret at the same place.
impl PartialEq for Composer {
    fn eq(&self, other: &Self) -> bool {
        (self.lines(), self.caret()) == (other.lines(), other.caret())
    }
}

/// A piece of a line that fits one row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ComposerRow {
    /// The line.
    pub line: usize,
    /// First byte in the line.
    pub start: usize,
    /// Byte after the last.
    pub end: usize,
}

/// Where the caret is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caret {
    /// Row of the draft.
    pub row: usize,
    /// Cell in the row.
    pub cell: usize,
}

impl Composer {
    /// True if nothing is written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.area.is_empty()
    }

    /// The draft, lines joined and pastes whole.
    #[must_use]
    pub fn text(&self) -> String {
        self.folded_pastes.unfold(&self.area.lines().join("\n"))
    }

    /// True if there is one line, and no paste of many is folded in it.
    #[must_use]
    pub fn is_one_line(&self) -> bool {
        matches!(self.lines(), [line] if !self.folded_pastes.are_in(line))
    }

    /// Its lines, at least one; a folded paste is one character.
    #[must_use]
    pub fn lines(&self) -> &[String] {
        self.area.lines()
    }

    /// Takes the draft out.
    pub fn take(&mut self) -> String {
        let text = self.text();
        self.area.clear();
        text
    }

    /// Puts another text in its place, the caret at its end. It can be undone.
    pub fn replace(&mut self, text: &str) {
        self.area.clear();
        self.insert(text);
    }

    /// Inserts at the caret.
    pub fn insert(&mut self, text: &str) {
        self.area.insert_str(FoldedPastes::clean(text));
    }

    /// Inserts a paste at the caret; a long one is folded.
    pub fn paste(&mut self, text: &str) {
        match FoldedPastes::is_long(text)
            .then(|| self.folded_pastes.fold(text))
            .flatten()
        {
            Some(character) => self.area.insert_char(character),
            None => self.insert(text),
        }
    }

    /// Adds to the folded paste before the caret, of which more comes; false if there is none.
    pub fn extend_paste(&mut self, text: &str) -> bool {
        let before = self.before_caret();
        before.is_some_and(|character| self.folded_pastes.extend(character, text))
    }

    /// The text of a row as it is drawn.
    #[must_use]
    pub fn shown(&self, row: &ComposerRow) -> String {
        self.drawn(&self.lines()[row.line][row.start..row.end])
    }

    fn before_caret(&self) -> Option<char> {
        let (line, column) = self.caret();
        self.lines()[line].chars().nth(column.checked_sub(1)?)
    }

    /// Begins a new line at the caret.
    pub fn newline(&mut self) {
        self.area.insert_newline();
    }

    /// Deletes a backslash before the caret; false if there is none.
    pub fn take_backslash(&mut self) -> bool {
        self.before_caret() == Some('\\') && self.area.delete_char()
    }

    /// Carries out an edit.
    pub fn edit(&mut self, edit: LineEdit) {
        let area = &mut self.area;
        match edit {
            LineEdit::Left => area.move_cursor(CursorMove::Back),
            LineEdit::Right => area.move_cursor(CursorMove::Forward),
            LineEdit::WordLeft => area.move_cursor(CursorMove::WordBack),
            LineEdit::WordRight => area.move_cursor(CursorMove::WordForward),
            LineEdit::LineStart => area.move_cursor(CursorMove::Head),
            LineEdit::LineEnd => area.move_cursor(CursorMove::End),
            LineEdit::Backspace => drop(area.delete_char()),
            LineEdit::Delete => drop(area.delete_next_char()),
            LineEdit::DeleteWordLeft => drop(area.delete_word()),
            LineEdit::DeleteWordRight => drop(area.delete_next_word()),
            LineEdit::KillToStart => drop(area.delete_line_by_head()),
            LineEdit::KillToEnd => drop(area.delete_line_by_end()),
            LineEdit::Yank => drop(area.paste()),
            LineEdit::Undo => drop(area.undo()),
            LineEdit::Redo => drop(area.redo()),
        }
    }

    /// Line and character of the caret.
    fn caret(&self) -> (usize, usize) {
        let cursor = self.area.cursor();
        (cursor.0, cursor.1)
    }

    /// The draft broken at cells into rows of `width`, and where the caret is. A caret behind a full row stands in the next
    /// one.
    #[must_use]
    pub fn rows(&self, width: usize) -> (Vec<ComposerRow>, Caret) {
        let (caret_line, caret_column) = self.caret();
        let mut rows = Vec::new();
        let mut caret = Caret { row: 0, cell: 0 };
        for (line, text) in self.lines().iter().enumerate() {
            let first = rows.len();
            self.break_line(line, text, width.max(1), &mut rows);
            if line == caret_line {
                let byte = byte_of(text, caret_column);
                caret = self.place(&mut rows, first, byte, width.max(1));
            }
        }
        (rows, caret)
    }

    /// Moves the caret one row up; false if it is in the first.
    pub fn row_up(&mut self, width: usize) -> bool {
        let (rows, caret) = self.rows(width);
        match caret.row.checked_sub(1) {
            Some(row) => self.jump(rows[row], caret.cell),
            None => false,
        }
    }

    /// Moves the caret one row down; false if it is in the last.
    pub fn row_down(&mut self, width: usize) -> bool {
        let (rows, caret) = self.rows(width);
        match rows.get(caret.row + 1) {
            Some(&row) => self.jump(row, caret.cell),
            None => false,
        }
    }

    /// Puts the caret where a row of `width` is clicked, or as near to it as there is text.
    pub fn place_caret(&mut self, row: usize, cell: usize, width: usize) {
        let (rows, _) = self.rows(width);
        if let Some(&row) = rows.get(row).or(rows.last()) {
            self.jump(row, cell);
        }
    }

    fn jump(&mut self, row: ComposerRow, cell: usize) -> bool {
        let line = &self.lines()[row.line];
        let mut used = 0;
        let mut column = line[..row.start].chars().count();
        for grapheme in line[row.start..row.end].graphemes(true) {
            used += self.cells(grapheme);
            if used > cell {
                break;
            }
            column += grapheme.chars().count();
        }
        let short = |value: usize| u16::try_from(value).unwrap_or(u16::MAX);
        self.area
            .move_cursor(CursorMove::Jump(short(row.line), short(column)));
        true
    }
}

impl Composer {
    fn break_line(&self, line: usize, text: &str, width: usize, rows: &mut Vec<ComposerRow>) {
        let (mut start, mut used) = (0, 0);
        for (at, grapheme) in text.grapheme_indices(true) {
            let cells = self.cells(grapheme);
            if used + cells > width && at > start {
                rows.push(ComposerRow {
                    line,
                    start,
                    end: at,
                });
                (start, used) = (at, 0);
            }
            used += cells;
        }
        rows.push(ComposerRow {
            line,
            start,
            end: text.len(),
        });
    }

    fn place(&self, rows: &mut Vec<ComposerRow>, first: usize, byte: usize, width: usize) -> Caret {
        let mut of_line = rows[first..].iter();
        let row = of_line
            .rposition(|row| row.start <= byte)
            .map_or(first, |offset| first + offset);
        let ComposerRow { line, start, .. } = rows[row];
        let cell = cell_count(&self.drawn(&self.lines()[line][start..byte]));
        if cell < width {
            return Caret { row, cell };
        }
        if row + 1 == rows.len() {
            rows.push(ComposerRow {
                start: byte,
                end: byte,
                ..rows[row]
            });
        }
        Caret {
            row: row + 1,
            cell: 0,
        }
    }

    fn drawn(&self, text: &str) -> String {
        let shown = self.folded_pastes.shown(text);
        let clusters = shown.graphemes(true);
        clusters.map(|cluster| self.emoji.drawn(cluster)).collect()
    }

    /// Cells of a grapheme as it is drawn.
    fn cells(&self, grapheme: &str) -> usize {
        let label = grapheme
            .chars()
            .next()
            .and_then(|it| self.folded_pastes.label(it));
        label.map_or_else(
            || cell_count(&self.emoji.drawn(grapheme)),
            |label| cell_count(&label),
        )
    }
}

fn byte_of(text: &str, column: usize) -> usize {
    text.char_indices()
        .nth(column)
        .map_or(text.len(), |(byte, _)| byte)
}
