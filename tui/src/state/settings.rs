use std::time::Duration;

use unmask_core::Params;
use unmask_core::engine::{Loaded, Overflow, Pin};
use unmask_core::params::{CacheMode, Rules, Transfer};
use unmask_core::sampler::Fit;

/// How the next turn runs, as the user has said it; [`Settings::fit`] is what will run.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Denoising. Its seed and its rules are worked out for each turn.
    pub params: Params,
    /// Tokens of the answer.
    pub length: usize,
    /// Where a turn's seed comes from.
    pub seed: Seed,
    /// How long each step is shown at the least; the engine does not wait.
    pub delay: Duration,
    /// Words that every answer holds.
    pub pins: Vec<Pin>,
    /// What becomes of a conversation that outgrows the context.
    pub overflow: Overflow,
}

/// Where a turn's seed comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seed {
    /// Each turn has another one.
    Random,
    /// Every turn has this one.
    Fixed(u64),
}

/// A setting of the speed dial.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Speed {
    /// A step for each token.
    Quality,
    /// A step for every two tokens.
    Balanced,
    /// A step commits all tokens of confidence 0.9 and more.
    Fast,
    /// A step commits all tokens of confidence 0.7 and more.
    Turbo,
}

/// The forwards that a turn will take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forwards {
    /// This many, unless the answer ends early.
    Planned(usize),
    /// The model decides: one for each token in the worst case.
    AtMost(usize),
}

impl Settings {
    /// The settings of a model.
    #[must_use]
    pub fn of(loaded: &Loaded) -> Self {
        Self {
            params: loaded.defaults.clone(),
            length: loaded.default_length,
            seed: loaded.default_seed.map_or(Seed::Random, Seed::Fixed),
            ..Self::default()
        }
    }

    /// What will run: rounded so that everything divides, with a note for each change.
    #[must_use]
    pub fn fit(&self) -> Fit {
        let mut params = self.params.clone();
        let mut notes = Vec::new();
        params.rules = match (params.is_exact(), params.rules) {
            (false, _) => Rules::Settled,
            // What a threshold or a cache of the configuration brought.
            (true, Rules::Settled) => Rules::Llada,
            (true, rules) => rules,
        };
        if params.transfer != Transfer::Quota {
            // The steps are of no matter then, so nothing is said of them.
            let blocks = self.length.max(1).div_ceil(params.block_length.max(1));
            params.steps = blocks * (params.steps / blocks).max(1);
        } else if params.steps > self.length {
            notes.push(format!(
                "steps {} → {}, one for each token",
                params.steps, self.length
            ));
            params.steps = self.length;
        }
        let mut fit = Fit::new(self.length, &params);
        notes.append(&mut fit.notes);
        fit.notes = notes;
        fit
    }

    /// The forwards of a turn.
    #[must_use]
    pub fn forwards(&self) -> Forwards {
        let fit = self.fit();
        match fit.params.transfer {
            Transfer::Quota => Forwards::Planned(fit.params.steps),
            Transfer::Threshold(_) | Transfer::Factor(_) => Forwards::AtMost(fit.length),
        }
    }

    /// Where the speed dial stands; `None` between its settings.
    #[must_use]
    pub fn speed(&self) -> Option<Speed> {
        Speed::ALL
            .into_iter()
            .find(|&speed| match self.params.transfer {
                Transfer::Quota => speed.steps(self.length) == Some(self.params.steps),
                transfer @ (Transfer::Threshold(_) | Transfer::Factor(_)) => {
                    speed.transfer() == transfer
                }
            })
    }

    /// Turns the speed dial.
    pub fn set_speed(&mut self, speed: Speed) {
        self.params.transfer = speed.transfer();
        self.params.steps = speed.steps(self.length).unwrap_or(self.params.steps);
    }

    /// The pins as they are written: `0:Once, 5:upon`.
    #[must_use]
    pub fn pins_text(&self) -> String {
        pins_text(&self.pins)
    }
}

