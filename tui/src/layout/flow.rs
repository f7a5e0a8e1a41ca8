use unicode_segmentation::UnicodeSegmentation;

use crate::cells::{Emoji, cell_count, cluster_cells};
use crate::clean::{REPLACEMENT, is_unsafe};
use crate::theme::Role;

/// How an atom behaves at the edge of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AtomKind {
    /// Part of a word.
    Word,
    /// A row may end here; not drawn where a wrapped row begins.
    Space,
    /// As a space, to the next multiple of four cells.
    Tab,
    /// A row ends after it.
    Newline,
}

/// The smallest thing that is never split: a grapheme, a sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Atom {
    /// Where its text begins in the flow.
    pub start: usize,
    /// Where its text ends in the flow.
    pub end: usize,
    /// Cells; what a tab takes is known only in its row.
    pub width: usize,
    /// How it breaks.
    pub kind: AtomKind,
    /// What it is.
    pub role: Role,
    /// Where it comes from: a byte of the text, or a token of the answer.
    pub from: usize,
}

/// Text cut into atoms, before it has a width.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Flow {
    text: String,
    atoms: Vec<Atom>,
    emoji: Emoji,
}

impl Flow {
    /// An empty one, whose emoji by variation are drawn so.
    #[must_use]
    pub fn new(emoji: Emoji) -> Self {
        Self {
            emoji,
            ..Self::default()
        }
    }

    /// Plain text of our own in one role; newlines break and are not drawn. Unsafe characters are replaced.
    #[must_use]
    pub fn plain(text: &str, role: Role) -> Self {
        Self::said(text, role, Emoji::default())
    }

    /// The same of what people and models say.
    #[must_use]
    pub fn said(text: &str, role: Role, emoji: Emoji) -> Self {
        let mut flow = Self::new(emoji);
        for (at, grapheme) in text.grapheme_indices(true) {
            flow.grapheme(grapheme, role, at, "");
        }
        flow
    }

    /// One grapheme cluster of foreign text; `newline` is what a line end looks like.
    pub fn grapheme(&mut self, grapheme: &str, role: Role, from: usize, newline: &str) {
        match grapheme {
            "\n" => self.sign(newline, AtomKind::Newline, Role::Muted, from),
            "\r\n" => {
                self.grapheme("\r", role, from, newline);
                self.grapheme("\n", role, from, newline);
            }
            "\t" => self.sign("", AtomKind::Tab, role, from),
            " " => self.sign(" ", AtomKind::Space, role, from),
            // Most of what is said, and of one cell.
            _ if grapheme.len() == 1 && grapheme.as_bytes()[0].is_ascii_graphic() => {
                self.atom(grapheme, 1, AtomKind::Word, role, from);
            }
            _ if grapheme.chars().any(is_unsafe) => {
                let mut sign = [0; 4];
                self.sign(
                    REPLACEMENT.encode_utf8(&mut sign),
                    AtomKind::Word,
                    role,
                    from,
                );
            }
            _ => {
                let drawn = self.emoji.drawn(grapheme);
                self.atom(&drawn, cluster_cells(&drawn), AtomKind::Word, role, from);
            }
        }
    }

    /// What a space in this role looks like here. The one before a word is of its first token, but what marks the word begins
    /// with the word.
    #[must_use]
    pub fn role_of_space(&self, role: Role) -> Role {
        let is_open = self.atoms.last().is_some_and(|atom| atom.role == role);
        match role.marks_words() && !is_open {
            true => Role::Text,
            false => role,
        }
    }

    /// Anything that is drawn as it is.
    pub fn sign(&mut self, text: &str, kind: AtomKind, role: Role, from: usize) {
        self.atom(text, cell_count(text), kind, role, from);
    }

    fn atom(&mut self, text: &str, width: usize, kind: AtomKind, role: Role, from: usize) {
        let start = self.text.len();
        self.text.push_str(text);
        self.atoms.push(Atom {
            start,
            end: self.text.len(),
            width,
            kind,
            role,
            from,
        });
    }

    /// In order.
    #[must_use]
    pub fn atoms(&self) -> &[Atom] {
        &self.atoms
    }

    /// The text of atoms that follow one another.
    pub(super) fn texts(&self, atoms: &[Atom]) -> &str {
        match atoms {
            [] => "",
            [first, rest @ ..] => &self.text[first.start..rest.last().unwrap_or(first).end],
        }
    }
}
