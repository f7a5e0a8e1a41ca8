//! The members of a request, taken one by one: what is wrong is told by its name, and what nobody took was not known.

use axum::http::StatusCode;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::error::ApiError;

/// Members within members.
const DEEPEST: usize = 32;

/// What a request says and nobody has taken yet.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Fields {
    said: Map<String, Value>,
    /// What the members belong to, with a dot behind it; empty for the request itself.
    within: &'static str,
}

impl Fields {
    /// Reads the body of a request.
    pub(crate) fn parse(body: &[u8]) -> Result<Self, ApiError> {
        if depth(body) > DEEPEST {
            let message = format!("the body is nested deeper than {DEEPEST} levels");
            return Err(ApiError::new(
                StatusCode::BAD_REQUEST,
                "invalid_json",
                message,
            ));
        }
        // Some put a mark before UTF-8.
        let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
        let mut said: Map<String, Value> = serde_json::from_slice(body).map_err(|error| {
            let message = format!("the body is no object of JSON: {}", worded(&error));
            ApiError::new(StatusCode::BAD_REQUEST, "invalid_json", message)
        })?;
        said.values_mut().for_each(make_whole);
        Ok(Self { said, within: "" })
    }

    /// The members of a member.
    pub(crate) fn within(said: Map<String, Value>, within: &'static str) -> Self {
        Self { said, within }
    }

    /// Takes a member; null is as if it was not there.
    pub(crate) fn take<T: DeserializeOwned>(
        &mut self,
        name: &'static str,
    ) -> Result<Option<T>, ApiError> {
        match self.said.shift_remove(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => serde_json::from_value(value).map(Some).map_err(|error| {
                let name = self.name(name);
                let message = format!("`{name}`: {}", worded(&error));
                ApiError::invalid(name, message)
            }),
        }
    }

    /// Takes a member that has to be there.
    pub(crate) fn need<T: DeserializeOwned>(&mut self, name: &'static str) -> Result<T, ApiError> {
        let value = self.take(name)?;
        value.ok_or_else(|| {
            let name = self.name(name);
            let message = format!("`{name}` is missing");
            ApiError::invalid(name, message)
        })
    }

    /// Tests that one of two members is there, and one alone.
    pub(crate) fn need_one_of(&self, names: [&str; 2]) -> Result<(), ApiError> {
        let [first, second] = names;
        let message = match names.map(|it| self.has(it)) {
            [true, false] | [false, true] => return Ok(()),
            [false, false] => format!("`{first}` or `{second}` is missing"),
            [true, true] => format!("`{first}` and `{second}` are said; leave one of them out"),
        };
        Err(ApiError::invalid(self.name(second), message))
    }

    /// Takes a number of a range.
    pub(crate) fn number(
        &mut self,
        name: &'static str,
        range: std::ops::RangeInclusive<usize>,
    ) -> Result<Option<usize>, ApiError> {
        let number: Option<usize> = self.take(name)?;
        match number {
            Some(it) if !range.contains(&it) => {
                let name = self.name(name);
                let (least, most) = (range.start(), range.end());
                let message = match most {
                    &usize::MAX => format!("`{name}` is {it}; it must be {least} or more"),
                    most => format!("`{name}` is {it}; it must be {least} to {most}"),
                };
                Err(ApiError::invalid(name, message))
            }
            number => Ok(number),
        }
    }

    /// Takes a seed; negative ones are seeds too.
    pub(crate) fn seed(&mut self) -> Result<Option<u64>, ApiError> {
        Ok(self.take::<i128>("seed")?.map(|it| it as u64))
    }

    /// Moves a member into the object that another one is, where it may not be said too; null is as if it was not there.
    pub(crate) fn hand_down(&mut self, name: &str, into: &str) -> Result<(), ApiError> {
        let Some(value) = self.said.shift_remove(name).filter(|it| !it.is_null()) else {
            return Ok(());
        };
        let object = self.said.entry(into).or_insert(Value::Null);
        if object.is_null() {
            *object = Value::Object(Map::new());
        }
        // What is no object is refused where it is read.
        if let Value::Object(object) = object
            && let Some(said) = object.insert(name.to_owned(), value)
            && !said.is_null()
        {
            let (inner, outer) = (format!("{into}.{name}"), self.name(name));
            let message = format!("`{inner}` is said as `{outer}` too; leave one of them out");
            return Err(ApiError::invalid(inner, message));
        }
        Ok(())
    }

    /// Whether a member is there, and not null.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.said.get(name).is_some_and(|it| !it.is_null())
    }

    /// What nobody took.
    pub(crate) fn rest(self) -> Map<String, Value> {
        self.said
    }

    /// Refuses what nobody took.
    pub(crate) fn end(self) -> Result<(), ApiError> {
        match self.said.keys().next() {
            None => Ok(()),
            Some(unknown) => {
                let name = self.name(unknown);
                let message = format!("`{name}` is not known; leave it out");
                Err(ApiError::invalid(name, message))
            }
        }
    }

    /// A member's name with what it belongs to.
    pub(crate) fn name(&self, name: &str) -> String {
        format!("{}{name}", self.within)
    }
}

