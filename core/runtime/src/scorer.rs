//! The only place that calls a session: lays a question about a sequence out as a pass, and reads the answer.

mod layout;
mod prefix;

use std::ops::Range;

use layout::PassLayout;
use prefix::Prefix;
use unmask_api::{
    Attention, BackendError, CancelFlag, Capabilities, Logits, Model, ModelFacts, Position,
    RowSummary, Session, SessionSpec, TokenId, TopRequest, TopRows,
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
    /// Positions that are recomputed; K/V of all others come from the session's cells. All of them if nothing is kept. Where
    /// attention is causal, those of a beginning that the cells hold already are left out.
    pub fed: Range<usize>,
    /// Positions whose logits are wanted, ascending, within `fed`.
    pub wanted: &'a [Position],
    /// A second copy of a block, whose rows follow the wanted ones.
    pub shadow: Option<Shadow<'a>>,
}

/// A second copy of a block, all masked: each of its positions sees the sequence but the token in its own place, and the
/// copy; nobody else sees it. Only where all of the sequence is fed and no K/V are kept (WINO, arXiv:2507.18578).
#[derive(Debug, Clone)]
pub struct Shadow<'a> {
    /// The mask.
    pub mask: TokenId,
    /// The block.
    pub block: Range<usize>,
    /// Its positions whose logits are wanted, ascending.
    pub wanted: &'a [Position],
}

impl Question<'_> {
    /// Rows of its answer.
    fn n_rows(&self) -> usize {
        let shadow = self.shadow.as_ref().map_or(0, |it| it.wanted.len());
        self.wanted.len() + shadow
    }
}

/// Whether the K/V of a sequence are kept between forwards, position p in cell p.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KvCache {
    /// Each forward feeds the whole sequence, and no memory is taken for K/V.
    Off,
    /// A forward may feed a part.
    On,
}

/// What a short answer leaves out and tells besides, for every wanted row alike.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ShortForm {
    /// Ids that count as if their logits were minus infinity, ascending.
    pub banned: Vec<TokenId>,
    /// Ids whose logits are told as they are.
    pub asked: Vec<TokenId>,
}

/// A session with the buffers that every forward needs.
///
/// The logits of a plugin are finite, which its border tests; what a session in this process gives is taken as it is.
pub struct Scorer {
    session: Box<dyn Session>,
    spec: SessionSpec,
    /// Positions of the longest sequence.
    length: u32,
    questions: usize,
    facts: ModelFacts,
    logits: Logits,
    top: TopRows,
    asked: Vec<TokenId>,
    layout: PassLayout,
    /// What each slot holds for good; none if nothing is kept.
    prefixes: Vec<Prefix>,
}

/// What a session is opened for.
#[derive(Debug, Clone, Copy)]
pub struct Room {
    /// Positions of the longest sequence.
    pub length: usize,
    /// Questions at a time.
    pub questions: usize,
    /// Whether each has a second slot, for guidance.
    pub guided: bool,
    /// Whether K/V are kept.
    pub kv_cache: KvCache,
    /// How the model attends, which tells what of the K/V a later sequence can use.
    pub attention: Attention,
}

impl Scorer {
    /// Opens a session.
    ///
    /// # Errors
    /// If the backend has no room, or lacks batches and guidance is asked for.
    pub fn new(model: &dyn Model, room: Room) -> Result<Self, BackendError> {
        let facts = model.facts();
        if room.guided && !facts.capabilities.has(Capabilities::BATCH) {
            return Err(BackendError::Unsupported(
                "guidance needs two rows in one forward, which this backend does not offer; set cfg_scale to 0".to_owned(),
            ));
        }
        let (length, slots) = (positions(room.length)?, room.slots());
        let (cells, prefixes) = match room.kv_cache {
            KvCache::Off => (0, Vec::new()),
            KvCache::On => (length, vec![Prefix::new(room.attention); slots]),
        };
        let spec = SessionSpec {
            cells,
            slots: slots as u32,
        };
        Ok(Self {
            session: model.session(spec)?,
            spec,
            length,
            questions: room.questions,
            facts,
            logits: Logits::default(),
            top: TopRows::default(),
            asked: Vec::new(),
            layout: PassLayout::default(),
            prefixes,
        })
    }

    /// Makes room for sequences of `length` positions, if there is less; what is kept stays.
    ///
    /// # Errors
    /// If the backend has no room; the session is then as it was.
    pub fn reserve(&mut self, length: usize) -> Result<(), BackendError> {
        let length = positions(length)?.max(self.length);
        if self.spec.cells > 0 && length > self.spec.cells {
            self.session.reserve(length)?;
            self.spec.cells = length;
        }
        self.length = length;
        Ok(())
    }

    /// True if it may spare the next turn's forwards the beginning that the turns have in common, and has slots enough for it.
    #[must_use]
    pub fn is_worth_keeping_for(&self, room: &Room) -> bool {
        let slots = self.prefixes.len();
        room.kv_cache == KvCache::On && slots == room.slots() && self.holds_prefix()
    }

    /// True if a later turn may use what the cells hold: K/V are kept, and attention is causal.
    #[must_use]
    pub fn holds_prefix(&self) -> bool {
        self.prefixes.iter().any(Prefix::can_hold)
    }

