//! The only place that calls a session: lays a question about a sequence out as a pass, and reads the answer.

use std::ops::Range;

use unmask_api::{
    BackendError, CancelFlag, Capabilities, Logits, Model, ModelFacts, Pass, Position, Row,
    Session, SessionSpec, TokenId, TopRows,
};

use crate::event::TOP;

/// Which logits are wanted, and how much is recomputed for them.
#[derive(Debug, Clone)]
pub struct Question<'a> {
    /// The whole sequence, `[length]`.
    pub tokens: &'a [TokenId],
    /// For guidance: the same sequence with the condition masked, and the scale (LLaDA, Eq. 16), above 0.
    pub guidance: Option<(&'a [TokenId], f32)>,
    /// Left padding of the sequence.
    pub padding: usize,
    /// Positions that are recomputed; K/V of all others come from the session's cache.
    pub fed: Range<usize>,
    /// Positions whose logits are wanted, ascending, within `fed`.
    pub wanted: &'a [Position],
}

/// A session with the buffers that every forward needs.
///
/// The logits of a plugin are finite, which its border tests; what a session in this process gives is taken as it is.
pub struct Scorer {
    session: Box<dyn Session>,
    spec: SessionSpec,
    facts: ModelFacts,
    logits: Logits,
    top: TopRows,
    layout: Layout,
}

/// A question as a pass has it: one row, or two under guidance.
#[derive(Default)]
struct Layout {
    rows: Vec<Row>,
    tokens: Vec<TokenId>,
    positions: Vec<Position>,
    wanted: Vec<u32>,
}

impl Scorer {
    /// Opens a session for sequences of up to `length` positions, with a second cache slot if `guided`.
    ///
    /// # Errors
    /// If the backend has no room, or lacks batches and guidance is asked for.
    pub fn new(model: &dyn Model, length: usize, guided: bool) -> Result<Self, BackendError> {
        let facts = model.facts();
        if guided && !facts.capabilities.has(Capabilities::BATCH) {
            return Err(BackendError::Unsupported(
                "guidance needs two rows in one forward, which this backend does not offer; set cfg_scale to 0".to_owned(),
            ));
        }
        let capacity = u32::try_from(length).map_err(|_| {
            BackendError::Unsupported(format!(
                "a sequence of {length} tokens is beyond every backend; shorten it"
            ))
        })?;
        let spec = SessionSpec {
            capacity,
            slots: if guided { 2 } else { 1 },
        };
        Ok(Self {
            session: model.session(spec)?,
            spec,
            facts,
            logits: Logits::default(),
            top: TopRows::default(),
            layout: Layout::default(),
        })
    }

    /// What the model is.
    #[must_use]
    pub fn facts(&self) -> &ModelFacts {
        &self.facts
    }

    /// The wanted rows, `[wanted, vocab]`, to be edited at will; with guidance
    /// `unconditional + (scale + 1) * (conditional - unconditional)`.
    ///
    /// # Errors
    /// If the backend fails, or was asked to stop.
    pub fn logits(
        &mut self,
        question: &Question<'_>,
        cancel: &CancelFlag,
    ) -> Result<&mut [f32], BackendError> {
        self.layout.fill(question);
        let (wanted, vocab) = (question.wanted.len(), self.facts.vocab);
        self.logits.reset(self.layout.wanted.len(), vocab);
        let pass = self.layout.pass(cancel);
        pass.check(vocab, &self.spec)?;
        self.session.forward(&pass, self.logits.view())?;
        let scores = self.logits.view().scores;
        let (conditional, unconditional) = scores.split_at_mut(wanted * vocab);
        if let Some((_, scale)) = question.guidance {
            guide(conditional, unconditional, scale);
        }
        Ok(conditional)
    }

    /// The best entries of each wanted row, or `None` if this model or question needs whole rows.
    ///
    /// # Errors
    /// As [`logits`](Self::logits).
    pub fn top(
        &mut self,
        question: &Question<'_>,
        cancel: &CancelFlag,
    ) -> Result<Option<&TopRows>, BackendError> {
        let can = self.facts.capabilities.has(Capabilities::TOPK_OUTPUT);
        if !can || question.guidance.is_some() {
            return Ok(None);
        }
        self.layout.fill(question);
        let (wanted, vocab) = (question.wanted.len(), self.facts.vocab);
        self.top.reset(wanted, TOP.min(vocab));
        let pass = self.layout.pass(cancel);
        pass.check(vocab, &self.spec)?;
        self.session.forward_top(&pass, self.top.view())?;
        Ok(Some(&self.top))
    }
}

impl Layout {
    fn fill(&mut self, question: &Question<'_>) {
        self.rows.clear();
        self.tokens.clear();
        self.positions.clear();
        self.wanted.clear();
        let unconditional = question.guidance.map(|(tokens, _)| tokens);
        let sequences = [Some(question.tokens), unconditional];
        // Positions fit in `u32`: the session's capacity does.
        for (slot, tokens) in (0..).zip(sequences.into_iter().flatten()) {
            let first = self.tokens.len();
            self.rows.push(Row {
                fed: question.fed.len() as u32,
                slot,
                attend: question.padding as u32..tokens.len() as u32,
            });
            self.tokens.extend_from_slice(&tokens[question.fed.clone()]);
            self.positions
                .extend(question.fed.clone().map(|index| Position(index as u32)));
            let index_of = |at: &Position| (first + at.index() - question.fed.start) as u32;
            self.wanted.extend(question.wanted.iter().map(index_of));
        }
    }

    fn pass<'a>(&'a self, cancel: &'a CancelFlag) -> Pass<'a> {
        Pass {
            rows: &self.rows,
            tokens: &self.tokens,
            positions: &self.positions,
            wanted: &self.wanted,
            cancel,
        }
    }
}

/// Classifier-free guidance: `conditional = unconditional + (scale + 1) * (conditional - unconditional)`, in float32.
///
/// LLaDA, Eq. (16), arXiv:2502.09992; the reference's `generate()`.
pub fn guide(conditional: &mut [f32], unconditional: &[f32], scale: f32) {
    for (score, other) in conditional.iter_mut().zip(unconditional) {
        *score = other + (scale + 1.0) * (*score - other);
    }
}
