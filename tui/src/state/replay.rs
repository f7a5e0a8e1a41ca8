use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use unmask_core::{Canvas, Position, TokenId};

use super::{CanvasMoment, Entry, LogEntry, Pending, State, Turn};
use crate::row::{Row, TokenPlace};

/// An answer step by step, with what the user wants to be otherwise.
#[derive(Debug, Clone)]
pub struct Replay {
    /// Its place among the [parts](State::parts) of the transcript.
    pub part: usize,
    /// How many entries of its log are shown; `None` for all, those to come among them.
    pub at: Option<usize>,
    /// The token that the keys mean, as an offset in the answer.
    pub token: usize,
    /// Which of its candidates is chosen.
    pub candidate: usize,
    /// Where a selected span begins; it ends at the token.
    pub anchor: Option<usize>,
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
    /// What was laid out last.
    pub rows: ReplayRows,
}

/// The rows of a replay as they were laid out last.
#[derive(Debug, Clone, Default)]
pub struct ReplayRows {
    /// All of them.
    pub rows: Vec<Row>,
    /// Where the tokens are in each.
    pub places: Vec<Vec<TokenPlace>>,
    /// The first that is seen.
    pub top: usize,
}

/// What the user wants to be otherwise on a canvas, by offsets in the answer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Patch {
    /// To be masked again.
    pub remasked: BTreeSet<usize>,
    /// To be fixed as these tokens.
    pub pinned: BTreeMap<usize, TokenId>,
    /// To be fixed no more.
    pub unpinned: BTreeSet<usize>,
}

/// How fast a replay plays: a power of two, 1× at 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PlaySpeed(i8);

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

impl Patch {
    /// True if nothing is to be changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Marks a token to be masked again.
    pub fn remask(&mut self, offset: usize) {
        self.pinned.remove(&offset);
        self.unpinned.remove(&offset);
        self.remasked.insert(offset);
    }

    /// Fixes a token.
    pub fn pin(&mut self, offset: usize, token: TokenId) {
        self.remasked.remove(&offset);
        self.unpinned.remove(&offset);
        self.pinned.insert(offset, token);
    }

    /// The canvas as it is wanted; what lies beyond its end, since it grew later, is left out.
    #[must_use]
    pub fn applied(&self, canvas: &Canvas) -> Canvas {
        let mut wanted = canvas.clone();
        let at = |offset: usize| Position((canvas.answer_start() + offset) as u32);
        let length = canvas.answer().len();
        for &offset in self.remasked.range(..length) {
            wanted.remask(at(offset));
        }
        for &offset in self.unpinned.range(..length) {
            let token = wanted.remask(at(offset));
            wanted.commit(at(offset), token);
        }
        for (&offset, &token) in self.pinned.range(..length) {
            wanted.pin(at(offset), token);
        }
        wanted
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
            patch: Patch::default(),
            undone: Vec::new(),
            redone: Vec::new(),
            playing: None,
            speed: PlaySpeed::default(),
            layer: ReplayLayer::default(),
            arrangement: Arrangement::default(),
            pending: Pending::Folded,
            rows: ReplayRows::default(),
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

/// How a token came about.
#[derive(Debug, Clone, Copy)]
pub struct TokenStory<'a> {
    /// The commit.
    pub commit: &'a unmask_core::event::Commit,
    /// The step that made it; `None` for the user.
    pub step: Option<usize>,
    /// The entry of the log.
    pub entry: usize,
    /// Which of all committed tokens it was.
    pub order: usize,
}

impl Turn {
    /// Every commit at this offset among the first `shown` entries of the log, with its step; `None` is the user's. The place
    /// is followed back over what was inserted and left out before it.
    #[must_use]
    pub fn history(
        &self,
        moment: &CanvasMoment,
        shown: usize,
        offset: usize,
    ) -> Vec<(Option<usize>, &unmask_core::event::Commit)> {
        use unmask_core::event::CommitKind::{Changed, Deleted, Inserted, New, Pinned, Remasked};
        let entries = &self.log().entries;
        let mut at = Some(moment.fold.canvas().answer_start() + offset);
        let mut history = Vec::new();
        for entry in entries[..shown.min(entries.len())].iter().rev() {
            let step = match entry {
                LogEntry::Step(step) => Some(step.step),
                LogEntry::Edit(_) => None,
            };
            for commit in entry.commits().iter().rev() {
                let Some(now) = at else {
                    break;
                };
                let index = commit.at.index();
                match commit.kind {
                    New | Changed | Remasked | Pinned | Inserted if index == now => {
                        history.push((step, commit));
                        at = Some(now).filter(|_| commit.kind != Inserted);
                    }
                    Inserted if index < now => at = Some(now - 1),
                    Deleted if index <= now => at = Some(now + 1),
                    New | Changed | Remasked | Pinned | Inserted | Deleted => (),
                }
            }
        }
        history.reverse();
        history
    }

