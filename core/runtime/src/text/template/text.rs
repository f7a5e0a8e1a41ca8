//! Texts as Python writes them, never longer than the fuel pays for.

use minijinja::value::{Value, ValueKind};
use minijinja::{Error, ErrorKind, State};

/// Bytes that one fuel pays for, as minijinja counts.
const BYTES_PER_FUEL: usize = 64;
/// What each addition costs besides its bytes.
const PUSH: usize = 16;
/// Lists and mappings in one another that are looked through.
pub(super) const DEPTH: usize = 100;

pub(super) fn invalid(what: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidOperation, what.into())
}

pub(super) fn too_deep() -> Error {
    invalid(format!("more than {DEPTH} lists stand in one another"))
}

/// Pays for `bytes` before they are allocated.
pub(super) fn pay(state: &State<'_, '_>, bytes: usize) -> Result<(), Error> {
    state.consume_fuel((bytes / BYTES_PER_FUEL) as u64)
}

/// A text that is being written.
pub(super) struct BoundedText {
    out: String,
    left: usize,
}

impl BoundedText {
    pub(super) fn new(state: &State<'_, '_>) -> Self {
        let fuel = state.fuel_levels().map_or(0, |(_, left)| left);
        let fuel = usize::try_from(fuel).unwrap_or(usize::MAX);
        Self {
            out: String::new(),
            left: fuel.saturating_mul(BYTES_PER_FUEL),
        }
    }

    pub(super) fn push(&mut self, text: &str) -> Result<(), Error> {
        self.left = self
            .left
            .checked_sub(text.len() + PUSH)
            .ok_or(ErrorKind::OutOfFuel)?;
        self.out.push_str(text);
        Ok(())
    }

    pub(super) fn push_times(&mut self, text: &str, times: usize) -> Result<(), Error> {
        if text.len().saturating_mul(times) > self.left {
            return Err(ErrorKind::OutOfFuel.into());
        }
        self.push(&text.repeat(times))
    }

    /// Python's `str`.
    pub(super) fn push_str(&mut self, value: &Value) -> Result<(), Error> {
        match value.as_str() {
            Some(text) => self.push(text),
            None if value.is_undefined() => Ok(()),
            None => self.push_repr(value, 0),
        }
    }

    /// Python's `repr`.
    pub(super) fn push_repr(&mut self, value: &Value, depth: usize) -> Result<(), Error> {
        if depth > DEPTH {
            return Err(too_deep());
        }
        match value.kind() {
            ValueKind::Undefined => self.push("Undefined"),
            ValueKind::None => self.push("None"),
            ValueKind::Bool => self.push(if value.is_true() { "True" } else { "False" }),
            ValueKind::Number => self.push(&number(value)),
            ValueKind::String => self.push(&quoted(value.as_str().unwrap_or_default())),
            ValueKind::Seq | ValueKind::Iterable => {
                let tuple = value.is_tuple();
                self.push(if tuple { "(" } else { "[" })?;
                let mut count = 0;
                for item in value.try_iter()? {
                    if count > 0 {
                        self.push(", ")?;
                    }
                    self.push_repr(&item, depth + 1)?;
                    count += 1;
                }
                self.push(match (tuple, count) {
                    (true, 1) => ",)",
                    (true, _) => ")",
                    (false, _) => "]",
                })
            }
            ValueKind::Map => {
                self.push("{")?;
                for (index, key) in value.try_iter()?.enumerate() {
                    if index > 0 {
                        self.push(", ")?;
                    }
                    self.push_repr(&key, depth + 1)?;
                    self.push(": ")?;
                    self.push_repr(&value.get_item(&key)?, depth + 1)?;
                }
                self.push("}")
            }
            // Functions and the like, whose names tell nothing to a model.
            _ => self.push("<object>"),
        }
    }

    pub(super) fn finish(self) -> String {
        self.out
    }
}

/// Python's `str` of any value.
pub(super) fn str(state: &State<'_, '_>, value: &Value) -> Result<String, Error> {
    let mut text = BoundedText::new(state);
    text.push_str(value)?;
    Ok(text.finish())
}

pub(super) fn number(value: &Value) -> String {
    match f64::try_from(value.clone()) {
        Ok(float) if !value.is_integer() => self::float(float),
        _ => value.to_string(),
    }
}

/// Python's `repr` of a float: the shortest digits, with an exponent from 1e16 and below 1e-4.
pub(super) fn float(value: f64) -> String {
    if value.is_nan() {
        return "nan".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    // Rust's has the same bounds, but no sign and no second digit in the exponent.
    let text = format!("{value:?}");
    match text.split_once('e') {
        None => text,
        Some((digits, exponent)) => match exponent.strip_prefix('-') {
            Some(exponent) => format!("{digits}e-{exponent:0>2}"),
            None => format!("{digits}e+{exponent:0>2}"),
        },
    }
}

fn quoted(text: &str) -> String {
    let quote = match text.contains('\'') && !text.contains('"') {
        true => '"',
        false => '\'',
    };
    let mut out = String::from(quote);
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            _ if c == quote => out.extend(['\\', c]),
            ' ' => out.push(c),
            _ if c.is_control() || c.is_whitespace() => out.push_str(&match u32::from(c) {
                code @ ..=0xff => format!("\\x{code:02x}"),
                code => format!("\\u{code:04x}"),
            }),
            _ => out.push(c),
        }
    }
    out.push(quote);
    out
}
