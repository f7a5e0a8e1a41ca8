//! `tojson` as chat templates know it: Python's `json.dumps`.

use minijinja::value::{Kwargs, Value as Jinja};
use minijinja::{Error, ErrorKind};
use serde_json::Value;

/// How `json.dumps` was asked to write.
struct Style {
    ensure_ascii: bool,
    /// The text of one level, if every item has its own line.
    indent: Option<String>,
    sort_keys: bool,
    comma: String,
    colon: String,
}

/// The `tojson` filter of transformers: no HTML escapes, keys in their order, arguments of `json.dumps`.
pub(super) fn tojson(
    value: &Jinja,
    indent: Option<Jinja>,
    options: Kwargs,
) -> Result<String, Error> {
    let invalid = |what: String| Error::new(ErrorKind::InvalidOperation, what);
    let indent = match indent {
        Some(indent) => Some(indent),
        None => options.get::<Option<Jinja>>("indent")?,
    };
    let indent = match indent.filter(|indent| !indent.is_none() && !indent.is_undefined()) {
        None => None,
        Some(text) if text.as_str().is_some() => text.as_str().map(str::to_owned),
        Some(count) => Some(" ".repeat(usize::try_from(count)?)),
    };
    let separators = options.get::<Option<Vec<String>>>("separators")?;
    let (comma, colon) = match separators.as_deref() {
        None if indent.is_some() => (",".to_owned(), ": ".to_owned()),
        None => (", ".to_owned(), ": ".to_owned()),
        Some([comma, colon]) => (comma.clone(), colon.clone()),
        Some(_) => return Err(invalid("tojson: separators are two texts".to_owned())),
    };
    let style = Style {
        ensure_ascii: options
            .get::<Option<bool>>("ensure_ascii")?
            .unwrap_or(false),
        sort_keys: options.get::<Option<bool>>("sort_keys")?.unwrap_or(false),
        indent,
        comma,
        colon,
    };
    options.assert_all_used()?;
    if value.is_undefined() {
        return Err(invalid("tojson: the value is undefined".to_owned()));
    }
    let value = serde_json::to_value(value).map_err(|error| invalid(format!("tojson: {error}")))?;
    let mut out = String::new();
    style.write(&value, 0, &mut out);
    Ok(out)
}

impl Style {
    fn write(&self, value: &Value, depth: usize, out: &mut String) {
        match value {
            Value::Null | Value::Bool(_) | Value::Number(_) => out.push_str(&value.to_string()),
            Value::String(text) => self.text(text, out),
            Value::Array(items) => {
                let items = items.iter().map(|item| (None, item));
                self.items(('[', ']'), items, depth, out);
            }
            Value::Object(object) => {
                let mut items: Vec<_> = object
                    .iter()
                    .map(|(key, item)| (Some(key.as_str()), item))
                    .collect();
                if self.sort_keys {
                    items.sort_by_key(|(key, _)| *key);
                }
                self.items(('{', '}'), items.into_iter(), depth, out);
            }
        }
    }

    fn items<'a>(
        &self,
        (open, close): (char, char),
        items: impl ExactSizeIterator<Item = (Option<&'a str>, &'a Value)>,
        depth: usize,
        out: &mut String,
    ) {
        let empty = items.len() == 0;
        out.push(open);
        for (index, (key, item)) in items.enumerate() {
            if index > 0 {
                out.push_str(&self.comma);
            }
            self.line(depth + 1, out);
            if let Some(key) = key {
                self.text(key, out);
                out.push_str(&self.colon);
            }
            self.write(item, depth + 1, out);
        }
        if !empty {
            self.line(depth, out);
        }
        out.push(close);
    }

    fn line(&self, depth: usize, out: &mut String) {
        if let Some(indent) = &self.indent {
            out.push('\n');
            out.push_str(&indent.repeat(depth));
        }
    }

    fn text(&self, text: &str, out: &mut String) {
        let quoted = Value::String(text.to_owned()).to_string();
        if !self.ensure_ascii {
            out.push_str(&quoted);
            return;
        }
        for c in quoted.chars() {
            if c.is_ascii() && c != '\u{7f}' {
                out.push(c);
            } else {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    out.push_str(&format!("\\u{unit:04x}"));
                }
            }
        }
    }
}