    /// How the token at this offset came about by `moment`; `None` for a mask and for what was there before.
    #[must_use]
    pub fn story(&self, moment: &CanvasMoment, offset: usize) -> Option<TokenStory<'_>> {
        let origin = moment.origin(offset)?;
        let entry = self.log().entries.get(origin.entry)?;
        Some(TokenStory {
            commit: entry.commits().get(origin.commit)?,
            step: match entry {
                LogEntry::Step(step) => Some(step.step),
                LogEntry::Edit(_) => None,
            },
            entry: origin.entry,
            order: origin.order,
        })
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
    fn a_patch_masks_pins_and_lets_go() {
        let mut canvas = Canvas::new(&[TokenId(9)], 3, TokenId(0));
        canvas.commit(Position(1), TokenId(5));
        canvas.commit(Position(2), TokenId(6));
        canvas.pin(Position(3), TokenId(7));
        let mut patch = Patch::default();
        assert!(patch.is_empty());
        patch.pin(0, TokenId(8));
        patch.remask(0);
        patch.remask(1);
        patch.pin(1, TokenId(4));
        patch.unpinned.insert(2);
        let wanted = patch.applied(&canvas);
        let tokens: Vec<u32> = wanted.tokens().iter().map(|token| token.0).collect();
        assert_eq!(tokens, [9, 0, 4, 7]);
        let given: Vec<bool> = (0..4).map(|at| wanted.is_given(Position(at))).collect();
        assert_eq!(given, [true, false, true, false]);
    }

    #[test]
    fn what_lies_beyond_a_shorter_canvas_is_left_out() {
        let canvas = Canvas::new(&[TokenId(9)], 2, TokenId(0));
        let mut patch = Patch::default();
        patch.remask(2);
        patch.pin(3, TokenId(4));
        patch.unpinned.insert(4);
        assert_eq!(patch.applied(&canvas), canvas);
    }

    #[test]
    fn a_token_is_followed_back_over_what_was_inserted_and_left_out_before_it() {
        use crate::fixture::{self, FixtureCell};
        use unmask_core::event::CommitKind;
        let cells = [FixtureCell::Text(b"a"), FixtureCell::Text(b"b")];
        let id = unmask_core::engine::TurnId(1);
        let mut turn = Turn::new(id, fixture::loaded(&cells), "?".to_owned());
        turn.lay_out(
            Canvas::new(&[], 3, fixture::MASK),
            &unmask_core::Params::default(),
        );
        let mut step = 0;
        let mut make = |kind, at, token| {
            step += 1;
            let commit = unmask_core::event::Commit {
                kind,
                ..fixture::new(at, token, 0.5)
            };
            turn.replay_step(fixture::step(step, 9, vec![commit]));
        };
        let [a, b] = [0, 1].map(|at| fixture::token(&cells, at));
        make(CommitKind::New, 1, a);
        make(CommitKind::Inserted, 0, b);
        make(CommitKind::Changed, 2, b);
        make(CommitKind::Deleted, 0, b);
        make(CommitKind::Remasked, 1, fixture::MASK);
        make(CommitKind::New, 1, a);
        let moment = turn.log().moment(6);
        let steps = |offset| {
            let history = turn.history(&moment, 6, offset);
            history
                .into_iter()
                .filter_map(|(step, _)| step)
                .collect::<Vec<_>>()
        };
        assert_eq!(steps(1), [1, 3, 5, 6]);
        assert_eq!(steps(0), [0; 0]);
        assert_eq!(turn.history(&turn.log().moment(3), 3, 2).len(), 2);
    }

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