    /// Positions of the longest sequence that it can be asked about.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.length as usize
    }

    /// Questions that it can be asked at a time.
    #[must_use]
    pub fn questions(&self) -> usize {
        self.questions
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
        self.batch(std::slice::from_ref(question), cancel)
    }

    /// The wanted rows of all questions, `[Σ wanted, vocab]`, one question's after the other's, from one forward; guidance as
    /// for [`logits`](Self::logits). There may be as many as [`questions`](Self::questions) says, and more than one needs
    /// `BATCH`.
    ///
    /// # Errors
    /// As [`logits`](Self::logits).
    pub fn batch(
        &mut self,
        questions: &[Question<'_>],
        cancel: &CancelFlag,
    ) -> Result<&mut [f32], BackendError> {
        self.forward(questions, cancel)?;
        let vocab = self.facts.vocab;
        self.logits.reset(self.layout.wanted.len(), vocab);
        self.session
            .read_logits(&self.layout.read, self.logits.view())?;
        let wanted: usize = questions.iter().map(Question::n_rows).sum();
        let scores = self.logits.view().scores;
        let (mut conditional, mut unconditional) = scores.split_at_mut(wanted * vocab);
        for question in questions {
            let rows;
            (rows, conditional) = conditional.split_at_mut(question.n_rows() * vocab);
            if let Some((_, scale)) = question.guidance {
                let others;
                (others, unconditional) = unconditional.split_at_mut(rows.len());
                guide(rows, others, scale);
            }
        }
        Ok(&mut self.logits.view().scores[..wanted * vocab])
    }

    /// The wanted rows in `form`, or `None` if this model or question needs whole rows.
    ///
    /// # Errors
    /// As [`logits`](Self::logits).
    pub fn top(
        &mut self,
        question: &Question<'_>,
        form: &ShortForm,
        cancel: &CancelFlag,
    ) -> Result<Option<&TopRows>, BackendError> {
        let can = self.facts.capabilities.has(Capabilities::TOPK_OUTPUT);
        let allowed = self.facts.vocab.saturating_sub(form.banned.len());
        let is_plain = question.guidance.is_none() && question.shadow.is_none();
        if !can || !is_plain || allowed == 0 {
            return Ok(None);
        }
        self.forward(std::slice::from_ref(question), cancel)?;
        self.asked.clear();
        (question.wanted.iter()).for_each(|_| self.asked.extend_from_slice(&form.asked));
        let request = TopRequest {
            rows: &self.layout.read,
            banned: &form.banned,
            asked: &self.asked,
            divergence: false,
        };
        self.top.reset(&request, TOP.min(allowed));
        self.session.read_top(&request, self.top.view())?;
        Ok(Some(&self.top))
    }

    /// The natural logarithm of the softmax probability of each of `tokens`, one for every wanted row of all questions; from one
    /// forward, and where the model gives it and there is no guidance in short form.
    ///
    /// # Errors
    /// As [`logits`](Self::logits).
    pub fn log_probabilities(
        &mut self,
        questions: &[Question<'_>],
        tokens: &[TokenId],
        cancel: &CancelFlag,
    ) -> Result<Vec<f64>, BackendError> {
        let is_guided = questions.iter().any(|it| it.guidance.is_some());
        if is_guided || !self.facts.capabilities.has(Capabilities::TOPK_OUTPUT) {
            let vocab = self.facts.vocab;
            let rows = self.batch(questions, cancel)?.chunks_exact(vocab);
            let score = |(row, token): (&[f32], &TokenId)| {
                RowSummary::of(row, &[], 1).log_probability(row[token.index()])
            };
            return Ok(rows.zip(tokens).map(score).collect());
        }
        self.forward(questions, cancel)?;
        let request = TopRequest {
            rows: &self.layout.read,
            banned: &[],
            asked: tokens,
            divergence: false,
        };
        self.top.reset(&request, 1);
        self.session.read_top(&request, self.top.view())?;
        let score = |row| self.top.log_probability(row, self.top.asked(row)[0]);
        Ok((0..tokens.len()).map(score).collect())
    }

    fn forward(
        &mut self,
        questions: &[Question<'_>],
        cancel: &CancelFlag,
    ) -> Result<(), BackendError> {
        self.layout.fill(questions, &self.prefixes);
        let pass = self.layout.pass(cancel);
        pass.check(self.facts.vocab, &self.spec)?;
        for (prefix, (question, _)) in self.prefixes.iter_mut().zip(sequences(questions)) {
            // Behind padding stands another sequence.
            prefix.writing_from(if question.padding == 0 {
                question.fed.start
            } else {
                0
            });
        }
        self.session.forward(&pass)?;
        let held = self.layout.held.iter();
        let written = sequences(questions).zip(held);
        for (prefix, ((question, tokens), &held)) in self.prefixes.iter_mut().zip(written) {
            prefix.filled_until(question.fed.end);
            if question.padding == 0 {
                prefix.written(tokens, held, &question.fed);
            }
        }
        Ok(())
    }
}

/// The sequences of all questions, in the order of their rows and slots.
fn sequences<'q>(
    questions: &'q [Question<'q>],
) -> impl Iterator<Item = (&'q Question<'q>, &'q [TokenId])> {
    let conditional = questions.iter().map(|it| (it, it.tokens));
    let unconditional = (questions.iter()).filter_map(|it| Some((it, it.guidance?.0)));
    conditional.chain(unconditional)
}

fn positions(length: usize) -> Result<u32, BackendError> {
    u32::try_from(length).map_err(|_| {
        BackendError::Unsupported(format!(
            "a sequence of {length} tokens is beyond every backend; shorten it"
        ))
    })
}

impl Room {
    fn slots(&self) -> usize {
        match self.guided {
            true => 2 * self.questions,
            false => self.questions,
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

#[cfg(test)]
mod tests;
