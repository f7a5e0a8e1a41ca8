use std::collections::BTreeMap;
use std::fmt;

use serde::de::{self, Deserialize, DeserializeSeed as _, Deserializer, MapAccess, Visitor};
use serde::ser::{Serialize, Serializer};

use serde_json::{Map, Value};

use super::{Definition, Setting, SettingValue, TABLE};
use crate::Params;

/// What one layer (file, environment, flags, checkpoint, record) says about denoising; what it does not say is left to the
/// layer below. Its values are of the domains of their settings.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct GenerationPatch {
    values: BTreeMap<Setting, SettingValue>,
}

impl GenerationPatch {
    /// Everything that can be said.
    #[must_use]
    pub fn of(params: &Params, length: usize) -> Self {
        let value = |it: &Definition| (it.setting, (it.get)(params, length));
        TABLE.iter().map(value).collect()
    }

    /// What is said in a record of another version, perhaps: a key or a value that this one does not know is left out.
    #[must_use]
    pub fn known(said: Map<String, Value>) -> Self {
        let known = |(key, value): (String, Value)| {
            let setting = Setting::of_key(&key)?;
            let domain = setting.definition().domain;
            let value = domain.deserialize(value).ok()?;
            domain.check(value).is_ok().then_some((setting, value))
        };
        said.into_iter().filter_map(known).collect()
    }

    /// What is said of a setting.
    #[must_use]
    pub fn get(&self, setting: Setting) -> Option<SettingValue> {
        self.values.get(&setting).copied()
    }

    /// Says nothing of a setting.
    #[must_use]
    pub fn without(mut self, setting: Setting) -> Self {
        self.values.remove(&setting);
        self
    }

    /// What is said, in the order of the table.
    pub fn iter(&self) -> impl Iterator<Item = (Setting, SettingValue)> {
        self.values
            .iter()
            .map(|(&setting, &value)| (setting, value))
    }

    /// Tests the ranges.
    ///
    /// # Errors
    /// The key, and its range.
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        for (setting, value) in self.iter() {
            let row = setting.definition();
            row.domain.check(value).map_err(|why| (row.key, why))?;
            let is_used = |it: &Definition| self.get(it.setting).is_some_and(|at| it.is_used(at));
            // The later of two is told of both.
            let mut others = row.others().filter(|other| other.setting < setting);
            if let Some(other) = others.find(|other| is_used(row) && is_used(other)) {
                let why = format!(
                    "{} and {} are two ways to do the same; remove one",
                    other.key, row.key
                );
                return Err((row.key, why));
            }
        }
        Ok(())
    }

    /// Writes what is said over settings and the length of an answer.
    pub fn apply(&self, params: &mut Params, length: &mut usize) {
        for (setting, value) in self.iter() {
            (setting.definition().set)(params, length, value);
        }
    }
}

/// Every setting by its key; what is off is null.
#[must_use]
pub fn object(params: &Params, length: usize) -> Map<String, Value> {
    let value = |it: &Definition| serde_json::to_value((it.get)(params, length));
    let value = |it| value(it).expect("values are numbers, words and truths");
    TABLE
        .iter()
        .map(|it| (it.key.to_owned(), value(it)))
        .collect()
}

impl FromIterator<(Setting, SettingValue)> for GenerationPatch {
    fn from_iter<I: IntoIterator<Item = (Setting, SettingValue)>>(values: I) -> Self {
        Self {
            values: values.into_iter().collect(),
        }
    }
}

impl<const N: usize> From<[(Setting, SettingValue); N]> for GenerationPatch {
    fn from(values: [(Setting, SettingValue); N]) -> Self {
        values.into_iter().collect()
    }
}

/// A map of keys; what is off is left out.
impl Serialize for GenerationPatch {
    fn serialize<S: Serializer>(&self, output: S) -> Result<S::Ok, S::Error> {
        let used = self.iter().filter(|(_, value)| *value != SettingValue::Off);
        output.collect_map(used.map(|(setting, value)| (setting.definition().key, value)))
    }
}

/// From a map of keys; unknown ones are refused, ranges are tested by [`GenerationPatch::check`].
impl<'de> Deserialize<'de> for GenerationPatch {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        input.deserialize_map(Keys)
    }
}

/// From its key. The error is raised while the key is read, so that it points there.
impl<'de> Deserialize<'de> for Setting {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        let key = String::deserialize(input)?;
        Self::of_key(&key).ok_or_else(|| de::Error::unknown_field(&key, &KEYS))
    }
}

struct Keys;

impl<'de> Visitor<'de> for Keys {
    type Value = GenerationPatch;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "a table")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<GenerationPatch, M::Error> {
        let mut values = BTreeMap::new();
        while let Some(setting) = map.next_key::<Setting>()? {
            values.insert(setting, map.next_value_seed(setting.definition().domain)?);
        }
        Ok(GenerationPatch { values })
    }
}

/// The keys of the table.
const KEYS: [&str; TABLE.len()] = {
    let mut keys = [""; TABLE.len()];
    let mut at = 0;
    while at < TABLE.len() {
        keys[at] = TABLE[at].key;
        at += 1;
    }
    keys
};
