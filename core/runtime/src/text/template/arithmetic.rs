//! Python's arithmetic, as far as 128 bits reach.

use minijinja::Error;
use minijinja::value::{Value, ValueKind};

use super::text::invalid;

type Result<T> = std::result::Result<T, Error>;

/// A number as Python's arithmetic takes it.
#[derive(Clone, Copy)]
pub(super) enum Number {
    Integer(i128),
    Float(f64),
}

impl Number {
    pub(super) fn of(value: &Value) -> Option<Self> {
        match value.kind() {
            ValueKind::Bool => Some(Self::Integer(i128::from(value.is_true()))),
            ValueKind::Number if value.is_integer() => {
                i128::try_from(value.clone()).ok().map(Self::Integer)
            }
            ValueKind::Number => f64::try_from(value.clone()).ok().map(Self::Float),
            _ => None,
        }
    }

    pub(super) fn float(self) -> f64 {
        match self {
            // As Python rounds it.
            Self::Integer(value) => value as f64,
            Self::Float(value) => value,
        }
    }
}

pub(super) fn arithmetic(sign: &str, a: &Value, b: &Value) -> Result<Value> {
    let (Some(left), Some(right)) = (Number::of(a), Number::of(b)) else {
        return Err(unsupported(sign, a, b));
    };
    let large = || invalid(format!("the result of `{sign}` is too large"));
    let zero = || invalid("division by zero");
    if let (Number::Integer(left), Number::Integer(right)) = (left, right) {
        let result = match sign {
            "+" => left.checked_add(right),
            "-" => left.checked_sub(right),
            "*" => left.checked_mul(right),
            "//" | "%" if right == 0 => return Err(zero()),
            "//" => left.checked_div(right).map(|quotient| {
                quotient - i128::from(left % right != 0 && (left < 0) != (right < 0))
            }),
            "%" => {
                left.checked_rem(right)
                    .map(|rest| match rest != 0 && (rest < 0) != (right < 0) {
                        true => rest + right,
                        false => rest,
                    })
            }
            "**" if right >= 0 => u32::try_from(right)
                .ok()
                .and_then(|by| left.checked_pow(by)),
            _ => return float_arithmetic(sign, left as f64, right as f64),
        };
        return result.map(integer).ok_or_else(large);
    }
    float_arithmetic(sign, left.float(), right.float())
}

fn float_arithmetic(sign: &str, left: f64, right: f64) -> Result<Value> {
    if right == 0.0 && matches!(sign, "/" | "//" | "%")
        || left == 0.0 && right < 0.0 && sign == "**"
    {
        return Err(invalid("division by zero"));
    }
    let rest = || {
        let rest = left % right;
        match rest != 0.0 && (rest < 0.0) != (right < 0.0) {
            true => rest + right,
            false if rest == 0.0 => 0.0_f64.copysign(right),
            false => rest,
        }
    };
    Ok(Value::from(match sign {
        "+" => left + right,
        // Python's `-x` keeps the sign of zero.
        "-" if left == 0.0 => -right,
        "-" => left - right,
        "*" => left * right,
        "/" => left / right,
        "//" => ((left - rest()) / right).round(),
        "%" => rest(),
        _ => left.powf(right),
    }))
}

fn integer(value: i128) -> Value {
    i64::try_from(value).map_or_else(|_| Value::from(value), Value::from)
}

pub(super) fn unsupported(sign: &str, a: &Value, b: &Value) -> Error {
    invalid(format!("`{sign}` is not for {} and {}", named(a), named(b)))
}

/// A value's type.
pub(super) fn named(value: &Value) -> &'static str {
    match value.kind() {
        ValueKind::Undefined => "what is undefined",
        ValueKind::None => "none",
        ValueKind::Bool => "true or false",
        ValueKind::Number => "a number",
        ValueKind::String => "a text",
        ValueKind::Seq | ValueKind::Iterable => "a list",
        ValueKind::Map => "a mapping",
        _ => "an object",
    }
}