/// What may change tokens for the sake of speed: `threshold 0.9, cache dual`; `None` if nothing does.
#[must_use]
pub fn approximation(params: &Params) -> Option<String> {
    let transfer = match params.transfer {
        Transfer::Quota => None,
        Transfer::Threshold(at) => Some(format!("threshold {at}")),
        Transfer::Factor(factor) => Some(format!("factor {factor}")),
    };
    let cache = match params.cache {
        CacheMode::Off => None,
        CacheMode::Prefix => Some("cache prefix".to_owned()),
        CacheMode::Dual => Some("cache dual".to_owned()),
    };
    let parts: Vec<String> = transfer.into_iter().chain(cache).collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// Pins as they are written: `0:Once, 5:upon`.
#[must_use]
pub fn pins_text(pins: &[Pin]) -> String {
    let pins = pins
        .iter()
        .map(|Pin { at, word }| format!("{}:{word}", at.0));
    pins.collect::<Vec<_>>().join(", ")
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            params: Params::default(),
            length: 128,
            seed: Seed::Random,
            delay: Duration::ZERO,
            pins: Vec::new(),
            overflow: Overflow::default(),
        }
    }
}

impl Speed {
    /// From the most careful to the fastest.
    pub const ALL: [Self; 4] = [Self::Quality, Self::Balanced, Self::Fast, Self::Turbo];

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Quality => "quality",
            Self::Balanced => "balanced",
            Self::Fast => "fast",
            Self::Turbo => "turbo",
        }
    }

    /// The setting of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|speed| speed.name() == name)
    }

    fn transfer(self) -> Transfer {
        match self {
            Self::Quality | Self::Balanced => Transfer::Quota,
            Self::Fast => Transfer::Threshold(0.9),
            Self::Turbo => Transfer::Threshold(0.7),
        }
    }

    /// The steps for an answer of `length` tokens, if it is the dial that says them.
    fn steps(self, length: usize) -> Option<usize> {
        match self {
            Self::Quality => Some(length),
            Self::Balanced => Some(length.div_ceil(2)),
            Self::Fast | Self::Turbo => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(length: usize, block_length: usize, steps: usize) -> Settings {
        Settings {
            params: Params {
                steps,
                block_length,
                ..Params::default()
            },
            length,
            ..Settings::default()
        }
    }

    #[test]
    fn what_runs_divides_and_what_was_said_stays() {
        let settings = said(96, 16, 50);
        let fit = settings.fit();
        assert_eq!((fit.params.steps, settings.params.steps), (48, 50));
        assert_eq!(fit.notes, ["steps 50 → 48 = 6 × 8"]);
        let notes = said(64, 128, 128).fit().notes;
        assert_eq!(
            notes,
            [
                "steps 128 → 64, one for each token",
                "block length 128 → 64"
            ]
        );
    }

    #[test]
    fn a_threshold_or_a_cache_settles_every_block_and_without_them_the_family_rules() {
        let mut settings = said(128, 32, 50);
        settings.params.transfer = Transfer::Threshold(0.9);
        let fit = settings.fit();
        assert_eq!((fit.params.rules, fit.notes), (Rules::Settled, Vec::new()));
        assert_eq!(settings.forwards(), Forwards::AtMost(128));
        settings.params = Params {
            transfer: Transfer::Quota,
            cache: CacheMode::Dual,
            ..fit.params
        };
        assert_eq!(settings.fit().params.rules, Rules::Settled);
        settings.params.cache = CacheMode::Off;
        settings.params.rules = Rules::Settled;
        assert_eq!(settings.fit().params.rules, Rules::Llada);
    }

    #[test]
    fn the_dial_reads_back_what_it_sets_and_knows_what_is_between() {
        let mut settings = said(128, 32, 50);
        assert_eq!(settings.speed(), None);
        for speed in Speed::ALL {
            settings.set_speed(speed);
            assert_eq!(settings.speed(), Some(speed));
            assert_eq!(Speed::named(speed.name()), Some(speed));
        }
        settings.params.transfer = Transfer::Threshold(0.8);
        assert_eq!(settings.speed(), None);
    }
}
