//! The only place that calls a session: lays a question about a sequence out as a pass, and reads the answer.

mod guide;
mod layout;
mod prefix;
mod question;

use std::ops::Range;
use std::time::{Duration, Instant};

use layout::PassLayout;
use prefix::Prefix;
use question::{Sequence, sequences};
use unmask_api::{
    Attention, BackendError, CancelFlag, Capabilities, Logits, Model, ModelFacts, RowSummary,
    Session, SessionSpec, TokenId, TopRequest, TopRows,
};

use crate::event::TOP;

pub use guide::guide;
pub use question::{KvCache, Question, Room, Seat, Shadow, ShortForm};

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
    attention: Attention,
    logits: Logits,
    top: TopRows,
    asked: Vec<TokenId>,
    layout: PassLayout,
    seats: Vec<Seat>,
    /// Where the answers to the last forward's questions are.
    answers: Vec<AnswerRows>,
    /// Which rows are read.
    read: Vec<u32>,
    /// What each slot holds for good; none if nothing is kept.
    prefixes: Vec<Prefix>,
    /// Time that the session took for the last forward, its rows read included.
    took: Duration,
}

/// Where the answer to a question is among the rows of a pass.
struct AnswerRows {
    rows: Range<u32>,
    /// For guidance: the rows without the condition, and the scale.
    guidance: Option<(Range<u32>, f32)>,
    /// Whether it may be read in short form.
    is_plain: bool,
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
            attention: room.attention,
            logits: Logits::default(),
            top: TopRows::default(),
            asked: Vec::new(),
            layout: PassLayout::default(),
            seats: Vec::new(),
            answers: Vec::new(),
            read: Vec::new(),
            prefixes,
            took: Duration::ZERO,
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

    /// Keeps the K/V of sequences of `length` positions from now on, if it kept none or shorter ones.
    ///
    /// # Errors
    /// If the backend has no room; the session is then as it was.
    pub fn reserve_cells(&mut self, length: usize) -> Result<(), BackendError> {
        let cells = positions(length)?;
        if cells > self.spec.cells {
            self.session.reserve(cells)?;
            self.spec.cells = cells;
        }
        let slots = self.spec.slots as usize;
        self.prefixes.resize(slots, Prefix::new(self.attention));
        Ok(())
    }

