//! Jinja's operators as Python computes them; what they allocate is paid for first.

use std::cmp::Ordering;

use minijinja::value::{Kwargs, Rest, Tuple, Value, ValueKind};
use minijinja::{Environment, Error, State};

use super::arithmetic::{Number, arithmetic, named, unsupported};
use super::text::{BoundedText, DEPTH, invalid, pay, too_deep};

/// Bytes of a place in a list.
const SLOT_BYTES: usize = 32;

type Result<T> = std::result::Result<T, Error>;
type S<'a, 'b> = State<'a, 'b>;

pub(super) fn add_to(environment: &mut Environment<'_>) {
    environment.add_filter("__add", add);
    environment.add_filter("__sub", |a: Value, b: Value| arithmetic("-", &a, &b));
    environment.add_filter("__mul", mul);
    environment.add_filter("__div", |a: Value, b: Value| arithmetic("/", &a, &b));
    environment.add_filter("__floordiv", |a: Value, b: Value| arithmetic("//", &a, &b));
    environment.add_filter("__mod", modulo);
    environment.add_filter("__pow", |a: Value, b: Value| arithmetic("**", &a, &b));
    environment.add_filter("__neg", |a: Value| arithmetic("-", &Value::from(0), &a));
    environment.add_filter("__pos", |a: Value| arithmetic("+", &Value::from(0), &a));
    environment.add_filter("__concat", concat);
    environment.add_filter("__compare", compare);
    environment.add_filter("__slice", slice);
    environment.add_filter("__item", item);
    environment.add_filter("__key", key);
    environment.add_filter("__items", |value: Value| {
        items(&value).map(drop).map(|()| value)
    });
}

fn is_list(value: &Value) -> bool {
    matches!(value.kind(), ValueKind::Seq | ValueKind::Iterable)
}

/// A list or tuple of as many items.
fn like(value: &Value, items: Vec<Value>) -> Value {
    match value.is_tuple() {
        true => Value::from(Tuple::new(items)),
        false => Value::from(items),
    }
}

fn add(state: &S<'_, '_>, a: Value, b: Value) -> Result<Value> {
    if let (Some(left), Some(right)) = (a.as_str(), b.as_str()) {
        pay(state, left.len() + right.len())?;
        return Ok(Value::from([left, right].concat()));
    }
    if is_list(&a) && is_list(&b) && a.is_tuple() == b.is_tuple() {
        let count = a.len().unwrap_or(0) + b.len().unwrap_or(0);
        pay(state, count * SLOT_BYTES)?;
        return Ok(like(&a, a.try_iter()?.chain(b.try_iter()?).collect()));
    }
    arithmetic("+", &a, &b)
}

fn mul(state: &S<'_, '_>, a: Value, b: Value) -> Result<Value> {
    let (repeated, times) = match a.as_str().is_some() || is_list(&a) {
        true => (&a, &b),
        false => (&b, &a),
    };
    if !(repeated.as_str().is_some() || is_list(repeated)) {
        return arithmetic("*", &a, &b);
    }
    let Some(Number::Integer(times)) = Number::of(times) else {
        return Err(unsupported("*", &a, &b));
    };
    let times = usize::try_from(times.max(0)).unwrap_or(usize::MAX);
    if let Some(text) = repeated.as_str() {
        let mut out = BoundedText::new(state);
        out.push_times(text, times)?;
        return Ok(Value::from(out.finish()));
    }
    let items: Vec<Value> = repeated.try_iter()?.collect();
    pay(
        state,
        items.len().saturating_mul(times).saturating_mul(SLOT_BYTES),
    )?;
    let times = if items.is_empty() { 0 } else { times };
    let repeated_items = std::iter::repeat_n(items, times).flatten();
    Ok(like(repeated, repeated_items.collect()))
}

fn modulo(state: &S<'_, '_>, a: Value, b: Value) -> Result<Value> {
    let Some(format) = a.as_str() else {
        return arithmetic("%", &a, &b);
    };
    let arguments = match b.is_tuple() {
        true => b.try_iter()?.collect(),
        false => vec![b],
    };
    super::printf::printf(state, format, &arguments).map(Value::from)
}

fn concat(state: &S<'_, '_>, a: Value, b: Value) -> Result<Value> {
    let mut out = BoundedText::new(state);
    out.push_str(&a)?;
    out.push_str(&b)?;
    Ok(Value::from(out.finish()))
}

/// `a < b == c …`: the operators' names and operands in turn.
fn compare(state: &S<'_, '_>, first: Value, rest: Rest<Value>) -> Result<bool> {
    let mut left = &first;
    for pair in rest.chunks_exact(2) {
        let (sign, right) = (pair[0].as_str().unwrap_or_default(), &pair[1]);
        if !holds(state, sign, left, right)? {
            return Ok(false);
        }
        left = right;
    }
    Ok(true)
}

