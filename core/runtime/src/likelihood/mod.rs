//! How likely a model finds a continuation: the Monte Carlo bound of LLaDA (Eq. 6, arXiv:2502.09992; the reference's
//! `get_log_likelihood.py`), and whether it would give it greedily (`eval_llada.py`).
//!
//! Two batches are two numbers here: the draws of a stratum belong to the estimator's definition; how many rows go into one
//! forward is the machine's affair and changes no draw.

mod draws;
mod estimate;
mod greedy;
mod windows;

use std::num::NonZeroUsize;

use unmask_api::{
    Attention, BackendError, CancelFlag, Capabilities, Model, Position, SessionSpec, TokenId,
};

pub use draws::{CountRule, Masking, Pairing, Perturbed, mask_counts};
pub use estimate::{DRAWS, EXACT_LENGTH, LikelihoodError, LikelihoodEstimate, STRATUM, Samples};
pub use greedy::{greedy_suffix, is_greedy};
pub use windows::rolling_windows;

use crate::scorer::{KvCache, Question, Room, Scorer};

/// A context with the continuation that is asked about.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Pair {
    /// What stands before; may be empty.
    pub context: Vec<TokenId>,
    /// What is asked about; an empty one is certain.
    pub continuation: Vec<TokenId>,
}

impl Pair {
    /// Context and continuation, `[length]`.
    fn sequence(&self) -> Vec<TokenId> {
        [&*self.context, &self.continuation].concat()
    }
}

/// Measures one pair after the other in one session, which grows when a longer pair comes.
pub struct Likelihood<'m> {
    model: &'m dyn Model,
    scorer: Option<Scorer>,
    mask: TokenId,
    cfg_scale: f32,
    vocab: usize,
    /// Rows of a forward at most, those of guidance included.
    rows: usize,
}

/// Scores that one forward may return, in bytes.
const SCORES_BYTES: usize = 256 << 20;
/// Rows of a forward, and positions of all of them: what one long canvas costs.
const ROWS: usize = 16;
const POSITIONS: usize = 2048;

impl<'m> Likelihood<'m> {
    /// For pairs of `model`, whose mask this is; guidance of 0 is none, above it doubles the work.
    #[must_use]
    pub fn new(model: &'m dyn Model, mask: TokenId, cfg_scale: f32) -> Self {
        Self {
            vocab: model.facts().vocab,
            model,
            scorer: None,
            mask,
            cfg_scale,
            rows: ROWS,
        }
    }

    /// Computes so many draws in one forward where the backend can and they fit; none leaves the choice here.
    #[must_use]
    pub fn with_rows(self, rows: Option<NonZeroUsize>) -> Self {
        let rows = rows.map_or(ROWS, NonZeroUsize::get);
        Self { rows, ..self }
    }

    /// Whether there was memory for a session.
    pub(crate) fn has_session(&self) -> bool {
        self.scorer.is_some()
    }

    /// The loss of one stratum of draws, one at least: cross-entropy in nat at masked positions over the mask ratio,
    /// summed, averaged over draws.
    ///
    /// # Errors
    /// If the backend has no room, fails or is asked to stop; [`BackendError::Invalid`] for a token outside the model's
    /// vocabulary.
    pub fn loss(
        &mut self,
        pair: &Pair,
        draws: &[Perturbed],
        cancel: &CancelFlag,
    ) -> Result<f64, BackendError> {
        let losses = self
            .losses(&pair.sequence(), pair.context.len(), draws, cancel)?
            .0;
        Ok(losses.iter().sum::<f64>() / draws.len() as f64)
    }

    /// The loss of each draw, and the forwards made.
    fn losses(
        &mut self,
        sequence: &[TokenId],
        context_len: usize,
        draws: &[Perturbed],
        cancel: &CancelFlag,
    ) -> Result<(Vec<f64>, usize), BackendError> {
        // A masked token is not fed, so that the pass would not tell.
        if let Some(token) = sequence.iter().find(|token| token.index() >= self.vocab) {
            return Err(BackendError::Invalid(format!(
                "token id {} is outside the vocabulary of {}",
                token.0, self.vocab
            )));
        }
        let rows: Vec<Row> = draws
            .iter()
            .map(|draw| self.row(draw, context_len))
            .collect();
        let (most, mut surprise) = (self.rows_wanted(), vec![0.0; rows.len()]);
        let pieces: Vec<Piece<'_>> = pieces(&rows, most).collect();
        let scorer = self.scorer(sequence.len())?;
        for forward in forwards(&pieces, scorer.questions(), most) {
            let questions: Vec<Question<'_>> = forward.iter().map(Piece::question).collect();
            let wanted = forward.iter().flat_map(|piece| piece.wanted);
            let tokens: Vec<TokenId> = wanted.map(|at| sequence[at.index()]).collect();
            let scores = scorer.log_probabilities(&questions, &tokens, cancel)?;
            let mut scores = scores.iter();
            for piece in forward {
                let scored = scores.by_ref().take(piece.wanted.len());
                surprise[piece.row] -= scored.sum::<f64>();
            }
        }
        let losses = surprise.iter().zip(draws);
        let losses = losses.map(|(surprise, draw)| surprise / draw.mask_ratio);
        Ok((losses.collect(), pieces.len()))
    }

