mod words;

use std::time::Duration;

use unmask_core::api::Capabilities;
use unmask_core::engine::Overflow;
use unmask_core::settings::{Counted, Domain, Setting, SettingValue, TABLE, Word, listed};

pub use words::FieldWords;

use super::{DialPosition, Field, Seed, Settings, State};

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

/// What the fields of the panel are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldGroup {
    /// What is denoised.
    Canvas,
    /// Which token a position gets, and which position is next.
    Sampler,
    /// How many positions a step fixes.
    Speed,
    /// Where an answer ends.
    Ending,
    /// How it is shown.
    View,
}

impl FieldGroup {
    const ALL: [Self; 5] = [
        Self::Canvas,
        Self::Sampler,
        Self::Speed,
        Self::Ending,
        Self::View,
    ];

    /// Its heading.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Canvas => "Canvas",
            Self::Sampler => "Sampler",
            Self::Speed => "Speed",
            Self::Ending => "Ending",
            Self::View => "View",
        }
    }
}

/// A row of the settings panel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldRow {
    /// The name of the fields below.
    Heading(FieldGroup),
    /// A field.
    Field(Field),
}

impl FieldRow {
    /// All rows of the panel.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let mut rows = Vec::with_capacity(Field::ALL.len() + FieldGroup::ALL.len());
        let mut before = None;
        for field in Field::ALL {
            let group = field.group();
            if before.replace(group) != Some(group) {
                rows.push(Self::Heading(group));
            }
            rows.push(Self::Field(field));
        }
        rows
    }
}

impl Field {
    /// In the order of the panel: by group, in each as the table has them, behind those of the screen.
    pub const ALL: [Self; TABLE.len() + 4] = {
        const OWN: [Field; 4] = [Field::Pins, Field::Context, Field::Speed, Field::Delay];
        let mut all = [Self::Context; TABLE.len() + 4];
        let (mut at, mut group) = (0, 0);
        while group < FieldGroup::ALL.len() {
            let wanted = FieldGroup::ALL[group] as u8;
            let mut row = 0;
            while row < OWN.len() + TABLE.len() {
                // The dial stands before what it turns, pins and context behind what they are about.
                let field = match (row, OWN.len(), TABLE.len()) {
                    (0, _, _) => OWN[2],
                    (1, _, _) => OWN[3],
                    (row, _, n) if row < n + 2 => Self::Denoising(TABLE[row - 2].setting),
                    (row, _, n) => OWN[row - 2 - n],
                };
                if field.group() as u8 == wanted {
                    all[at] = field;
                    at += 1;
                }
                row += 1;
            }
            group += 1;
        }
        all
    };

    /// What it is about.
    #[must_use]
    pub const fn group(self) -> FieldGroup {
        match self {
            Self::Pins | Self::Context => FieldGroup::Canvas,
            Self::Speed => FieldGroup::Speed,
            Self::Delay => FieldGroup::View,
            Self::Denoising(setting) => match setting {
                Setting::Length | Setting::BlockLength | Setting::SubBlock => FieldGroup::Canvas,
                Setting::Temperature
                | Setting::CfgScale
                | Setting::Remasking
                | Setting::Seed
                | Setting::TopP
                | Setting::TopK
                | Setting::OrderTemperature
                | Setting::EntropyOrder
                | Setting::Editing => FieldGroup::Sampler,
                Setting::EndLast | Setting::NoEnd | Setting::EarlyStop => FieldGroup::Ending,
                Setting::Steps
                | Setting::Threshold
                | Setting::Factor
                | Setting::EntropyBound
                | Setting::Cache
                | Setting::Klass
                | Setting::LocalLeap
                | Setting::SlowFast
                | Setting::Wino
                | Setting::Hierarchy
                | Setting::Credit
                | Setting::Dynamic
                | Setting::Schedule => FieldGroup::Speed,
            },
        }
    }

    /// How far it is between its least and its most, 0 to 1, if it has both.
    #[must_use]
    pub fn share(self, settings: &Settings, limits: &Limits) -> Option<f64> {
        let between = |value: f64, least: f64, most: f64| {
            (most > least).then(|| ((value - least) / (most - least)).clamp(0.0, 1.0))
        };
        match self {
            Self::Denoising(setting) => {
                let row = setting.definition();
                match (row.domain, (row.get)(&settings.params, settings.length)) {
                    // Each doubling is as far as the one before.
                    (Domain::Count(counted), SettingValue::Count(count)) => {
                        let most = most(counted, settings, limits).max(1) as f64;
                        between((count.max(1) as f64).log2(), 0.0, most.log2())
                    }
                    (
                        Domain::Number(bounds) | Domain::Optional(bounds),
                        SettingValue::Number(number),
                    ) => between(number, bounds.least, bounds.screen_most),
                    (Domain::Switch, SettingValue::Switch(is_on)) => {
                        Some(if is_on { 1.0 } else { 0.0 })
                    }
                    (Domain::Choice(words), SettingValue::Choice(word)) => {
                        let at = words.iter().position(|it| it.word == word)?;
                        between(at as f64, 0.0, words.len().saturating_sub(1) as f64)
                    }
                    _ => None,
                }
            }
            Self::Speed => {
                let at = DialPosition::ALL
                    .iter()
                    .position(|it| Some(*it) == settings.speed())?;
                between(at as f64, 0.0, (DialPosition::ALL.len() - 1) as f64)
            }
            Self::Delay => between(settings.delay.as_millis() as f64, 0.0, LONGEST_DELAY as f64),
            Self::Pins | Self::Context => None,
        }
    }

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
                .map_or("custom", DialPosition::name)
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

    /// True if it acts on answers of a server that tells text alone: such a server is told no more of how it should denoise.
    #[must_use]
    pub fn acts_on_text(self) -> bool {
        match self {
            Self::Denoising(setting) => Setting::OF_TEXT.contains(&setting),
            Self::Delay => true,
            Self::Speed | Self::Pins | Self::Context => false,
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
