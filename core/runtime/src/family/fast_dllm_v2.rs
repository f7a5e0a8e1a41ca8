//! Fast-dLLM v2 1.5B and 7B (arXiv:2509.26328): Qwen2.5 in blocks of 32, where a row predicts the position after it.

use std::num::NonZeroU32;

use super::dream::CHATML;
use super::{AttentionRule, Family, Preset, Shift};
use crate::Params;
use crate::params::{ConfidenceOf, Transfer};

pub(super) const FAST_DLLM_V2: Family = Family {
    name: "fast_dllm_v2",
    title: "Fast-dLLM v2",
    model_types: &["Fast_dLLM_Qwen"],
    architectures: &["Fast_dLLM_QwenForCausalLM", "Fast_dLLM_QwenModel"],
    attention: AttentionRule::Blocks {
        keys: &["bd_size"],
        usual: NonZeroU32::new(32).expect("32 is not 0"),
    },
    shift: Shift::OneInBlock,
    preset,
    chat_template: CHATML,
    mask_names: &["|<MASK>|"],
    eot_names: &["<|im_end|>"],
};

/// The authors' `generate`.
fn preset() -> Preset {
    Preset {
        params: Params {
            steps: 256,
            block_length: 32,
            transfer: Transfer::Threshold(0.9),
            confidence_of: ConfidenceOf::Drawn,
            ..Params::default()
        },
        length: 256,
    }
}
