//! Settled answers laid out as Markdown: what is marked looks it, and what is seen is what is copied as far as a row allows.

mod code;
mod inline;
mod page;
mod table;

#[cfg(test)]
mod tests;

use std::ops::Range;

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

use super::highlight::Highlighter;
use super::{Flow, wrap};
use crate::cells::Emoji;
use crate::row::Row;
use crate::theme::Role;
use code::Code;
use inline::{BlockKind, Inline, InlineStyle};
use page::Page;
use table::Table;

/// Lays out an answer in rows of at most `width` cells. Each row knows the byte of `text` it begins with.
#[must_use]
pub fn markdown_rows(
    text: &str,
    width: usize,
    emoji: Emoji,
    highlighter: &Highlighter,
) -> Vec<Row> {
    let mut reader = Reader {
        source: text,
        highlighter,
        page: Page::new(width),
        inline: Inline::new(emoji),
        emoji,
        lists: Vec::new(),
        code: None,
        table: None,
        cell: BlockKind::Cell,
        last: 0,
    };
    for (event, range) in parser(text).into_offset_iter() {
        reader.read(event, range);
    }
    reader.flush();
    ascending(reader.page.finish())
}

/// The blocks of code between fences, without them.
#[must_use]
pub fn code_blocks(text: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut open: Option<Code> = None;
    for (event, range) in parser(text).into_offset_iter() {
        match event {
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(_))) => {
                open = Some(Code::new(None, range));
            }
            Event::Text(text) => {
                if let Some(code) = &mut open {
                    code.push(&text, range.start);
                }
            }
            Event::End(TagEnd::CodeBlock) => blocks.extend(open.take().map(Code::into_text)),
            _ => (),
        }
    }
    blocks
}

fn parser(text: &str) -> Parser<'_> {
    let options =
        Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS;
    Parser::new_ext(text, options)
}

/// Places in the source never go back, so that a view finds its row again.
fn ascending(mut rows: Vec<Row>) -> Vec<Row> {
    let mut last = 0;
    for row in &mut rows {
        row.from = row.from.max(last);
        last = row.from;
    }
    rows
}

struct Reader<'a> {
    source: &'a str,
    highlighter: &'a Highlighter,
    page: Page,
    inline: Inline,
    emoji: Emoji,
    /// The next number of each list around; none for bullets.
    lists: Vec<Option<u64>>,
    code: Option<Code>,
    table: Option<Table>,
    /// What the cells of the row are.
    cell: BlockKind,
    /// Where what was read ends.
    last: usize,
}

