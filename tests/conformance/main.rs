//! Every backend × every case that its capabilities allow: what the contract promises, tested through the border.
//!
//! `UNMASK_CONFORMANCE_BACKEND` names one backend, which may lie on `UNMASK_BACKEND_PATH`; without it all that are found and
//! usable are tested. Backends that carry networks are tested with the tiny golden checkpoint, those without with a made-up
//! one.

mod cache;
mod cancel;
mod compare;
mod gaps;
mod pass;
mod rig;
mod sharing;
mod top;

use rig::{Case, Rig};
use unmask_api::Capabilities;

/// A test that runs `body` for every backend that can do `needs`, and holds the outcome against the list of known gaps.
macro_rules! cases {
    ($($(#[$doc:meta])* $name:ident($needs:expr) = $body:path;)*) => {
        $(
            $(#[$doc])*
            #[test]
            fn $name() {
                rig::test(&Case {
                    name: stringify!($name),
                    needs: $needs,
                    body: $body,
                });
            }
        )*

        /// The name of every case.
        const NAMES: &[&str] = &[$(stringify!($name)),*];
    };
}

const NONE: Capabilities = Capabilities(0);
const BATCH: Capabilities = Capabilities::BATCH;
const KV_CACHE: Capabilities = Capabilities::KV_CACHE;
const PADDING: Capabilities = Capabilities::LEFT_PADDING;
const TOP: Capabilities = Capabilities::TOPK_OUTPUT;

cases! {
    the_same_pass_gives_the_same_bits(NONE) = pass::deterministic;
    a_subset_of_wanted_rows_equals_the_whole(NONE) = pass::subset;
    a_pass_that_wants_nothing_succeeds(NONE) = pass::nothing;
    tokens_after_the_attended_range_change_nothing(NONE) = pass::unattended;
    claims_not_made_are_refused(NONE) = pass::unclaimed;
    unknown_devices_and_precisions_are_refused(NONE) = pass::unknown_choices;
    a_batch_equals_its_rows_alone(BATCH) = pass::batch;
    left_padding_changes_nothing(PADDING) = pass::padding;
    padded_rows_leave_their_neighbours_alone(Capabilities(BATCH.0 | PADDING.0)) = pass::padded_batch;
    a_block_fed_alone_equals_the_whole_if_nothing_changed(KV_CACHE) = cache::block;
    a_suffix_fed_alone_equals_the_whole_if_nothing_changed(KV_CACHE) = cache::suffix;
    later_passes_overwrite_the_cache(KV_CACHE) = cache::overwritten;
    cache_slots_are_independent(KV_CACHE) = cache::slots;
    a_raised_flag_cancels_and_the_session_lives_on(Capabilities::CANCEL) = cancel::pass;
    a_load_ends_when_its_listener_says_so(NONE) = cancel::load;
    a_session_outlives_its_models_handle(NONE) = sharing::outlives;
    sessions_do_not_disturb_one_another(NONE) = sharing::interleaved;
    sessions_compute_at_the_same_time(Capabilities::CONCURRENT) = sharing::at_once;
    the_top_k_agrees_with_the_logits(TOP) = top::agrees;
    the_sums_of_a_top_k_are_those_of_the_whole_row(TOP) = top::sums;
}

/// The case of [`no_backend_on_the_path_is_broken`].
const FOUND: &str = "no_backend_on_the_path_is_broken";

#[test]
fn no_backend_on_the_path_is_broken() {
    let failures: Vec<String> = rig::found()
        .into_iter()
        .filter_map(|(name, outcome)| gaps::judge(&name, FOUND, outcome, gaps::KNOWN).err())
        .collect();
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
}

#[test]
fn every_gap_names_a_case() {
    for gap in gaps::KNOWN {
        let named = gap.case == FOUND || NAMES.contains(&gap.case);
        assert!(named, "{} is no case", gap.case);
        assert!(!gap.why.is_empty(), "a gap has a reason");
    }
}

#[test]
fn at_least_one_backend_is_tested() {
    assert!(!rig::backends().is_empty());
}

/// What a case checks; the error says what differs.
type Outcome = Result<(), String>;
/// The body of a case.
type Body = fn(&Rig) -> Outcome;
