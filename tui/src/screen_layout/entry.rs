//! One thing said, as rows.

use std::sync::Arc;

use crate::layout::{Flow, LayoutOptions, settled_rows, wrap};
use crate::row::Row;
use crate::state::{Answer, Entry, Form, Ghosts, TranscriptItem, Turn, least_sure_words};
use crate::theme::Role;

/// The rows of an entry, with all that they are made of: nothing has to tell when it changes.
#[derive(Debug)]
pub(super) struct LaidEntry {
    pub(super) kind: Kind,
    /// What is said, and what may help.
    pub(super) texts: [String; 2],
    /// How an answer came about.
    trace: Option<Arc<Turn>>,
    pub(super) options: LayoutOptions,
    pub(super) rows: Vec<Row>,
    /// How far its Markdown is laid out.
    pub(super) markdown: Markdown,
    /// The word that the model was least sure of, with how sure it was.
    pub(super) least_sure: Option<(String, f32)>,
}

/// What rows show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A person's words.
    Person,
    /// The text of an answer, as Markdown once that is there.
    Answer,
    /// The text of an answer as it was written.
    Plain,
    /// The tokens of an answer.
    Tokens,
    Note,
    Failure,
}

/// How far an answer's Markdown is laid out for its width. Until it is there the text is shown plain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Markdown {
    /// Nobody has been asked.
    Unasked,
    /// It is on its way.
    Asked,
    /// It is there.
    There,
}

/// A word that the model was surer of is not worth a mention.
const DOUBTFUL: f32 = 0.9;

impl LaidEntry {
    pub(super) fn of(item: &TranscriptItem, options: LayoutOptions) -> Self {
        let kind = kind(item);
        let options = relevant(kind, options);
        let trace = trace(item).cloned();
        Self {
            kind,
            texts: texts(item).map(str::to_owned),
            options,
            rows: rows(item, options),
            markdown: Markdown::Unasked,
            least_sure: trace.as_deref().and_then(least_sure),
            trace,
        }
    }

    /// Lays out anew what is no longer what it was.
    pub(super) fn follow(&mut self, item: &TranscriptItem, options: LayoutOptions) {
        let kind = kind(item);
        let options = relevant(kind, options);
        let has_trace = match (&self.trace, trace(item)) {
            (Some(laid), Some(turn)) => Arc::ptr_eq(laid, turn),
            (None, None) => true,
            (Some(_), None) | (None, Some(_)) => false,
        };
        let is_same = (self.kind, self.options) == (kind, options)
            && self.texts.iter().eq(texts(item))
            && (has_trace || kind != Kind::Tokens);
        if !is_same {
            self.kind = kind;
            self.options = options;
            self.texts = texts(item).map(str::to_owned);
            self.rows = rows(item, options);
            self.markdown = Markdown::Unasked;
        }
        if !has_trace {
            self.trace = trace(item).cloned();
            self.least_sure = self.trace.as_deref().and_then(least_sure);
        }
    }
}

fn kind(item: &TranscriptItem) -> Kind {
    match (&item.entry, item.form) {
        (Entry::You { .. }, _) => Kind::Person,
        (Entry::Answer(_), Form::Text) => Kind::Answer,
        (Entry::Answer(answer), Form::Tokens) if answer.trace.is_some() => Kind::Tokens,
        (Entry::Answer(_), Form::Tokens) => Kind::Plain,
        (Entry::Note(_), _) => Kind::Note,
        (Entry::Failure(_), _) => Kind::Failure,
    }
}

fn texts(item: &TranscriptItem) -> [&str; 2] {
    match &item.entry {
        Entry::You { text, .. } | Entry::Note(text) => [text, ""],
        Entry::Answer(answer) => [&answer.text, ""],
        Entry::Failure(failure) => [&failure.text, &failure.hint],
    }
}

fn trace(item: &TranscriptItem) -> Option<&Arc<Turn>> {
    match &item.entry {
        Entry::Answer(answer) => answer.trace.as_ref(),
        Entry::You { .. } | Entry::Note(_) | Entry::Failure(_) => None,
    }
}

/// How masks are drawn matters to tokens alone.
fn relevant(kind: Kind, options: LayoutOptions) -> LayoutOptions {
    match kind {
        Kind::Tokens => options,
        Kind::Person | Kind::Answer | Kind::Plain | Kind::Note | Kind::Failure => LayoutOptions {
            mask_width: 1,
            ghosts: Ghosts::Hidden,
            ..options
        },
    }
}

fn rows(item: &TranscriptItem, options: LayoutOptions) -> Vec<Row> {
    let rows = |text: &str, role| wrap(&Flow::said(text, role, options.emoji), options.width);
    match (&item.entry, item.form) {
        (
            Entry::Answer(Answer {
                trace: Some(turn), ..
            }),
            Form::Tokens,
        ) => settled_rows(turn, options),
        (Entry::Answer(answer), Form::Text | Form::Tokens) => rows(&answer.text, Role::Text),
        (Entry::You { text, .. }, _) => rows(text, Role::Text),
        (Entry::Note(text), _) => rows(text, Role::Quiet),
        (Entry::Failure(failure), _) => {
            let mut all = rows(&format!("✗ {}", failure.text), Role::Error);
            for line in failure.hint.lines() {
                all.extend(rows(&format!("  {line}"), Role::Quiet));
            }
            all
        }
    }
}

/// The word of an answer that the model was least sure of.
fn least_sure(turn: &Turn) -> Option<(String, f32)> {
    let moment = turn.log().moment(turn.log().entries.len());
    let words = least_sure_words(turn, &moment).into_iter();
    let doubtful = words.filter(|word| word.confidence < DOUBTFUL);
    doubtful.map(|word| (word.text, word.confidence)).next()
}