impl Reader<'_> {
    fn read(&mut self, event: Event<'_>, range: Range<usize>) {
        match event {
            Event::Start(tag) => self.start(tag, range),
            Event::End(tag) => self.end(tag, &range),
            Event::Text(text) => self.text(&text, &range),
            Event::Code(code) => self.code(&code, &range),
            Event::SoftBreak | Event::HardBreak => self.line_break(&range),
            Event::Rule => self.rule(&range),
            Event::TaskListMarker(is_done) => {
                self.begin(BlockKind::Paragraph, range.start);
                let sign = if is_done { "[x] " } else { "[ ] " };
                self.inline.sign(sign, range.start);
                self.last = range.end;
            }
            // What is no Markdown is shown as text.
            Event::Html(text)
            | Event::InlineHtml(text)
            | Event::InlineMath(text)
            | Event::DisplayMath(text)
            | Event::FootnoteReference(text) => self.text(&text, &range),
        }
    }

    fn start(&mut self, tag: Tag<'_>, range: Range<usize>) {
        match tag {
            Tag::Emphasis => self.mark(InlineStyle::Emphasis, range.start),
            Tag::Strong => self.mark(InlineStyle::Strong, range.start),
            Tag::Strikethrough => self.mark(InlineStyle::Struck, range.start),
            Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. } => {
                self.begin(BlockKind::Paragraph, range.start);
                self.inline.begin_link(&dest_url);
            }
            Tag::TableHead => self.open_row(BlockKind::HeadCell, range.start),
            Tag::TableRow => self.open_row(BlockKind::Cell, range.start),
            Tag::TableCell => self.inline.open(self.cell),
            block => {
                self.flush();
                self.start_block(block, range);
            }
        }
    }

    fn start_block(&mut self, tag: Tag<'_>, range: Range<usize>) {
        match tag {
            Tag::Heading { .. } => self.begin(BlockKind::Heading, range.start),
            Tag::BlockQuote(_) => {
                self.space(range.start);
                self.page.open_quote();
            }
            Tag::CodeBlock(kind) => {
                self.space(range.start);
                let info = match kind {
                    CodeBlockKind::Fenced(info) => Some(info.into_string()),
                    CodeBlockKind::Indented => None,
                };
                self.code = Some(Code::new(info, range));
            }
            Tag::List(first) => self.lists.push(first),
            Tag::Item => {
                self.space(range.start);
                let marker = self.marker();
                self.page.open_item(marker);
            }
            Tag::Table(alignments) => {
                self.space(range.start);
                self.table = Some(Table::new(alignments));
            }
            // Their text comes by itself.
            _ => (),
        }
    }

    fn end(&mut self, tag: TagEnd, range: &Range<usize>) {
        match tag {
            TagEnd::Emphasis => self.inline.end(InlineStyle::Emphasis),
            TagEnd::Strong => self.inline.end(InlineStyle::Strong),
            TagEnd::Strikethrough => self.inline.end(InlineStyle::Struck),
            TagEnd::Link | TagEnd::Image => self.inline.end_link(range.start),
            TagEnd::TableCell => {
                let cell = self.inline.close().unwrap_or_default();
                if let Some(table) = &mut self.table {
                    table.push(cell);
                }
            }
            TagEnd::TableHead | TagEnd::TableRow => (),
            block => {
                self.flush();
                self.end_block(block, range);
                let end = self.source[..range.end].trim_end().len();
                self.last = self.last.max(end);
            }
        }
    }

    fn end_block(&mut self, tag: TagEnd, range: &Range<usize>) {
        match tag {
            TagEnd::BlockQuote(_) | TagEnd::Item => self.page.close(range.start),
            TagEnd::List(_) => drop(self.lists.pop()),
            TagEnd::CodeBlock => {
                if let Some(code) = self.code.take() {
                    let rows = code.rows((self.page.room(), self.emoji), self.highlighter);
                    self.page.push(rows);
                }
            }
            TagEnd::Table => {
                if let Some(table) = self.table.take() {
                    let rows = table.rows(self.page.room());
                    self.page
                        .push(rows.unwrap_or_else(|| self.as_written(range)));
                }
            }
            _ => (),
        }
    }

    fn text(&mut self, text: &str, range: &Range<usize>) {
        if let Some(code) = &mut self.code {
            code.push(text, range.start);
            return;
        }
        self.begin(BlockKind::Paragraph, range.start);
        let start = range.start;
        match self.source.get(range.clone()) == Some(text) {
            true => self.inline.text(text, &|at| start + at),
            false => self.inline.text(text, &|_| start),
        }
        self.last = range.end;
    }

    fn code(&mut self, code: &str, range: &Range<usize>) {
        self.begin(BlockKind::Paragraph, range.start);
        let written = self.source.get(range.clone()).unwrap_or("");
        let ticks = written.chars().take_while(|it| *it == '`').count().max(1);
        self.inline.code(code, &"`".repeat(ticks), range.start);
        self.last = range.end;
    }

    fn mark(&mut self, mark: InlineStyle, from: usize) {
        self.begin(BlockKind::Paragraph, from);
        self.inline.begin(mark);
    }

    /// The next line keeps its indentation, which Markdown takes for nothing; what a list or a quote asks for stays out.
    fn line_break(&mut self, range: &Range<usize>) {
        self.inline.newline(range.start);
        let next = self.source.get(range.end..).unwrap_or("");
        let next = next.strip_prefix('\n').unwrap_or(next);
        let indent = next.len() - next.trim_start_matches(' ').len();
        let indent = indent.saturating_sub(self.page.margin());
        self.inline.indent(indent, range.end);
    }

    fn rule(&mut self, range: &Range<usize>) {
        self.flush();
        self.space(range.start);
        let line = "─".repeat(self.page.room());
        self.page.push(vec![Row {
            from: range.start,
            ..Row::of(line, Role::Quiet)
        }]);
        self.last = self.source[..range.end].trim_end().len();
    }

    /// Begins a block of words, unless one is open.
    fn begin(&mut self, kind: BlockKind, from: usize) {
        if !self.inline.is_open() {
            self.space(from);
            self.inline.open(kind);
        }
    }

    /// Ends the block of words, if one is open.
    fn flush(&mut self) {
        if let Some(flow) = self.inline.close() {
            let rows = wrap(&flow, self.page.room());
            self.page.push(rows);
        }
    }

    /// An empty row before what comes at `from`, if the source has one there.
    fn space(&mut self, from: usize) {
        let between = self.source.get(self.last..from).unwrap_or("");
        let lines = between.bytes().filter(|byte| *byte == b'\n').count();
        if lines > 1 && !self.page.is_empty() {
            self.page.blank(self.last);
            self.last = from;
        }
    }

    fn open_row(&mut self, cell: BlockKind, from: usize) {
        self.cell = cell;
        if let Some(table) = &mut self.table {
            table.open_row(from);
        }
    }

    fn marker(&mut self) -> String {
        match self.lists.last_mut() {
            Some(Some(number)) => {
                let marker = format!("{number}. ");
                *number = number.saturating_add(1);
                marker
            }
            Some(None) | None => "• ".to_owned(),
        }
    }

    /// A part of the source without any layout.
    fn as_written(&self, range: &Range<usize>) -> Vec<Row> {
        let text = self.source.get(range.clone()).unwrap_or("").trim_end();
        let mut rows = wrap(&Flow::said(text, Role::Text, self.emoji), self.page.room());
        rows.iter_mut().for_each(|row| row.from += range.start);
        rows
    }
}
