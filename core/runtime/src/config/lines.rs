use std::collections::BTreeMap;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{ConfigError, ConfigSource, REMOTE};

/// Where each key of a file stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Lines {
    // Dotted key to the offset of its name, the end of its value and its line.
    keys: BTreeMap<String, (usize, usize, usize)>,
}

impl Lines {
    /// Notes every key, and refuses those that could do harm.
    pub(super) fn of(
        table: &DeTable<'_>,
        text: &str,
        source: &ConfigSource,
    ) -> Result<Self, ConfigError> {
        let mut lines = Self::default();
        let ends = text.bytes().enumerate().filter(|&(_, byte)| byte == b'\n');
        let ends: Vec<usize> = ends.map(|(at, _)| at).collect();
        lines.walk(table, &[], &ends, source)?;
        Ok(lines)
    }

    /// The line of a dotted key, counted from 1; 1 if it is not in the file.
    pub(super) fn line(&self, key: &str) -> usize {
        self.keys.get(key).map_or(1, |&(_, _, line)| line)
    }

    /// The innermost key whose name or value holds the offset.
    pub(super) fn key_at(&self, offset: usize) -> Option<&str> {
        self.keys
            .iter()
            .filter(|(_, (start, end, _))| (*start..*end).contains(&offset))
            .max_by_key(|(key, _)| key.len())
            .map(|(key, _)| key.as_str())
    }

    /// The entry that begins on this line.
    pub(super) fn entry_at(&self, line: usize) -> Option<&str> {
        let is_entry =
            |key: &str| key.starts_with("available_models.") && key.split('.').count() == 2;
        let mut keys = self.keys.iter();
        keys.find(|(key, (_, _, at))| *at == line && is_entry(key))
            .map(|(key, _)| key.as_str())
    }

    /// The keys of the entries in the order of the file.
    pub(super) fn entries<'a>(&self, keys: impl Iterator<Item = &'a String>) -> Vec<&'a String> {
        let mut keys: Vec<&String> = keys.collect();
        let at = |key: &str| self.keys.get(key).map_or(0, |&(start, _, _)| start);
        keys.sort_by_cached_key(|key| at(&format!("available_models.{key}")));
        keys
    }

    fn walk(
        &mut self,
        table: &DeTable<'_>,
        parents: &[&str],
        line_ends: &[usize],
        source: &ConfigSource,
    ) -> Result<(), ConfigError> {
        for (name, value) in table {
            let mut path = parents.to_vec();
            path.push(name.get_ref());
            let key = path.join(".");
            let start = name.span().start;
            let line = line_ends.partition_point(|&end| end < start) + 1;
            refuse(&path, &key, value, line, source)?;
            let end = value.span().end.max(name.span().end);
            self.keys.insert(key, (start, end, line));
            if let DeValue::Table(inner) = value.get_ref() {
                self.walk(inner, &path, line_ends, source)?;
            }
        }
        Ok(())
    }
}

/// Tests one key by its place in the file.
fn refuse(
    path: &[&str],
    key: &str,
    value: &Spanned<DeValue<'_>>,
    line: usize,
    source: &ConfigSource,
) -> Result<(), ConfigError> {
    let file = || source.clone();
    if path.last() == Some(&"trust_remote_code") {
        return Err(ConfigError::TrustRemoteCode {
            file: file(),
            line,
            key: key.to_owned(),
        });
    }
    if path == ["serve"] && !source.is_trusted() {
        return Err(ConfigError::NoServerFromHere {
            file: file(),
            line,
            key: key.to_owned(),
        });
    }
    let deed = match path {
        ["backend_paths"] => Some("load libraries"),
        ["available_models", _, "framework"] if value.get_ref().as_str() == Some(REMOTE) => {
            Some("send what you write to a server")
        }
        ["available_models", _, "options", ..] if names_a_file(value.get_ref()) => {
            Some("load libraries or ask a server")
        }
        _ => None,
    };
    match deed.filter(|_| !source.is_trusted()) {
        None => Ok(()),
        Some(deed) => Err(ConfigError::NotFromHere {
            file: file(),
            line,
            key: key.to_owned(),
            deed,
        }),
    }
}

/// True if an option might name a library: backends have options for those.
fn names_a_file(value: &DeValue<'_>) -> bool {
    match value {
        DeValue::String(text) => {
            let lower = text.to_lowercase();
            text.contains(['/', '\\'])
                || [".so", ".dll", ".dylib"]
                    .iter()
                    .any(|end| lower.contains(end))
        }
        DeValue::Array(items) => items.iter().any(|item| names_a_file(item.get_ref())),
        DeValue::Table(table) => table.iter().any(|(_, item)| names_a_file(item.get_ref())),
        _ => false,
    }
}

/// The line of a byte offset, counted from 1.
pub(super) fn line_at(text: &str, offset: usize) -> usize {
    let before = text.as_bytes().get(..offset).unwrap_or(text.as_bytes());
    before.iter().filter(|&&byte| byte == b'\n').count() + 1
}
