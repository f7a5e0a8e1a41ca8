//! The estimator: draws, strata, the error of their mean; or every mask.

use unmask_api::{BackendError, CancelFlag};

use super::draws::{Draws, Perturbed, every_draw};
use super::{Likelihood, Pair};

/// The longest continuation whose masks are all evaluated: `2^12 - 1` forwards.
pub const EXACT_LENGTH: usize = 12;

/// Which masks a log-likelihood is estimated from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Samples {
    /// Draws in strata: the number of masked tokens is spread evenly within a stratum, and strata are independent.
    Draws {
        /// Draws in all, a multiple of the stratum.
        draws: usize,
        /// Draws of a stratum, 1 and up; the reference's batch size.
        stratum: usize,
    },
    /// Every mask of a continuation of [`EXACT_LENGTH`] tokens at most: no noise.
    Exact,
}

/// A log-likelihood's lower bound (LLaDA, Eq. 6).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LikelihoodEstimate {
    /// In nat, 0 and below.
    pub mean: f64,
    /// Of the mean, in nat, from the spread over strata; 0 if nothing was left to chance, `None` if one stratum alone was
    /// drawn.
    pub standard_error: Option<f64>,
    /// Independent strata that were drawn; 0 if nothing was left to chance.
    pub strata: usize,
    /// Forwards made, guidance's two rows counting as one; rows computed together are counted one by one.
    pub nfe: usize,
}

/// Why a log-likelihood cannot be estimated.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LikelihoodError {
    /// The draws do not split into strata.
    #[error("{draws} draws do not split into strata of {stratum}; use a multiple of {stratum}")]
    Strata {
        /// Draws in all.
        draws: usize,
        /// Draws of a stratum.
        stratum: usize,
    },
    /// No draws, or none in a stratum.
    #[error("{what} is 0; it must be 1 or more")]
    Zero {
        /// Which number.
        what: &'static str,
    },
    /// Too many masks to evaluate all.
    #[error(
        "all masks of {length} tokens are too many; estimate from draws, or ask about {EXACT_LENGTH} tokens or less"
    )]
    Exact {
        /// Tokens of the continuation.
        length: usize,
    },
    /// The backend failed.
    #[error(transparent)]
    Backend(#[from] BackendError),
}

impl Samples {
    /// How many draws a continuation of `length` tokens needs.
    ///
    /// # Errors
    /// [`LikelihoodError`] if the numbers do not divide, or the continuation is too long for all masks.
    pub fn draws(self, length: usize) -> Result<usize, LikelihoodError> {
        let draws = match self {
            Self::Draws { draws: 0, .. } => return Err(LikelihoodError::Zero { what: "draws" }),
            Self::Draws { stratum: 0, .. } => {
                return Err(LikelihoodError::Zero { what: "a stratum" });
            }
            Self::Draws { draws, stratum } if !draws.is_multiple_of(stratum) => {
                return Err(LikelihoodError::Strata { draws, stratum });
            }
            Self::Exact if length > EXACT_LENGTH => {
                return Err(LikelihoodError::Exact { length });
            }
            Self::Draws { draws, .. } => draws,
            Self::Exact => (1 << length) - 1,
        };
        // All draws of one token are alike, and none has nothing to mask.
        Ok(match length {
            0 | 1 => length,
            _ => draws,
        })
    }
}

impl Likelihood<'_> {
    /// The log-likelihood of `pair`'s continuation. The masks follow from `seed`, the context and the continuation's length,
    /// whatever was measured before; `evaluated` hears how many draws are done.
    ///
    /// # Errors
    /// If the samples do not divide or are too many, the backend has no room, fails or is asked to stop.
    pub fn estimate(
        &mut self,
        pair: &Pair,
        samples: Samples,
        seed: u64,
        cancel: &CancelFlag,
        evaluated: &mut dyn FnMut(usize),
    ) -> Result<LikelihoodEstimate, LikelihoodError> {
        let length = pair.continuation.len();
        let draws = samples.draws(length)?;
        let mask = self.mask;
        let mut run = Run {
            likelihood: self,
            pair,
            cancel,
            evaluated,
            nfe: 0,
            losses: Vec::with_capacity(draws),
        };
        match samples {
            Samples::Draws { stratum, .. } if length > 1 => {
                let mut random = Draws::new(pair, mask, seed);
                let strata = 0..draws / stratum;
                run.evaluate(strata.flat_map(|_| random.stratum(stratum)))?;
                Ok(run.stratified(stratum))
            }
            Samples::Draws { .. } | Samples::Exact => {
                run.evaluate(every_draw(pair, mask))?;
                Ok(run.exact())
            }
        }
    }
}

/// One pair being estimated.
struct Run<'r, 'm> {
    likelihood: &'r mut Likelihood<'m>,
    pair: &'r Pair,
    cancel: &'r CancelFlag,
    evaluated: &'r mut dyn FnMut(usize),
    nfe: usize,
    /// Of each draw.
    losses: Vec<f64>,
}

impl Run<'_, '_> {
    fn evaluate(&mut self, draws: impl Iterator<Item = Perturbed>) -> Result<(), BackendError> {
        let (sequence, context) = (self.pair.sequence(), self.pair.context.len());
        let mut draws = draws.peekable();
        while draws.peek().is_some() {
            let together = self.likelihood.draws_at_once(sequence.len())?;
            let together: Vec<Perturbed> = draws.by_ref().take(together).collect();
            let (losses, nfe) =
                self.likelihood
                    .losses(&sequence, context, &together, self.cancel)?;
            self.losses.extend(losses);
            self.nfe += nfe;
            (self.evaluated)(self.losses.len());
        }
        Ok(())
    }

    /// The mean over strata, and its error.
    fn stratified(&self, stratum: usize) -> LikelihoodEstimate {
        let strata = self.losses.chunks_exact(stratum);
        let values: Vec<f64> = strata
            .map(|of| -of.iter().sum::<f64>() / stratum as f64)
            .collect();
        let count = values.len();
        let mean = values.iter().sum::<f64>() / count as f64;
        let standard_error = (count > 1).then(|| {
            let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
            (squares / (count - 1) as f64 / count as f64).sqrt()
        });
        LikelihoodEstimate {
            mean,
            standard_error,
            strata: count,
            nfe: self.nfe,
        }
    }

    /// `-Σ_k (1/k) · mean over |S| = k of Σ_{j ∈ S} CE_j`, with every set S of k masked tokens: Eq. 6 without noise.
    ///
    /// A draw's loss is its cross-entropy times L / k, so that each of the L counts has the weight 1 / L.
    fn exact(&self) -> LikelihoodEstimate {
        let length = self.pair.continuation.len();
        let mut sums = vec![(0.0, 0_u32); length + 1];
        for (set, loss) in (1_u32..).zip(&self.losses) {
            let (sum, count) = &mut sums[set.count_ones() as usize];
            *sum += loss;
            *count += 1;
        }
        let means = sums
            .iter()
            .skip(1)
            .map(|(sum, count)| sum / f64::from(*count));
        LikelihoodEstimate {
            mean: -means.sum::<f64>() / length.max(1) as f64,
            standard_error: Some(0.0),
            strata: 0,
            nfe: self.nfe,
        }
    }
}
