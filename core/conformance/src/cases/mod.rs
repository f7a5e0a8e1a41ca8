//! The cases, by what they are about.

mod cache;
mod cancel;
mod pass;
mod sharing;
mod top;

use unmask_api::Capabilities;

use crate::Outcome;
use crate::rig::Rig;

/// One thing that the contract promises.
#[derive(Debug, Clone, Copy)]
pub struct Case {
    /// A sentence that can be false, with underscores for spaces.
    pub name: &'static str,
    /// A model without these is not asked.
    pub needs: Capabilities,
    body: fn(&Rig) -> Outcome,
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
    Case { name, needs, body }
}

/// All of them.
#[rustfmt::skip]
pub const CASES: &[Case] = &[
    case("the_same_pass_gives_the_same_bits", NONE, pass::deterministic),
    case("a_subset_of_wanted_rows_equals_the_whole", NONE, pass::subset),
    case("a_pass_that_wants_nothing_succeeds", NONE, pass::nothing),
    case("tokens_after_the_attended_range_change_nothing", NONE, pass::unattended),
    case("claims_not_made_are_refused", NONE, pass::unclaimed),
    case("unknown_devices_and_precisions_are_refused", NONE, pass::unknown_choices),
    case("a_batch_equals_its_rows_alone", BATCH, pass::batch),
    case("left_padding_changes_nothing", PADDING, pass::padding),
    case("padded_rows_leave_their_neighbours_alone", PADDED_BATCH, pass::padded_batch),
    case("a_block_fed_alone_equals_the_whole_if_nothing_changed", KV_CACHE, cache::block),
    case("a_suffix_fed_alone_equals_the_whole_if_nothing_changed", KV_CACHE, cache::suffix),
    case("later_passes_overwrite_the_cache", KV_CACHE, cache::overwritten),
    case("cache_slots_are_independent", KV_CACHE, cache::slots),
    case("a_raised_flag_cancels_and_the_session_lives_on", CANCEL, cancel::pass),
    case("a_load_ends_when_its_listener_says_so", NONE, cancel::load),
    case("a_session_outlives_its_models_handle", NONE, sharing::outlives),
    case("sessions_do_not_disturb_one_another", NONE, sharing::interleaved),
    case("sessions_compute_at_the_same_time", CONCURRENT, sharing::at_once),
    case("the_top_k_agrees_with_the_logits", TOP, top::agrees),
    case("the_sums_of_a_top_k_are_those_of_the_whole_row", TOP, top::sums),
];

impl Case {
    /// Holds the model against the case, whatever it claims.
    pub(crate) fn run(&self, rig: &Rig) -> Outcome {
        (self.body)(rig)
    }
}
