mod about;

use std::time::Duration;

use unmask_core::api::Capabilities;
use unmask_core::engine::Overflow;
use unmask_core::params::{CacheMode, Remasking, Transfer};

use super::{Seed, Settings, State};

/// A setting, as the panel shows it and `/set` names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Field {
    /// Tokens of the answer.
    Length,
    /// Tokens of a block.
    BlockLength,
    /// Steps.
    Steps,
    /// The speed dial.
    Speed,
    /// Commits by confidence.
    Threshold,
    /// Noise.
    Temperature,
    /// Classifier-free guidance.
    Guidance,
    /// Which tokens go first.
    Remasking,
    /// The seed.
    Seed,
    /// End tokens come last.
    EndLast,
    /// Slow motion.
    Delay,
    /// Words fixed in the answer.
    Pins,
    /// Commits by confidence and rank.
    Factor,
    /// K/V reuse.
    Cache,
    /// Stop at a settled end token.
    EarlyStop,
    /// No end-of-text token at all.
    NoEnd,
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
/// The highest temperature.
pub const HOTTEST: f64 = 2.0;
/// The strongest guidance.
pub const STRONGEST: f32 = 4.0;
/// The largest factor.
pub const LARGEST_FACTOR: f64 = 10.0;

impl Field {
    /// In the order of the panel.
    pub const ALL: [Self; 17] = [
        Self::Length,
        Self::BlockLength,
        Self::Steps,
        Self::Speed,
        Self::Threshold,
        Self::Temperature,
        Self::Guidance,
        Self::Remasking,
        Self::Seed,
        Self::EndLast,
        Self::Delay,
        Self::Pins,
        Self::Factor,
        Self::Cache,
        Self::EarlyStop,
        Self::NoEnd,
        Self::Context,
    ];

