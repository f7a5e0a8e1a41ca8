use std::sync::Arc;
use std::time::Duration;

use super::{Activity, Motion, State, Turn};

/// What an empty conversation shows: a recorded answer that is unmasked some times over, and what may be asked.
#[derive(Debug, Clone)]
pub struct Welcome {
    /// The recorded answer.
    pub turn: Arc<Turn>,
    /// When it began to be shown, by [`ScreenTime::since_start`](crate::action::ScreenTime::since_start).
    pub began: Option<Duration>,
}

/// What may be asked with one key.
pub const PROMPTS: [&str; 3] = [
    "What is gold?",
    "Write a poem about the sea",
    "Tell me a story about a fox",
];

/// How long a step stays.
const STEP: Duration = Duration::from_millis(160);
/// Steps that the whole answer stays.
const REST: u32 = 19;
/// How many times it is shown.
const ROUNDS: u32 = 3;

impl Welcome {
    /// Entries of the answer's log that are shown at this time.
    #[must_use]
    pub fn shown(&self, now: Duration) -> usize {
        let all = self.turn.log().entries.len();
        let Some(began) = self.began else {
            return 0;
        };
        let step = self.step(now.saturating_sub(began));
        let round = self.round();
        match step >= round * ROUNDS - REST {
            true => all,
            false => usize::try_from(step % round).unwrap_or(all).min(all),
        }
    }

    /// When something else is shown than at this time; never once it stands still.
    #[must_use]
    pub fn next_at(&self, now: Duration) -> Option<Duration> {
        let began = self.began?;
        let step = self.step(now.saturating_sub(began));
        (step < self.round() * ROUNDS - REST).then(|| began + STEP * (step + 1))
    }

    fn step(&self, since: Duration) -> u32 {
        u32::try_from(since.as_millis() / STEP.as_millis()).unwrap_or(u32::MAX)
    }

    /// Steps of one time through, with the rest.
    fn round(&self) -> u32 {
        let entries = u32::try_from(self.turn.log().entries.len()).unwrap_or(u32::MAX / 4);
        entries.min(u32::MAX / 8) + REST
    }
}

impl State {
    /// The welcome, while nothing was said and nothing else is shown.
    #[must_use]
    pub fn welcomed(&self) -> Option<&Welcome> {
        let welcome = self.welcome.as_ref()?;
        let is_empty = self.transcript.entries.is_empty() && self.queue.is_empty();
        let is_still = match self.activity {
            Activity::Idle => self.model.is_some(),
            Activity::Loading(_) => true,
            Activity::Turn(_) => false,
        };
        (is_empty && is_still && self.replay.is_none()).then_some(welcome)
    }

    /// When the welcome shows its next step.
    pub(super) fn welcome_wakes_at(&self) -> Option<Duration> {
        let welcome = self.welcomed()?;
        match (self.motion, self.overlays.is_empty()) {
            (Motion::Full, true) => welcome.next_at(self.now.since_start),
            (Motion::Full, false) | (Motion::Reduced, _) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{self, FixtureCell};

    #[test]
    fn it_is_unmasked_three_times_and_then_stands_still() {
        let cells = [FixtureCell::Text(b"a"), FixtureCell::Text(b"b")];
        let mut turn = fixture::turn_of(&cells);
        turn.apply(&fixture::step(2, 4, Vec::new()));
        let welcome = Welcome {
            turn: Arc::new(turn),
            began: Some(Duration::ZERO),
        };
        let at = |step: u32| welcome.shown(STEP * step);
        let round = welcome.round();
        assert_eq!([at(0), at(1), at(2), at(9)], [0, 1, 2, 2]);
        assert_eq!([at(round), at(round + 1)], [0, 1], "once more");
        let end = STEP * (round * ROUNDS - REST);
        assert_eq!((welcome.shown(end), welcome.next_at(end)), (2, None));
        assert_eq!(welcome.shown(end * 100), 2);
    }
}