/// Numbers such as `8.0` are whole ones to JSON, which has one kind of number.
fn make_whole(value: &mut Value) {
    /// From here on not every whole number is one of floating point.
    const FIRST_GAP: f64 = (1_u64 << 53) as f64;
    match value {
        Value::Number(number) if number.is_f64() => {
            let whole = number.as_f64();
            let whole = whole.filter(|it| it.fract() == 0.0 && it.abs() < FIRST_GAP);
            if let Some(whole) = whole {
                *value = Value::from(whole as i64);
            }
        }
        Value::Array(list) => list.iter_mut().for_each(make_whole),
        Value::Object(members) => members.values_mut().for_each(make_whole),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => (),
    }
}

/// What does not fit, in words of JSON: whoever asks knows nothing of the types here.
pub(crate) fn worded(error: &serde_json::Error) -> String {
    let text = error.to_string();
    // What was found may be any text of the client's.
    let Some((found, wanted)) = text.rsplit_once(", expected ") else {
        return text;
    };
    let (_, found) = found.split_once(": ").unwrap_or(("", found));
    let found = match found {
        "sequence" => "a list",
        "map" => "an object",
        found => found,
    };
    let found = found.replace("floating point", "number");
    // Where it is, as far as that is known.
    let (wanted, place) = match wanted.split_once(" at line ") {
        Some((wanted, place)) => (wanted, format!(" at line {place}")),
        None => (wanted, String::new()),
    };
    let wanted = match wanted {
        "usize" | "u64" | "u32" => "a whole number, 0 or more",
        "i128" => "a whole number",
        "f64" | "f32" => "a number",
        "a sequence" => "a list",
        "a map" => "an object",
        "map with a single key" => "an object with one member",
        wanted if wanted.starts_with("struct ") => "an object",
        wanted => wanted,
    };
    format!("{found}, expected {wanted}{place}")
}

/// How deep arrays and objects stand within each other; of what is no JSON, about.
fn depth(body: &[u8]) -> usize {
    let (mut depth, mut deepest, mut is_text, mut is_escaped) = (0_usize, 0, false, false);
    for byte in body {
        match (is_text, byte) {
            (true, _) if is_escaped => is_escaped = false,
            (true, b'\\') => is_escaped = true,
            (_, b'"') => is_text = !is_text,
            (false, b'{' | b'[') => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            (false, b'}' | b']') => depth = depth.saturating_sub(1),
            _ => (),
        }
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_taken_and_told_by_name() {
        let body = br#"{"n": 9, "temperature": "hot", "stop": null, "other": 1}"#;
        let mut fields = Fields::parse(body).expect("it is an object");
        assert_eq!(fields.take::<String>("stop"), Ok(None));
        let error = fields.number("n", 1..=8).expect_err("9 are too many");
        assert_eq!(error.message, "`n` is 9; it must be 1 to 8");
        let error = fields.take::<f64>("temperature").expect_err("it is a text");
        assert_eq!(error.param.as_deref(), Some("temperature"));
        assert!(error.message.contains("string \"hot\""), "{error:?}");
        assert_eq!(fields.rest().keys().collect::<Vec<_>>(), ["other"]);
    }

    #[test]
    fn whole_numbers_may_have_a_point() {
        let body = br#"{"n": 8.0, "a": [{"b": 1e3}], "seed": -2.0, "half": 0.5, "large": 1e300}"#;
        let mut fields = Fields::parse(body).expect("it is an object");
        assert_eq!(fields.number("n", 1..=8), Ok(Some(8)));
        assert_eq!(fields.take::<i128>("seed"), Ok(Some(-2)));
        assert_eq!(
            Value::Object(fields.rest()).to_string(),
            r#"{"a":[{"b":1000}],"half":0.5,"large":1e+300}"#
        );
    }

    #[test]
    fn what_does_not_fit_is_said_without_types_of_ours() {
        let check = |body: &str, said: &str| {
            let mut fields = Fields::parse(body.as_bytes()).expect("it is an object");
            let error = fields.take::<Vec<u32>>("a").expect_err("it does not fit");
            assert_eq!(error.message, format!("`a`: {said}"));
        };
        check(r#"{"a": 1}"#, "integer `1`, expected a list");
        check(r#"{"a": {}}"#, "an object, expected a list");
        check(
            r#"{"a": [1.5]}"#,
            "number `1.5`, expected a whole number, 0 or more",
        );
        check(
            r#"{"a": [-1]}"#,
            "integer `-1`, expected a whole number, 0 or more",
        );
        check(
            r#"{"a": [[]]}"#,
            "a list, expected a whole number, 0 or more",
        );
        let error = Fields::parse(b"[]").expect_err("it is a list");
        let said = "the body is no object of JSON: a list, expected an object at line 1 column 0";
        assert_eq!(error.message, said);
    }

    #[test]
    fn what_is_nested_too_deep_is_refused_before_it_is_read() {
        let nested = |n| format!("{{\"a\":{}1{}}}", "[".repeat(n), "]".repeat(n));
        assert!(Fields::parse(nested(31).as_bytes()).is_ok());
        let error = Fields::parse(nested(32).as_bytes()).expect_err("it is deeper");
        assert!(error.message.contains("deeper than 32"), "{error:?}");
        assert!(Fields::parse(br#"{"a": "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\"[["}"#).is_ok());
    }

    #[test]
    fn what_is_no_object_is_refused() {
        for body in ["", "[]", "{", "null", "{\"a\": NaN}", "{\"a\": 1e999}"] {
            assert!(Fields::parse(body.as_bytes()).is_err(), "{body}");
        }
        assert!(Fields::parse(b"{\"a\": \"\xff\"}").is_err());
    }
}
