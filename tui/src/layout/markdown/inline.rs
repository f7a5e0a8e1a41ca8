use unicode_segmentation::UnicodeSegmentation;

use crate::cells::Emoji;
use crate::clean::clean_line;
use crate::layout::{AtomKind, Flow};
use crate::theme::Role;

/// The words of one block and how they are marked.
#[derive(Debug, Default)]
pub(super) struct Inline {
    flow: Option<Flow>,
    kind: BlockKind,
    emphasis: usize,
    strong: usize,
    struck: usize,
    links: Vec<Link>,
    emoji: Emoji,
}

/// What the words stand in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum BlockKind {
    #[default]
    Paragraph,
    Heading,
    Cell,
    HeadCell,
}

/// A change of how words are marked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum InlineStyle {
    Emphasis,
    Strong,
    Struck,
}

#[derive(Debug)]
struct Link {
    url: String,
    text: String,
}

impl Inline {
    pub(super) fn new(emoji: Emoji) -> Self {
        Self {
            emoji,
            ..Self::default()
        }
    }

    pub(super) fn open(&mut self, kind: BlockKind) {
        self.flow = Some(Flow::new(self.emoji));
        self.kind = kind;
    }

    pub(super) fn is_open(&self) -> bool {
        self.flow.is_some()
    }

    /// The block's words.
    pub(super) fn close(&mut self) -> Option<Flow> {
        self.flow.take()
    }

    pub(super) fn begin(&mut self, mark: InlineStyle) {
        *self.count(mark) += 1;
    }

    pub(super) fn end(&mut self, mark: InlineStyle) {
        let count = self.count(mark);
        *count = count.saturating_sub(1);
    }

    fn count(&mut self, mark: InlineStyle) -> &mut usize {
        match mark {
            InlineStyle::Emphasis => &mut self.emphasis,
            InlineStyle::Strong => &mut self.strong,
            InlineStyle::Struck => &mut self.struck,
        }
    }

    pub(super) fn begin_link(&mut self, url: &str) {
        self.links.push(Link {
            url: url.to_owned(),
            text: String::new(),
        });
    }

    /// Where a link leads is said behind it, unless it says so itself.
    pub(super) fn end_link(&mut self, from: usize) {
        let Some(link) = self.links.pop() else {
            return;
        };
        let shown = link.url.strip_prefix("mailto:").unwrap_or(&link.url);
        if !shown.is_empty() && link.text != shown && link.text != link.url {
            self.write(
                &format!(" ({})", clean_line(&link.url)),
                Role::Quiet,
                &|_| from,
            );
        }
        if let Some(outer) = self.links.last_mut() {
            outer.text += &link.text;
        }
    }

    /// Words as they are marked; `from` tells where a byte of them comes from.
    pub(super) fn text(&mut self, text: &str, from: &dyn Fn(usize) -> usize) {
        if let Some(link) = self.links.last_mut() {
            link.text += text;
        }
        self.write(text, self.role(), from);
    }

    /// Code among words, between the `ticks` it has in the source.
    pub(super) fn code(&mut self, code: &str, ticks: &str, from: usize) {
        if let Some(link) = self.links.last_mut() {
            link.text += code;
        }
        self.write(ticks, Role::Quiet, &|_| from);
        self.write(code, Role::Code, &|_| from);
        self.write(ticks, Role::Quiet, &|_| from);
    }

    /// A sign that the source has and that is no text.
    pub(super) fn sign(&mut self, sign: &str, from: usize) {
        self.write(sign, Role::Quiet, &|_| from);
    }

    /// Spaces before a line.
    pub(super) fn indent(&mut self, cells: usize, from: usize) {
        if let Some(flow) = &mut self.flow {
            for _ in 0..cells {
                flow.sign(" ", AtomKind::Space, Role::Text, from);
            }
        }
    }

    pub(super) fn newline(&mut self, from: usize) {
        if let Some(flow) = &mut self.flow {
            flow.sign("", AtomKind::Newline, Role::Text, from);
        }
    }

    fn write(&mut self, text: &str, role: Role, from: &dyn Fn(usize) -> usize) {
        let Some(flow) = &mut self.flow else {
            return;
        };
        for (at, grapheme) in text.grapheme_indices(true) {
            match (grapheme, self.kind) {
                // A cell is one line, and as wide as it is measured.
                ("\t" | "\n", BlockKind::Cell | BlockKind::HeadCell) => {
                    flow.sign(" ", AtomKind::Space, role, from(at));
                }
                _ => flow.grapheme(grapheme, role, from(at), ""),
            }
        }
    }

    fn role(&self) -> Role {
        if !self.links.is_empty() {
            return Role::Link;
        }
        match self.kind {
            BlockKind::Heading => return Role::Heading,
            BlockKind::HeadCell => return Role::Strong,
            BlockKind::Paragraph | BlockKind::Cell => (),
        }
        match (self.struck, self.strong, self.emphasis) {
            (0, 0, 0) => Role::Text,
            (0, 0, _) => Role::Emphasis,
            (0, _, 0) => Role::Strong,
            (0, _, _) => Role::StrongEmphasis,
            (_, _, _) => Role::Struck,
        }
    }
}
