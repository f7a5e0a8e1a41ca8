//! What is wrong with a file of the user's, and where; the program goes on without it.

use std::fmt;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Something that a file says wrongly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// File and line, or the variable.
    pub place: String,
    /// What is wrong, and what to write.
    pub text: String,
}

impl Diagnostic {
    /// A diagnostic of a line of a file.
    #[must_use]
    pub fn at(path: &str, line: usize, text: impl Into<String>) -> Self {
        Self {
            place: format!("{path}:{line}"),
            text: text.into(),
        }
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.place, self.text)
    }
}

/// `no role `msk`; did you mean `mask`?`
#[must_use]
pub fn unknown(kind: &str, name: &str, known: &[&str]) -> String {
    match nearest(name, known) {
        Some(near) => format!("no {kind} `{name}`; did you mean `{near}`?"),
        None => format!("no {kind} `{name}`; there are {}", known.join(", ")),
    }
}

/// The known name that is most like this one, if one is.
#[must_use]
pub fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    const NEAR: f64 = 0.75;
    let scored = known.iter().map(|&it| (strsim::jaro_winkler(name, it), it));
    let best = scored.max_by(|a, b| a.0.total_cmp(&b.0))?;
    (best.0 >= NEAR).then_some(best.1)
}

/// A TOML file that knows its lines. What cannot be read is left out.
pub(crate) struct Document<'a> {
    path: &'a str,
    text: &'a str,
    table: Spanned<DeTable<'a>>,
}

/// A key and where it stands.
pub(crate) struct Key<'a> {
    /// The key.
    pub(crate) name: &'a str,
    /// Its line, counted from 1.
    pub(crate) line: usize,
    path: &'a str,
}

impl<'a> Document<'a> {
    /// Reads as much as can be read.
    pub(crate) fn parse(path: &'a str, text: &'a str, diagnostics: &mut Vec<Diagnostic>) -> Self {
        let (table, errors) = DeTable::parse_recoverable(text);
        for error in errors {
            let at = error.span().map_or(0, |span| span.start);
            diagnostics.push(Diagnostic::at(path, line(text, at), error.message()));
        }
        Self { path, text, table }
    }

    /// The keys at the top, in the order of the file.
    pub(crate) fn entries(&'a self) -> Vec<(Key<'a>, &'a Spanned<DeValue<'a>>)> {
        self.within(self.table.get_ref())
    }

    /// The keys of a table in it, in the order of the file.
    pub(crate) fn within(
        &'a self,
        table: &'a DeTable<'a>,
    ) -> Vec<(Key<'a>, &'a Spanned<DeValue<'a>>)> {
        let mut entries: Vec<_> = table.iter().collect();
        entries.sort_by_key(|(key, _)| key.span().start);
        let key = |key: &'a Spanned<std::borrow::Cow<'a, str>>| Key {
            name: key.get_ref(),
            line: line(self.text, key.span().start),
            path: self.path,
        };
        entries
            .into_iter()
            .map(|(name, value)| (key(name), value))
            .collect()
    }
}

impl Key<'_> {
    /// A diagnostic of it.
    pub(crate) fn diagnostic(&self, text: impl Into<String>) -> Diagnostic {
        Diagnostic::at(self.path, self.line, text)
    }

    /// A diagnostic that there is no such thing, with the nearest that there is.
    pub(crate) fn unknown(&self, kind: &str, name: &str, known: &[&str]) -> Diagnostic {
        self.diagnostic(unknown(kind, name, known))
    }
}

fn line(text: &str, byte: usize) -> usize {
    let before = text.get(..byte).unwrap_or(text);
    before.matches('\n').count() + 1
}
