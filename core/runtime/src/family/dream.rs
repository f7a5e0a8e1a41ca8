//! Dream 7B (arXiv:2508.15487), Dream-Coder and DiffuCoder: a row predicts the position after it, and there are no blocks.

use super::{AttentionRule, Family, Preset, Shift};
use crate::Params;
use crate::params::{ConfidenceOf, Remasking, Transfer};

pub(super) const DREAM: Family = Family {
    name: "dream",
    title: "Dream",
    model_types: &["Dream", "dream"],
    architectures: &["DreamModel"],
    attention: AttentionRule::Full,
    shift: Shift::One,
    preset,
    chat_template: CHATML,
    mask_names: &["<|mask|>"],
    eot_names: &["<|im_end|>"],
};

/// As in the authors' demo: the surest positions by entropy, on the whole canvas.
fn preset() -> Preset {
    Preset {
        params: Params {
            steps: 128,
            block_length: 128,
            remasking: Remasking::Entropy,
            transfer: Transfer::Timesteps(1e-3),
            confidence_of: ConfidenceOf::Drawn,
            ..Params::default()
        },
        length: 128,
    }
}

/// Qwen's template.
pub(super) const CHATML: &str = "\
{%- if messages[0]['role'] != 'system' %}{{ '<|im_start|>system\\nYou are a helpful assistant.<|im_end|>\\n' }}{% endif -%}
{%- for message in messages -%}
{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}
{%- endfor -%}
{{ '<|im_start|>assistant\\n' }}";
