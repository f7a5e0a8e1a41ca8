//! The cases, by what they are about.

mod cache;
mod cancel;
mod facts;
mod load;
mod memory;
mod numbers;
mod pass;
mod sharing;
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
const KV_CACHE: Capabilities = Capabilities::KV_CACHE;
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
    case("the_same_pass_gives_the_same_bits", NONE, pass::deterministic),
    case("a_subset_of_wanted_rows_equals_the_whole", NONE, pass::subset),
    case("a_pass_that_wants_nothing_succeeds", NONE, pass::nothing),
    case("tokens_after_the_attended_range_change_nothing", NONE, pass::unattended),
    case("all_numbers_are_finite", NONE, pass::finite),
    case("claims_not_made_are_refused", NONE, facts::unclaimed),
    case("the_facts_can_be_and_stay_the_same", NONE, facts::steady),
    case("every_wanted_row_is_written", NONE, written::whole),
    case("nothing_is_written_outside_the_wanted_rows", NONE, written::inside),
    case("nothing_is_written_outside_a_top_k", TOP, written::inside_top),
    case("a_batch_equals_its_rows_alone", BATCH, pass::batch),
    case("left_padding_changes_nothing", PADDING, pass::padding),
    case("padded_rows_leave_their_neighbours_alone", PADDED_BATCH, pass::padded_batch),
    case("a_block_fed_alone_equals_the_whole_if_nothing_changed", KV_CACHE, cache::block),
    case("a_suffix_fed_alone_equals_the_whole_if_nothing_changed", KV_CACHE, cache::suffix),
    case("later_passes_overwrite_the_cache", KV_CACHE, cache::overwritten),
    case("cache_slots_are_independent", KV_CACHE, cache::slots),
    case("a_raised_flag_cancels_and_the_session_lives_on", CANCEL, cancel::pass),
    explore("a_pass_cancelled_while_it_runs_ends_and_the_session_lives_on", CANCEL, cancel::running),
    case("sessions_do_not_disturb_one_another", NONE, sharing::interleaved),
    case("sessions_compute_at_the_same_time", CONCURRENT, sharing::at_once),
    case("a_session_may_move_between_threads", NONE, sharing::moved),
    case("the_top_k_agrees_with_the_logits", TOP, top::agrees),
    case("the_sums_of_a_top_k_are_those_of_the_whole_row", TOP, top::sums),
    explore("the_numbers_are_those_of_the_reference", NONE, numbers::golden),
    explore("another_load_gives_the_same_facts_and_bits", NONE, load::again),
    explore("one_thread_and_two_give_the_same_answer", NONE, load::threads),
    explore("a_session_outlives_its_models_handle", NONE, load::outlived),
    explore("a_load_ends_when_its_listener_says_so", NONE, load::ended),
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
