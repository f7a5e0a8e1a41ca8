//! Jinja's filters as Python computes them; minijinja's own where they agree, within bounds.

use minijinja::value::{FunctionArgs, FunctionResult, Value, ValueKind};
use minijinja::{Environment, Error, ErrorKind, State, filters};

use super::arguments::{Arguments, count_of, named, needed, text_of};
use super::json::tojson;
use super::methods::{is_mapping, items};
use super::operators::{self, look_through};
use super::printf::printf;
use super::text::{BoundedText, invalid, pay, str};
use super::text_methods::{capitalized, lines, padded, replaced};
use crate::text::whitespace;

type Result<T> = std::result::Result<T, Error>;
type S<'a, 'b> = State<'a, 'b>;

pub(super) fn add_to(environment: &mut Environment<'_>) {
    for unknown in ["bool", "chain", "lines", "split", "zip", "pprint"] {
        environment.remove_filter(unknown);
    }
    add_texts(environment);
    environment.add_filter("tojson", tojson);
    environment.add_filter("length", length);
    environment.add_filter("count", length);
    environment.add_filter("list", list);
    environment.add_filter("items", |value: Value| match value.is_undefined() {
        true => Ok(Value::from(Vec::<Value>::new())),
        false if is_mapping(&value) => items(&value),
        false => Err(invalid("only a mapping has items")),
    });
    environment.add_filter("default", default);
    environment.add_filter("d", default);
    environment.add_filter("attr", |value: Value, name: &str| {
        match is_mapping(&value) {
            // Keys are no attributes.
            true => Ok(Value::UNDEFINED),
            false => value.get_attr(name),
        }
    });
    environment.add_filter("reverse", reverse);
    environment.add_filter("first", |value: Value| {
        Ok::<_, Error>(operators::items(&value)?.next().unwrap_or_default())
    });
    environment.add_filter("int", int);
    environment.add_filter("float", float);
    environment.add_filter("dictsort", bounded(filters::dictsort));
    environment.add_filter("groupby", bounded(filters::groupby));
    environment.add_filter("min", bounded(filters::min));
    environment.add_filter("max", bounded(filters::max));
    environment.add_filter("sort", bounded(filters::sort));
    environment.add_filter("unique", bounded(filters::unique));
    environment.add_filter("sum", sum);
    environment.add_filter("batch", bounded(filters::batch));
    environment.add_filter("slice", bounded(filters::slice));
    environment.add_filter("select", of_some(bounded(filters::select)));
    environment.add_filter("reject", of_some(bounded(filters::reject)));
    environment.add_filter("selectattr", of_some(bounded(filters::selectattr)));
    environment.add_filter("rejectattr", of_some(bounded(filters::rejectattr)));
    environment.add_filter("map", of_some(bounded(filters::map)));
}

fn add_texts(environment: &mut Environment<'_>) {
    environment.add_filter("string", |state: &S<'_, '_>, value: Value| {
        str(state, &value)
    });
    environment.add_filter("upper", |state: &S<'_, '_>, value: Value| {
        Ok::<_, Error>(str(state, &value)?.to_uppercase())
    });
    environment.add_filter("lower", |state: &S<'_, '_>, value: Value| {
        Ok::<_, Error>(str(state, &value)?.to_lowercase())
    });
    environment.add_filter("capitalize", |state: &S<'_, '_>, value: Value| {
        Ok::<_, Error>(capitalized(&str(state, &value)?))
    });
    environment.add_filter("title", |state: &S<'_, '_>, value: Value| {
        Ok::<_, Error>(title(&str(state, &value)?))
    });
    environment.add_filter("escape", escape);
    environment.add_filter("e", escape);
    environment.add_filter("forceescape", escape);
    environment.add_filter("safe", |state: &S<'_, '_>, value: Value| str(state, &value));
    environment.add_filter("trim", trim);
    environment.add_filter("replace", replace);
    environment.add_filter("center", center);
    environment.add_filter("indent", indent);
    environment.add_filter("join", join);
    environment.add_filter("wordcount", wordcount);
    environment.add_filter("truncate", truncate);
    environment.add_filter(
        "format",
        |state: &S<'_, '_>, value: Value, arguments: Arguments| {
            printf(state, &str(state, &value)?, &arguments.into_values())
        },
    );
}

/// A filter of minijinja whose arguments are looked through first, and whose result is a list if it is lazy: what is lazy in
/// what is lazy is a recursion.
fn bounded<F, R, A>(filter: F) -> impl Fn(&mut State<'_, '_>, Arguments) -> Result<Value>
where
    F: minijinja::functions::Function<R, A> + Clone,
    R: FunctionResult,
    A: for<'a> FunctionArgs<'a>,
{
    let filter = Value::from_function(filter);
    move |state, arguments| {
        let arguments = arguments.into_values();
        if arguments.first().is_some_and(Value::is_none) {
            return Err(invalid("none is not iterable"));
        }
        for argument in arguments.iter() {
            look_through(state, argument, 0)?;
            pay(state, argument.as_usize().unwrap_or(0).saturating_mul(64))?;
        }
        let result = filter.call(state, &arguments)?;
        match result.kind() {
            ValueKind::Iterable => Ok(result
                .try_iter()?
                .checked()
                .collect::<Result<Vec<Value>>>()?
                .into()),
            _ => Ok(result),
        }
    }
}

