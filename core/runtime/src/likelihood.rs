//! How likely a model finds an answer: the Monte Carlo bound of LLaDA (Eq. 6, arXiv:2502.09992; the reference's
//! `get_log_likelihood.py`), and whether it would give the answer greedily (`eval_llada.py`).

use rand_core::{RngCore, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use unmask_api::{BackendError, CancelFlag, Model, Position, TokenId};

use crate::family::SpecialIds;
use crate::generate::{Denoise, DenoiseError};
use crate::sampler::softmax_at;
use crate::scorer::{Question, Scorer};
use crate::{Canvas, Params};

/// A prompt with the answer that is asked about.
pub struct Likelihood {
    scorer: Scorer,
    sequence: Vec<TokenId>,
    prompt_len: usize,
    mask: TokenId,
    cfg_scale: f32,
}

/// One draw: an answer with some tokens masked.
#[derive(Debug, Clone, PartialEq)]
pub struct Perturbed {
    /// Prompt and answer, `[length]`.
    pub tokens: Vec<TokenId>,
    /// Share of the answer that is masked, above 0 and at most 1.
    pub mask_ratio: f64,
}

impl Likelihood {
    /// Opens a session for `prompt`, which may be empty, and `answer`.
    ///
    /// # Errors
    /// If the backend has no room, or [`BackendError::Invalid`] for a token outside the model's vocabulary.
    pub fn new(
        model: &dyn Model,
        mask: TokenId,
        prompt: &[TokenId],
        answer: &[TokenId],
        cfg_scale: f32,
    ) -> Result<Self, BackendError> {
        let sequence = [prompt, answer].concat();
        let scorer = Scorer::new(model, sequence.len(), cfg_scale > 0.0)?;
        let vocab = scorer.facts().vocab;
        // A masked token is not fed, so that the pass would not tell.
        if let Some(token) = sequence.iter().find(|token| token.index() >= vocab) {
            return Err(BackendError::Invalid(format!(
                "token id {} is outside the vocabulary of {vocab}",
                token.0
            )));
        }
        Ok(Self {
            scorer,
            sequence,
            prompt_len: prompt.len(),
            mask,
            cfg_scale,
        })
    }

    /// The log-likelihood's lower bound in nat, 0 and below, from `draws` draws in batches of `batch`, as the reference
    /// estimates it: `draws / batch` batches, at least one. 0 for an empty answer.
    ///
    /// # Errors
    /// If the backend fails or is asked to stop.
    pub fn estimate(
        &mut self,
        draws: usize,
        batch: usize,
        seed: u64,
        cancel: &CancelFlag,
    ) -> Result<f64, BackendError> {
        if self.sequence.len() == self.prompt_len {
            return Ok(0.0);
        }
        let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
        let iterations = (draws / batch.max(1)).max(1);
        let mut total = 0.0;
        for _ in 0..iterations {
            let rows = self.perturb(batch.max(1), &mut random);
            total += self.loss(&rows, cancel)?;
        }
        Ok(-total / iterations as f64)
    }

    /// The loss of one batch of draws, one at least: cross-entropy in nat at masked positions over the mask ratio, summed,
    /// averaged over rows.
    ///
    /// # Errors
    /// If the backend fails or is asked to stop.
    pub fn loss(&mut self, rows: &[Perturbed], cancel: &CancelFlag) -> Result<f64, BackendError> {
        let mut total = 0.0;
        for row in rows {
            total += self.row_loss(row, cancel)?;
        }
        Ok(total / rows.len() as f64)
    }

    fn row_loss(&mut self, row: &Perturbed, cancel: &CancelFlag) -> Result<f64, BackendError> {
        let masked = |&(_, &token): &(usize, &TokenId)| token == self.mask;
        let wanted: Vec<Position> = (row.tokens.iter().enumerate())
            .filter(masked)
            .map(|(index, _)| Position(index as u32))
            .collect();
        let mut unconditional = row.tokens.clone();
        unconditional[..self.prompt_len].fill(self.mask);
        let question = Question {
            tokens: &row.tokens,
            guidance: (self.cfg_scale > 0.0).then_some((&*unconditional, self.cfg_scale)),
            padding: 0,
            fed: 0..row.tokens.len(),
            wanted: &wanted,
        };
        let vocab = self.scorer.facts().vocab;
        let logits = self.scorer.logits(&question, cancel)?;
        let surprise: f64 = (logits.chunks_exact(vocab).zip(&wanted))
            .map(|(row, at)| -softmax_at(row, self.sequence[at.index()]).ln())
            .sum();
        Ok(surprise / row.mask_ratio)
    }

    /// Masks a stratified number of answer positions in each of `batch` rows; the reference's `forward_process`.
    fn perturb(&self, batch: usize, random: &mut Xoshiro256PlusPlus) -> Vec<Perturbed> {
        let length = self.sequence.len() - self.prompt_len;
        let first = below(random, length) + 1;
        let counts = mask_counts(batch, length, first);
        let mask_some = |&count: &usize| {
            let mut order: Vec<usize> = (self.prompt_len..self.sequence.len()).collect();
            let mut tokens = self.sequence.clone();
            for taken in 0..count {
                order.swap(taken, taken + below(random, length - taken));
                tokens[order[taken]] = self.mask;
            }
            Perturbed {
                tokens,
                mask_ratio: count as f64 / length as f64,
            }
        };
        counts.iter().map(mask_some).collect()
    }
}

/// Masks per row of a batch of 1 and up whose first row has `first`: evenly spread over 1 to `length`, wrapping round.
///
/// The reference's `forward_process`: `(round(linspace(k, k + (b-1) * (t/b), b)) - 1) % t + 1`, in float32, rounding half
/// to even.
#[must_use]
pub fn mask_counts(batch: usize, length: usize, first: usize) -> Vec<usize> {
    let start = first as f32;
    let gaps = batch.saturating_sub(1);
    let end = (first as f64 + gaps as f64 * (length as f64 / batch as f64)) as f32;
    let step = (end - start) / gaps.max(1) as f32;
    let value = |index: usize| {
        // torch.linspace counts its first half up from the start and the second half down from the end.
        if index < batch / 2 || batch == 1 {
            start + step * index as f32
        } else {
            end - step * (gaps - index) as f32
        }
    };
    (0..batch)
        .map(|index| (value(index).round_ties_even() as usize + length - 1) % length + 1)
        .collect()
}

/// Denoises `length` masks after `prompt`, the surest one at a time; the reference's `suffix_greedy_prediction` compares
/// the result with the answer.
///
/// # Errors
/// If the backend fails or is asked to stop.
pub fn greedy_suffix(
    model: &dyn Model,
    special: SpecialIds,
    prompt: &[TokenId],
    length: usize,
    cfg_scale: f32,
) -> Result<Denoise, DenoiseError> {
    let params = Params {
        steps: length,
        block_length: length,
        cfg_scale,
        early_stop: false,
        ..Params::default()
    };
    Denoise::new(
        model,
        special,
        Canvas::new(prompt, length, special.mask),
        params,
    )
}

/// A number below `bound`; the bias of the remainder is below 2^-40 for any answer.
fn below(random: &mut Xoshiro256PlusPlus, bound: usize) -> usize {
    (random.next_u64() % bound.max(1) as u64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate::tests::Scripted;

    #[test]
    fn counts_are_spread_over_the_answer_and_wrap() {
        assert_eq!(mask_counts(4, 7, 3), [3, 5, 6, 1]);
        assert_eq!(mask_counts(1, 7, 7), [7]);
        assert_eq!(mask_counts(0, 7, 7), Vec::<usize>::new());
    }

    fn likelihood(answer: &[TokenId]) -> Result<f64, BackendError> {
        let model = Scripted(vec![2, 3, 4]);
        let prompt = [TokenId(2)];
        let mut likelihood = Likelihood::new(&model, TokenId(0), &prompt, answer, 0.0)?;
        likelihood.estimate(4, 2, 0, &CancelFlag::new())
    }

    #[test]
    fn an_empty_answer_is_certain() {
        assert_eq!(likelihood(&[]).ok(), Some(0.0));
        let wanted = likelihood(&[TokenId(3), TokenId(4)]).expect("it computes");
        let unwanted = likelihood(&[TokenId(4), TokenId(4)]).expect("it computes");
        assert!(unwanted < wanted && wanted < 0.0, "{unwanted} {wanted}");
    }

    #[test]
    fn an_answer_outside_the_vocabulary_is_refused() {
        let error = likelihood(&[TokenId(8)]).expect_err("it must be refused");
        assert_eq!(
            error.to_string(),
            "token id 8 is outside the vocabulary of 8"
        );
    }
}