    /// How many of a sequence's tokens a slot holds, so that they need not be fed.
    #[must_use]
    pub fn held_in(&self, slot: u32, tokens: &[TokenId]) -> usize {
        let prefix = self.prefixes.get(slot as usize);
        prefix.map_or(0, |it| it.held_of(tokens))
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

    /// Time that the session took for the last forward, and for the rows of it that were read.
    #[must_use]
    pub fn forward_time(&self) -> Duration {
        self.took
    }

    /// What the model is.
    #[must_use]
    pub fn facts(&self) -> &ModelFacts {
        &self.facts
    }

    /// Positions that a forward computes for a question in a seat, those of guidance included: what the slots hold of a
    /// beginning is not computed again.
    #[must_use]
    pub fn computed(&self, question: &Question<'_>, seat: Seat) -> usize {
        layout::computed(question, seat, &self.prefixes)
    }

    /// Computes the questions of several sequences in one forward, each in a seat of its own; the answers are read one by one.
    /// More than one needs `BATCH`.
    ///
    /// # Errors
    /// If the backend fails, or was asked to stop.
    pub fn ask_in(
        &mut self,
        questions: &[Question<'_>],
        seats: &[Seat],
        cancel: &CancelFlag,
    ) -> Result<(), BackendError> {
        self.seats.clear();
        self.seats.extend_from_slice(seats);
        self.ask_seated(questions, cancel)
    }

    /// The rows of the last forward that answer its question `index`, `[wanted, vocab]`, to be edited at will; with guidance
    /// `unconditional + (scale + 1) * (conditional - unconditional)`.
    ///
    /// # Errors
    /// If the backend fails.
    pub fn whole_rows(&mut self, index: usize) -> Result<&mut [f32], BackendError> {
        let (answer, vocab) = (&self.answers[index], self.facts.vocab);
        self.read.clear();
        self.read.extend(answer.rows.clone());
        if let Some((unconditional, _)) = &answer.guidance {
            self.read.extend(unconditional.clone());
        }
        self.logits.reset(self.read.len(), vocab);
        let began = Instant::now();
        self.session.read_logits(&self.read, self.logits.view())?;
        self.took += began.elapsed();
        let scores = self.logits.view().scores;
        let (rows, unconditional) = scores.split_at_mut(answer.rows.len() * vocab);
        if let Some((_, scale)) = answer.guidance {
            guide(rows, unconditional, scale);
        }
        Ok(rows)
    }

    /// The same rows in `form`, or `None` if this model or question needs whole ones.
    ///
    /// # Errors
    /// If the backend fails.
    pub fn short_rows(
        &mut self,
        index: usize,
        form: &ShortForm,
    ) -> Result<Option<&TopRows>, BackendError> {
        let answer = &self.answers[index];
        let can = self.facts.capabilities.has(Capabilities::TOPK_OUTPUT);
        let allowed = self.facts.vocab.saturating_sub(form.banned.len());
        if !can || !answer.is_plain || allowed == 0 {
            return Ok(None);
        }
        self.read.clear();
        self.read.extend(answer.rows.clone());
        self.asked.clear();
        (self.read.iter()).for_each(|_| self.asked.extend_from_slice(&form.asked));
        let request = TopRequest {
            rows: &self.read,
            banned: &form.banned,
            asked: &self.asked,
            divergence: false,
        };
        self.top.reset(&request, TOP.min(allowed));
        let began = Instant::now();
        self.session.read_top(&request, self.top.view())?;
        self.took += began.elapsed();
        Ok(Some(&self.top))
    }

    /// The wanted rows of all questions, `[Σ wanted, vocab]`, one question's after the other's, from one forward; guidance as
    /// for [`whole_rows`](Self::whole_rows). There may be as many as [`questions`](Self::questions) says, and more than one needs
    /// `BATCH`.
    ///
    /// # Errors
    /// As [`ask`](Self::ask).
    pub fn batch(
        &mut self,
        questions: &[Question<'_>],
        cancel: &CancelFlag,
    ) -> Result<&mut [f32], BackendError> {
        self.ask(questions, cancel)?;
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

    /// The natural logarithm of the softmax probability of each of `tokens`, one for every wanted row of all questions; from one
    /// forward, and where the model gives it and there is no guidance in short form.
    ///
    /// # Errors
    /// As [`ask`](Self::ask).
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
        self.ask(questions, cancel)?;
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

    /// Computes questions in one forward, in the order of the slots; the answers are read one by one.
    ///
    /// # Errors
    /// If the backend fails, or was asked to stop.
    pub fn ask(
        &mut self,
        questions: &[Question<'_>],
        cancel: &CancelFlag,
    ) -> Result<(), BackendError> {
        let kv_cache = match self.prefixes.is_empty() {
            true => KvCache::Off,
            false => KvCache::On,
        };
        let mut others = questions.len() as u32..;
        let seats = (0..).zip(questions).map(|(slot, question)| Seat {
            slot,
            unconditional: question.guidance.and_then(|_| others.next()),
            kv_cache,
        });
        self.seats.clear();
        self.seats.extend(seats);
        self.ask_seated(questions, cancel)
    }

    fn ask_seated(
        &mut self,
        questions: &[Question<'_>],
        cancel: &CancelFlag,
    ) -> Result<(), BackendError> {
        let seats = &self.seats;
        self.layout.fill(questions, seats, &self.prefixes);
        let pass = self.layout.pass(cancel);
        pass.check(self.facts.vocab, &self.spec)?;
        for it in sequences(questions, seats).filter(Sequence::is_kept) {
            // Behind padding stands another sequence.
            self.prefixes[it.slot].writing_from(match it.question.padding {
                0 => it.question.fed.start,
                _ => 0,
            });
        }
        let began = Instant::now();
        self.session.forward(&pass)?;
        self.took = began.elapsed();
        for (it, &held) in sequences(questions, seats).zip(&self.layout.held) {
            if !it.is_kept() {
                continue;
            }
            let (prefix, fed) = (&mut self.prefixes[it.slot], &it.question.fed);
            prefix.filled_until(fed.end);
            if it.question.padding == 0 {
                prefix.written(it.tokens, held, fed);
            }
        }
        self.tell_answers(questions);
        Ok(())
    }

    fn tell_answers(&mut self, questions: &[Question<'_>]) {
        let mut last = 0;
        let mut next = |question: &Question<'_>| {
            let first = last;
            last += question.n_rows() as u32;
            first..last
        };
        self.answers.clear();
        self.answers.extend(questions.iter().map(|it| AnswerRows {
            rows: next(it),
            guidance: None,
            is_plain: it.guidance.is_none() && it.shadow.is_none(),
        }));
        for (answer, question) in self.answers.iter_mut().zip(questions) {
            answer.guidance = (question.guidance).map(|(_, scale)| (next(question), scale));
        }
    }
}

fn positions(length: usize) -> Result<u32, BackendError> {
    u32::try_from(length).map_err(|_| {
        BackendError::Unsupported(format!(
            "a sequence of {length} tokens is beyond every backend; shorten it"
        ))
    })
}

#[cfg(test)]
mod tests;
