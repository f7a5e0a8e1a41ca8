mod words;

use std::time::Duration;

use unmask_core::api::Capabilities;
use unmask_core::engine::Overflow;
use unmask_core::settings::{Counted, Domain, Setting, SettingValue, TABLE, Word, listed};

pub use words::FieldWords;

use super::{Seed, Settings, State};

/// A row of the settings panel, which `/set` names too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Field {
    /// A setting of denoising.
    Denoising(Setting),
    /// The speed dial.
    Speed,
    /// Slow motion.
    Delay,
    /// Words fixed in the answer.
    Pins,
    /// What becomes of a conversation that outgrows the context.
    Context,
}

/// What a model allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Tokens of an answer at most.
    pub length: usize,
    /// Whether its backend can keep K/V.
    pub cache: Caching,
}

/// Whether a backend can keep K/V from step to step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caching {
    /// It can.
    Offered,
    /// It cannot, or there is no model.
    Missing,
}

/// Milliseconds that a step is shown at most.
pub const LONGEST_DELAY: u64 = 1_000;
impl Field {
    /// In the order of the panel: that of the table, with those of the screen between.
    pub const ALL: [Self; TABLE.len() + 4] = {
        let mut all = [Self::Context; TABLE.len() + 4];
        let (mut at, mut row) = (0, 0);
        while row < TABLE.len() {
            let setting = TABLE[row].setting;
            all[at] = Self::Denoising(setting);
            if matches!(setting, Setting::Steps) {
                at += 1;
                all[at] = Self::Speed;
            }
            if matches!(setting, Setting::EndLast) {
                (all[at + 1], all[at + 2]) = (Self::Delay, Self::Pins);
                at += 2;
            }
            (at, row) = (at + 1, row + 1);
        }
        all
    };

    /// The field of this key, or of this label with its spaces as underscores.
    #[must_use]
    pub fn named(key: &str) -> Option<Self> {
        let is_it = |field: &Self| {
            let words = field.words();
            words.key == key || words.label.replace(' ', "_") == key
        };
        Self::ALL.into_iter().find(is_it)
    }

    /// What it may be.
    #[must_use]
    pub fn range(self, settings: &Settings, limits: &Limits) -> String {
        match self {
            Self::Denoising(setting) => match setting.definition().domain {
                Domain::Count(counted) => format!("1–{}", most(counted, settings, limits)),
                Domain::Number(bounds) => format!("{}–{}", bounds.least, bounds.screen_most),
                Domain::Optional(it) if it.has_least => {
                    format!("{}–{} or off", it.least, it.screen_most)
                }
                Domain::Optional(it) => format!("above {} to {}, or off", it.least, it.screen_most),
                Domain::Switch => "on or off".to_owned(),
                Domain::Choice(words) => listed(words.iter().map(|it| it.short)),
                Domain::Seed => "a whole number or random".to_owned(),
            },
            Self::Delay => format!("0–{LONGEST_DELAY} ms"),
            Self::Speed => "quality, balanced, fast or turbo".to_owned(),
            Self::Pins => "position:word, …".to_owned(),
            Self::Context => "roll or refuse".to_owned(),
        }
    }

    /// What it is.
    #[must_use]
    pub fn value(self, settings: &Settings) -> String {
        match self {
            Self::Denoising(setting) => {
                let row = setting.definition();
                match (row.get)(&settings.params, settings.length) {
                    SettingValue::Seed(_) => match settings.seed {
                        Seed::Random => "random".to_owned(),
                        Seed::Fixed(seed) => seed.to_string(),
                    },
                    value => shown(row.domain, value),
                }
            }
            Self::Speed => (settings.speed())
                .map_or("custom", super::DialPosition::name)
                .to_owned(),
            Self::Delay => milliseconds(settings.delay),
            Self::Pins if settings.pins.is_empty() => "none".to_owned(),
            Self::Pins => settings.pins_text(),
            Self::Context => match settings.overflow {
                Overflow::DropOldest => "roll",
                Overflow::Refuse => "refuse",
            }
            .to_owned(),
        }
    }

