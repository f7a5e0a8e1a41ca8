//! LLaDA 8B, LLaDA 1.5 and iLLaDA, arXiv:2502.09992: bidirectional, a position is predicted by its own row.

use unmask_api::Attention;

use super::{BlockOrigin, Family, FamilyRules, Predictor, Preset};
use crate::Params;

pub(super) const LLADA: Family = Family {
    name: "llada",
    model_types: &["llada"],
    architectures: &["LLaDAModelLM"],
    attention: Attention::Bidirectional,
    rules: RULES,
    preset,
    chat_template: CHAT_TEMPLATE,
    mask_names: &["<|mdm_mask|>", "<|mask|>", "<mask>", "[MASK]"],
    eot_names: &["<|eot_id|>", "<|im_end|>", "<|role_end|>"],
};

/// The reference's `generate.py`.
pub(crate) const RULES: FamilyRules = FamilyRules {
    block_origin: BlockOrigin::Answer,
    predictor: Predictor::SamePosition,
};

/// The reference's `chat.py`.
fn preset() -> Preset {
    Preset {
        params: Params {
            steps: 128,
            block_length: 32,
            ..Params::default()
        },
        length: 128,
    }
}

/// That of LLaDA-8B-Instruct; base checkpoints have none.
const CHAT_TEMPLATE: &str = "\
{%- for message in messages -%}
{%- if loop.first %}{{ bos_token }}{% endif -%}
{{ '<|start_header_id|>' + message['role'] + '<|end_header_id|>\\n\\n' + message['content'] | trim + '<|eot_id|>' }}
{%- endfor -%}
{{ '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}";
