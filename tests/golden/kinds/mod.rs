//! One file per part of the program that a kind of case tests.

mod app;
mod chat;
mod fast;
mod forward;
mod generate;
mod likelihood;
mod sampler;
mod select;
mod text;

use crate::case::{Case, Verdict};
use crate::models::Models;

/// Checks one case.
pub(crate) type Check = fn(&Case, &Models) -> Verdict;

/// The check of a kind, or `None` for a kind of another family's.
pub(crate) fn check_of(kind: &str) -> Option<Check> {
    Some(match kind {
        "app" => app::app,
        "chat" => chat::chat,
        "chat_prompt" => chat::chat_prompt,
        "chat_template" => text::chat_template,
        "dream_sample_tokens" => select::dream_sample_tokens,
        "eb_select" => select::eb_select,
        "encode_pair" => text::encode_pair,
        "fast_dllm" => fast::fast_dllm,
        "fast_select" => sampler::fast_select,
        "format_chat_history" => text::format_chat_history,
        "forward" => forward::forward,
        "forward_bf16" => forward::forward_bf16,
        "forward_cached" => forward::forward_cached,
        "generate" => generate::generate,
        "gumbel" => sampler::gumbel,
        "ll_mask_counts" => likelihood::mask_counts,
        "log_likelihood" => likelihood::log_likelihood,
        "num_transfer_tokens" => sampler::num_transfer_tokens,
        "parse_constraints" => text::parse_constraints,
        "sampler" => sampler::sampler,
        "suffix_greedy" => likelihood::suffix_greedy,
        "tokenize" => text::tokenize,
        "until_postprocess" => text::until_postprocess,
        _ => return None,
    })
}