/// A filter that makes an empty list of what is empty or none.
fn of_some(
    filter: impl Fn(&mut State<'_, '_>, Arguments) -> Result<Value>,
) -> impl Fn(&mut State<'_, '_>, Arguments) -> Result<Value> {
    move |state, arguments| match arguments.first().is_some_and(|value| value.is_true()) {
        true => filter(state, arguments),
        false => Ok(Value::from(Vec::<Value>::new())),
    }
}

fn default(value: Value, arguments: Arguments) -> Result<Value> {
    let [default, boolean] = named(&arguments.into_values(), ["default_value", "boolean"])?;
    let falsy = boolean.is_some_and(|boolean| boolean.is_true()) && !value.is_true();
    match value.is_undefined() || falsy {
        true => Ok(default.unwrap_or_else(|| Value::from(""))),
        false => Ok(value),
    }
}

fn length(value: Value) -> Result<usize> {
    match value.kind() {
        ValueKind::Undefined => Ok(0),
        _ => value
            .len()
            .ok_or_else(|| invalid("only texts, lists and mappings have a length")),
    }
}

fn list(state: &S<'_, '_>, value: Value) -> Result<Vec<Value>> {
    let length = value.len().unwrap_or(0);
    pay(state, length.saturating_mul(32))?;
    Ok(operators::items(&value)?.collect())
}

fn reverse(state: &S<'_, '_>, value: Value) -> Result<Value> {
    if let Some(text) = value.as_str() {
        return Ok(Value::from(text.chars().rev().collect::<String>()));
    }
    let mut items = list(state, value)?;
    items.reverse();
    Ok(Value::from(items))
}

fn int(value: Value, arguments: Arguments) -> Result<Value> {
    let [default, base] = named(&arguments.into_values(), ["default", "base"])?;
    let default = default.unwrap_or_else(|| Value::from(0));
    let base = u32::try_from(count_of(&base)?.unwrap_or(10)).unwrap_or(10);
    if let Some(text) = value.as_str() {
        let text = whitespace::strip(text).replace('_', "");
        let digits = ["0x", "0o", "0b"]
            .iter()
            .find_map(|prefix| text.strip_prefix(prefix));
        let digits = digits
            .filter(|_| matches!(base, 2 | 8 | 16))
            .unwrap_or(&text);
        if (2..=36).contains(&base)
            && let Ok(value) = i128::from_str_radix(digits, base)
        {
            return Ok(Value::from(value));
        }
        let float = text.parse::<f64>().ok().filter(|value| value.is_finite());
        return Ok(float.map_or(default, |value| Value::from(value as i128)));
    }
    Ok(match value.kind() {
        ValueKind::Bool => Value::from(i64::from(value.is_true())),
        ValueKind::Number if value.is_integer() => value,
        ValueKind::Number => {
            f64::try_from(value).map_or(default, |value| Value::from(value as i128))
        }
        ValueKind::Undefined => return value.get_attr("int"),
        _ => default,
    })
}

fn float(value: Value, arguments: Arguments) -> Result<Value> {
    let [default] = named(&arguments.into_values(), ["default"])?;
    let default = default.unwrap_or_else(|| Value::from(0.0));
    if let Some(text) = value.as_str() {
        let text = whitespace::strip(text).replace('_', "");
        return Ok(text.parse::<f64>().map_or(default, Value::from));
    }
    match value.kind() {
        ValueKind::Undefined => value.get_attr("float"),
        ValueKind::Bool => Ok(Value::from(f64::from(u8::from(value.is_true())))),
        _ => Ok(f64::try_from(value).map_or(default, Value::from)),
    }
}

/// Large letters behind blanks, hyphens and opening brackets.
fn title(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut begins = true;
    for c in text.chars() {
        match begins {
            true => out.extend(c.to_uppercase()),
            false => out.extend(c.to_lowercase()),
        }
        begins = whitespace::is_space(c) || matches!(c, '-' | '(' | '{' | '[' | '<');
    }
    out
}

fn escape(state: &S<'_, '_>, value: Value) -> Result<String> {
    let mut out = BoundedText::new(state);
    for c in str(state, &value)?.chars() {
        match c {
            '&' => out.push("&amp;")?,
            '<' => out.push("&lt;")?,
            '>' => out.push("&gt;")?,
            '\'' => out.push("&#39;")?,
            '"' => out.push("&#34;")?,
            _ => out.push(c.encode_utf8(&mut [0; 4]))?,
        }
    }
    Ok(out.finish())
}

