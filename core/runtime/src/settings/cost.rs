//! What settings come to: what will run, in how many forwards, how exactly.

use std::time::Duration;

use super::{Definition, TABLE};
use crate::Params;
use crate::event::Stats;
use crate::sampler::FittedParams;

/// The forwards that a turn will take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forwards {
    /// This many, unless the answer ends early.
    Planned(usize),
    /// The model decides: one for each token in the worst case.
    AtMost(usize),
}

impl Forwards {
    /// Those of settings that fit.
    #[must_use]
    pub fn of(fit: &FittedParams) -> Self {
        match fit.params.transfer.is_scheduled() {
            true => Self::Planned(fit.params.steps),
            false => Self::AtMost(fit.length),
        }
    }
}

/// What will run: rounded so that everything divides, with a note for each change.
#[must_use]
pub fn fit(length: usize, params: &Params) -> FittedParams {
    let mut params = params.clone();
    let mut notes = Vec::new();
    if !params.transfer.is_scheduled() {
        // The steps are of no matter then, so nothing is said of them.
        let blocks = length.max(1).div_ceil(params.block_length.max(1));
        params.steps = blocks * (params.steps / blocks).max(1);
    } else if params.steps > length {
        let steps = params.steps;
        notes.push(format!("steps {steps} → {length}, one for each token"));
        params.steps = length;
    }
    let mut fit = FittedParams::new(length, &params);
    notes.append(&mut fit.notes);
    fit.notes = notes;
    fit
}

/// What may change tokens for the sake of speed: `threshold 0.9, cache dual`; `None` if nothing does and the run is exact.
#[must_use]
pub fn approximation(params: &Params) -> Option<String> {
    let said = |it: &Definition| format!("{} {}", it.key, (it.get)(params, 0));
    let rows = TABLE.iter().filter(|it| it.is_approximate(params));
    let parts: Vec<String> = rows.map(said).collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// Wall time of a forward of one row, as a turn took it; guidance has two. `None` if there was no forward.
#[must_use]
pub fn time_per_forward(params: &Params, stats: &Stats) -> Option<Duration> {
    let rows = if params.cfg_scale > 0.0 { 2 } else { 1 };
    let forwards = u32::try_from(stats.nfe).ok().filter(|&n| n > 0)?;
    Some(stats.elapsed / forwards.saturating_mul(rows))
}
