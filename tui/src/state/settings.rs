use std::sync::Arc;
use std::time::Duration;

use unmask_core::Params;
use unmask_core::engine::{Loaded, Overflow, Pin};
use unmask_core::measured::{
    CostEstimate, DialPosition, DialVerdict, MeasuredMode, Measurement, SpeedDial,
};
use unmask_core::sampler::FittedParams;
use unmask_core::settings::{approximation, fit};

/// How the next turn runs, as the user has said it; [`Settings::fit`] is what will run.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Denoising. Its seed is worked out for each turn.
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
    /// What was measured of the model, from which the speed dial follows.
    pub measured: Option<Arc<Measurement>>,
}

/// Where a turn's seed comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seed {
    /// Each turn has another one.
    Random,
    /// Every turn has this one.
    Fixed(u64),
}

impl Settings {
    /// The settings of a model.
    #[must_use]
    pub fn of(loaded: &Loaded) -> Self {
        Self {
            params: loaded.defaults.clone(),
            length: loaded.default_length,
            seed: loaded.default_seed.map_or(Seed::Random, Seed::Fixed),
            measured: loaded.measured.clone(),
            ..Self::default()
        }
    }

    /// What will run: rounded so that everything divides, with a note for each change.
    #[must_use]
    pub fn fit(&self) -> FittedParams {
        fit(self.length, &self.params)
    }

    /// What the way of committing positions alone changes for the sake of speed: `threshold 0.9`; `None` if nothing.
    #[must_use]
    pub fn transfer_approximation(&self) -> Option<String> {
        approximation(&Params {
            transfer: self.params.transfer,
            ..Params::default()
        })
    }

    /// Where the speed dial stands; `None` between its settings.
    #[must_use]
    pub fn speed(&self) -> Option<DialPosition> {
        DialPosition::ALL.into_iter().find(|&speed| {
            let at = self.at(speed);
            let is_same_pace = !at.transfer.is_scheduled() || at.steps == self.params.steps;
            at.transfer == self.params.transfer && at.cache == self.params.cache && is_same_pace
        })
    }

    /// What was measured to stand at a position of the dial; `None` if nothing was, or no mode was shown to lose so little.
    #[must_use]
    pub fn measured_mode(&self, speed: DialPosition) -> Option<&MeasuredMode> {
        let dial = SpeedDial::of(self.measured.as_deref()?);
        match dial.at(speed) {
            DialVerdict::Shown(mode) => Some(mode),
            DialVerdict::Open => None,
        }
    }

    /// What an answer at a position of the dial is expected to cost; `None` where nothing was measured for it.
    #[must_use]
    pub fn estimate(&self, speed: DialPosition, forward: Option<Duration>) -> Option<CostEstimate> {
        let mode = self.measured_mode(speed)?;
        let measured = self.measured.as_deref()?;
        Some(measured.estimate(mode, self.length, forward))
    }

    /// The settings of a position: those that were measured, or else the dial's own.
    fn at(&self, speed: DialPosition) -> Params {
        speed.over(self.measured.as_deref(), &self.params, self.length)
    }

    /// Turns the speed dial.
    pub fn set_speed(&mut self, speed: DialPosition) {
        self.params = self.at(speed);
    }

    /// The pins as they are written: `0:Once, 5:upon`.
    #[must_use]
    pub fn pins_text(&self) -> String {
        pins_text(&self.pins)
    }
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
            measured: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use unmask_core::params::{CacheMode, Transfer};

    use super::*;

    #[test]
    fn the_dial_reads_back_what_it_sets_and_knows_what_is_between() {
        let mut settings = Settings::default();
        settings.params.steps = 50;
        assert_eq!(settings.speed(), None);
        for speed in DialPosition::ALL {
            settings.set_speed(speed);
            assert_eq!(settings.speed(), Some(speed));
            assert_eq!(DialPosition::named(speed.name()), Some(speed));
        }
        settings.params.transfer = Transfer::Threshold(0.8);
        assert_eq!(settings.speed(), None);
    }

    #[test]
    fn what_was_measured_takes_the_place_of_the_dial_s_own() {
        let mut settings = Settings {
            measured: Some(Arc::new(crate::fixture::measurement())),
            ..Settings::default()
        };
        let name = |settings: &Settings, speed| {
            settings.measured_mode(speed).map(|it| it.mode.to_string())
        };
        let names = DialPosition::ALL.map(|speed| name(&settings, speed));
        let of = |name: &str| Some(name.to_owned());
        assert_eq!(
            names,
            [
                of("exact"),
                None,
                of("threshold=0.8+dual"),
                of("threshold=0.8+dual")
            ]
        );
        settings.set_speed(DialPosition::Turbo);
        assert_eq!(settings.params.transfer, Transfer::Threshold(0.8));
        assert_eq!(settings.params.cache, CacheMode::Dual);
        assert_eq!(
            settings.speed(),
            Some(DialPosition::Fast),
            "both are the same"
        );
        settings.set_speed(DialPosition::Balanced);
        assert_eq!(
            (settings.params.steps, settings.speed()),
            (64, Some(DialPosition::Balanced))
        );
        settings.set_speed(DialPosition::Quality);
        assert_eq!(settings.params.cache, CacheMode::Off);
    }
}
