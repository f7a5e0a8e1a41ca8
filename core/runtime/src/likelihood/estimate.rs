//! The estimator: draws, strata, the error of their mean; or every mask.

use unmask_api::{BackendError, CancelFlag};

use super::draws::{Draws, Masking, Perturbed, every_draw};
use super::{Likelihood, Pair};

/// The longest continuation whose masks are all evaluated: `2^12 - 1` forwards.
pub const EXACT_LENGTH: usize = 12;

/// Draws of the reference.
pub const DRAWS: usize = 128;
/// Those of a stratum.
pub const STRATUM: usize = 16;

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
    /// Every mask where that takes no more forwards than the draws.
    Auto {
        /// Draws in all, a multiple of the stratum.
        draws: usize,
        /// Draws of a stratum, 1 and up.
        stratum: usize,
    },
}

/// A log-likelihood's lower bound (LLaDA, Eq. 6).
#[derive(Debug, Clone, PartialEq)]
pub struct LikelihoodEstimate {
    /// In nat, 0 and below.
    pub mean: f64,
    /// Of the mean, in nat, from the spread over strata; 0 if nothing was left to chance, `None` if one stratum alone was
    /// drawn.
    pub standard_error: Option<f64>,
    /// What each independent stratum came to; none if nothing was left to chance.
    pub strata: Vec<f64>,
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
        Ok(match self.plan(length)? {
            SamplePlan::All => every_mask(length),
            SamplePlan::Strata { draws, .. } => draws,
        })
    }

    fn plan(self, length: usize) -> Result<SamplePlan, LikelihoodError> {
        match self {
            Self::Exact if length > EXACT_LENGTH => Err(LikelihoodError::Exact { length }),
            Self::Exact => Ok(SamplePlan::All),
            Self::Draws { draws: 0, .. } | Self::Auto { draws: 0, .. } => {
                Err(LikelihoodError::Zero { what: "draws" })
            }
            Self::Draws { stratum: 0, .. } | Self::Auto { stratum: 0, .. } => {
                Err(LikelihoodError::Zero { what: "a stratum" })
            }
            Self::Draws { draws, stratum } | Self::Auto { draws, stratum }
                if !draws.is_multiple_of(stratum) =>
            {
                Err(LikelihoodError::Strata { draws, stratum })
            }
            Self::Auto { draws, .. } if length <= EXACT_LENGTH && every_mask(length) <= draws => {
                Ok(SamplePlan::All)
            }
            // All draws of one token are alike, and none has nothing to mask.
            Self::Draws { .. } | Self::Auto { .. } if length <= 1 => Ok(SamplePlan::All),
            Self::Draws { draws, stratum } | Self::Auto { draws, stratum } => {
                Ok(SamplePlan::Strata { draws, stratum })
            }
        }
    }
}

/// Samples for one pair.
enum SamplePlan {
    All,
    Strata { draws: usize, stratum: usize },
}

/// Ways to mask one token or more of `length`, 31 at most.
fn every_mask(length: usize) -> usize {
    (1 << length) - 1
}

impl Likelihood<'_> {
    /// The log-likelihood of `pair`'s continuation. The masks follow from `masking` and the pair, whatever was measured before;
    /// `evaluated` hears how many draws are done.
    ///
    /// # Errors
    /// If the samples do not divide or are too many, the backend has no room, fails or is asked to stop.
    pub fn estimate(
        &mut self,
        pair: &Pair,
        samples: Samples,
        masking: Masking,
        cancel: &CancelFlag,
        evaluated: &mut dyn FnMut(usize),
    ) -> Result<LikelihoodEstimate, LikelihoodError> {
        let plan = samples.plan(pair.continuation.len())?;
        let mask = self.mask;
        let mut run = Run {
            likelihood: self,
            pair,
            cancel,
            evaluated,
            nfe: 0,
            losses: Vec::new(),
        };
        match plan {
            SamplePlan::Strata { draws, stratum } => {
                let mut random = Draws::new(pair, mask, masking);
                let strata = 0..draws / stratum;
                run.evaluate(strata.flat_map(|_| random.stratum(stratum)))?;
                Ok(run.stratified(stratum))
            }
            SamplePlan::All => {
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
        let mean = mean(&values);
        LikelihoodEstimate {
            mean,
            standard_error: error_of_mean(&values),
            strata: values,
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
            strata: Vec::new(),
            nfe: self.nfe,
        }
    }
}

impl LikelihoodEstimate {
    /// The error of the difference to an estimate under masks of its own; `None` if one of the errors is unknown.
    #[must_use]
    pub fn error_of_difference(&self, other: &Self) -> Option<f64> {
        Some(f64::hypot(self.standard_error?, other.standard_error?))
    }

    /// The same under the same masks: smaller where what a mask does to one it does to the other.
    #[must_use]
    pub fn error_of_paired_difference(&self, other: &Self) -> Option<f64> {
        if self.strata.is_empty() || self.strata.len() != other.strata.len() {
            return self.error_of_difference(other);
        }
        let both = self.strata.iter().zip(&other.strata);
        let differences: Vec<f64> = both.map(|(one, other)| one - other).collect();
        error_of_mean(&differences)
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// The standard error of the mean of independent values; `None` for one alone.
fn error_of_mean(values: &[f64]) -> Option<f64> {
    let (mean, count) = (mean(values), values.len());
    (count > 1).then(|| {
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        (squares / (count - 1) as f64 / count as f64).sqrt()
    })
}
