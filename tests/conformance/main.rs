//! Every backend × every case that its capabilities allow: what the contract promises, tested through the border.
//!
//! `UNMASK_CONFORMANCE_BACKEND` names one backend, which may lie on `UNMASK_BACKEND_PATH`; without it all that are found and
//! usable are tested. `UNMASK_CONFORMANCE_DEVICE` and `UNMASK_CONFORMANCE_PRECISION` name what else than the first device in all of
//! its precisions. Backends that carry networks are tested with the tiny golden checkpoint, those without with a made-up
//! one.

mod backends;

use std::sync::{Arc, RwLock};

use unmask_api::Backend;
use unmask_conformance::{CASES, Case, Rig, Verdict};
use unmask_tests::is_demanded;

/// A test of every case that is named.
macro_rules! cases {
    ($($name:ident)*) => {
        $(
            #[test]
            fn $name() {
                test(stringify!($name));
            }
        )*

        const NAMES: &[&str] = &[$(stringify!($name)),*];
    };
}

cases! {
    the_same_pass_gives_the_same_bits
    a_subset_of_wanted_rows_equals_the_whole
    a_pass_that_wants_nothing_succeeds
    tokens_in_another_order_give_the_same_answers
    all_numbers_are_finite
    claims_not_made_are_refused
    the_facts_can_be_and_stay_the_same
    devices_and_precisions_are_named_and_stay_the_same
    every_wanted_row_is_written
    nothing_is_written_outside_the_wanted_rows
    nothing_is_written_outside_a_top_k
    output_can_be_read_again_and_in_part
    the_short_form_can_be_read_beside_the_whole
    output_that_is_not_there_is_refused
    a_cancelled_pass_leaves_no_output
    a_batch_equals_its_rows_alone
    left_padding_changes_nothing
    padded_rows_leave_their_neighbours_alone
    bidirectional_attention_is_computed_or_refused
    block_causal_attention_is_computed_or_refused
    causal_attention_is_computed_or_refused
    final_blocks_fed_one_by_one_equal_the_whole
    a_mask_that_spells_the_kind_changes_nothing
    a_masked_key_has_no_influence
    a_mask_rules_the_cells_of_the_context
    a_block_fed_alone_equals_the_whole_if_nothing_changed
    a_suffix_fed_alone_equals_the_whole_if_nothing_changed
    rows_one_place_before_a_block_equal_those_of_the_whole
    later_passes_overwrite_the_cache
    cells_outside_the_context_have_no_influence
    a_reordered_cache_equals_the_ordered_one
    tokens_without_a_cell_are_seen_by_their_pass_alone
    shadow_copies_leave_no_trace
    a_session_without_cells_equals_one_with_cells
    a_session_without_cells_holds_no_memory_for_them
    cache_slots_are_independent
    a_copied_slot_equals_its_original
    a_cleared_slot_can_be_written_again
    more_room_keeps_what_the_cells_held
    a_raised_flag_cancels_and_the_session_lives_on
    a_pass_cancelled_while_it_runs_ends_and_the_session_lives_on
    sessions_do_not_disturb_one_another
    sessions_compute_at_the_same_time
    a_session_may_move_between_threads
    the_top_k_agrees_with_the_logits
    the_sums_of_a_top_k_are_those_of_the_whole_row
    asked_ids_have_their_logits
    banned_ids_count_for_nothing
    the_divergence_is_that_of_the_two_rows
    the_divergence_goes_with_its_slot
    the_numbers_are_those_of_the_reference
    another_load_gives_the_same_facts_and_answers
    one_thread_and_two_give_the_same_answer
    a_session_outlives_its_models_handle
    a_load_ends_when_its_listener_says_so
    what_a_load_takes_is_told_before_it
    what_a_load_refuses_is_refused_before_it
    unknown_devices_and_precisions_are_refused
    weights_that_are_missing_or_damaged_are_refused
    a_configuration_that_is_no_json_is_refused
    a_family_that_nobody_has_is_refused
    memory_comes_back_with_a_model
}

#[test]
fn every_case_of_the_suite_is_tested() {
    let names: Vec<&str> = CASES.iter().map(|case| case.name).collect();
    assert_eq!(names, NAMES);
}

#[test]
fn no_backend_on_the_path_is_broken() {
    assert_eq!(backends::broken(), Vec::<String>::new());
}

#[test]
fn at_least_one_backend_is_tested() {
    assert!(!backends::usable().is_empty());
}

#[test]
fn what_was_demanded_is_tested() {
    let tested = backends::usable();
    let missing = ["onnx", "mlx"]
        .into_iter()
        .filter(|name| is_demanded(name) && !tested.iter().any(|backend| backend.name() == *name));
    let missing: Vec<&str> = match backends::is_one_named() {
        true => Vec::new(),
        false => missing.collect(),
    };
    assert_eq!(missing, Vec::<&str>::new());
}

/// The cases that measure what the process holds.
const MEMORY: [&str; 2] = [
    "memory_comes_back_with_a_model",
    "a_session_without_cells_holds_no_memory_for_them",
];

/// Read by every test that loads.
static LOADING: RwLock<()> = RwLock::new(());

/// Runs a case on every backend that can do what it needs, in every precision of its first device, and on some of them in
/// processes of their own.
///
/// # Panics
/// With one line for every backend that fails it.
#[track_caller]
fn test(name: &str) {
    // What the process holds can only be measured while nothing else is loaded in it.
    let (_alone, _among_others) = match MEMORY.contains(&name) {
        true => (Some(LOADING.write()), None),
        false => (None, Some(LOADING.read())),
    };
    let case = CASES.iter().find(|case| case.name == name);
    let case = case.expect("the suite has the case");
    let here = backends::usable().into_iter().flat_map(|backend| {
        let precisions = backends::precisions(&*backend).into_iter();
        precisions.filter_map(move |precision| failure(&backend, &precision, case))
    });
    let alone = backends::isolated().into_iter().filter_map(|backend| {
        let precision = backends::precisions(&*backend).into_iter().next()?;
        Some(failure(&backend, &precision, case)? + " (isolated)")
    });
    let failures: Vec<String> = here.chain(alone).collect();
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
}

fn failure(backend: &Arc<dyn Backend>, precision: &str, case: &'static Case) -> Option<String> {
    let rig =
        backends::spec(&**backend, precision).and_then(|spec| Rig::load(Arc::clone(backend), spec));
    let verdict = match rig {
        Ok(mut rig) => rig.judge(case).verdict,
        Err(what) => Verdict::Failed { what },
    };
    let what = match verdict {
        Verdict::Passed | Verdict::Unclaimed | Verdict::Untested { .. } | Verdict::Known { .. } => {
            return None;
        }
        Verdict::Failed { what } => what,
        Verdict::Closed { why } => {
            format!("passes, but is known to fail ({why}); delete that line")
        }
    };
    Some(format!("{} {precision}: {what}", backend.name()))
}
