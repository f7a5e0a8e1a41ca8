//! When the screen changes without anything happening.

use std::time::Duration;

use super::{Activity, Button, Motion, Overlay, Stage, State};

impl State {
    /// When something on the screen changes by itself, by [`ScreenTime::since_start`](crate::screen_time::ScreenTime::since_start).
    #[must_use]
    pub fn wakes_at(&self) -> Option<Duration> {
        const CALM: Duration = Duration::from_millis(500);
        let counter = match self.motion {
            Motion::Full => Duration::from_millis(100),
            Motion::Reduced => CALM,
        };
        const SLOW_COUNTER: Duration = Duration::from_secs(1);
        let counting = match &self.activity {
            Activity::Idle => None,
            Activity::Loading(_) => Some(self.now.since_start + SLOW_COUNTER),
            Activity::Turn(turn) => match turn.stage {
                Stage::Pausing { .. } | Stage::Stopping { .. } => {
                    Some(self.now.since_start + counter)
                }
                Stage::Denoising | Stage::Paused => None,
            },
        };
        let notice = self.notice.as_ref().map(|notice| notice.until);
        let waits = !self.playback.waiting.is_empty() && !self.is_paused();
        let playback = waits.then_some(match self.settings.delay.is_zero() {
            true => self.now.since_start,
            false => self.playback.next_at,
        });
        let pull = match self.text_selection.map(|it| it.button) {
            Some(Button::Beyond(_, at)) => Some(at),
            Some(Button::Held | Button::Released) | None => None,
        };
        let replay = self.replay.as_ref().and_then(|replay| replay.playing);
        let menu = match self.overlays.last() {
            Some(&Overlay::Menu { shown_at }) if shown_at > self.now.since_start => Some(shown_at),
            Some(_) | None => None,
        };
        [
            counting,
            playback,
            replay,
            pull,
            notice,
            menu,
            self.frames.due,
            self.welcome_wakes_at(),
            self.quit_until,
            self.held_enter,
        ]
        .into_iter()
        .flatten()
        .min()
    }
}
