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
        let said = serde_json::from_slice(body).map_err(|error| {
            let message = format!("the body is no object of JSON: {error}");
            ApiError::new(StatusCode::BAD_REQUEST, "invalid_json", message)
        })?;
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
                let message = format!("`{name}`: {error}");
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
        assert!(error.message.contains("invalid type: string"), "{error:?}");
        assert_eq!(fields.rest().keys().collect::<Vec<_>>(), ["other"]);
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
