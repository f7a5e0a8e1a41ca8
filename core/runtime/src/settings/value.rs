use serde::de::{DeserializeSeed, Deserializer, Error};
use serde::{Deserialize, Serialize};

use super::{Counted, Domain, Word};

/// A value of a setting. Its kind is that of the setting's [`Domain`].
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(untagged)]
pub enum SettingValue {
    /// A number of positions or steps.
    Count(usize),
    /// A number.
    Number(f64),
    /// On or off.
    Switch(bool),
    /// One of the words of a choice.
    Choice(&'static str),
    /// A seed.
    Seed(u64),
    /// An optional number is not used.
    Off,
}

const OFF: &str = "off";

/// An answer's length that it finds itself.
pub(super) const AUTO: &str = "auto";

impl Domain {
    /// Reads a value as people write it; its range is tested by [`check`](Self::check).
    ///
    /// # Errors
    /// What it may be.
    pub fn parse(self, text: &str) -> Result<SettingValue, String> {
        let text = text.trim();
        let value = match self {
            Self::Count(Counted::Answer) if text == AUTO => Some(SettingValue::Choice(AUTO)),
            Self::Count(_) => text.parse().ok().map(SettingValue::Count),
            Self::Optional(_) if text == OFF => Some(SettingValue::Off),
            Self::Number(_) | Self::Optional(_) => text.parse().ok().map(SettingValue::Number),
            Self::Switch => switch(text).map(SettingValue::Switch),
            Self::Choice(words) => find(words, &text.replace('-', "_")).map(SettingValue::Choice),
            Self::Seed => text.parse().ok().map(SettingValue::Seed),
        };
        value.ok_or_else(|| self.allowed())
    }

    /// What may be written.
    #[must_use]
    pub fn allowed(self) -> String {
        match self {
            Self::Count(Counted::Answer) => "a whole number, 1 or more, or auto".to_owned(),
            Self::Count(_) => "a whole number, 1 or more".to_owned(),
            Self::Number(_) => "a number, such as 0.7".to_owned(),
            Self::Optional(_) => "a number, such as 0.7, or off".to_owned(),
            Self::Switch => "true or false".to_owned(),
            Self::Choice(words) => listed(words.iter().map(|it| it.word)),
            Self::Seed => "a whole number, 0 or more".to_owned(),
        }
    }

    /// Tests a value of the right kind.
    ///
    /// # Errors
    /// What is wrong, and the range.
    pub fn check(self, value: SettingValue) -> Result<(), String> {
        match (self, value) {
            (Self::Count(_), SettingValue::Count(0)) => {
                Err("0 is too small; it must be 1 or more".to_owned())
            }
            (Self::Number(bounds) | Self::Optional(bounds), SettingValue::Number(number))
                if !bounds.contain(number) =>
            {
                let range = bounds.range;
                Err(format!("{number} is out of range; it must be {range}"))
            }
            _ => Ok(()),
        }
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum CountOrWord {
    Count(usize),
    Word(String),
}

/// Reads a value out of a file; its range is tested by [`Domain::check`].
impl<'de> DeserializeSeed<'de> for Domain {
    type Value = SettingValue;

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<SettingValue, D::Error> {
        Ok(match self {
            Self::Count(Counted::Answer) => match CountOrWord::deserialize(input)? {
                CountOrWord::Count(count) => SettingValue::Count(count),
                CountOrWord::Word(word) if word == AUTO => SettingValue::Choice(AUTO),
                CountOrWord::Word(word) => {
                    let allowed = self.allowed();
                    let why = format!("`{word}` is not known; it must be {allowed}");
                    return Err(D::Error::custom(why));
                }
            },
            Self::Count(_) => SettingValue::Count(usize::deserialize(input)?),
            Self::Number(_) | Self::Optional(_) => SettingValue::Number(f64::deserialize(input)?),
            Self::Switch => SettingValue::Switch(bool::deserialize(input)?),
            Self::Seed => SettingValue::Seed(u64::deserialize(input)?),
            Self::Choice(words) => {
                let text = String::deserialize(input)?;
                let word = find(words, &text).ok_or_else(|| {
                    let allowed = self.allowed();
                    D::Error::custom(format!("`{text}` is not known; it must be {allowed}"))
                })?;
                SettingValue::Choice(word)
            }
        })
    }
}

impl SettingValue {
    /// The count.
    ///
    /// # Panics
    /// If it is of another kind, as are the others: settings hold values of their own domain.
    #[must_use]
    pub fn count(self) -> usize {
        match self {
            Self::Count(count) => count,
            other => other.misplaced("count"),
        }
    }

    /// The number; `None` if it is off.
    ///
    /// # Panics
    /// As [`count`](Self::count).
    #[must_use]
    pub fn number(self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(number),
            Self::Off => None,
            other => other.misplaced("number"),
        }
    }

    /// Whether it is on.
    ///
    /// # Panics
    /// As [`count`](Self::count).
    #[must_use]
    pub fn is_on(self) -> bool {
        match self {
            Self::Switch(is_on) => is_on,
            other => other.misplaced("switch"),
        }
    }

    /// The word of a choice.
    ///
    /// # Panics
    /// As [`count`](Self::count).
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Choice(word) => word,
            other => other.misplaced("choice"),
        }
    }

    /// The seed.
    ///
    /// # Panics
    /// As [`count`](Self::count).
    #[must_use]
    pub fn seed(self) -> u64 {
        match self {
            Self::Seed(seed) => seed,
            other => other.misplaced("seed"),
        }
    }

    fn misplaced<T>(self, wanted: &str) -> T {
        panic!("{self:?} is the value of a {wanted}; settings hold values of their own domain")
    }
}

/// As a file has it, without the quotes.
impl std::fmt::Display for SettingValue {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Count(count) => write!(out, "{count}"),
            Self::Number(number) => write!(out, "{number}"),
            Self::Switch(is_on) => write!(out, "{is_on}"),
            Self::Choice(word) => write!(out, "{word}"),
            Self::Seed(seed) => write!(out, "{seed}"),
            Self::Off => write!(out, "{OFF}"),
        }
    }
}

/// The word that is written so, or so on the screen.
fn find(words: &[Word], text: &str) -> Option<&'static str> {
    let is_it = |it: &&Word| it.word == text || it.short == text;
    words.iter().find(is_it).map(|it| it.word)
}

fn switch(text: &str) -> Option<bool> {
    match text {
        "true" | "on" | "yes" => Some(true),
        "false" | "off" | "no" => Some(false),
        _ => None,
    }
}

/// `a, b or c`.
#[must_use]
pub fn listed<'a>(words: impl Iterator<Item = &'a str>) -> String {
    let words: Vec<&str> = words.collect();
    match words.split_last() {
        Some((last, first)) if !first.is_empty() => format!("{} or {last}", first.join(", ")),
        _ => words.concat(),
    }
}
