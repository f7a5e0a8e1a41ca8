//! From the events of a turn to its canvas, with a mark for each position: the one way in which they are put together.

use unmask_api::{Position, TokenId};

use crate::Canvas;
use crate::event::{Commit, CommitKind};

/// How a position came to hold its token.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Mark {
    /// It holds the mask.
    Masked,
    /// It was there before the first step: prompt or pin; or the user fixed it at a pause.
    Given,
    /// A step fixed it.
    Committed {
        /// Which, counted from 1; 0 if a turn before this one did.
        step: usize,
        /// 0 to 1.
        confidence: f32,
    },
    /// A step replaced another token.
    Changed {
        /// Which.
        step: usize,
    },
}

impl Mark {
    /// True if a step has fixed what stands there.
    #[must_use]
    pub fn is_committed(self) -> bool {
        match self {
            Self::Committed { .. } | Self::Changed { .. } => true,
            Self::Masked | Self::Given => false,
        }
    }
}

/// A commit that does not fit the canvas: the events are not of one turn, or not all there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{kind:?} at position {at} of a canvas of {length}", at = at.0)]
pub struct FoldError {
    /// What was to be done.
    pub kind: CommitKind,
    /// Where.
    pub at: Position,
    /// Positions of the canvas.
    pub length: usize,
}

/// A canvas with a mark for each of its positions, after some of a turn's steps.
#[derive(Debug, Clone, PartialEq)]
pub struct Fold {
    // Invariant: marks.len() == canvas.len().
    canvas: Canvas,
    marks: Vec<Mark>,
}

impl Fold {
    /// Before the first step of a turn that begins on `canvas`.
    #[must_use]
    pub fn new(canvas: Canvas) -> Self {
        let positions = (0..canvas.len()).map(|index| Position(index as u32));
        let mark = |at| match (canvas.is_masked(at), canvas.is_given(at)) {
            (true, _) => Mark::Masked,
            (false, true) => Mark::Given,
            (false, false) => Mark::Committed {
                step: 0,
                confidence: 1.0,
            },
        };
        let marks = positions.map(mark).collect();
        Self { canvas, marks }
    }

    /// Applies the commits of `step`, in order.
    ///
    /// # Errors
    /// [`FoldError`] for the first that does not fit; those before it are applied.
    pub fn apply(&mut self, step: usize, commits: &[Commit]) -> Result<(), FoldError> {
        commits
            .iter()
            .try_for_each(|commit| self.commit(step, commit))
    }

    /// The canvas as it stands.
    #[must_use]
    pub fn canvas(&self) -> &Canvas {
        &self.canvas
    }

    /// How each position came about, those of the prompt included.
    #[must_use]
    pub fn marks(&self) -> &[Mark] {
        &self.marks
    }

    /// How each position of the answer came about.
    #[must_use]
    pub fn answer_marks(&self) -> &[Mark] {
        &self.marks[self.canvas.answer_start()..]
    }

    fn commit(&mut self, step: usize, commit: &Commit) -> Result<(), FoldError> {
        self.check(commit)?;
        let (index, mark) = (commit.at.index(), self.mark(step, commit));
        self.canvas.apply(commit);
        match commit.kind {
            CommitKind::Inserted => self.marks.insert(index, mark),
            CommitKind::Deleted => drop(self.marks.remove(index)),
            CommitKind::New | CommitKind::Changed | CommitKind::Remasked | CommitKind::Pinned => {
                self.marks[index] = mark;
            }
        }
        Ok(())
    }

    fn mark(&self, step: usize, commit: &Commit) -> Mark {
        match commit.kind {
            _ if self.is_mask(commit.token) => Mark::Masked,
            CommitKind::New | CommitKind::Inserted => Mark::Committed {
                step,
                confidence: commit.confidence,
            },
            CommitKind::Changed | CommitKind::Remasked | CommitKind::Deleted => {
                Mark::Changed { step }
            }
            CommitKind::Pinned => Mark::Given,
        }
    }

    fn is_mask(&self, token: TokenId) -> bool {
        token == self.canvas.mask()
    }

    fn check(&self, commit: &Commit) -> Result<(), FoldError> {
        let length = self.canvas.len();
        let places = match commit.kind {
            CommitKind::Inserted => length + 1,
            CommitKind::New
            | CommitKind::Changed
            | CommitKind::Remasked
            | CommitKind::Deleted
            | CommitKind::Pinned => length,
        };
        match commit.at.index() < places {
            true => Ok(()),
            false => Err(FoldError {
                kind: commit.kind,
                at: commit.at,
                length,
            }),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
