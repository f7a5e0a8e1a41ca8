//! Jinja's tests (`is …`) and globals as Python computes them.

use minijinja::value::{Rest, Value, ValueKind};
use minijinja::{Environment, Error, State};
use minijinja_contrib::globals::{cycler, joiner};

use super::methods::is_mapping;
use super::operators::{holds, items};
use super::text::{invalid, pay, str};

type S<'a, 'b> = State<'a, 'b>;

pub(super) fn add_to(environment: &mut Environment<'_>) {
    let signs = [
        ("==", ["eq", "equalto", "=="]),
        ("!=", ["ne", "!=", "__ne"]),
        ("<", ["lt", "lessthan", "<"]),
        ("<=", ["le", "<=", "__le"]),
        (">", ["gt", "greaterthan", ">"]),
        (">=", ["ge", ">=", "__ge"]),
        ("in", ["in", "__in", "__contained"]),
    ];
    for (sign, names) in signs {
        for name in names {
            environment.add_test(name, move |state: &S<'_, '_>, a: Value, b: Value| {
                holds(state, sign, &a, &b)
            });
        }
    }
    for unknown in ["startingwith", "endingwith", "safe", "int"] {
        environment.remove_test(unknown);
    }
    environment.add_test("sequence", |value: Value| match value.kind() {
        ValueKind::Undefined | ValueKind::String | ValueKind::Seq => true,
        ValueKind::Map => is_mapping(&value),
        _ => false,
    });
    environment.add_test("iterable", |value: Value| items(&value).is_ok());
    environment.add_test("mapping", |value: Value| is_mapping(&value));
    environment.add_test("callable", |value: Value| value.kind() == ValueKind::Plain);
    environment.add_test("lower", |state: &S<'_, '_>, value: Value| {
        let text = str(state, &value)?;
        Ok::<_, Error>(
            text.chars().any(char::is_lowercase) && !text.chars().any(char::is_uppercase),
        )
    });
    environment.add_test("upper", |state: &S<'_, '_>, value: Value| {
        let text = str(state, &value)?;
        Ok::<_, Error>(
            text.chars().any(char::is_uppercase) && !text.chars().any(char::is_lowercase),
        )
    });
    environment.remove_global("debug");
    environment.add_function("range", range);
    environment.add_function("cycler", |items: Rest<Value>| cycler(items.to_vec()));
    environment.add_function("joiner", |between: Option<Value>| {
        joiner(Some(between.unwrap_or_else(|| Value::from(", "))))
    });
}

/// Jinja's sandbox has no longer ones.
const LONGEST_RANGE: i128 = 100_000;

fn range(
    state: &S<'_, '_>,
    first: i64,
    second: Option<i64>,
    step: Option<i64>,
) -> Result<Value, Error> {
    let (start, stop) = match second {
        Some(stop) => (first, stop),
        None => (0, first),
    };
    let (start, stop, step) = (
        i128::from(start),
        i128::from(stop),
        i128::from(step.unwrap_or(1)),
    );
    if step == 0 {
        return Err(invalid("a range has no step of 0"));
    }
    let length = ((stop - start + step - step.signum()) / step).max(0);
    if length > LONGEST_RANGE {
        return Err(invalid(format!(
            "a range has more than {LONGEST_RANGE} numbers"
        )));
    }
    pay(state, usize::try_from(length).unwrap_or(0) * 32)?;
    Ok((0..length)
        .map(|place| Value::from(start + place * step))
        .collect())
}
