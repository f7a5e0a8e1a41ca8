//! Every backend × every case that its capabilities allow: what the contract promises, tested through the border.
//!
//! `UNMASK_CONFORMANCE_BACKEND` names one backend, which may lie on `UNMASK_BACKEND_PATH`; without it all that are found and
//! usable are tested. Backends that carry networks are tested with the tiny golden checkpoint, those without with a made-up
//! one.

mod backends;

use std::sync::{Arc, RwLock};

use unmask_api::Backend;
use unmask_conformance::{CASES, Case, Rig, Verdict};

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
    tokens_after_the_attended_range_change_nothing
    all_numbers_are_finite
    claims_not_made_are_refused
    the_facts_can_be_and_stay_the_same
    every_wanted_row_is_written
    nothing_is_written_outside_the_wanted_rows
    nothing_is_written_outside_a_top_k
    a_batch_equals_its_rows_alone
    left_padding_changes_nothing
    padded_rows_leave_their_neighbours_alone
    a_block_fed_alone_equals_the_whole_if_nothing_changed
    a_suffix_fed_alone_equals_the_whole_if_nothing_changed
    later_passes_overwrite_the_cache
    cache_slots_are_independent
    a_raised_flag_cancels_and_the_session_lives_on
    a_pass_cancelled_while_it_runs_ends_and_the_session_lives_on
    sessions_do_not_disturb_one_another
    sessions_compute_at_the_same_time
    a_session_may_move_between_threads
    the_top_k_agrees_with_the_logits
    the_sums_of_a_top_k_are_those_of_the_whole_row
    the_numbers_are_those_of_the_reference
    another_load_gives_the_same_facts_and_bits
    one_thread_and_two_give_the_same_answer
    a_session_outlives_its_models_handle
    a_load_ends_when_its_listener_says_so
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

/// The case that measures what the process holds.
const MEMORY: &str = "memory_comes_back_with_a_model";

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
    let (_alone, _among_others) = match name == MEMORY {
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
