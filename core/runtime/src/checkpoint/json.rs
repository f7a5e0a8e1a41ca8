//! JSON files of a checkpoint, as Python writes them.

use std::borrow::Cow;
use std::path::Path;

use serde_json::{Map, Value};

use super::CheckpointError;
use crate::json_fault;
use crate::regular_file::{self, SMALL};

/// What a pointer file of Git LFS begins with.
const LFS: &str = "version https://git-lfs";

/// Words that Python's `json` takes for numbers and the standard does not have.
const NUMBERS: [&str; 3] = ["NaN", "Infinity", "-Infinity"];

/// The text of an object in a file, as any reader of JSON takes it, and what it says. Numbers that JSON does not have are
/// words in it.
pub(super) fn read_json(path: &Path) -> Result<(String, Value), CheckpointError> {
    let text = standard(&read(path, SMALL)?).into_owned();
    let wrong = |line, what| CheckpointError::Json {
        path: path.to_owned(),
        line,
        what,
    };
    let value: Value =
        serde_json::from_str(&text).map_err(|error| wrong(error.line(), json_fault(&error)))?;
    match value.is_object() {
        true => Ok((text, value)),
        false => Err(wrong(1, "it is no object".to_owned())),
    }
}

/// As [`read_json`]; `{}` if there is no such file.
pub(super) fn read_json_if_there(path: &Path) -> Result<(String, Value), CheckpointError> {
    match is_there(path)? {
        true => read_json(path),
        false => Ok(("{}".to_owned(), Value::Object(Map::new()))),
    }
}

/// The text of a file without a byte order mark.
pub(super) fn read(path: &Path, limit: u64) -> Result<String, CheckpointError> {
    let text = regular_file::read_text(path, limit).map_err(|source| unreadable(path, source))?;
    if text.starts_with(LFS) {
        return Err(CheckpointError::LfsPointer(path.to_owned()));
    }
    Ok(match text.strip_prefix('\u{FEFF}') {
        Some(rest) => rest.to_owned(),
        None => text,
    })
}

/// Whether there is such a file; anything else of that name is an error.
pub(super) fn is_there(path: &Path) -> Result<bool, CheckpointError> {
    regular_file::is_there(path).map_err(|source| unreadable(path, source))
}

pub(super) fn unreadable(path: &Path, source: std::io::Error) -> CheckpointError {
    CheckpointError::Unreadable {
        path: path.to_owned(),
        source,
    }
}

/// `text` with Python's numbers in quotation marks.
fn standard(text: &str) -> Cow<'_, str> {
    if !NUMBERS.iter().any(|number| text.contains(number)) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    let mut rest = text;
    let (mut in_string, mut is_escaped) = (false, false);
    while let Some(next) = rest.chars().next() {
        let number = NUMBERS.iter().find(|number| rest.starts_with(**number));
        if let Some(number) = number.filter(|_| !in_string) {
            out.extend(["\"", number, "\""]);
            rest = &rest[number.len()..];
            continue;
        }
        in_string ^= next == '"' && !is_escaped;
        is_escaped = in_string && next == '\\' && !is_escaped;
        out.push(next);
        rest = &rest[next.len_utf8()..];
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_python_become_words_and_words_stay() {
        let cases = [
            (r#"{"a": NaN}"#, r#"{"a": "NaN"}"#),
            (r#"[-Infinity, Infinity]"#, r#"["-Infinity", "Infinity"]"#),
            (r#"{"NaN": "\"NaN"}"#, r#"{"NaN": "\"NaN"}"#),
            (r#"["\\", NaN]"#, r#"["\\", "NaN"]"#),
            (r#"{"a": 1}"#, r#"{"a": 1}"#),
        ];
        for (text, expected) in cases {
            assert_eq!(standard(text), expected);
        }
    }
}
