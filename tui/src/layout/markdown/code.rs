use unicode_segmentation::UnicodeSegmentation;

use super::super::highlight::{HighlightSpan, Highlighter};
use crate::cells::{Emoji, cell_count};
use crate::clean::{clean, clean_line};
use crate::layout::{Flow, wrap};
use crate::row::{Row, Span};
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

    /// Its rows, between the fences that `source` has: what is seen is what is copied.
    pub(super) fn rows(
        &self,
        source: &str,
        (width, emoji): (usize, Emoji),
        highlighter: &Highlighter,
    ) -> Vec<Row> {
        let language = self
            .info
            .as_deref()
            .and_then(|info| info.split([' ', ',', '{', '\t']).next());
        let pieces = highlighter.lines(language.unwrap_or(""), &self.text);
        let mut rows = Vec::new();
        let (open, close) = self.fences(source);
        rows.extend(
            open.into_iter()
                .flat_map(|row| fence(&row, self.range.start, width)),
        );
        let mut at = 0;
        for (index, line) in self.text.split_inclusive('\n').enumerate() {
            let plain = [];
            let pieces = pieces.as_ref().map_or(&plain[..], |lines| &lines[index]);
            let line_from = self.source_of(at);
            at += line.len();
            let line = line.strip_suffix('\n').unwrap_or(line);
            match self.info {
                Some(_) => rows.extend(broken(line, pieces, (width, emoji), line_from)),
                None => {
                    let mut indented = broken(&format!("{INDENT}{line}"), &[], (width, emoji), 0);
                    for row in &mut indented {
                        row.from = line_from + row.from.saturating_sub(INDENT.len());
                    }
                    rows.extend(indented);
                }
            }
        }
        rows.extend(
            close
                .into_iter()
                .flat_map(|row| fence(&row, self.range.end, width)),
        );
        rows
    }

    fn source_of(&self, at: usize) -> usize {
        let before = self.starts.iter().rfind(|(start, _)| *start <= at);
        before.map_or(self.range.start, |(start, from)| from + (at - start))
    }

    /// The lines of the source that open and close it.
    fn fences(&self, source: &str) -> (Option<String>, Option<String>) {
        if self.info.is_none() {
            return (None, None);
        }
        let block = source.get(self.range.clone()).unwrap_or("");
        let first = block.lines().next().unwrap_or("").trim();
        let sign = first.chars().next().unwrap_or('`');
        let is_fence = |line: &&str| line.len() >= 3 && line.chars().all(|it| it == sign);
        let last = block.lines().skip(1).last().unwrap_or("");
        // Behind the marks of quotes.
        let last = last.trim().trim_start_matches(['>', ' ', '\t']);
        (
            Some(first.to_owned()),
            Some(last).filter(is_fence).map(str::to_owned),
        )
    }
}

fn fence(text: &str, from: usize, width: usize) -> Vec<Row> {
    let mut rows = wrap(&Flow::plain(&clean_line(text), Role::Quiet), width);
    rows.iter_mut().for_each(|row| row.from = from);
    rows
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