/// A comparison by its operator.
pub(super) fn holds(state: &S<'_, '_>, sign: &str, a: &Value, b: &Value) -> Result<bool> {
    Ok(match sign {
        "==" => equal(state, a, b, 0)?,
        "!=" => !equal(state, a, b, 0)?,
        "in" => contains(state, b, a)?,
        "not in" => !contains(state, b, a)?,
        _ => match (order(state, a, b, 0)?, sign) {
            (Some(order), "<") => order.is_lt(),
            (Some(order), "<=") => order.is_le(),
            (Some(order), ">") => order.is_gt(),
            (Some(order), _) => order.is_ge(),
            (None, _) => false,
        },
    })
}

/// The sum as `+` makes it.
pub(super) fn sum(
    state: &S<'_, '_>,
    items: impl Iterator<Item = Value>,
    start: Value,
) -> Result<Value> {
    let mut sum = start;
    for item in items {
        state.consume_fuel(1)?;
        sum = add(state, sum, item)?;
    }
    Ok(sum)
}

pub(super) fn equal(state: &S<'_, '_>, a: &Value, b: &Value, depth: usize) -> Result<bool> {
    if let (Some(left), Some(right)) = (a.as_str(), b.as_str()) {
        return Ok(left == right);
    }
    if let (Some(left), Some(right)) = (Number::of(a), Number::of(b)) {
        return Ok(match (left, right) {
            (Number::Integer(left), Number::Integer(right)) => left == right,
            _ => left.float() == right.float(),
        });
    }
    state.consume_fuel(1)?;
    if depth > DEPTH {
        return Err(too_deep());
    }
    if is_list(a) && is_list(b) {
        if a.is_tuple() != b.is_tuple() || a.len() != b.len() {
            return Ok(false);
        }
        for (left, right) in a.try_iter()?.zip(b.try_iter()?) {
            if !equal(state, &left, &right, depth + 1)? {
                return Ok(false);
            }
        }
        return Ok(true);
    }
    if a.kind() == ValueKind::Map && b.kind() == ValueKind::Map {
        if a.len() != b.len() {
            return Ok(false);
        }
        for key in a.try_iter()? {
            let (left, right) = (a.get_item(&key)?, b.get_item(&key)?);
            if !equal(state, &left, &right, depth + 1)? {
                return Ok(false);
            }
        }
        return Ok(true);
    }
    Ok(a.kind() == b.kind() && a == b)
}

pub(super) fn order(
    state: &S<'_, '_>,
    a: &Value,
    b: &Value,
    depth: usize,
) -> Result<Option<Ordering>> {
    if let (Some(left), Some(right)) = (a.as_str(), b.as_str()) {
        return Ok(Some(left.cmp(right)));
    }
    if let (Some(left), Some(right)) = (Number::of(a), Number::of(b)) {
        return Ok(match (left, right) {
            (Number::Integer(left), Number::Integer(right)) => Some(left.cmp(&right)),
            _ => left.float().partial_cmp(&right.float()),
        });
    }
    if !(is_list(a) && is_list(b) && a.is_tuple() == b.is_tuple()) {
        return Err(unsupported("<", a, b));
    }
    if depth > DEPTH {
        return Err(too_deep());
    }
    for (left, right) in a.try_iter()?.zip(b.try_iter()?) {
        state.consume_fuel(1)?;
        if !equal(state, &left, &right, depth + 1)? {
            return order(state, &left, &right, depth + 1);
        }
    }
    Ok(Some(a.len().cmp(&b.len())))
}

pub(super) fn contains(state: &S<'_, '_>, container: &Value, value: &Value) -> Result<bool> {
    if let Some(text) = container.as_str() {
        pay(state, text.len())?;
        let part = value
            .as_str()
            .ok_or_else(|| unsupported("in", value, container))?;
        return Ok(text.contains(part));
    }
    match container.kind() {
        ValueKind::Undefined => Ok(false),
        ValueKind::Map => has_key(state, container, value.clone()),
        ValueKind::Seq | ValueKind::Iterable => {
            for item in container.try_iter()? {
                state.consume_fuel(1)?;
                if equal(state, &item, value, 0)? {
                    return Ok(true);
                }
            }
            Ok(false)
        }
        _ => Err(unsupported("in", value, container)),
    }
}

fn has_key(state: &S<'_, '_>, map: &Value, key: Value) -> Result<bool> {
    let key = self::key(state, key)?;
    Ok(map
        .as_object()
        .is_some_and(|map| map.get_value(&key).is_some()))
}

