//! The methods of Python's texts.

use minijinja::value::{Tuple, Value};
use minijinja::{Error, ErrorKind, State};

use super::arguments::{count_of, named, needed, text_of, unknown};
use super::printf::str_format;
use super::text::{BoundedText, invalid, pay};
use crate::text::whitespace;

type Result<T> = std::result::Result<T, Error>;

pub(super) fn of_text(
    state: &State<'_, '_>,
    text: &str,
    name: &str,
    arguments: &[Value],
) -> Result<Value> {
    if let Some(value) = recased(text, name).or_else(|| classified(text, name)) {
        return Ok(value);
    }
    Ok(match name {
        "strip" | "lstrip" | "rstrip" => {
            let [chars] = named(arguments, ["chars"])?;
            let chars = text_of(&chars)?;
            let strips =
                |c: char| chars.map_or_else(|| whitespace::is_space(c), |chars| chars.contains(c));
            Value::from(match name {
                "strip" => text.trim_matches(strips),
                "lstrip" => text.trim_start_matches(strips),
                _ => text.trim_end_matches(strips),
            })
        }
        "removeprefix" | "removesuffix" => {
            let [part] = named(arguments, ["part"])?;
            let part = needed(&part)?;
            let left = match name {
                "removeprefix" => text.strip_prefix(part),
                _ => text.strip_suffix(part),
            };
            Value::from(left.unwrap_or(text))
        }
        "startswith" | "endswith" => {
            let [parts, start, end] = named(arguments, ["parts", "start", "end"])?;
            let text = part(text, &start, &end)?;
            let parts = parts.ok_or(ErrorKind::MissingArgument)?;
            let parts: Vec<Value> = match parts.is_tuple() {
                true => parts.try_iter()?.collect(),
                false => vec![parts],
            };
            let mut holds = false;
            for part in parts {
                let part = Some(part);
                let part = needed(&part)?;
                holds |= match name {
                    "startswith" => text.starts_with(part),
                    _ => text.ends_with(part),
                };
            }
            Value::from(holds)
        }
        "center" | "ljust" | "rjust" | "zfill" => {
            let [width, fill] = named(arguments, ["width", "fillchar"])?;
            let width = count_of(&width)?.ok_or(ErrorKind::MissingArgument)?;
            let fill = text_of(&fill)?.unwrap_or(if name == "zfill" { "0" } else { " " });
            Value::from(padded(state, text, name, width, fill)?)
        }
        "format" => Value::from(str_format(state, text, arguments)?),
        _ => return searched(state, text, name, arguments),
    })
}

/// Methods that look for parts.
fn searched(state: &State<'_, '_>, text: &str, name: &str, arguments: &[Value]) -> Result<Value> {
    let found = |at: Option<usize>| at.map_or(-1, |at| text[..at].chars().count() as i64);
    Ok(match name {
        "split" | "rsplit" => {
            let [separator, most] = named(arguments, ["sep", "maxsplit"])?;
            let most = count_of(&most)?.and_then(|most| usize::try_from(most).ok());
            split(text, name, text_of(&separator)?, most)?
        }
        "partition" | "rpartition" => {
            let [separator] = named(arguments, ["sep"])?;
            partition(text, name, needed(&separator)?)?
        }
        "splitlines" => {
            let [keep] = named(arguments, ["keepends"])?;
            let keep = keep.is_some_and(|keep| keep.is_true());
            lines(text, keep).into_iter().map(Value::from).collect()
        }
        "join" => {
            let [items] = named(arguments, ["items"])?;
            let mut out = BoundedText::new(state);
            for (index, item) in items
                .ok_or(ErrorKind::MissingArgument)?
                .try_iter()?
                .enumerate()
            {
                if index > 0 {
                    out.push(text)?;
                }
                let item = Some(item);
                out.push(needed(&item)?)?;
            }
            Value::from(out.finish())
        }
        "replace" => {
            let [old, new, count] = named(arguments, ["old", "new", "count"])?;
            Value::from(replaced(
                state,
                text,
                needed(&old)?,
                needed(&new)?,
                count_of(&count)?,
            )?)
        }
        "count" => {
            let [part, start, end] = named(arguments, ["part", "start", "end"])?;
            let (text, sought) = (self::part(text, &start, &end)?, needed(&part)?);
            Value::from(text.matches(sought).count())
        }
        "find" | "rfind" | "index" | "rindex" => {
            let [part] = named(arguments, ["part"])?;
            let at = found(match name.starts_with('r') {
                true => text.rfind(needed(&part)?),
                false => text.find(needed(&part)?),
            });
            if at < 0 && name.ends_with("index") {
                return Err(invalid("the part is not found"));
            }
            Value::from(at)
        }
        _ => return Err(unknown("a text", name)),
    })
}

fn recased(text: &str, name: &str) -> Option<Value> {
    Some(Value::from(match name {
        "upper" => text.to_uppercase(),
        "lower" | "casefold" => text.to_lowercase(),
        "title" => title(text),
        "capitalize" => capitalized(text),
        "swapcase" => text.chars().map(swapped).collect(),
        _ => return None,
    }))
}

fn classified(text: &str, name: &str) -> Option<Value> {
    let all = |holds: fn(char) -> bool| !text.is_empty() && text.chars().all(holds);
    Some(Value::from(match name {
        "islower" => cased(text, char::is_uppercase, char::is_lowercase),
        "isupper" => cased(text, char::is_lowercase, char::is_uppercase),
        "isspace" => all(whitespace::is_space),
        "isdigit" | "isdecimal" | "isnumeric" => all(char::is_numeric),
        "isalnum" => all(char::is_alphanumeric),
        "isalpha" => all(char::is_alphabetic),
        "isascii" => text.is_ascii(),
        _ => return None,
    }))
}

