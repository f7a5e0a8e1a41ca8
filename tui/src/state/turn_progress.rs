//! How far a turn is, and how long it takes yet.

use std::time::Duration;

use super::{Mark, Turn};

impl Turn {
    /// Mean wall time of a step, once there is one.
    #[must_use]
    pub fn time_per_step(&self) -> Option<Duration> {
        let steps = u32::try_from(self.log().steps().count())
            .ok()
            .filter(|&n| n > 0)?;
        Some(self.elapsed / steps)
    }

    /// How long the steps that are expected take yet; one is not shown sooner than slow motion has it.
    #[must_use]
    pub fn time_left(&self, delay: Duration) -> Option<Duration> {
        let pace = self.time_per_step()?.max(delay);
        let left = self.steps_expected().saturating_sub(self.step);
        Some(pace.saturating_mul(u32::try_from(left).unwrap_or(u32::MAX)))
    }

    /// Steps in all: as planned, or as expected from the tokens that each step has committed so far.
    #[must_use]
    pub fn steps_expected(&self) -> usize {
        let masked = self.marks().iter().filter(|&&mark| mark == Mark::Masked);
        let masked = masked.count();
        if self.params.transfer.is_scheduled() {
            // Each step commits one token at the least; those that could not are left out.
            return self.step + self.steps.saturating_sub(self.step).min(masked);
        }
        let left = masked * self.log().steps().count().max(1);
        self.step + left.div_ceil(self.unmasked().max(1))
    }

    /// How far it is, in steps: `22/64`, or `22` if the model decides how many there are; `None` if its steps are not known.
    #[must_use]
    pub fn progress(&self) -> Option<String> {
        if self.loaded.text_alone {
            return None;
        }
        Some(match self.params.transfer.is_scheduled() {
            true => format!("{}/{}", self.step, self.steps),
            false => self.step.to_string(),
        })
    }
}
