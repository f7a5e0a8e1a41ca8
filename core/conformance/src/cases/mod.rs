//! The cases, by what they are about.

mod attention;
mod cache;
mod cancel;
mod cells;
mod check;
mod divergence;
mod facts;
mod load;
mod mask;
mod memory;
mod numbers;
mod output;
mod pass;
mod sharing;
mod slots;
mod top;
mod written;

use unmask_api::Capabilities;

use crate::rig::Rig;
use crate::{Explored, Finding, Outcome};

/// One thing that the contract promises.
#[derive(Debug, Clone, Copy)]
pub struct Case {
    /// A sentence that can be false, with underscores for spaces.
    pub name: &'static str,
    /// A model without these is not asked.
    pub needs: Capabilities,
    body: Body,
}

#[derive(Debug, Clone, Copy)]
enum Body {
    /// Computes with the loaded model.
    Computes(fn(&Rig) -> Outcome),
    /// Loads by itself, measures, or may have nothing to test.
    Explores(fn(&mut Rig) -> Explored),
}

const NONE: Capabilities = Capabilities(0);
const BATCH: Capabilities = Capabilities::BATCH;
const CANCEL: Capabilities = Capabilities::CANCEL;
const CONCURRENT: Capabilities = Capabilities::CONCURRENT;
const DETERMINISTIC: Capabilities = Capabilities::DETERMINISTIC;
const DIVERGENCE: Capabilities = Capabilities(Capabilities::DIVERGENCE.0 | TOP.0 | KV_CACHE.0);
const KV_CACHE: Capabilities = Capabilities::KV_CACHE;
const MASK: Capabilities = Capabilities::ATTENTION_MASK;
const MASKED_CACHE: Capabilities = Capabilities(MASK.0 | KV_CACHE.0);
const PADDING: Capabilities = Capabilities::LEFT_PADDING;
const PADDED_BATCH: Capabilities = Capabilities(BATCH.0 | PADDING.0);
const TOP: Capabilities = Capabilities::TOPK_OUTPUT;

const fn case(name: &'static str, needs: Capabilities, body: fn(&Rig) -> Outcome) -> Case {
    let body = Body::Computes(body);
    Case { name, needs, body }
}

const fn explore(name: &'static str, needs: Capabilities, body: fn(&mut Rig) -> Explored) -> Case {
    let body = Body::Explores(body);
    Case { name, needs, body }
}