fn cased(text: &str, other: fn(char) -> bool, sought: fn(char) -> bool) -> bool {
    text.chars().any(sought) && !text.chars().any(other)
}

fn swapped(c: char) -> String {
    match c.is_uppercase() {
        true => c.to_lowercase().collect(),
        false => c.to_uppercase().collect(),
    }
}

/// Each run of letters with one large letter.
fn title(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut inside = false;
    for c in text.chars() {
        match inside {
            true => out.extend(c.to_lowercase()),
            false => out.extend(c.to_uppercase()),
        }
        inside = c.is_alphabetic();
    }
    out
}

pub(super) fn capitalized(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().into_iter().flat_map(char::to_uppercase);
    first.collect::<String>() + &chars.as_str().to_lowercase()
}

/// `text[start:end]` in characters.
fn part<'a>(text: &'a str, start: &Option<Value>, end: &Option<Value>) -> Result<&'a str> {
    let length = text.chars().count() as i64;
    let place = |bound: Option<i64>, absent: i64| {
        let bound = bound.unwrap_or(absent);
        let bound = if bound < 0 { bound + length } else { bound };
        let nth = usize::try_from(bound.clamp(0, length)).unwrap_or(0);
        text.char_indices()
            .nth(nth)
            .map_or(text.len(), |(at, _)| at)
    };
    let (start, end) = (place(count_of(start)?, 0), place(count_of(end)?, length));
    Ok(text.get(start..end).unwrap_or_default())
}

fn split(text: &str, name: &str, separator: Option<&str>, most: Option<usize>) -> Result<Value> {
    let most = most.unwrap_or(usize::MAX - 1);
    let parts: Vec<&str> = match (separator, name) {
        (Some(""), _) => return Err(invalid("a separator is empty")),
        (Some(separator), "split") => text.splitn(most + 1, separator).collect(),
        (Some(separator), _) => {
            let mut parts: Vec<&str> = text.rsplitn(most + 1, separator).collect();
            parts.reverse();
            parts
        }
        (None, name) => blank_split(text, name == "split", most),
    };
    Ok(parts.into_iter().map(Value::from).collect())
}

/// Parts between runs of blanks; a last one that is not split keeps its blanks.
fn blank_split(text: &str, forward: bool, most: usize) -> Vec<&str> {
    let trimmed = |text| match forward {
        true => str::trim_start_matches(text, whitespace::is_space),
        false => str::trim_end_matches(text, whitespace::is_space),
    };
    let mut parts = Vec::new();
    let mut rest: &str = trimmed(text);
    while !rest.is_empty() {
        let at = match forward {
            true => rest.find(whitespace::is_space),
            false => rest
                .char_indices()
                .rfind(|&(_, c)| whitespace::is_space(c))
                .map(|(at, c)| at + c.len_utf8()),
        };
        let Some(at) = at.filter(|_| parts.len() < most) else {
            parts.push(rest);
            break;
        };
        let (before, after) = rest.split_at(at);
        parts.push(if forward { before } else { after });
        rest = trimmed(if forward { after } else { before });
    }
    if !forward {
        parts.reverse();
    }
    parts
}

fn partition(text: &str, name: &str, separator: &str) -> Result<Value> {
    if separator.is_empty() {
        return Err(invalid("a separator is empty"));
    }
    let parts = match (
        name,
        text.split_once(separator),
        text.rsplit_once(separator),
    ) {
        ("partition", Some((before, after)), _) => [before, separator, after],
        ("partition", None, _) => [text, "", ""],
        (_, _, Some((before, after))) => [before, separator, after],
        _ => ["", "", text],
    };
    Ok(Value::from(Tuple::new(parts.map(Value::from).to_vec())))
}

/// Python's lines, which end in more ways than ours.
pub(super) fn lines(text: &str, keep: bool) -> Vec<&str> {
    let ends = |c: char| {
        matches!(
            c,
            '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{1c}'
                ..='\u{1e}' | '\u{85}' | '\u{2028}' | '\u{2029}'
        )
    };
    let mut lines = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(ends).unwrap_or(rest.len());
        let width = match rest[end..].starts_with("\r\n") {
            true => 2,
            false => rest[end..].chars().next().map_or(0, char::len_utf8),
        };
        lines.push(&rest[..if keep { end + width } else { end }]);
        rest = &rest[end + width..];
    }
    lines
}

pub(super) fn replaced(
    state: &State<'_, '_>,
    text: &str,
    old: &str,
    new: &str,
    count: Option<i64>,
) -> Result<String> {
    let most = count
        .and_then(|count| usize::try_from(count).ok())
        .unwrap_or(usize::MAX);
    let found = match old.is_empty() {
        true => text.chars().count() + 1,
        false => text.matches(old).count(),
    };
    pay(
        state,
        text.len()
            .saturating_add(found.min(most).saturating_mul(new.len())),
    )?;
    Ok(text.replacen(old, new, most))
}

pub(super) fn padded(
    state: &State<'_, '_>,
    text: &str,
    name: &str,
    width: i64,
    fill: &str,
) -> Result<String> {
    if fill.chars().count() != 1 {
        return Err(invalid("a text is filled with one character"));
    }
    let length = text.chars().count();
    let width = usize::try_from(width).unwrap_or(0);
    let missing = width.saturating_sub(length);
    let left = match name {
        "center" => missing / 2 + (missing & width & 1),
        "ljust" => 0,
        _ => missing,
    };
    let sign = match name == "zfill" && text.starts_with(['+', '-']) {
        true => 1,
        false => 0,
    };
    let mut out = BoundedText::new(state);
    out.push(&text[..sign])?;
    out.push_times(fill, left)?;
    out.push(&text[sign..])?;
    out.push_times(fill, missing - left)?;
    Ok(out.finish())
}
