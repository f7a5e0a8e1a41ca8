//! LLaDA 8B and LLaDA 1.5 (arXiv:2502.09992), and what is used in the same way: iLLaDA (arXiv:2606.25331) and LLaDA-MoE
//! (arXiv:2509.24389).

use super::{AttentionRule, Family, Preset, Shift};
use crate::Params;

pub(super) const LLADA: Family = Family {
    name: "llada",
    title: "LLaDA",
    model_types: &["llada"],
    architectures: &["LLaDAModelLM"],
    attention: AttentionRule::Full,
    shift: Shift::None,
    preset,
    chat_template: CHAT_TEMPLATE,
    mask_names: &["<|mdm_mask|>", "<|mask|>", "<mask>", "[MASK]"],
    eot_names: &["<|eot_id|>", "<|im_end|>", "<|role_end|>"],
};

/// No file but the tokenizer's says which token is the mask.
pub(super) const ILLADA: Family = Family {
    name: "illada",
    title: "iLLaDA",
    model_types: &["illada"],
    architectures: &["ILLaDAForCausalLM"],
    chat_template: PLAIN_TEMPLATE,
    mask_names: &["<[MASK]>"],
    ..LLADA
};

/// Published checkpoints have LLaDA's `model_type`: the architecture tells.
pub(super) const LLADA_MOE: Family = Family {
    name: "llada_moe",
    title: "LLaDA-MoE",
    model_types: &["lladamoe", "llada_moe"],
    architectures: &["LLaDAMoEModelLM"],
    chat_template: ROLE_TEMPLATE,
    mask_names: &["<|mask|>"],
    eot_names: &["<|role_end|>"],
    ..LLADA
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

/// What is said and nothing else, for a checkpoint that was not tuned to chat and whose tokenizer has no words for turns.
const PLAIN_TEMPLATE: &str =
    "{% for message in messages %}{{ message['content'] | trim + '\\n\\n' }}{% endfor %}";

/// That of the families with `<role>`.
pub(super) const ROLE_TEMPLATE: &str = "\
{%- for message in messages -%}
{%- set role = 'HUMAN' if message['role'] == 'user' else message['role'] | upper -%}
{{ '<role>' + role + '</role>' + message['content'] + '<|role_end|>' }}
{%- endfor -%}
{{ '<role>ASSISTANT</role>' }}";
