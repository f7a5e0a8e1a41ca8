use unicode_segmentation::UnicodeSegmentation;

use super::super::highlight::{HighlightSpan, Highlighter};
use crate::cells::{Emoji, cell_count};
use crate::clean::{clean, clean_line};
use crate::row::{CODE_BAR, Row, Span, cut};
use crate::theme::Role;

const TAB: usize = 4;
/// What makes a block of code without fences.
const INDENT: &str = "    ";

/// A block of code while it is read.
#[derive(Debug)]
pub(super) struct Code {
    /// The language, and whatever follows it; none without fences.
    info: Option<String>,
    /// Its bytes of the source.
    range: std::ops::Range<usize>,
    text: String,
    /// Where parts of the text begin, in it and in the source.
    starts: Vec<(usize, usize)>,
}

impl Code {
    pub(super) fn new(info: Option<String>, range: std::ops::Range<usize>) -> Self {
        Self {
            info,
            range,
            text: String::new(),
            starts: Vec::new(),
        }
    }

    pub(super) fn push(&mut self, text: &str, from: usize) {
        self.starts.push((self.text.len(), from));
        self.text.push_str(text);
    }

    pub(super) fn into_text(self) -> String {
        self.text
    }

    /// Its rows: on a ground of their own behind a bar, below the name of the language.
    pub(super) fn rows(
        &self,
        (width, emoji): (usize, Emoji),
        highlighter: &Highlighter,
    ) -> Vec<Row> {
        let language = self
            .info
            .as_deref()
            .and_then(|info| info.split([' ', ',', '{', '\t']).next());
        let language = language.unwrap_or("");
        let pieces = highlighter.lines(language, &self.text);
        let mut rows = Vec::new();
        // Where a bar would take most of the room there is none.
        let (room, bar) = match width.checked_sub(cell_count(CODE_BAR) + 1) {
            Some(room) if room >= ROOM => (room, Bar::Drawn),
            Some(_) | None => (width, Bar::Left),
        };
        if !language.is_empty() {
            let label = cut(&clean_line(language), room);
            let row = Row {
                from: self.range.start,
                ..Row::of(label, Role::CodeLabel)
            };
            rows.push(on_ground(row, bar));
        }
        let mut at = 0;
        for (index, line) in self.text.split_inclusive('\n').enumerate() {
            let plain = [];
            let pieces = pieces.as_ref().map_or(&plain[..], |lines| &lines[index]);
            let line_from = self.source_of(at);
            at += line.len();
            let line = line.strip_suffix('\n').unwrap_or(line);
            match self.info {
                Some(_) => {
                    let broken = broken(line, pieces, (room, emoji), line_from);
                    rows.extend(broken.into_iter().map(|row| on_ground(row, bar)));
                }
                None => {
                    let mut indented = broken(&format!("{INDENT}{line}"), &[], (width, emoji), 0);
                    for row in &mut indented {
                        row.from = line_from + row.from.saturating_sub(INDENT.len());
                    }
                    rows.extend(indented);
                }
            }
        }
        rows
    }

    fn source_of(&self, at: usize) -> usize {
        let before = self.starts.iter().rfind(|(start, _)| *start <= at);
        before.map_or(self.range.start, |(start, from)| from + (at - start))
    }
}

/// Cells that code has at least behind a bar.
const ROOM: usize = 4;

/// Whether there is a bar before code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bar {
    Drawn,
    Left,
}

/// A row of code behind its bar.
fn on_ground(mut row: Row, bar: Bar) -> Row {
    if bar == Bar::Drawn {
        let bar = Span {
            text: CODE_BAR.to_owned(),
            role: Role::Quiet,
        };
        row.spans.insert(0, bar);
    }
    row.ground = Some(Role::Surface);
    row
}

/// A line of code, broken at cells; what does not fit goes on in the next row.
fn broken(
    line: &str,
    pieces: &[HighlightSpan],
    (width, emoji): (usize, Emoji),
    from: usize,
) -> Vec<Row> {
    let mut rows = vec![Row {
        spans: Vec::new(),
        from,
        ..Row::default()
    }];
    let (mut used, mut column, mut piece) = (0, 0, 0);
    for (at, grapheme) in line.grapheme_indices(true) {
        while pieces.get(piece).is_some_and(|it| it.end <= at) {
            piece += 1;
        }
        let role = pieces.get(piece).map_or(Role::Text, |it| it.role);
        let text = match grapheme {
            "\t" => " ".repeat((TAB - column % TAB).min(width)),
            other => clean(&emoji.drawn(other)).into_owned(),
        };
        let cells = cell_count(&text);
        if used + cells > width && used > 0 {
            rows.push(Row {
                spans: Vec::new(),
                from: from + at,
                ..Row::default()
            });
            used = 0;
        }
        if let Some(row) = rows.last_mut() {
            push(row, &text, role);
        }
        used += cells;
        column += cells;
    }
    rows
}

fn push(row: &mut Row, text: &str, role: Role) {
    match row.spans.last_mut() {
        Some(span) if span.role == role => span.text.push_str(text),
        _ => row.spans.push(Span {
            text: text.to_owned(),
            role,
        }),
    }
}