/// Strips as Python does; `chars` are the characters to strip instead of whitespace.
fn trim(state: &S<'_, '_>, value: Value, arguments: Arguments) -> Result<String> {
    let [chars] = named(&arguments.into_values(), ["chars"])?;
    let text = str(state, &value)?;
    Ok(match text_of(&chars)? {
        Some(chars) => text.trim_matches(|c| chars.contains(c)).to_owned(),
        None => whitespace::strip(&text).to_owned(),
    })
}

fn replace(state: &S<'_, '_>, value: Value, arguments: Arguments) -> Result<String> {
    let [old, new, count] = named(&arguments.into_values(), ["old", "new", "count"])?;
    let (old, new) = (
        old.ok_or(ErrorKind::MissingArgument)?,
        new.ok_or(ErrorKind::MissingArgument)?,
    );
    let (text, old, new) = (str(state, &value)?, str(state, &old)?, str(state, &new)?);
    replaced(state, &text, &old, &new, count_of(&count)?)
}

fn center(state: &S<'_, '_>, value: Value, arguments: Arguments) -> Result<String> {
    let [width] = named(&arguments.into_values(), ["width"])?;
    let width = count_of(&width)?.unwrap_or(80);
    padded(state, &str(state, &value)?, "center", width, " ")
}

fn indent(state: &S<'_, '_>, value: Value, arguments: Arguments) -> Result<String> {
    let [width, first, blank] = named(&arguments.into_values(), ["width", "first", "blank"])?;
    let holds = |flag: Option<Value>| flag.is_some_and(|flag| flag.is_true());
    let (first, blank) = (holds(first), holds(blank));
    let (unit, times) = match width.as_ref().and_then(Value::as_str) {
        Some(text) => (text, 1),
        None => (
            " ",
            usize::try_from(count_of(&width)?.unwrap_or(4)).unwrap_or(0),
        ),
    };
    let text = str(state, &value)? + "\n";
    let mut out = BoundedText::new(state);
    for (index, line) in lines(&text, false).into_iter().enumerate() {
        if index > 0 {
            out.push("\n")?;
        }
        if (index == 0 && first) || (index > 0 && (blank || !line.is_empty())) {
            out.push_times(unit, times)?;
        }
        out.push(line)?;
    }
    Ok(out.finish())
}

fn join(state: &S<'_, '_>, value: Value, arguments: Arguments) -> Result<String> {
    let [between, attribute] = named(&arguments.into_values(), ["d", "attribute"])?;
    let between = between.map_or(Ok(String::new()), |between| str(state, &between))?;
    let mut out = BoundedText::new(state);
    for (index, item) in operators::items(&value)?.enumerate() {
        if index > 0 {
            out.push(&between)?;
        }
        out.push_str(&match &attribute {
            None => item,
            Some(attribute) => attribute_of(item, attribute)?,
        })?;
    }
    Ok(out.finish())
}

/// An attribute, or one of its own with points between.
fn attribute_of(mut value: Value, attribute: &Value) -> Result<Value> {
    let Some(path) = attribute.as_str() else {
        return value.get_item(attribute);
    };
    for name in path.split('.') {
        value = match name.parse::<usize>() {
            Ok(place) => value.get_item_by_index(place)?,
            Err(_) => value.get_attr(name)?,
        };
    }
    Ok(value)
}

fn sum(state: &S<'_, '_>, value: Value, arguments: Arguments) -> Result<Value> {
    let [attribute, start] = named(&arguments.into_values(), ["attribute", "start"])?;
    let mut items: Vec<Value> = operators::items(&value)?.collect();
    if let Some(attribute) = attribute.filter(|attribute| !attribute.is_none()) {
        let of = |item| attribute_of(item, &attribute);
        items = items.into_iter().map(of).collect::<Result<_>>()?;
    }
    operators::sum(
        state,
        items.into_iter(),
        start.unwrap_or_else(|| Value::from(0)),
    )
}

fn wordcount(state: &S<'_, '_>, value: Value) -> Result<usize> {
    let text = str(state, &value)?;
    let words = text.split(|c: char| !(c.is_alphanumeric() || c == '_'));
    Ok(words.filter(|word| !word.is_empty()).count())
}

fn truncate(state: &S<'_, '_>, value: Value, arguments: Arguments) -> Result<String> {
    let [length, killwords, end, leeway] = named(
        &arguments.into_values(),
        ["length", "killwords", "end", "leeway"],
    )?;
    let end = match &end {
        Some(_) => needed(&end)?,
        None => "...",
    };
    let length = usize::try_from(count_of(&length)?.unwrap_or(255)).unwrap_or(0);
    let leeway = usize::try_from(count_of(&leeway)?.unwrap_or(5)).unwrap_or(0);
    let text = str(state, &value)?;
    if text.chars().count() <= length.saturating_add(leeway) {
        return Ok(text);
    }
    let kept: String = text
        .chars()
        .take(length.saturating_sub(end.chars().count()))
        .collect();
    let whole = killwords.is_some_and(|killwords| killwords.is_true());
    let kept = match kept.rfind(' ') {
        Some(at) if !whole => &kept[..at],
        _ => &kept,
    };
    Ok(format!("{kept}{end}"))
}
