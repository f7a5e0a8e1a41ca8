//! The speed dial.

use super::nudge::Way;
use super::step;
use crate::amount;
use crate::state::{DialPosition, Settings, State};

/// The dial stops at its ends for the arrows; Enter goes round.
pub(super) fn next_speed(state: &mut State) {
    match state.settings.speed() {
        Some(DialPosition::Turbo) => state.settings.set_speed(DialPosition::Quality),
        Some(DialPosition::Quality | DialPosition::Balanced | DialPosition::Fast) | None => {
            step(state, Way::More)
        }
    }
}

/// What stands at a position of the dial: `dual, 3.2 forwards (90 %: 6), -0.4 points (-1.9 to +1.1)`, or the dial's own words.
fn dial_words(settings: &Settings, speed: DialPosition) -> String {
    let Some(measured) = settings.measured_mode(speed) else {
        let own = match speed {
            DialPosition::Quality => "1 token per step",
            DialPosition::Balanced => "2 tokens per step",
            DialPosition::Fast => "≈ all tokens above 0.90 in each step",
            DialPosition::Turbo => "≈ all tokens above 0.70 in each step",
        };
        return match settings.measured {
            Some(_) => format!("{own}, not shown to lose so little"),
            None => format!("{own}, unmeasured"),
        };
    };
    let cost = settings.estimate(speed, None);
    let (forwards, most) = cost.map_or((0, 0), |cost| (cost.forwards, cost.most));
    let mut words = format!(
        "{}, {} (9 in 10: up to {most})",
        measured.mode,
        amount::counted(forwards, "forward")
    );
    if let Some(it) = &measured.difference {
        let points = [it.mean, it.low, it.high].map(|share| 100.0 * share);
        words += &format!(
            ", {:+.1} points of right answers ({:+.1} to {:+.1})",
            points[0], points[1], points[2]
        );
    } else if !measured.mode.is_exact() {
        words += &format!(
            ", {:.0} % of the tokens",
            100.0 * measured.agreement.aligned
        );
    }
    words
}

/// `/speed NAME`.
pub(in crate::update) fn turn_dial(state: &mut State, speed: DialPosition) {
    state.settings.set_speed(speed);
    let note = dial_words(&state.settings, speed);
    state.notify(format!("Speed {}: {note}", speed.name()));
}
