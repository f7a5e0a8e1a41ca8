use std::collections::BTreeSet;
use std::time::Duration;

use super::{CanvasMoment, Entry, Patch, Pending, State, Turn};

/// An answer step by step, with what the user wants to be otherwise.
#[derive(Debug, Clone)]
pub struct Replay {
    /// Its place among the [parts](crate::screen_layout::Part) of the transcript.
    pub part: usize,
    /// How many entries of its log are shown; `None` for all, those to come among them.
    pub at: Option<usize>,
    /// The token that the keys mean, as an offset in the answer.
    pub token: usize,
    /// Which of its candidates is chosen.
    pub candidate: usize,
    /// Where a selected span begins; it ends at the token.
    pub anchor: Option<usize>,
    /// Tokens that are others in the answer beside it; `None` if there is none.
    pub differing: Option<BTreeSet<usize>>,
    /// What is to be changed.
    pub patch: Patch,
    /// Patches before this one.
    pub undone: Vec<Patch>,
    /// Patches that were taken back.
    pub redone: Vec<Patch>,
    /// When the next entry is shown, while it plays.
    pub playing: Option<Duration>,
    /// How fast it plays.
    pub speed: PlaySpeed,
    /// What the colours tell.
    pub layer: ReplayLayer,
    /// How tokens are arranged.
    pub arrangement: Arrangement,
    /// How the blocks that have not begun are shown.
    pub pending: Pending,
}

/// How fast a replay plays: a power of two, 1× at 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PlaySpeed(i8);

/// Where a replay begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ReplayStart {
    /// After this many steps; after the last if it does not play, else before the first.
    pub steps: Option<usize>,
    /// How fast it plays; `None` if it rests.
    pub speed: Option<PlaySpeed>,
}

/// What the colours of a replay tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ReplayLayer {
    /// How sure the model was of what the last steps fixed.
    #[default]
    Confidence,
    /// When each token was fixed.
    Order,
    /// How spread out the candidates of each token were.
    Entropy,
    /// Nothing; for pictures.
    Plain,
}

/// How the tokens of a replay are arranged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Arrangement {
    /// As text.
    #[default]
    Flow,
    /// One by one, as the tokenizer has them.
    Raw,
    /// In cells of one width, each with the step that fixed it.
    Grid,
}

impl PlaySpeed {
    const SLOWEST: i8 = -2;
    const FASTEST: i8 = 3;

    /// Twice as fast.
    #[must_use]
    pub fn faster(self) -> Self {
        Self((self.0 + 1).min(Self::FASTEST))
    }

    /// Half as fast.
    #[must_use]
    pub fn slower(self) -> Self {
        Self((self.0 - 1).max(Self::SLOWEST))
    }

    /// The one that is this many times as fast as the first.
    #[must_use]
    pub fn of(factor: f64) -> Option<Self> {
        let mut all = (Self::SLOWEST..=Self::FASTEST).map(Self);
        all.find(|it| it.factor() == factor)
    }

    /// How many times as fast as at first.
    #[must_use]
    pub fn factor(self) -> f64 {
        f64::from(self.0).exp2()
    }
}

impl ReplayLayer {
    /// The next one.
    #[must_use]
    pub fn next(self) -> Self {
        match self {
            Self::Confidence => Self::Order,
            Self::Order => Self::Entropy,
            Self::Entropy | Self::Plain => Self::Confidence,
        }
    }
}

impl Replay {
    /// Of a part of the transcript, at its end.
    #[must_use]
    pub fn new(part: usize, token: usize) -> Self {
        Self {
            part,
            at: None,
            token,
            candidate: 0,
            anchor: None,
            differing: None,
            patch: Patch::default(),
            undone: Vec::new(),
            redone: Vec::new(),
            playing: None,
            speed: PlaySpeed::default(),
            layer: ReplayLayer::default(),
            arrangement: Arrangement::default(),
            pending: Pending::Folded,
        }
    }

    /// Entries of the log of `turn` that are shown.
    #[must_use]
    pub fn shown(&self, turn: &Turn) -> usize {
        let all = turn.log().entries.len();
        self.at.map_or(all, |at| at.min(all))
    }

    /// The canvas that is shown.
    #[must_use]
    pub fn moment(&self, turn: &Turn) -> CanvasMoment {
        turn.log().moment(self.shown(turn))
    }

    /// The offsets that the keys mean: the selected span, or the token.
    #[must_use]
    pub fn span(&self) -> std::ops::RangeInclusive<usize> {
        let anchor = self.anchor.unwrap_or(self.token);
        anchor.min(self.token)..=anchor.max(self.token)
    }

    /// Puts token and span within the answer that is shown, which may have been shorter then.
    pub fn clip(&mut self, turn: &Turn) {
        let length = self.moment(turn).fold.canvas().answer().len();
        let last = length.saturating_sub(1);
        self.token = self.token.min(last);
        self.anchor = self.anchor.map(|anchor| anchor.min(last));
    }

    /// Remembers the patch as it is, to be changed.
    pub fn change(&mut self) -> &mut Patch {
        self.undone.push(self.patch.clone());
        self.redone.clear();
        &mut self.patch
    }

    /// How long an entry of a log with so many stays while it plays: a log takes 12 s, and an entry at most a quarter.
    #[must_use]
    pub fn pace(&self, entries: usize) -> Duration {
        const WHOLE: f64 = 12.0;
        let each = (WHOLE / entries.max(1) as f64).clamp(0.016, 0.25);
        Duration::from_secs_f64(each / self.speed.factor())
    }
}

impl State {
    /// The turn of a part of the transcript, if its log is there.
    #[must_use]
    pub fn turn_of(&self, part: usize) -> Option<&Turn> {
        match self.transcript.entries.get(part) {
            Some(item) => match &item.entry {
                Entry::Answer(answer) => answer.trace.as_deref(),
                Entry::You { .. } | Entry::Failure(_) | Entry::Note(_) => None,
            },
            None if part == self.transcript.entries.len() => self.running(),
            None => None,
        }
    }

    /// The replay with its turn, if one is open.
    #[must_use]
    pub fn replayed(&self) -> Option<(&Replay, &Turn)> {
        let replay = self.replay.as_ref()?;
        Some((replay, self.turn_of(replay.part)?))
    }

    /// True if the replay is of the running turn.
    #[must_use]
    pub fn is_replay_live(&self) -> bool {
        let part = self.replay.as_ref().map(|replay| replay.part);
        self.running().is_some() && part == Some(self.transcript.entries.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speeds_end_at_a_quarter_and_at_eight() {
        let mut speed = PlaySpeed::default();
        assert!((speed.factor() - 1.0).abs() < f64::EPSILON);
        for _ in 0..9 {
            speed = speed.slower();
        }
        assert!((speed.factor() - 0.25).abs() < f64::EPSILON);
        for _ in 0..9 {
            speed = speed.faster();
        }
        assert!((speed.factor() - 8.0).abs() < f64::EPSILON);
    }
}
