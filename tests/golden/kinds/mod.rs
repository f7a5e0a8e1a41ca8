//! One file per part of the program that a kind of case tests.

mod app;
mod chat;
mod decoding;
mod draws;
mod families;
mod fast;
mod forward;
mod generate;
mod likelihood;
mod program;
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
        "block_refinement_step" => decoding::block_refinement_step,
        "chat" => chat::chat,
        "chat_prompt" => chat::chat_prompt,
        "chat_template" => text::chat_template,
        "credit_decode" => decoding::credit_decode,
        "daedal_generate" => families::daedal_generate,
        "dgemma_sampler" => select::dgemma_sampler,
        "dream_generate" => families::dream_generate,
        "dream_sample_tokens" => select::dream_sample_tokens,
        "dream_schedule" => select::dream_schedule,
        "eb_select" => select::eb_select,
        "encode_pair" => text::encode_pair,
        "fast_dllm" => fast::fast_dllm,
        "fast_select" => sampler::fast_select,
        "fdv2_generate" => families::fdv2_generate,
        "format_chat_history" => text::format_chat_history,
        "forward" => forward::forward,
        "forward_bf16" => forward::forward_bf16,
        "forward_block" => forward::forward,
        "forward_cached" => forward::forward_cached,
        "forward_incremental" => forward::forward_incremental,
        "generate" => generate::generate,
        "gumbel" => sampler::gumbel,
        "hierarchy_select" => select::hierarchy_select,
        "klass_sampler" => decoding::klass_sampler,
        "ll_mask_counts" => likelihood::mask_counts,
        "llada2_generate" => families::llada2_generate,
        "llada21_generate" => families::llada21_generate,
        "localleap_select" => select::localleap_select,
        "log_likelihood" => likelihood::log_likelihood,
        "num_transfer_tokens" => sampler::num_transfer_tokens,
        "parse_constraints" => text::parse_constraints,
        "sampler" => sampler::sampler,
        "sdar_generate" => families::sdar_generate,
        "suffix_greedy" => likelihood::suffix_greedy,
        "threshold_select" => select::threshold_select,
        "tokenize" => text::tokenize,
        "until_postprocess" => text::until_postprocess,
        "wino_sampler" => decoding::wino_sampler,
        _ => return None,
    })
}