/// All of them.
#[rustfmt::skip]
pub const CASES: &[Case] = &[
    case("the_same_pass_gives_the_same_bits", DETERMINISTIC, pass::deterministic),
    case("a_subset_of_wanted_rows_equals_the_whole", NONE, pass::subset),
    case("a_pass_that_wants_nothing_succeeds", NONE, pass::nothing),
    case("tokens_in_another_order_give_the_same_answers", NONE, pass::order),
    case("all_numbers_are_finite", NONE, pass::finite),
    case("claims_not_made_are_refused", NONE, facts::unclaimed),
    case("the_facts_can_be_and_stay_the_same", NONE, facts::steady),
    case("devices_and_precisions_are_named_and_stay_the_same", NONE, facts::listed),
    case("every_wanted_row_is_written", NONE, written::whole),
    case("nothing_is_written_outside_the_wanted_rows", NONE, written::inside),
    case("nothing_is_written_outside_a_top_k", TOP, written::inside_top),
    case("output_can_be_read_again_and_in_part", NONE, output::again),
    case("the_short_form_can_be_read_beside_the_whole", TOP, output::both_forms),
    case("output_that_is_not_there_is_refused", NONE, output::nothing),
    case("a_cancelled_pass_leaves_no_output", CANCEL, output::cancelled),
    case("a_batch_equals_its_rows_alone", BATCH, pass::batch),
    case("left_padding_changes_nothing", PADDING, pass::padding),
    case("padded_rows_leave_their_neighbours_alone", PADDED_BATCH, pass::padded_batch),
    explore("bidirectional_attention_is_computed_or_refused", NONE, attention::bidirectional),
    explore("block_causal_attention_is_computed_or_refused", NONE, attention::block_causal),
    explore("causal_attention_is_computed_or_refused", NONE, attention::causal),
    explore("final_blocks_fed_one_by_one_equal_the_whole", KV_CACHE, attention::final_blocks),
    explore("a_mask_that_spells_the_kind_changes_nothing", MASK, mask::spelled),
    case("a_masked_key_has_no_influence", MASK, mask::hidden),
    case("a_mask_rules_the_cells_of_the_context", MASKED_CACHE, mask::cells),
    case("a_block_fed_alone_equals_the_whole_if_nothing_changed", KV_CACHE, cache::block),
    case("a_suffix_fed_alone_equals_the_whole_if_nothing_changed", KV_CACHE, cache::suffix),
    case("rows_one_place_before_a_block_equal_those_of_the_whole", KV_CACHE, cache::shifted),
    case("later_passes_overwrite_the_cache", KV_CACHE, cache::overwritten),
    case("cells_outside_the_context_have_no_influence", KV_CACHE, cache::unattended),
    case("a_reordered_cache_equals_the_ordered_one", KV_CACHE, cells::reordered),
    case("tokens_without_a_cell_are_seen_by_their_pass_alone", KV_CACHE, cells::loose),
    case("shadow_copies_leave_no_trace", KV_CACHE, cells::shadows),
    case("a_session_without_cells_equals_one_with_cells", KV_CACHE, cells::none),
    explore("a_session_without_cells_holds_no_memory_for_them", KV_CACHE, memory::of_sessions),
    case("cache_slots_are_independent", KV_CACHE, slots::independent),
    case("a_copied_slot_equals_its_original", KV_CACHE, slots::copied),
    case("a_cleared_slot_can_be_written_again", KV_CACHE, slots::cleared),
    case("more_room_keeps_what_the_cells_held", KV_CACHE, slots::reserved),
    case("a_raised_flag_cancels_and_the_session_lives_on", CANCEL, cancel::pass),
    explore("a_pass_cancelled_while_it_runs_ends_and_the_session_lives_on", CANCEL, cancel::running),
    case("sessions_do_not_disturb_one_another", NONE, sharing::interleaved),
    case("sessions_compute_at_the_same_time", CONCURRENT, sharing::at_once),
    case("a_session_may_move_between_threads", NONE, sharing::moved),
    case("the_top_k_agrees_with_the_logits", TOP, top::agrees),
    case("the_sums_of_a_top_k_are_those_of_the_whole_row", TOP, top::sums),
    case("asked_ids_have_their_logits", TOP, top::asked),
    case("banned_ids_count_for_nothing", TOP, top::banned),
    case("the_divergence_is_that_of_the_two_rows", DIVERGENCE, divergence::defined),
    case("the_divergence_goes_with_its_slot", DIVERGENCE, divergence::slots),
    explore("the_numbers_are_those_of_the_reference", NONE, numbers::golden),
    explore("another_load_gives_the_same_facts_and_answers", NONE, load::again),
    explore("one_thread_and_two_give_the_same_answer", NONE, load::threads),
    explore("a_session_outlives_its_models_handle", NONE, load::outlived),
    explore("a_load_ends_when_its_listener_says_so", NONE, load::ended),
    explore("what_a_load_takes_is_told_before_it", NONE, check::told),
    explore("what_a_load_refuses_is_refused_before_it", NONE, check::refused),
    explore("unknown_devices_and_precisions_are_refused", NONE, load::unknown_choices),
    explore("weights_that_are_missing_or_damaged_are_refused", NONE, load::bad_weights),
    explore("a_configuration_that_is_no_json_is_refused", NONE, load::bad_configuration),
    explore("a_family_that_nobody_has_is_refused", NONE, load::bad_family),
    explore("memory_comes_back_with_a_model", NONE, memory::comes_back),
];

impl Case {
    /// Holds the model against the case, whatever it claims.
    pub(crate) fn run(&self, rig: &mut Rig) -> Explored {
        match self.body {
            Body::Computes(body) => body(rig).map(|()| Finding::Kept(Vec::new())),
            Body::Explores(body) => body(rig),
        }
    }
}

/// A promise that was kept, with nothing measured.
fn kept() -> Explored {
    Ok(Finding::Kept(Vec::new()))
}