    /// Draws that are best evaluated together, for sequences of `length` positions.
    fn draws_at_once(&mut self, length: usize) -> Result<usize, BackendError> {
        Ok(self.scorer(length)?.questions())
    }

    /// Wanted positions whose scores one forward may return.
    fn rows_wanted(&self) -> usize {
        let rows_per_question = if self.cfg_scale > 0.0 { 2 } else { 1 };
        (SCORES_BYTES / (self.vocab * size_of::<f32>() * rows_per_question)).max(1)
    }

    /// The session, opened anew if it is too short.
    fn scorer(&mut self, length: usize) -> Result<&mut Scorer, BackendError> {
        let kept = self.scorer.take().filter(|it| it.capacity() >= length);
        let scorer = match kept {
            Some(scorer) => scorer,
            None => self.open(length)?,
        };
        Ok(self.scorer.insert(scorer))
    }

    fn open(&self, length: usize) -> Result<Scorer, BackendError> {
        let facts = self.model.facts();
        // Pairs that grow by a token each do not open a session each.
        let capacity = length.next_power_of_two().min(facts.max_positions as usize);
        let capacity = capacity.max(length);
        let guided = self.cfg_scale > 0.0;
        let rows = self.rows.min(SessionSpec::MOST_SLOTS as usize);
        let questions = match facts.capabilities.has(Capabilities::BATCH) {
            true if guided => (POSITIONS / capacity / 2).clamp(1, (rows / 2).max(1)),
            true => (POSITIONS / capacity).clamp(1, rows),
            false => 1,
        };
        let room = Room {
            length: capacity,
            questions,
            guided,
            kv_cache: KvCache::Off,
            attention: Attention::Bidirectional,
        };
        Scorer::new(self.model, room)
    }

    fn row<'d>(&self, draw: &'d Perturbed, context_len: usize) -> Row<'d> {
        let masked = draw.tokens.iter().enumerate();
        let masked = masked.filter(|&(_, &token)| token == self.mask);
        let guidance = (self.cfg_scale > 0.0).then(|| {
            let mut unconditional = draw.tokens.clone();
            unconditional[..context_len].fill(self.mask);
            (unconditional, self.cfg_scale)
        });
        Row {
            tokens: &draw.tokens,
            guidance,
            wanted: masked.map(|(index, _)| Position(index as u32)).collect(),
        }
    }
}

/// A draw as it is asked about.
struct Row<'d> {
    tokens: &'d [TokenId],
    guidance: Option<(Vec<TokenId>, f32)>,
    wanted: Vec<Position>,
}

/// As many wanted positions of a row as one forward may score.
struct Piece<'r> {
    row: usize,
    of: &'r Row<'r>,
    wanted: &'r [Position],
}

impl Piece<'_> {
    fn question(&self) -> Question<'_> {
        let guidance = self.of.guidance.as_ref();
        Question {
            tokens: self.of.tokens,
            guidance: guidance.map(|(tokens, scale)| (&**tokens, *scale)),
            padding: 0,
            fed: 0..self.of.tokens.len(),
            wanted: self.wanted,
            shadow: None,
        }
    }
}

/// The rows, those cut up that want more than `most` positions.
fn pieces<'r>(rows: &'r [Row<'r>], most: usize) -> impl Iterator<Item = Piece<'r>> {
    rows.iter().enumerate().flat_map(move |(row, of)| {
        let wanted = of.wanted.chunks(most);
        wanted.map(move |wanted| Piece { row, of, wanted })
    })
}

/// The pieces in order, as many together as a forward may have rows and wanted positions.
fn forwards<'p, 'r>(
    mut pieces: &'p [Piece<'r>],
    questions: usize,
    most: usize,
) -> impl Iterator<Item = &'p [Piece<'r>]> {
    std::iter::from_fn(move || {
        let mut wanted = 0;
        let fits = |piece: &&Piece<'_>| {
            wanted += piece.wanted.len();
            wanted <= most
        };
        let count = pieces.iter().take(questions).take_while(fits).count();
        let (forward, rest) = pieces.split_at(count);
        pieces = rest;
        (!forward.is_empty()).then_some(forward)
    })
}

#[cfg(test)]
mod tests;
