//! The keys of a `config.json`, read as Python reads them for a configuration class: a key that is not there has the class's
//! value, one that is null is none.

use serde_json::{Map, Value};

/// An object of keys. Errors name the key and what it says.
pub(crate) struct Keys(Map<String, Value>);

impl Keys {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        serde_json::from_str(text)
            .map(Self)
            .map_err(|error| error.to_string())
    }

    /// What is said, null included.
    pub(crate) fn said(&self, key: &str) -> Option<&Value> {
        self.0.get(key)
    }

    /// A count that has to be said.
    pub(crate) fn count(&self, key: &str) -> Result<usize, String> {
        match self.0.get(key) {
            Some(value) => count(key, value),
            None => Err(format!("{key} is missing")),
        }
    }

    /// A count that need not be said.
    pub(crate) fn some_count(&self, key: &str) -> Result<Option<usize>, String> {
        let said = self.0.get(key).filter(|value| !value.is_null());
        said.map(|value| count(key, value)).transpose()
    }

    /// Flags of a list of numbers, one where it is not 0.
    pub(crate) fn some_flags(&self, key: &str) -> Result<Option<Vec<bool>>, String> {
        let Some(value) = self.0.get(key).filter(|value| !value.is_null()) else {
            return Ok(None);
        };
        let list = value.as_array().into_iter().flatten();
        let flags = list.map(|it| it.as_u64().map(|number| number != 0));
        let flags = flags.collect::<Option<Vec<bool>>>();
        flags
            .filter(|_| value.is_array())
            .map(Some)
            .ok_or_else(|| wrong(key, value, "a list of whole numbers"))
    }

    /// A number above 0.
    pub(crate) fn number(&self, key: &str, default: f32) -> Result<f32, String> {
        let Some(value) = self.0.get(key) else {
            return Ok(default);
        };
        positive(key, value)
    }

    /// A number above 0 of key `inner` of the object `key`.
    pub(crate) fn inner_number(&self, key: &str, inner: &str) -> Result<Option<f32>, String> {
        let value = self.0.get(key).map(|object| &object[inner]);
        let value = value.filter(|value| !value.is_null());
        value.map(|value| positive(inner, value)).transpose()
    }

    pub(crate) fn flag(&self, key: &str, default: bool) -> Result<bool, String> {
        Ok(match self.0.get(key) {
            None => default,
            Some(_) => self.some_flag(key)?.unwrap_or(false),
        })
    }

    pub(crate) fn some_flag(&self, key: &str) -> Result<Option<bool>, String> {
        match self.0.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(*flag)),
            Some(value) => Err(wrong(key, value, "true or false")),
        }
    }

    pub(crate) fn word(&self, key: &str, default: &str) -> Result<String, String> {
        match self.0.get(key) {
            None => Ok(default.to_owned()),
            Some(Value::String(word)) => Ok(word.clone()),
            Some(value) => Err(wrong(key, value, "a word")),
        }
    }
}

fn positive(key: &str, value: &Value) -> Result<f32, String> {
    let number = value.as_f64().map(|number| number as f32);
    let number = number.filter(|number| number.is_finite() && *number > 0.0);
    number.ok_or_else(|| wrong(key, value, "a number above 0"))
}

fn count(key: &str, value: &Value) -> Result<usize, String> {
    let count = value.as_u64().and_then(|count| usize::try_from(count).ok());
    count.ok_or_else(|| wrong(key, value, "a whole number"))
}

fn wrong(key: &str, value: &Value, wanted: &str) -> String {
    format!("{key} is {}, not {wanted}", short(value))
}

/// A value as JSON, cut where it becomes long.
pub(crate) fn short(value: &Value) -> String {
    const MOST: usize = 60;
    let text = value.to_string();
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
