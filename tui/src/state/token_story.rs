use unmask_core::event::CommitKind;

use super::{CanvasMoment, Guesses, LogEntry, Turn};

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

    /// How sure the model was of the place at this offset in each step up to the one that fixed the token, or that is shown;
    /// as far as its guesses are known. Where tokens were inserted or left out, nobody follows the place.
    #[must_use]
    pub fn growth(&self, moment: &CanvasMoment, shown: usize, offset: usize) -> Vec<(usize, f32)> {
        let start = moment.fold.canvas().answer_start();
        let entries = &self.log().entries;
        let until = moment
            .origin(offset)
            .map_or(shown, |origin| origin.entry + 1);
        let mut growth = Vec::new();
        for entry in &entries[..until.min(entries.len())] {
            let LogEntry::Step(step) = entry else {
                continue;
            };
            if step
                .commits
                .iter()
                .any(|it| matches!(it.kind, CommitKind::Inserted | CommitKind::Deleted))
            {
                return Vec::new();
            }
            let fixed = step
                .commits
                .iter()
                .find(|it| it.at.index() == start + offset);
            let guess = Guesses::of(Some(step), start).at(offset);
            let sure = fixed.map(|it| it.confidence);
            growth.extend(
                sure.or(guess.map(|it| it.confidence))
                    .map(|p| (step.step, p)),
            );
        }
        growth
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

#[cfg(test)]
mod tests {
    use unmask_core::Canvas;

    use super::*;

    #[test]
    fn a_token_is_followed_back_over_what_was_inserted_and_left_out_before_it() {
        use crate::fixture::{self, FixtureCell};
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
    fn the_guesses_of_a_place_are_followed_to_the_step_that_fixed_it() {
        use crate::fixture::{self, FixtureCell};
        use unmask_core::event::Guess;
        let cells = [FixtureCell::Text(b"a")];
        let id = unmask_core::engine::TurnId(1);
        let mut turn = Turn::new(id, fixture::loaded(&cells), "?".to_owned());
        turn.lay_out(
            Canvas::new(&[], 2, fixture::MASK),
            &unmask_core::Params::default(),
        );
        let a = fixture::token(&cells, 0);
        let guess = |at, confidence| Guess {
            at: unmask_core::Position(at),
            token: a,
            confidence,
        };
        for (step, at, guesses) in [
            (1, None, vec![guess(0, 0.2), guess(1, 0.3)]),
            (2, Some(1), vec![guess(0, 0.5)]),
            (3, Some(0), vec![]),
        ] {
            let commits = at.map(|at| fixture::new(at, a, 0.9)).into_iter().collect();
            turn.replay_step(unmask_core::event::StepEvent {
                guesses,
                ..fixture::step(step, 3, commits)
            });
        }
        let growth = |shown: usize, offset| {
            let moment = turn.log().moment(shown);
            turn.growth(&moment, shown, offset)
        };
        assert_eq!(growth(3, 0), [(1, 0.2), (2, 0.5), (3, 0.9)]);
        assert_eq!(growth(3, 1), [(1, 0.3), (2, 0.9)]);
        assert_eq!(
            growth(1, 0),
            [(1, 0.2)],
            "what comes later is not shown yet"
        );
    }
}
