use std::time::Duration;

use serde::Deserialize;

use super::{MeasuredMode, Measurement, Spread};
use crate::Params;
use crate::params::Transfer;

/// A position of the speed dial, from the most careful to the fastest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DialPosition {
    /// Exact decoding.
    Quality,
    /// At most 2 points of right answers may be lost.
    Balanced,
    /// At most 4.
    Fast,
    /// At most 8.
    Turbo,
}

/// What was measured for a position of the dial.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum DialVerdict<'m> {
    /// This mode takes the fewest forwards of those that are shown to lose no more than the position allows.
    Shown(&'m MeasuredMode),
    /// No mode is shown to.
    Open,
}

/// What an answer is expected to cost.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CostEstimate {
    /// Forwards of the answer in the middle.
    pub forwards: usize,
    /// Forwards that nine in ten answers keep to.
    pub most: usize,
    /// Seconds of the answer in the middle, if it is known how long a forward takes.
    pub seconds: Option<f64>,
}

impl Measurement {
    /// What an answer of `length` positions in a measured mode will cost. A forward takes `forward` if that is known, else as
    /// long as it took when the mode was measured.
    #[must_use]
    pub fn estimate(
        &self,
        measured: &MeasuredMode,
        length: usize,
        forward: Option<Duration>,
    ) -> CostEstimate {
        let forwards = (self.scale(length, |it| it.median) * measured.forwards.median).ceil();
        let most = self.scale(length, |it| it.p90) * measured.forwards.p90;
        let fed = measured.fed_a_forward;
        let then = || self.forward.map(|it| it.seconds(fed));
        let each = forward.map(|it| it.as_secs_f64()).or_else(then);
        CostEstimate {
            forwards: forwards as usize,
            most: most.ceil() as usize,
            seconds: each.map(|each| forwards * each),
        }
    }

    /// How many times as many forwards an answer of `length` positions takes as one of the measured length. Exact decoding
    /// makes one for each position that it comes to: an answer that ended before its canvas did takes no more on a longer one,
    /// one that filled it is taken to go on.
    fn scale(&self, length: usize, of: impl Fn(&Spread) -> f64) -> f64 {
        let (length, measured) = (length as f64, self.length.max(1) as f64);
        let exact = self.modes.iter().find(|it| it.mode.is_exact());
        let used = exact.map_or(measured, |it| of(&it.forwards)).max(1.0);
        match used < measured {
            true => used.min(length) / used,
            false => length / measured,
        }
    }
}

/// Which mode stands at each position of the dial.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SpeedDial<'m> {
    measurement: &'m Measurement,
}

impl DialPosition {
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

    /// The position of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.name() == name)
    }

    /// The settings of this position above `params`, for an answer of `length` positions: those of the mode that was measured to
    /// stand here, or else the dial's own.
    #[must_use]
    pub fn over(self, measured: Option<&Measurement>, params: &Params, length: usize) -> Params {
        if let Some(DialVerdict::Shown(shown)) = measured.map(|it| SpeedDial::of(it).at(self)) {
            return shown.mode.over(params, length);
        }
        let (transfer, steps) = match self {
            Self::Quality => (Transfer::Quota, length),
            Self::Balanced => (Transfer::Quota, length.div_ceil(2)),
            Self::Fast => (Transfer::Threshold(0.9), params.steps),
            Self::Turbo => (Transfer::Threshold(0.7), params.steps),
        };
        Params {
            transfer,
            steps,
            ..params.clone()
        }
    }

    /// The share of right answers that it may lose, and the share of tokens that it has to keep where right answers are not
    /// known; `None` for exact decoding.
    #[must_use]
    pub fn bounds(self) -> Option<(f64, f64)> {
        match self {
            Self::Quality => None,
            Self::Balanced => Some((-0.02, 0.97)),
            Self::Fast => Some((-0.04, 0.94)),
            Self::Turbo => Some((-0.08, 0.90)),
        }
    }
}

impl<'m> SpeedDial<'m> {
    /// The dial that follows from a measurement.
    #[must_use]
    pub fn of(measurement: &'m Measurement) -> Self {
        Self { measurement }
    }

    /// What stands at a position: with right answers known, the fewest forwards whose difference to exact decoding has its
    /// lower bound (95 %) within what the position allows; else by the share of tokens that are the same.
    #[must_use]
    pub fn at(&self, position: DialPosition) -> DialVerdict<'m> {
        let Some((lost, same)) = position.bounds() else {
            let exact = self.measurement.modes.iter().find(|it| it.mode.is_exact());
            return exact.map_or(DialVerdict::Open, DialVerdict::Shown);
        };
        let is_shown = |it: &&MeasuredMode| match &it.difference {
            Some(difference) => difference.low >= lost,
            None if self.measurement.is_judged() => false,
            None => it.agreement.aligned >= same,
        };
        let shown = self.measurement.modes.iter().filter(is_shown);
        let fewest = shown.filter(|it| !it.mode.is_exact());
        let fewest = fewest.min_by(|a, b| a.forwards.mean.total_cmp(&b.forwards.mean));
        fewest.map_or(DialVerdict::Open, DialVerdict::Shown)
    }
}
