use clap::{Args, ValueEnum};
use unmask_core::config::GenerationPatch;
use unmask_core::params::{CacheMode, Remasking};

/// How to denoise; what is left out comes from the configuration and the model.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Denoising")]
pub(crate) struct Generation {
    /// Length of the answer, in tokens
    #[arg(long, value_name = "N")]
    len: Option<usize>,
    /// Length of a block, in tokens
    #[arg(long, value_name = "N")]
    block: Option<usize>,
    /// Steps over all blocks
    #[arg(long, value_name = "N")]
    steps: Option<usize>,
    /// Temperature; 0 takes the best token
    #[arg(long, value_name = "T")]
    temp: Option<f64>,
    /// Classifier-free guidance; above 0 doubles the work
    #[arg(long, value_name = "SCALE")]
    cfg: Option<f32>,
    /// Which positions stay masked
    #[arg(long)]
    remasking: Option<RemaskingWord>,
    /// Commit every token of at least this confidence (approximate)
    #[arg(long, value_name = "P", conflicts_with = "factor")]
    threshold: Option<f64>,
    /// Commit by Fast-dLLM's factor (approximate)
    #[arg(long, value_name = "F")]
    factor: Option<f64>,
    /// Reuse K/V between steps (approximate unless off)
    #[arg(long)]
    cache: Option<CacheWord>,
    /// Seed for temperature and random remasking
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Never predict the end of text
    #[arg(long)]
    logits_eos_inf: bool,
    /// Commit end tokens last
    #[arg(long)]
    confidence_eos_eot_inf: bool,
    /// Denoise every block, also after the answer has ended
    #[arg(long)]
    no_early_stop: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum RemaskingWord {
    #[value(name = "low_confidence", alias = "low-confidence")]
    LowConfidence,
    Random,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum CacheWord {
    Off,
    Prefix,
    Dual,
}

impl Generation {
    /// The flags as a layer of the configuration.
    pub(super) fn patch(&self) -> GenerationPatch {
        GenerationPatch {
            length: self.len,
            steps: self.steps,
            block_length: self.block,
            temperature: self.temp,
            cfg_scale: self.cfg,
            remasking: self.remasking.map(|word| match word {
                RemaskingWord::LowConfidence => Remasking::LowConfidence,
                RemaskingWord::Random => Remasking::Random,
            }),
            threshold: self.threshold,
            factor: self.factor,
            cache: self.cache.map(|word| match word {
                CacheWord::Off => CacheMode::Off,
                CacheWord::Prefix => CacheMode::Prefix,
                CacheWord::Dual => CacheMode::Dual,
            }),
            logits_eos_inf: self.logits_eos_inf.then_some(true),
            confidence_eos_eot_inf: self.confidence_eos_eot_inf.then_some(true),
            early_stop: self.no_early_stop.then_some(false),
            seed: self.seed,
        }
    }
}