    /// What the panel calls it.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Length => "answer length",
            Self::BlockLength => "block length",
            Self::Steps => "steps",
            Self::Speed => "speed dial",
            Self::Threshold => "threshold",
            Self::Temperature => "temperature",
            Self::Guidance => "guidance (CFG)",
            Self::Remasking => "remasking",
            Self::Seed => "seed",
            Self::EndLast => "no early end",
            Self::Delay => "playback delay",
            Self::Pins => "pins",
            Self::Factor => "factor",
            Self::Cache => "cache",
            Self::EarlyStop => "early stop",
            Self::NoEnd => "never EOS",
            Self::Context => "context",
        }
    }

    /// Its name for `/set`; that of the configuration file where it stands there.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Length => "length",
            Self::BlockLength => "block_length",
            Self::Steps => "steps",
            Self::Speed => "speed",
            Self::Threshold => "threshold",
            Self::Temperature => "temperature",
            Self::Guidance => "cfg_scale",
            Self::Remasking => "remasking",
            Self::Seed => "seed",
            Self::EndLast => "confidence_eos_eot_inf",
            Self::Delay => "delay",
            Self::Pins => "pins",
            Self::Factor => "factor",
            Self::Cache => "cache",
            Self::EarlyStop => "early_stop",
            Self::NoEnd => "logits_eos_inf",
            Self::Context => "context",
        }
    }

    /// The field of this key, or of this label with its spaces as underscores.
    #[must_use]
    pub fn named(key: &str) -> Option<Self> {
        let is_it = |field: &Self| field.key() == key || field.label().replace(' ', "_") == key;
        Self::ALL.into_iter().find(is_it)
    }

    /// What it may be.
    #[must_use]
    pub fn range(self, settings: &Settings, limits: &Limits) -> String {
        match self {
            Self::Length => format!("1–{}", limits.length),
            Self::BlockLength | Self::Steps => format!("1–{}", settings.length),
            Self::Threshold => "0–1 or off".to_owned(),
            Self::Factor => format!("above 0 to {LARGEST_FACTOR}, or off"),
            Self::Temperature => format!("0–{HOTTEST}"),
            Self::Guidance => format!("0–{STRONGEST}"),
            Self::Delay => format!("0–{LONGEST_DELAY} ms"),
            Self::Speed => "quality, balanced, fast or turbo".to_owned(),
            Self::Remasking => "low_conf or random".to_owned(),
            Self::Seed => "a whole number or random".to_owned(),
            Self::Cache => "off, prefix or dual".to_owned(),
            Self::EndLast | Self::EarlyStop | Self::NoEnd => "on or off".to_owned(),
            Self::Pins => "position:word, …".to_owned(),
            Self::Context => "roll or refuse".to_owned(),
        }
    }

    /// What it is.
    #[must_use]
    pub fn value(self, settings: &Settings) -> String {
        let params = &settings.params;
        let switch = |is_on| if is_on { "on" } else { "off" }.to_owned();
        match self {
            Self::Length => settings.length.to_string(),
            Self::BlockLength => params.block_length.to_string(),
            Self::Steps => params.steps.to_string(),
            Self::Speed => (settings.speed())
                .map_or("custom", super::Speed::name)
                .to_owned(),
            Self::Threshold => match params.transfer {
                Transfer::Threshold(at) => share(at),
                Transfer::Quota | Transfer::Factor(_) => "off".to_owned(),
            },
            Self::Factor => match params.transfer {
                Transfer::Factor(factor) => format!("{factor:?}"),
                Transfer::Quota | Transfer::Threshold(_) => "off".to_owned(),
            },
            Self::Temperature => format!("{:?}", params.temperature),
            Self::Guidance => format!("{:?}", params.cfg_scale),
            Self::Remasking => match params.remasking {
                Remasking::LowConfidence => "low_conf",
                Remasking::Random => "random",
            }
            .to_owned(),
            Self::Seed => match settings.seed {
                Seed::Random => "random".to_owned(),
                Seed::Fixed(seed) => seed.to_string(),
            },
            Self::EndLast => switch(params.confidence_eos_eot_inf),
            Self::Delay => milliseconds(settings.delay),
            Self::Pins if settings.pins.is_empty() => "none".to_owned(),
            Self::Pins => settings.pins_text(),
            Self::Cache => match params.cache {
                CacheMode::Off => "off",
                CacheMode::Prefix => "prefix",
                CacheMode::Dual => "dual",
            }
            .to_owned(),
            Self::EarlyStop => switch(params.early_stop),
            Self::NoEnd => switch(params.logits_eos_inf),
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
        let params = &settings.params;
        match self {
            Self::Threshold => matches!(params.transfer, Transfer::Threshold(_)),
            Self::Factor => matches!(params.transfer, Transfer::Factor(_)),
            Self::Cache => params.cache != CacheMode::Off,
            Self::Speed => params.transfer != Transfer::Quota,
            Self::Length
            | Self::BlockLength
            | Self::Steps
            | Self::Temperature
            | Self::Guidance
            | Self::Remasking
            | Self::Seed
            | Self::EndLast
            | Self::Delay
            | Self::Pins
            | Self::EarlyStop
            | Self::NoEnd
            | Self::Context => false,
        }
    }

    /// True if Enter goes to the next value, since there are only a few.
    #[must_use]
    pub fn is_choice(self) -> bool {
        match self {
            Self::Speed
            | Self::Remasking
            | Self::Cache
            | Self::EndLast
            | Self::EarlyStop
            | Self::NoEnd
            | Self::Context => true,
            Self::Length
            | Self::BlockLength
            | Self::Steps
            | Self::Threshold
            | Self::Temperature
            | Self::Guidance
            | Self::Seed
            | Self::Delay
            | Self::Pins
            | Self::Factor => false,
        }
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

/// A share of one with two figures or more: `0.90`, `0.875`.
fn share(value: f64) -> String {
    let short = format!("{value:.2}");
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
            assert_eq!(Field::named(field.key()), Some(field));
        }
    }

    #[test]
    fn shares_have_two_figures_unless_that_would_be_wrong() {
        assert_eq!([0.9, 0.875, 1.0].map(share), ["0.90", "0.875", "1.00"]);
    }
}
