use toml::de::DeValue;

use super::ThemeFile;
use crate::diagnostic::{Diagnostic, Document};
use crate::theme::{Paint, Role};

/// What a file says.
pub(super) struct Parsed {
    /// The theme that it changes, and the line that says so.
    pub(super) parent: Option<(String, usize)>,
    /// What it changes.
    pub(super) paints: Vec<(Role, Paint)>,
}

/// The names of roles as files write them: `fresh-low`.
#[must_use]
pub fn roles() -> Vec<(String, Role)> {
    Role::ALL
        .into_iter()
        .map(|role| (crate::keymap::kebab(&format!("{role:?}")), role))
        .collect()
}

/// Reads a file; what cannot be read is left out and reported.
pub(super) fn parse(file: &ThemeFile, diagnostics: &mut Vec<Diagnostic>) -> Parsed {
    let mut parsed = Parsed {
        parent: None,
        paints: Vec::new(),
    };
    let document = Document::parse(&file.path, &file.text, diagnostics);
    for (key, value) in document.entries() {
        match (key.name, value.get_ref()) {
            ("parent", DeValue::String(name)) => {
                parsed.parent = Some((name.to_string(), key.line));
            }
            ("parent", _) => {
                diagnostics.push(key.diagnostic("`parent` is the name of a theme in quotes"))
            }
            ("roles", DeValue::Table(roles)) => {
                for (key, value) in document.within(roles) {
                    match paint(key.name, value.get_ref()) {
                        Ok(painted) => parsed.paints.push(painted),
                        Err(why) => diagnostics.push(key.diagnostic(why)),
                    }
                }
            }
            ("roles", _) => diagnostics.push(key.diagnostic("`roles` is a table: [roles]")),
            (other, _) => diagnostics.push(key.unknown("key", other, &["parent", "roles"])),
        }
    }
    parsed
}

fn paint(name: &str, value: &DeValue<'_>) -> Result<(Role, Paint), String> {
    let roles = roles();
    let found = roles.iter().find(|(it, _)| it == name);
    let role = found.map(|(_, role)| *role).ok_or_else(|| {
        let names: Vec<&str> = roles.iter().map(|(name, _)| name.as_str()).collect();
        crate::diagnostic::unknown("role", name, &names)
    })?;
    let text = match value {
        DeValue::String(text) => text.to_string(),
        DeValue::Integer(number) => number.to_string(),
        other => other.type_str().to_owned(),
    };
    Ok((role, Paint::parse(&text)?))
}
