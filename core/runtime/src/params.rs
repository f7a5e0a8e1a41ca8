//! How a canvas is denoised.

use serde::{Deserialize, Serialize};

/// Which positions a step prefers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Remasking {
    /// The surest first: positions of low confidence stay masked (LLaDA, Alg. 5).
    #[default]
    LowConfidence,
    /// At random (LLaDA, Alg. 4).
    Random,
    /// Those of the lowest entropy first (Dream's `entropy`).
    Entropy,
    /// Those first whose best token leads the second by most (Dream's `topk_margin`).
    Margin,
}

/// How many positions a step commits.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Transfer {
    /// The linear schedule: masks of the block over steps of the block.
    #[default]
    Quota,
    /// Every candidate of at least this confidence, 0 to 1, and always the best one (Fast-dLLM, arXiv:2505.22618).
    /// Approximate. Under [`Remasking::Random`] the random numbers are compared, as the reference does.
    Threshold(f64),
    /// The largest n whose first n best confidences, ranks r counted from 1, all reach `1 - factor / (r + 1)`, and always
    /// the best one (Fast-dLLM); above 0. Approximate. Random remasking as above.
    Factor(f64),
    /// As many in [`Params::entropy_order`] as the entropies of all but the last sum to this many nat, 0 and up (EB-Sampler,
    /// arXiv:2505.24857). Approximate.
    EntropyBound(f64),
}

impl Transfer {
    /// True if the steps are known beforehand: the schedule says how many there are, not the model.
    #[must_use]
    pub fn is_scheduled(self) -> bool {
        match self {
            Self::Quota => true,
            Self::Threshold(_) | Self::Factor(_) | Self::EntropyBound(_) => false,
        }
    }
}

/// In which order [`Transfer::EntropyBound`] takes positions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum EntropyOrder {
    /// Those of the lowest entropy first.
    #[default]
    Entropy,
    /// Those of the highest confidence first.
    Confidence,
}

/// Which K/V are reused between the steps of a block. All but `Off` are approximate for bidirectional models.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CacheMode {
    /// Every step recomputes the whole canvas: exact.
    #[default]
    Off,
    /// Steps recompute the block and everything after it (Fast-dLLM's prefix cache).
    Prefix,
    /// Steps recompute the block alone (Fast-dLLM's dual cache).
    Dual,
}

/// The type to which confidences are rounded. It matters only where they nearly tie.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConfidenceType {
    /// LLaDA's `generate.py` on float32 logits.
    #[default]
    F32,
    /// LLaDA's `app.py` and Fast-dLLM.
    F64,
}

/// Settings of one denoising run. The answer's length is the canvas's.
#[derive(Debug, Clone, PartialEq)]
pub struct Params {
    /// Steps over all blocks, 1 and up.
    pub steps: usize,
    /// Positions per block, 1 to the answer's length.
    pub block_length: usize,
    /// Gumbel temperature, 0 and up; 0 takes the best token.
    pub temperature: f64,
    /// Classifier-free guidance, 0 and up; above 0 doubles the work (LLaDA, Eq. 16).
    pub cfg_scale: f32,
    /// Which positions go first.
    pub remasking: Remasking,
    /// How many positions a step commits.
    pub transfer: Transfer,
    /// In which order an entropy bound takes them.
    pub entropy_order: EntropyOrder,
    /// Which K/V are reused.
    pub cache: CacheMode,
    /// Never predict EOS.
    pub logits_eos_inf: bool,
    /// Commit EOS and EOT last.
    pub confidence_eos_eot_inf: bool,
    /// Stop once an end token is final: no mask stands before it, and no pin behind it. The visible text is the same.
    pub early_stop: bool,
    /// How confidences are rounded.
    pub confidence_type: ConfidenceType,
    /// Seeds temperature and random remasking.
    pub seed: u64,
}

impl Default for Params {
    /// The reference's defaults, with early stop.
    fn default() -> Self {
        Self {
            steps: 128,
            block_length: 128,
            temperature: 0.0,
            cfg_scale: 0.0,
            remasking: Remasking::LowConfidence,
            transfer: Transfer::Quota,
            entropy_order: EntropyOrder::Entropy,
            cache: CacheMode::Off,
            logits_eos_inf: false,
            confidence_eos_eot_inf: false,
            early_stop: true,
            confidence_type: ConfidenceType::F32,
            seed: 0,
        }
    }
}
