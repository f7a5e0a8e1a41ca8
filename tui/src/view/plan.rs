//! What the next turn will cost, in words.

use std::time::Duration;

use unmask_core::params::Growth;
use unmask_core::sampler::FittedParams;
use unmask_core::settings::Forwards;

use crate::amount::counted;
use crate::number;
use crate::state::Settings;

/// How many forwards the next turn makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expected {
    /// As planned, unless the answer ends early.
    Planned(usize),
    /// As was measured of this position of the dial.
    About(usize),
    /// The model decides, and nothing was measured.
    AtMost(usize),
}

impl Expected {
    pub(super) fn of(settings: &Settings, fit: &FittedParams) -> Self {
        let most = match Forwards::of(fit) {
            Forwards::Planned(n) => return Self::Planned(n),
            Forwards::AtMost(n) => n,
        };
        // What was measured says more than the most that there can be.
        let speed = settings.speed();
        let measured = speed.and_then(|speed| settings.estimate(speed, None));
        measured.map_or(Self::AtMost(most), |it| Self::About(it.forwards))
    }
}

/// The plan of the next turn: what will run, and how long it will take if a forward of one row takes `forward`.
pub(super) struct PlanLine {
    /// `128 tok = 4 × 32 · 64 steps = 4 × 16 → 64 forwards`.
    pub(super) plan: String,
    /// `about 9.0 s`; `None` before anything was measured.
    pub(super) time: Option<String>,
    /// What was rounded so that everything divides.
    pub(super) notes: Vec<String>,
}

impl PlanLine {
    pub(super) fn new(settings: &Settings, forward: Option<Duration>) -> Self {
        if settings.params.growth != Growth::Fixed {
            return Self {
                plan: "as long as the answer needs → the model decides".to_owned(),
                time: None,
                notes: Vec::new(),
            };
        }
        let fit = settings.fit();
        let params = &fit.params;
        let (length, block) = (fit.length, params.block_length);
        let blocks = length / block;
        let steps = params.transfer.is_scheduled().then(|| {
            let (steps, per_block) = (params.steps, params.steps / blocks);
            format!(" · {} = {blocks} × {per_block}", counted(steps, "step"))
        });
        let said = settings.transfer_approximation();
        let said = said.map(|said| format!(" · ≈ {said}"));
        let how: String = steps.into_iter().chain(said).collect();
        let (most, count, about) = match Expected::of(settings, &fit) {
            Expected::Planned(n) => ("", n, "about"),
            Expected::About(n) => ("about ", n, "about"),
            Expected::AtMost(n) => ("at most ", n, "at most"),
        };
        let (double, rows) = if params.cfg_scale > 0.0 {
            ("double ", 2)
        } else {
            ("", 1)
        };
        let s = if count == 1 { "" } else { "s" };
        let all = u32::try_from(count)
            .unwrap_or(u32::MAX)
            .saturating_mul(rows);
        Self {
            plan: format!(
                "{length} tok = {blocks} × {block}{how} → {most}{count} {double}forward{s}"
            ),
            time: forward.map(|it| format!("{about} {}", number::wait(it.saturating_mul(all)))),
            notes: fit.notes,
        }
    }
}

#[cfg(test)]
mod tests {
    use unmask_core::Params;
    use unmask_core::params::Transfer;

    use super::*;

    fn settings(length: usize, block_length: usize, steps: usize) -> Settings {
        Settings {
            length,
            params: Params {
                steps,
                block_length,
                ..Params::default()
            },
            ..Settings::default()
        }
    }

    #[track_caller]
    fn check(settings: &Settings, plan: &str, time: &str) {
        let line = PlanLine::new(settings, Some(Duration::from_millis(140)));
        assert_eq!(
            (line.plan.as_str(), line.time.as_deref()),
            (plan, Some(time))
        );
    }

    #[test]
    fn the_plan_says_forwards_and_seconds() {
        let mut settings = settings(128, 32, 64);
        let exact = "128 tok = 4 × 32 · 64 steps = 4 × 16 → 64 forwards";
        check(&settings, exact, "about 9.0 s");
        settings.params.cfg_scale = 1.0;
        let double = "128 tok = 4 × 32 · 64 steps = 4 × 16 → 64 double forwards";
        check(&settings, double, "about 17.9 s");
        settings.params.cfg_scale = 0.0;
        settings.params.transfer = Transfer::Threshold(0.9);
        let most = "128 tok = 4 × 32 · ≈ threshold 0.9 → at most 128 forwards";
        check(&settings, most, "at most 17.9 s");
    }

    #[test]
    fn what_was_measured_is_expected_and_not_the_most_that_there_can_be() {
        let mut settings = settings(128, 32, 64);
        settings.measured = Some(std::sync::Arc::new(crate::fixture::measurement()));
        settings.set_speed(crate::state::DialPosition::Fast);
        let line = PlanLine::new(&settings, Some(Duration::from_millis(100)));
        assert!(line.plan.ends_with("→ about 3 forwards"), "{}", line.plan);
        assert_eq!(line.time.as_deref(), Some("about 0.3 s"));
    }

    #[test]
    fn what_will_run_is_said_and_not_what_was_said() {
        let settings = settings(96, 16, 50);
        check(
            &settings,
            "96 tok = 6 × 16 · 48 steps = 6 × 8 → 48 forwards",
            "about 6.7 s",
        );
        let line = PlanLine::new(&settings, None);
        assert_eq!(
            (line.time, line.notes),
            (None, vec!["steps 50 → 48 = 6 × 8".to_owned()])
        );
    }
}