/// What may be a key: to look for one is to look through it.
fn key(state: &S<'_, '_>, key: Value) -> Result<Value> {
    match key.kind() {
        ValueKind::Seq if key.is_tuple() => {
            look_through(state, &key, 0)?;
            for item in key.try_iter()? {
                self::key(state, item)?;
            }
            Ok(key)
        }
        ValueKind::Seq | ValueKind::Iterable | ValueKind::Map => {
            Err(invalid(format!("{} is no key", named(&key))))
        }
        _ => Ok(key),
    }
}

/// What Python iterates over; nothing of what is undefined.
pub(super) fn items(value: &Value) -> Result<minijinja::value::ValueIter> {
    match value.kind() {
        ValueKind::None => Err(invalid("none is not iterable")),
        _ => value.try_iter(),
    }
}

fn item(state: &S<'_, '_>, value: Value, index: Value) -> Result<Value> {
    let index = key(state, index)?;
    if value.is_undefined() {
        return value.get_item(&index);
    }
    let place = match Number::of(&index) {
        Some(Number::Integer(place)) if value.kind() != ValueKind::Map => place,
        _ => return Ok(value.get_item(&index).unwrap_or_default()),
    };
    let length = match value.as_str() {
        Some(text) => text.chars().count(),
        None => value.len().unwrap_or(0),
    };
    let place = if place < 0 {
        place + length as i128
    } else {
        place
    };
    let Some(place) = usize::try_from(place).ok().filter(|&place| place < length) else {
        return Ok(Value::UNDEFINED);
    };
    match value.as_str() {
        Some(text) => Ok(text
            .chars()
            .nth(place)
            .map_or(Value::UNDEFINED, Value::from)),
        None => value.get_item_by_index(place),
    }
}

fn slice(state: &S<'_, '_>, value: Value, start: Value, stop: Value, step: Value) -> Result<Value> {
    let bound = |bound: &Value| match (bound.is_none(), Number::of(bound)) {
        (true, _) => Ok(None),
        (false, Some(Number::Integer(bound))) => Ok(Some(bound)),
        _ => Err(invalid("a slice has whole numbers")),
    };
    let step = bound(&step)?.unwrap_or(1);
    if step == 0 {
        return Err(invalid("a slice has no step of 0"));
    }
    if !(value.as_str().is_some() || is_list(&value)) {
        return match value.is_undefined() {
            true => value.get_item(&start),
            false => Err(invalid(format!("{} has no slices", named(&value)))),
        };
    }
    let items: Vec<Value> = value.try_iter()?.collect();
    pay(state, items.len() * SLOT_BYTES)?;
    let length = items.len() as i128;
    let (least, most) = if step > 0 {
        (0, length)
    } else {
        (-1, length - 1)
    };
    let place = |bound: Option<i128>, absent: i128| match bound {
        None => absent,
        Some(bound) if bound < 0 => (bound + length).clamp(least, most),
        Some(bound) => bound.clamp(least, most),
    };
    let (first, end) = if step > 0 {
        (0, length)
    } else {
        (length - 1, -1)
    };
    let mut at = place(bound(&start)?, first);
    let stop = place(bound(&stop)?, end);
    let mut taken = Vec::new();
    while if step > 0 { at < stop } else { at > stop } {
        taken.extend(
            usize::try_from(at)
                .ok()
                .and_then(|at| items.get(at))
                .cloned(),
        );
        at = at.saturating_add(step);
    }
    match value.as_str() {
        Some(_) => Ok(Value::from(
            taken.iter().filter_map(Value::as_str).collect::<String>(),
        )),
        None => Ok(like(&value, taken)),
    }
}

/// Fails for what the fuel does not suffice to look through: few bytes can stand for very many items.
pub(super) fn look_through(state: &S<'_, '_>, value: &Value, depth: usize) -> Result<()> {
    state.consume_fuel(1)?;
    if depth > DEPTH {
        return Err(too_deep());
    }
    match value.kind() {
        ValueKind::Seq | ValueKind::Iterable => {
            for item in value.try_iter()? {
                look_through(state, &item, depth + 1)?;
            }
        }
        ValueKind::Map if !value.is_kwargs() => {
            for key in value.try_iter()? {
                look_through(state, &value.get_item(&key)?, depth + 1)?;
            }
        }
        ValueKind::Map => {
            let options = Kwargs::try_from(value.clone())?;
            for name in options.args() {
                look_through(state, &options.peek::<Value>(name)?, depth + 1)?;
            }
        }
        _ => (),
    }
    Ok(())
}
