//! The methods of Python's texts, lists and mappings.

use std::sync::Arc;

use minijinja::value::{DynObject, Object, ObjectRepr, Tuple, Value, ValueKind};
use minijinja::{Environment, Error, ErrorKind, State};

use super::arguments::{Arguments, named, unknown};
use super::operators::{equal, look_through};
use super::text::invalid;
use super::text_methods::of_text;

type Result<T> = std::result::Result<T, Error>;

pub(super) fn add_to(environment: &mut Environment<'_>) {
    environment.add_filter(
        "__method",
        |state: &mut State<'_, '_>, value: Value, name: String, arguments: Arguments| {
            call(state, &value, &name, &arguments.into_values())
        },
    );
    environment.add_filter("__bound", |value: Value, name: String| {
        match is_mapping(&value) {
            true => Ok(Value::from_object(Bound { value, name })),
            false => value.get_attr(&name),
        }
    });
}

/// True for what is a dictionary to Python: namespaces and loops are none.
pub(super) fn is_mapping(value: &Value) -> bool {
    let named = |object: &DynObject| {
        let name = object.type_name();
        name.ends_with("Namespace") || name.ends_with("Loop")
    };
    value.kind() == ValueKind::Map && !value.as_object().is_some_and(named)
}

/// A method that is not called yet.
#[derive(Debug)]
struct Bound {
    value: Value,
    name: String,
}

impl Object for Bound {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn call(self: &Arc<Self>, state: &mut State<'_, '_>, arguments: &[Value]) -> Result<Value> {
        call(state, &self.value, &self.name, arguments)
    }
}

fn call(
    state: &mut State<'_, '_>,
    value: &Value,
    name: &str,
    arguments: &[Value],
) -> Result<Value> {
    if let Some(text) = value.as_str() {
        return of_text(state, text, name, arguments);
    }
    match value.kind() {
        ValueKind::Map if is_mapping(value) => match of_mapping(value, name, arguments)? {
            Some(result) => Ok(result),
            None => value.call_method(state, name, arguments),
        },
        ValueKind::Seq | ValueKind::Iterable => of_list(state, value, name, arguments),
        _ => {
            // `loop.changed` compares.
            for argument in arguments.iter().filter(|_| name == "changed") {
                look_through(state, argument, 0)?;
            }
            value.call_method(state, name, arguments)
        }
    }
}

/// A method of a dictionary, if it is one; those that change it are not for templates.
fn of_mapping(map: &Value, name: &str, arguments: &[Value]) -> Result<Option<Value>> {
    let keys = || Ok::<Vec<Value>, Error>(map.try_iter()?.collect());
    Ok(Some(match name {
        "get" => {
            let [key, default] = named(arguments, ["key", "default"])?;
            let key = key.ok_or(ErrorKind::MissingArgument)?;
            let value = map.as_object().and_then(|map| map.get_value(&key));
            value.or(default).unwrap_or_else(|| Value::from(()))
        }
        "keys" => Value::from(keys()?),
        "values" => keys()?
            .iter()
            .map(|key| map.get_item(key))
            .collect::<Result<Value>>()?,
        "items" => items(map)?,
        "copy" => map.clone(),
        "clear" | "pop" | "popitem" | "setdefault" | "update" => {
            return Err(invalid(format!(
                "`{name}` would change a mapping, which a template may not"
            )));
        }
        _ => return Ok(None),
    }))
}

/// A mapping's pairs.
pub(super) fn items(map: &Value) -> Result<Value> {
    let pair = |key: Value| {
        Ok(Value::from(Tuple::new(vec![
            key.clone(),
            map.get_item(&key)?,
        ])))
    };
    map.try_iter()?.map(pair).collect()
}

fn of_list(state: &State<'_, '_>, list: &Value, name: &str, arguments: &[Value]) -> Result<Value> {
    match name {
        "index" | "count" => {
            let [sought] = named(arguments, ["value"])?;
            let sought = sought.ok_or(ErrorKind::MissingArgument)?;
            let mut places = Vec::new();
            for (place, item) in list.try_iter()?.enumerate() {
                if equal(state, &item, &sought, 0)? {
                    places.push(place);
                }
            }
            match (name, places.first()) {
                ("count", _) => Ok(Value::from(places.len())),
                (_, Some(&place)) => Ok(Value::from(place)),
                (_, None) => Err(invalid("the item is not in the list")),
            }
        }
        "copy" => Ok(list.clone()),
        "append" | "clear" | "extend" | "insert" | "pop" | "remove" | "reverse" | "sort" => {
            Err(invalid(format!(
                "`{name}` would change a list, which a template may not"
            )))
        }
        _ => Err(unknown("a list", name)),
    }
}
