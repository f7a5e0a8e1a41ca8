//! What filters and methods are given, by place or by name.

use minijinja::value::{Kwargs, Rest, Value, ValueOrKwargs};
use minijinja::{Error, ErrorKind};

use super::text::invalid;

type Result<T> = std::result::Result<T, Error>;

/// By place and by name.
pub(super) type Arguments = Rest<ValueOrKwargs>;

/// The arguments by their names in order, each by its place or its name.
pub(super) fn named<const N: usize>(
    arguments: &[Value],
    names: [&str; N],
) -> Result<[Option<Value>; N]> {
    let (places, options) = match arguments.split_last() {
        Some((last, places)) if last.is_kwargs() => (places, Kwargs::try_from(last.clone())?),
        _ => (arguments, Kwargs::from_iter(Vec::<(String, Value)>::new())),
    };
    if places.len() > N {
        return Err(ErrorKind::TooManyArguments.into());
    }
    let mut found = [const { None }; N];
    for (place, name) in names.into_iter().enumerate() {
        found[place] = match places.get(place) {
            Some(value) => Some(value.clone()),
            None => options.get::<Option<Value>>(name)?,
        };
    }
    options.assert_all_used()?;
    Ok(found)
}

/// An argument that is a text, or absent.
pub(super) fn text_of(argument: &Option<Value>) -> Result<Option<&str>> {
    match argument {
        None => Ok(None),
        Some(value) if value.is_none() => Ok(None),
        Some(value) => match value.as_str() {
            Some(text) => Ok(Some(text)),
            None => Err(invalid("an argument should be a text")),
        },
    }
}

pub(super) fn needed(argument: &Option<Value>) -> Result<&str> {
    text_of(argument)?.ok_or_else(|| ErrorKind::MissingArgument.into())
}

pub(super) fn count_of(argument: &Option<Value>) -> Result<Option<i64>> {
    match argument {
        None => Ok(None),
        Some(value) if value.is_none() => Ok(None),
        Some(value) => Ok(Some(i64::try_from(value.clone())?)),
    }
}

pub(super) fn unknown(kind: &str, name: &str) -> Error {
    invalid(format!("{kind} has no method `{name}`"))
}