    /// True if it is on and may change the answer's tokens for the sake of speed.
    #[must_use]
    pub fn is_approximate(self, settings: &Settings) -> bool {
        match self {
            Self::Denoising(setting) => setting.definition().is_approximate(&settings.params),
            Self::Speed => settings.transfer_approximation().is_some(),
            Self::Delay | Self::Pins | Self::Context => false,
        }
    }

    /// True if Enter goes to the next value, since there are only a few.
    #[must_use]
    pub fn is_choice(self) -> bool {
        match self {
            Self::Denoising(setting) => match setting.definition().domain {
                Domain::Switch | Domain::Choice(_) => true,
                Domain::Count(_) | Domain::Number(_) | Domain::Optional(_) | Domain::Seed => false,
            },
            Self::Speed | Self::Context => true,
            Self::Delay | Self::Pins => false,
        }
    }
}

impl From<Setting> for Field {
    fn from(setting: Setting) -> Self {
        Self::Denoising(setting)
    }
}

/// What may be counted at most.
pub(crate) fn most(counted: Counted, settings: &Settings, limits: &Limits) -> usize {
    match counted {
        Counted::Answer => limits.length,
        Counted::Block | Counted::Steps => settings.length,
    }
}

/// A value as the panel shows it.
fn shown(domain: Domain, value: SettingValue) -> String {
    match (domain, value) {
        (Domain::Number(it) | Domain::Optional(it), SettingValue::Number(number)) => {
            rounded(number, it.digits)
        }
        (Domain::Choice(words), SettingValue::Choice(word)) => {
            let is_it = |it: &&Word| it.word == word;
            words
                .iter()
                .find(is_it)
                .map_or(word, |it| it.short)
                .to_owned()
        }
        (_, SettingValue::Switch(is_on)) => if is_on { "on" } else { "off" }.to_owned(),
        (_, value) => value.to_string(),
    }
}

impl State {
    /// What the model allows.
    #[must_use]
    pub fn limits(&self) -> Limits {
        const UNKNOWN: Limits = Limits {
            length: 4096,
            cache: Caching::Missing,
        };
        let Some(loaded) = &self.model else {
            return UNKNOWN;
        };
        Limits {
            length: match loaded.facts.max_positions as usize {
                0 => UNKNOWN.length,
                positions => positions,
            },
            cache: match loaded.facts.capabilities.has(Capabilities::KV_CACHE) {
                true => Caching::Offered,
                false => Caching::Missing,
            },
        }
    }
}

/// A number with so many digits or more: `0.90`, `0.875`.
fn rounded(value: f64, digits: usize) -> String {
    let short = format!("{value:.digits$}");
    match short.parse() == Ok(value) {
        true => short,
        false => value.to_string(),
    }
}

/// `250 ms`.
fn milliseconds(time: Duration) -> String {
    format!("{} ms", time.as_millis())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_has_a_key_of_its_own() {
        for field in Field::ALL {
            assert_eq!(Field::named(field.words().key), Some(field));
        }
    }

    #[test]
    fn numbers_have_so_many_digits_unless_that_would_be_wrong() {
        let two = |value| rounded(value, 2);
        assert_eq!([0.9, 0.875, 1.0].map(two), ["0.90", "0.875", "1.00"]);
        assert_eq!(rounded(2.0, 1), "2.0");
    }

    #[test]
    fn every_setting_stands_in_the_panel_once_and_fits_its_columns() {
        for row in TABLE {
            let is_it = |field: &&Field| **field == Field::Denoising(row.setting);
            assert_eq!(Field::ALL.iter().filter(is_it).count(), 1, "{}", row.key);
            assert!(row.label.len() <= 16, "{}", row.label);
        }
    }
}
