//! How a canvas is denoised.

mod growth;
mod transfer;

use serde::{Deserialize, Serialize};

pub use growth::{Daedal, Growth};
pub use transfer::{Credit, Hierarchy, Klass, LocalLeap, SlowFast, Transfer, Wino};

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
    /// From left to right (SDAR's `sequential`).
    Sequential,
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

/// Changes of tokens that are written already, until the block that they are in holds still (T2T editing, LLaDA2.1).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Editing {
    /// What the confidence of another token has to exceed, 0 to 1.
    pub threshold: f64,
    /// Steps of a block that begin without a mask, at most.
    pub most_steps: usize,
}

impl Editing {
    /// With the reference's number of steps.
    #[must_use]
    pub fn new(threshold: f64) -> Self {
        Self {
            threshold,
            most_steps: 16,
        }
    }
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

/// Of which distribution confidences are, where the temperature is above 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ConfidenceOf {
    /// That of the logits as they are (LLaDA).
    #[default]
    Noiseless,
    /// That which tokens are drawn from: the logits over the temperature (Dream, SDAR, Fast-dLLM v2).
    Drawn,
}

/// What the best tokens are chosen by first, where both [`Params::top_p`] and [`Params::top_k`] are said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FirstFilter {
    /// The fewest whose probabilities reach `top_p`, of all tokens (Dream).
    #[default]
    TopP,
    /// The `top_k` best; `top_p` then counts among these alone (SDAR, LLaDA2).
    TopK,
}

/// Settings of one denoising run. The answer's length is the canvas's, unless it grows.
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
    /// Whether tokens that are written may change.
    pub editing: Option<Editing>,
    /// Positions of the parts that a block of a family with autoregressive block starts is denoised in, from left to right, 1
    /// and up; the whole block if it is longer.
    pub sub_block_length: usize,
    /// Whether the answer grows.
    pub growth: Growth,
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
    /// Of which distribution confidences are.
    pub confidence_of: ConfidenceOf,
    /// Only the fewest best tokens whose probabilities reach this count, 0 to 1.
    pub top_p: Option<f64>,
    /// Only so many best tokens count, 1 and up.
    pub top_k: Option<usize>,
    /// Which of the two comes first.
    pub first_filter: FirstFilter,
    /// Noise on the order of positions, 0 and up (Dream's `alg_temp`).
    pub order_temperature: f64,
    /// Seeds temperature and random remasking.
    pub seed: u64,
}

impl Params {
    /// Whether another seed may give another answer.
    #[must_use]
    pub fn draws(&self) -> bool {
        self.temperature > 0.0
            || self.order_temperature > 0.0
            || self.remasking == Remasking::Random
    }
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
            editing: None,
            sub_block_length: 8,
            growth: Growth::Fixed,
            cache: CacheMode::Off,
            logits_eos_inf: false,
            confidence_eos_eot_inf: false,
            early_stop: true,
            confidence_type: ConfidenceType::F32,
            confidence_of: ConfidenceOf::Noiseless,
            top_p: None,
            top_k: None,
            first_filter: FirstFilter::TopP,
            order_temperature: 0.0,
            seed: 0,
        }
    }
}
