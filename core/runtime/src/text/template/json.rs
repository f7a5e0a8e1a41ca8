//! `tojson` as chat templates know it: Python's `json.dumps`.

use minijinja::value::{Value, ValueKind};
use minijinja::{Error, State};

use super::arguments::{Arguments, named};
use super::methods::is_mapping;
use super::text::{self, BoundedText, DEPTH, invalid, too_deep};

/// How `json.dumps` was asked to write.
struct Style {
    ensure_ascii: bool,
    /// The text of one level and how often it stands there, if every item has its own line.
    indent: Option<(String, usize)>,
    sort_keys: bool,
    comma: String,
    colon: String,
}

/// The `tojson` filter of transformers: no HTML escapes, keys in their order, arguments of `json.dumps`.
pub(super) fn tojson(
    state: &State<'_, '_>,
    value: &Value,
    arguments: Arguments,
) -> Result<String, Error> {
    let [ensure_ascii, indent, separators, sort_keys] = named(
        &arguments.into_values(),
        ["ensure_ascii", "indent", "separators", "sort_keys"],
    )?;
    let flag = |flag: Option<Value>| flag.is_some_and(|flag| flag.is_true());
    let indent = match indent.filter(|indent| !indent.is_none() && !indent.is_undefined()) {
        None => None,
        Some(indent) => Some(match indent.as_str() {
            Some(text) => (text.to_owned(), 1),
            None => (
                " ".to_owned(),
                usize::try_from(i64::try_from(indent)?).unwrap_or(0),
            ),
        }),
    };
    let separators = separators.filter(|separators| !separators.is_none());
    let (comma, colon) = match separators {
        None if indent.is_some() => (",".to_owned(), ": ".to_owned()),
        None => (", ".to_owned(), ": ".to_owned()),
        Some(separators) => {
            let both: Vec<Value> = separators.try_iter()?.collect();
            match (
                both.len(),
                both.first().and_then(Value::as_str),
                both.get(1).and_then(Value::as_str),
            ) {
                (2, Some(comma), Some(colon)) => (comma.to_owned(), colon.to_owned()),
                _ => return Err(invalid("tojson: separators are two texts")),
            }
        }
    };
    let style = Style {
        ensure_ascii: flag(ensure_ascii),
        sort_keys: flag(sort_keys),
        indent,
        comma,
        colon,
    };
    let mut out = BoundedText::new(state);
    style.write(value, 0, &mut out)?;
    Ok(out.finish())
}

impl Style {
    fn write(&self, value: &Value, depth: usize, out: &mut BoundedText) -> Result<(), Error> {
        if depth > DEPTH {
            return Err(too_deep());
        }
        match value.kind() {
            ValueKind::Seq | ValueKind::Iterable => {
                let items = value.try_iter()?.map(|item| Ok((None, item)));
                self.items(("[", "]"), items.collect::<Result<_, Error>>()?, depth, out)
            }
            ValueKind::Map if is_mapping(value) => {
                let keys = value.try_iter()?;
                let pair = |key: Value| Ok((Some(self.key(&key)?), value.get_item(&key)?));
                let mut items: Vec<_> = keys.map(pair).collect::<Result<_, Error>>()?;
                if self.sort_keys {
                    items.sort_by(|(left, _), (right, _)| left.cmp(right));
                }
                self.items(("{", "}"), items, depth, out)
            }
            ValueKind::String => self.text(value.as_str().unwrap_or_default(), out),
            _ => out.push(&self.simple(value)?),
        }
    }

    fn simple(&self, value: &Value) -> Result<String, Error> {
        Ok(match value.kind() {
            ValueKind::None => "null".to_owned(),
            ValueKind::Bool => value.is_true().to_string(),
            ValueKind::Number => match text::number(value) {
                number if number == "nan" => "NaN".to_owned(),
                number => number.replace("inf", "Infinity"),
            },
            ValueKind::Undefined => return Err(invalid("tojson: the value is undefined")),
            _ => return Err(invalid("tojson: the value is an object")),
        })
    }

    fn key(&self, key: &Value) -> Result<String, Error> {
        match key.as_str() {
            Some(text) => Ok(text.to_owned()),
            None => self.simple(key),
        }
    }

    fn items(
        &self,
        (open, close): (&str, &str),
        items: Vec<(Option<String>, Value)>,
        depth: usize,
        out: &mut BoundedText,
    ) -> Result<(), Error> {
        let empty = items.is_empty();
        out.push(open)?;
        for (index, (key, item)) in items.into_iter().enumerate() {
            if index > 0 {
                out.push(&self.comma)?;
            }
            self.line(depth + 1, out)?;
            if let Some(key) = key {
                self.text(&key, out)?;
                out.push(&self.colon)?;
            }
            self.write(&item, depth + 1, out)?;
        }
        if !empty {
            self.line(depth, out)?;
        }
        out.push(close)
    }

    fn line(&self, depth: usize, out: &mut BoundedText) -> Result<(), Error> {
        if let Some((unit, times)) = &self.indent {
            out.push("\n")?;
            out.push_times(unit, times.saturating_mul(depth))?;
        }
        Ok(())
    }

    fn text(&self, text: &str, out: &mut BoundedText) -> Result<(), Error> {
        let quoted = serde_json::Value::from(text).to_string();
        if !self.ensure_ascii {
            return out.push(&quoted);
        }
        for c in quoted.chars() {
            if c.is_ascii() && c != '\u{7f}' {
                out.push(c.encode_utf8(&mut [0; 4]))?;
            } else {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    out.push(&format!("\\u{unit:04x}"))?;
                }
            }
        }
        Ok(())
    }
}
