use std::sync::Arc;
use std::time::Duration;

use unmask_core::engine::{Loaded, TurnId};
use unmask_core::event::{Commit, CommitKind, StepEvent};
use unmask_core::{Canvas, Params, TokenId};

use crate::clean::clean_line;
use crate::row::Row;

/// A turn while it runs.
#[derive(Debug, Clone)]
pub struct Turn {
    /// Its name.
    pub id: TurnId,
    /// Who answers.
    pub loaded: Arc<Loaded>,
    /// The message it answers.
    pub prompt: String,
    /// What it is doing.
    pub stage: Stage,
    /// Prompt and answer; empty until it is laid out.
    canvas: Canvas,
    /// How each position of the answer came about; as long as the answer.
    pub marks: Vec<Mark>,
    /// Steps made.
    pub step: usize,
    /// Steps planned.
    pub steps: usize,
    /// The block being denoised, counted from 0.
    pub block: usize,
    /// Blocks in all.
    pub blocks: usize,
    /// Positions per block.
    block_length: usize,
    /// Tokens committed.
    pub committed: usize,
    /// Wall time of the steps.
    pub elapsed: Duration,
    /// Forwards made.
    pub nfe: usize,
    /// Tokens committed by each step.
    pub bars: Vec<usize>,
    /// Counts changes, for [`Turn::rows`].
    pub version: u64,
    /// The answer laid out, with the version and width it is for.
    pub rows: (Option<(u64, u16)>, Vec<Row>),
}

/// What a running turn is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Steps are made.
    Denoising,
    /// The running step is its last before a rest.
    Pausing {
        /// When this was asked for.
        since: Duration,
    },
    /// It rests.
    Paused,
    /// The running step is its last.
    Stopping {
        /// When this was asked for.
        since: Duration,
    },
}

/// How a position of the answer came to hold its token.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Mark {
    /// It holds the mask.
    Masked,
    /// The user fixed it.
    Given,
    /// A step fixed it.
    Committed {
        /// Which.
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

impl Turn {
    /// A turn that the engine has not begun.
    #[must_use]
    pub fn new(id: TurnId, loaded: Arc<Loaded>, prompt: String) -> Self {
        let canvas = Canvas::new(&[], 0, loaded.special.mask);
        Self {
            id,
            loaded,
            prompt,
            stage: Stage::Denoising,
            canvas,
            marks: Vec::new(),
            step: 0,
            steps: 0,
            block: 0,
            blocks: 0,
            block_length: 1,
            committed: 0,
            elapsed: Duration::ZERO,
            nfe: 0,
            bars: Vec::new(),
            version: 0,
            rows: (None, Vec::new()),
        }
    }

    /// The canvas is laid out.
    pub fn lay_out(&mut self, canvas: Canvas, params: &Params) {
        let start = canvas.answer_start();
        self.marks = (start..canvas.len())
            .map(|index| unmask_core::Position(index as u32))
            .map(|at| match (canvas.is_masked(at), canvas.is_given(at)) {
                (true, _) => Mark::Masked,
                (false, true) => Mark::Given,
                (false, false) => Mark::Committed {
                    step: 0,
                    confidence: 1.0,
                },
            })
            .collect();
        self.steps = params.steps;
        self.block_length = params.block_length.max(1);
        self.blocks = self.marks.len().div_ceil(self.block_length);
        self.canvas = canvas;
        self.version += 1;
    }

    /// One step was made.
    pub fn apply(&mut self, event: &StepEvent) {
        self.step = event.step;
        self.steps = event.steps;
        self.block = event.block;
        self.blocks = event.blocks;
        self.nfe = event.nfe;
        self.elapsed += event.elapsed;
        for commit in &event.commits {
            self.commit(commit);
        }
        self.committed = self.marks.iter().filter(|mark| mark.is_committed()).count();
        self.bars.push(event.commits.len());
        self.version += 1;
    }

    fn commit(&mut self, commit: &Commit) {
        let mark = match commit.kind {
            CommitKind::New => Mark::Committed {
                step: self.step,
                confidence: commit.confidence,
            },
            CommitKind::Changed => Mark::Changed { step: self.step },
            CommitKind::Remasked => Mark::Masked,
            CommitKind::Pinned => Mark::Given,
        };
        self.canvas.commit(commit.at, commit.token);
        if let Some(offset) = commit.at.index().checked_sub(self.canvas.answer_start()) {
            self.marks[offset] = mark;
        }
    }

    /// The answer's tokens, masks included.
    #[must_use]
    pub fn answer(&self) -> &[TokenId] {
        self.canvas.answer()
    }

    /// The mask.
    #[must_use]
    pub fn mask(&self) -> TokenId {
        self.canvas.mask()
    }

    /// Positions of the blocks that have begun.
    #[must_use]
    pub fn begun(&self) -> usize {
        self.answer()
            .len()
            .min((self.block + 1) * self.block_length)
    }

    /// Blocks that have not begun.
    #[must_use]
    pub fn blocks_pending(&self) -> usize {
        self.blocks.saturating_sub(self.block + 1)
    }

    /// Who speaks: the first word of the model's name, `LLaDA` of `LLaDA-8B-Instruct`.
    #[must_use]
    pub fn speaker(&self) -> String {
        speaker(&self.loaded.name)
    }

    /// Mean wall time of a step, once there is one.
    #[must_use]
    pub fn time_per_step(&self) -> Option<Duration> {
        let steps = u32::try_from(self.bars.len()).ok().filter(|&n| n > 0)?;
        Some(self.elapsed / steps)
    }
}

impl Mark {
    fn is_committed(self) -> bool {
        match self {
            Self::Committed { .. } | Self::Changed { .. } => true,
            Self::Masked | Self::Given => false,
        }
    }
}

fn speaker(name: &str) -> String {
    let name = clean_line(name);
    let first = name.split(['-', ' ']).find(|part| !part.is_empty());
    first.unwrap_or("model").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_speaks_by_its_first_name() {
        assert_eq!(speaker("LLaDA-8B-Instruct"), "LLaDA");
        assert_eq!(speaker("demo"), "demo");
        assert_eq!(speaker(""), "model");
    }
}
