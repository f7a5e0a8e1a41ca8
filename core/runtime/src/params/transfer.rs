/// How many positions a step commits. All but the two schedules are approximate: faster, and tokens may differ.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Transfer {
    /// The linear schedule: masks of the block over steps of the block.
    #[default]
    Quota,
    /// Dream's schedule: at a step from time t to time s, both in (0, 1], the share 1 - s/t of the masks, rounded down; each
    /// with that probability under [`Remasking::Random`](super::Remasking::Random), which is its `origin`. The number is the
    /// time before the last step, above 0 and below 1.
    Timesteps(f64),
    /// The linear schedule's share of a whole block, or every candidate whose confidence exceeds this, 0 to 1, if they are as
    /// many: LLaDA2's rule and SDAR's `low_confidence_dynamic`.
    Dynamic(f64),
    /// Every candidate of at least this confidence, 0 to 1, and always the best one (Fast-dLLM, arXiv:2505.22618).
    /// Under [`Remasking::Random`](super::Remasking::Random) the random numbers are compared, as the reference does.
    Threshold(f64),
    /// The largest n whose first n best confidences, ranks r counted from 1, all reach `1 - factor / (r + 1)`, and always
    /// the best one (Fast-dLLM); above 0. Random remasking as above.
    Factor(f64),
    /// As many in [`Params::entropy_order`](super::Params::entropy_order) as the entropies of all but the last sum to this
    /// many nat, 0 and up (EB-Sampler, arXiv:2505.24857).
    EntropyBound(f64),
    /// Confident candidates whose predictions have settled (KLASS).
    Klass(Klass),
    /// Confident candidates, and less confident ones near them (LocalLeap).
    LocalLeap(LocalLeap),
    /// Exploring until it shows how far confidence reaches, then all of that at once (SlowFast).
    SlowFast(SlowFast),
    /// Draft and verify: what does not hold against its own context is masked again (WINO).
    Wino(Wino),
    /// The best of each run of masks, and all that are confident (dInfer's hierarchical decoding).
    Hierarchy(Hierarchy),
    /// A threshold on logits that were raised where the same token has led before (dInfer's credit decoding).
    Credit(Credit),
}

impl Transfer {
    /// True if the steps are known beforehand: the schedule says how many there are, not the model.
    #[must_use]
    pub fn is_scheduled(self) -> bool {
        matches!(self, Self::Quota | Self::Timesteps(_))
    }
}

/// KLASS, arXiv:2511.05664; `stable_confident_decode` of its `llada_klass.py`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Klass {
    /// What a confidence has to exceed, 0 to 1.
    pub threshold: f64,
    /// What the divergence of a prediction from the one a step before, in nat, has to stay below.
    pub divergence: f64,
    /// Over how many steps, 1 and up.
    pub history: usize,
}

impl Default for Klass {
    fn default() -> Self {
        Self {
            threshold: 0.9,
            divergence: 0.01,
            history: 2,
        }
    }
}

/// LocalLeap, arXiv:2510.07081.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LocalLeap {
    /// The confidence of an anchor, 0 to 1.
    pub anchor: f64,
    /// The confidence that is enough near an anchor.
    pub relaxed: f64,
    /// How many positions are near.
    pub radius: usize,
}

impl Default for LocalLeap {
    fn default() -> Self {
        Self {
            anchor: 0.9,
            relaxed: 0.75,
            radius: 4,
        }
    }
}

/// SlowFast, arXiv:2506.10848.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SlowFast {
    /// The confidence that is enough in the fast phase, 0 to 1.
    pub high: f64,
    /// The confidence that counts for the horizon in the slow phase.
    pub low: f64,
    /// Over how many steps the horizon has to hold still, 1 and up.
    pub history: usize,
    /// What the variance of the horizon has to stay below, in positions squared.
    pub variance: f64,
    /// Steps after which a slow phase ends at the latest.
    pub most_slow: usize,
}

impl Default for SlowFast {
    fn default() -> Self {
        Self {
            high: 0.9,
            low: 0.3,
            history: 2,
            variance: 1.0,
            most_slow: 8,
        }
    }
}

/// WINO, arXiv:2507.18578; `decoding_wino` of its `decoding.py`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Wino {
    /// What the confidence of a draft has to exceed, 0 to 1.
    pub draft: f64,
    /// What a token's probability has to reach, given all others, to stay.
    pub verify: f64,
}

impl Default for Wino {
    fn default() -> Self {
        Self {
            draft: 0.6,
            verify: 0.9,
        }
    }
}

/// dInfer's `HierarchyDecoder`, arXiv:2510.08666.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hierarchy {
    /// What a confidence has to exceed anywhere, 0 to 1; `None` if none is enough.
    pub threshold: Option<f64>,
    /// What the best confidence of a run of masks has to exceed; `None` if any is enough.
    pub low: Option<f64>,
}

impl Default for Hierarchy {
    fn default() -> Self {
        Self {
            threshold: Some(0.9),
            low: Some(0.4),
        }
    }
}

/// dInfer's `CreditThresholdParallelDecoder`, arXiv:2510.08666.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Credit {
    /// The confidence that is enough after the logits were raised, 0 to 1.
    pub threshold: f64,
    /// How much credit raises a logit: `alpha ln(1 + credit)`.
    pub alpha: f64,
    /// The power of a leading probability that is its credit.
    pub gamma: f64,
    /// What is left of credit after a step, 0 to 1.
    pub beta: f64,
}

impl Default for Credit {
    fn default() -> Self {
        Self {
            threshold: 0.9,
            alpha: 0.7,
            gamma: 0.2,
            beta: 0.8,
        }
    }
}
