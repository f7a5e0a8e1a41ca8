//! LLaDA2.0 and LLaDA2.1 (mini, flash, CAP): blocks that see themselves and those before.

use std::num::NonZeroU32;

use super::llada::ROLE_TEMPLATE;
use super::{AttentionRule, Family, Preset, Shift};
use crate::Params;
use crate::params::{ConfidenceOf, FirstFilter, Transfer};

pub(super) const LLADA2: Family = Family {
    name: "llada2",
    title: "LLaDA2",
    model_types: &["llada2_moe"],
    architectures: &["LLaDA2MoeModelLM"],
    attention: AttentionRule::Blocks {
        keys: &["block_length", "block_size"],
        usual: NonZeroU32::new(32).expect("32 is not 0"),
    },
    shift: Shift::None,
    preset,
    chat_template: ROLE_TEMPLATE,
    mask_names: &["<|mask|>"],
    eot_names: &["<|role_end|>"],
};

/// The defaults of the checkpoints' `generate`.
fn preset() -> Preset {
    Preset {
        params: Params {
            steps: 256,
            block_length: 32,
            transfer: Transfer::Dynamic(0.95),
            confidence_of: ConfidenceOf::Drawn,
            first_filter: FirstFilter::TopK,
            ..Params::default()
        },
        length: 256,
    }
}
