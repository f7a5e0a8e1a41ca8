//! Python's `%` and `str.format`: what the widths ask for is paid for before.

use minijinja::formatting::{FormatStyle, format};
use minijinja::value::{Kwargs, Value, ValueKind};
use minijinja::{Error, State};

use super::text::{BoundedText, invalid, pay, str};

/// `template % arguments`; a mapping alone, or names, are for specifications with a name.
pub(super) fn printf(
    state: &State<'_, '_>,
    template: &str,
    arguments: &[Value],
) -> Result<String, Error> {
    let names = arguments
        .iter()
        .find(|argument| argument.kind() == ValueKind::Map);
    let mut left = arguments.iter();
    let mut next = || {
        left.next()
            .ok_or_else(|| invalid("`%` has too few arguments"))
    };
    let mut out = BoundedText::new(state);
    let mut rest = template;
    let mut by_name = false;
    while let Some(at) = rest.find('%') {
        out.push(&rest[..at])?;
        let mut spec = Specification::of(&rest[at + 1..])?;
        rest = &rest[at + 1 + spec.length..];
        if spec.kind == '%' {
            out.push("%")?;
            continue;
        }
        let mut flags = String::new();
        for c in spec.flags.chars() {
            match c {
                '*' => flags.push_str(&i64::try_from(next()?.clone())?.to_string()),
                _ => flags.push(c),
            }
        }
        let argument = match (spec.name, names) {
            (None, _) => next()?.clone(),
            (Some(name), Some(names)) => {
                by_name = true;
                named(names, name).ok_or_else(|| invalid(format!("`%` lacks `{name}`")))?
            }
            (Some(name), None) => return Err(invalid(format!("`%` lacks `{name}`"))),
        };
        pay(state, asked(&flags))?;
        let argument = match spec.kind {
            'r' | 'a' => {
                let mut text = BoundedText::new(state);
                text.push_repr(&argument, 0)?;
                spec.kind = 's';
                Value::from(text.finish())
            }
            's' => Value::from(str(state, &argument)?),
            'i' | 'u' => {
                spec.kind = 'd';
                argument
            }
            _ => argument,
        };
        out.push(&format(
            FormatStyle::Printf,
            &format!("%{flags}{}", spec.kind),
            &[argument],
        )?)?;
    }
    out.push(rest)?;
    // Python takes a mapping for names even if none was asked for.
    let named_alone = by_name || (arguments.len() == 1 && names.is_some());
    match left.next().is_some() && !named_alone {
        true => Err(invalid("`%` has too many arguments")),
        false => Ok(out.finish()),
    }
}

fn named(names: &Value, name: &str) -> Option<Value> {
    names.as_object()?.get_value(&Value::from(name))
}

/// What stands behind `%`.
struct Specification<'a> {
    name: Option<&'a str>,
    /// Flags, width and precision.
    flags: &'a str,
    kind: char,
    length: usize,
}

impl<'a> Specification<'a> {
    fn of(text: &'a str) -> Result<Self, Error> {
        let incomplete = || invalid("`%` has an incomplete specification");
        let (name, rest) = match text.strip_prefix('(') {
            None => (None, text),
            Some(rest) => {
                let (name, rest) = rest.split_once(')').ok_or_else(incomplete)?;
                (Some(name), rest)
            }
        };
        let inner = rest.trim_start_matches(|c: char| "#0- +.*".contains(c) || c.is_ascii_digit());
        let flags = &rest[..rest.len() - inner.len()];
        let inner = inner.strip_prefix(['h', 'l', 'L']).unwrap_or(inner);
        let kind = inner.chars().next().ok_or_else(incomplete)?;
        Ok(Self {
            name,
            flags,
            kind,
            length: text.len() - inner.len() + kind.len_utf8(),
        })
    }
}

/// The sum of all numbers in `text`.
fn asked(text: &str) -> usize {
    let numbers = text.split(|c: char| !c.is_ascii_digit());
    numbers.fold(0, |sum, number| {
        let number = match number.is_empty() {
            true => 0,
            false => number.parse().unwrap_or(usize::MAX),
        };
        sum.saturating_add(number)
    })
}

/// `template.format(…)`.
pub(super) fn str_format(
    state: &State<'_, '_>,
    template: &str,
    arguments: &[Value],
) -> Result<String, Error> {
    let mut bytes = asked(template);
    let mut texts = Vec::with_capacity(arguments.len());
    for argument in arguments {
        // It may be a width, or stand as often as it is named.
        let text = printable(state, argument)?;
        let width = argument.as_usize().unwrap_or(0);
        let length = str(state, &text)?.len().saturating_add(width);
        bytes = bytes.saturating_add(length.saturating_mul(template.matches('{').count()));
        texts.push(text);
    }
    pay(state, bytes)?;
    format(FormatStyle::StrFormat, template, &texts)
}

/// Numbers, texts and names as they are; everything else as Python writes it.
fn printable(state: &State<'_, '_>, value: &Value) -> Result<Value, Error> {
    Ok(match value.kind() {
        ValueKind::Number | ValueKind::Bool | ValueKind::String => value.clone(),
        ValueKind::Map if value.is_kwargs() => {
            let mut names = Vec::new();
            for key in value.try_iter()? {
                let item = value.get_item(&key)?;
                names.push((str(state, &key)?, printable(state, &item)?));
            }
            Value::from(Kwargs::from_iter(names))
        }
        _ => Value::from(str(state, value)?),
    })
}
