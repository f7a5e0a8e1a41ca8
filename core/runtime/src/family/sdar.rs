//! SDAR 1.7B, 4B and 8B (arXiv:2510.06303): Qwen3 in blocks of 4 to 64 that see themselves and those before.

use std::num::NonZeroU32;

use super::dream::CHATML;
use super::{AttentionRule, Family, Preset, Shift};
use crate::Params;
use crate::params::{ConfidenceOf, FirstFilter, Transfer};

pub(super) const SDAR: Family = Family {
    name: "sdar",
    title: "SDAR",
    model_types: &["sdar"],
    architectures: &["SDARForCausalLM"],
    attention: AttentionRule::Blocks {
        keys: &["block_size", "block_length"],
        // That of the checkpoints called `Chat` without a number.
        usual: NonZeroU32::new(4).expect("4 is not 0"),
    },
    shift: Shift::None,
    preset,
    chat_template: CHATML,
    mask_names: &["<|MASK|>"],
    eot_names: &["<|im_end|>"],
};

/// `low_confidence_dynamic` of the authors' `generate.py`.
fn preset() -> Preset {
    Preset {
        params: Params {
            steps: 256,
            block_length: 4,
            transfer: Transfer::Dynamic(0.85),
            confidence_of: ConfidenceOf::Drawn,
            first_filter: FirstFilter::TopK,
            ..Params::default()
        },
        length: 256,
    }
}
