//! Each fault of `tests/plugins/faulty.c` is caught by the name of the promise that it breaks.

use unmask_conformance::CASES;

use super::report;

/// Asserts that `fault` is caught in `cases` and in no others, every case has a verdict, and the first is told in `words`.
#[track_caller]
fn check(fault: &str, cases: &[&str], words: &str) {
    // Whoever hangs is not waited for; all others may be slow. Whoever lists a precision twice is asked for it once.
    let more: &[&str] = match fault {
        "hang" => &["--patience", "2"],
        "stammering" => &["--precision", "f32"],
        _ => &[],
    };
    let report = report(fault, more);
    assert_eq!(report.failed(), cases, "{fault}: {}", report.json);
    assert_eq!(report.trials().len(), CASES.len() + 1, "{fault}");
    assert_eq!(report.code, Some(1), "{fault}");
    let what = &report.trial(cases[0])["what"];
    let what = what.as_str().unwrap_or_default();
    assert!(what.contains(words), "{fault}: {what}");
}

const DEFINED: &str = "the_divergence_is_that_of_the_two_rows";

/// As [`check`], of a fault that shows in more than the one case.
#[track_caller]
fn check_among_others(fault: &str, case: &str, words: &str) {
    let report = report(fault, &[]);
    assert_eq!(report.verdict(case), "failed", "{fault}: {}", report.json);
    assert_eq!(report.trials().len(), CASES.len() + 1, "{fault}");
    assert_eq!(report.code, Some(1), "{fault}");
    let what = &report.trial(case)["what"];
    let what = what.as_str().unwrap_or_default();
    assert!(what.contains(words), "{fault}: {what}");
}

#[test]
fn crashes_and_hangs_are_lines_of_the_report() {
    const NOTHING: &str = "a_pass_that_wants_nothing_succeeds";
    check("crash", &[NOTHING], "its process ended (signal: 11");
    check(
        "crash",
        &[NOTHING],
        "its last line of output: about to crash in forward",
    );
    check("hang", &[NOTHING], "it made no progress for 2 s");
    let load = report("load-crash", &[]);
    assert_eq!(load.failed(), ["the_model_loads"]);
    assert_eq!((load.trials().len(), load.code), (1, Some(1)));
    check_among_others(
        "free-crash",
        "another_load_gives_the_same_facts_and_answers",
        "crash in free",
    );
}

#[test]
fn wrong_numbers_and_stray_writes_are_caught() {
    check_among_others("nan", "all_numbers_are_finite", "gave NaN");
    check_among_others(
        "sloppy",
        "every_wanted_row_is_written",
        "the first in row 2 at 0",
    );
    check(
        "behind",
        &["nothing_is_written_outside_the_wanted_rows"],
        "behind the wanted rows",
    );
    check(
        "before",
        &["nothing_is_written_outside_the_wanted_rows"],
        "before the wanted rows",
    );
}

#[test]
fn answers_that_depend_on_what_they_must_not_are_caught() {
    const SAME: &str = "the_same_pass_gives_the_same_bits";
    check_among_others("drift", SAME, "the bits differ");
    check_among_others(
        "jittery",
        SAME,
        "again in the same session: the bits differ",
    );
    check_among_others(
        "moody",
        "another_load_gives_the_same_facts_and_answers",
        "another load, row 0",
    );
    check(
        "threads",
        &["one_thread_and_two_give_the_same_answer"],
        "with two threads",
    );
    check_among_others("crowded", "a_batch_equals_its_rows_alone", "the long row");
    check_among_others(
        "orderly",
        "tokens_in_another_order_give_the_same_answers",
        "positions do not ascend",
    );
    check(
        "seeing padding",
        &["left_padding_changes_nothing"],
        "with other padding",
    );
}

#[test]
fn attention_of_another_kind_is_caught() {
    const BLOCKS: &str = "block_causal_attention_is_computed_or_refused";
    const CAUSAL: &str = "causal_attention_is_computed_or_refused";
    const FINAL: &str = "final_blocks_fed_one_by_one_equal_the_whole";
    const SPELLED: &str = "a_mask_that_spells_the_kind_changes_nothing";
    check(
        "kindless",
        &[BLOCKS, CAUSAL, FINAL, SPELLED],
        "position 0, which may not see 5",
    );
    check(
        "blockless",
        &[BLOCKS, SPELLED],
        "position 10 does not see 11",
    );
    check(
        "miscounted blocks",
        &[BLOCKS, FINAL, SPELLED],
        "position 9 does not see 11",
    );
    check_among_others("short of blocks", FINAL, "block 2, row 0");
}

#[test]
fn masks_that_are_not_kept_to_are_caught() {
    check_among_others(
        "unmasked",
        "a_mask_that_spells_the_kind_changes_nothing",
        "spelling BlockCausal(4)",
    );
    check_among_others(
        "unmasked",
        "a_masked_key_has_no_influence",
        "with another hidden key",
    );
    check_among_others(
        "unmasked in the context",
        "a_mask_rules_the_cells_of_the_context",
        "with another hidden cell",
    );
}

#[test]
fn cells_that_hold_what_they_should_not_are_caught() {
    const SHADOWS: &str = "shadow_copies_leave_no_trace";
    const LOOSE: &str = "tokens_without_a_cell_are_seen_by_their_pass_alone";
    check("leaving traces", &[LOOSE, SHADOWS], "after a draft");
    check(
        "blind to drafts",
        &[LOOSE, SHADOWS],
        "a draft without cells",
    );
    check("unrepeating", &[SHADOWS], "a position comes twice");
    check(
        "taking positions for cells",
        &[SHADOWS],
        "copies without cells",
    );
    check_among_others(
        "taking cells for positions",
        "a_reordered_cache_equals_the_ordered_one",
        "cells 0..24",
    );
    check_among_others(
        "nosy",
        "cells_outside_the_context_have_no_influence",
        "beside other cells",
    );
    check(
        "taking the last rows",
        &["rows_one_place_before_a_block_equal_those_of_the_whole"],
        "the rows before, row 0",
    );
    check_among_others(
        "late",
        "a_block_fed_alone_equals_the_whole_if_nothing_changed",
        "the whole, kept",
    );
    check(
        "lost without cells",
        &["a_session_without_cells_equals_one_with_cells"],
        "in a session of no cells",
    );
    #[cfg(target_os = "linux")]
    check(
        "hoarding",
        &["a_session_without_cells_holds_no_memory_for_them"],
        "sessions without cells hold 6",
    );
}

#[test]
fn slots_that_are_not_what_they_were_made_are_caught() {
    const COPIED: &str = "a_copied_slot_equals_its_original";
    const REMEMBERED: &str = "the_divergence_goes_with_its_slot";
    let slots = ["cache_slots_are_independent", COPIED];
    check("of one slot", &slots, "slot 0");
    for fault in ["copying nothing", "copying short"] {
        check(fault, &[COPIED, REMEMBERED], "the copy");
    }
    check("copying without memory", &[REMEMBERED], "in a copied slot");
    check("unforgetting", &[REMEMBERED], "in a cleared slot");
    check(
        "clearing another",
        &["a_cleared_slot_can_be_written_again", REMEMBERED],
        "the other slot",
    );
    check(
        "spilling",
        &["more_room_keeps_what_the_cells_held"],
        "after room for 48 cells",
    );
}

#[test]
fn output_that_is_not_that_of_the_pass_is_caught() {
    const AGAIN: &str = "output_can_be_read_again_and_in_part";
    const BESIDE: &str = "the_short_form_can_be_read_beside_the_whole";
    check_among_others("reading once", AGAIN, "gives no output");
    check_among_others("reading once", BESIDE, "gives no output");
    check("counting", &[AGAIN, BESIDE], "rows [2] alone");
}

#[test]
fn sessions_that_are_not_their_own_are_caught() {
    check_among_others(
        "shared",
        "sessions_do_not_disturb_one_another",
        "the bits differ",
    );
    check(
        "homesick",
        &["a_session_may_move_between_threads"],
        "on another thread: the bits differ",
    );
}

#[test]
fn a_short_form_that_is_none_is_caught() {
    const AGREES: &str = "the_top_k_agrees_with_the_logits";
    const SUMS: &str = "the_sums_of_a_top_k_are_those_of_the_whole_row";
    const BANNED: &str = "banned_ids_count_for_nothing";
    check(
        "top behind",
        &["nothing_is_written_outside_a_top_k"],
        "something is written behind the ids",
    );
    check("modest", &[AGREES, SUMS, BANNED], "best of row 0");
    check("mislabelling", &[AGREES, BANNED], "number 0 of row 0");
    check("confused", &[SUMS, BANNED], "entropy of row 0");
    check("counting the best", &[SUMS, BANNED], "tail of row 0");
    check("ban-blind", &[BANNED, DEFINED], "is banned");
    check_among_others("numberless", AGREES, "gave NaN at row 0");
    check("half-banning", &[BANNED], "tail of row 0");
    check(
        "mishearing",
        &["asked_ids_have_their_logits"],
        "row 0, the asked id 0",
    );
}

#[test]
fn a_divergence_of_other_rows_is_caught() {
    check_among_others("exaggerating", DEFINED, "of other tokens, row 0");
    check("unbanning", &[DEFINED], "with banned ids, row 0");
    check(
        "living in the past",
        &[DEFINED],
        "of the first tokens again",
    );
}

#[test]
fn what_is_told_of_a_load_and_not_true_is_caught() {
    const TOLD: &str = "what_a_load_takes_is_told_before_it";
    const REFUSED: &str = "what_a_load_refuses_is_refused_before_it";
    check(
        "understated",
        &[TOLD],
        "are told before, 1000 after the load",
    );
    check("miscounted", &[TOLD], "129 bytes a cell");
    check("overeager", &[TOLD, REFUSED], "these are no weights");
    check("fussy", &[REFUSED], "Causal: told before");
}

#[test]
fn claims_that_are_not_kept_are_caught() {
    check_among_others(
        "forgetful",
        "a_block_fed_alone_equals_the_whole_if_nothing_changed",
        "the part",
    );
    check(
        "deaf",
        &["a_raised_flag_cancels_and_the_session_lives_on"],
        "a raised flag gives Ok",
    );
    check(
        "blank",
        &["the_facts_can_be_and_stay_the_same"],
        "a note says nothing",
    );
    check(
        "stammering",
        &["devices_and_precisions_are_named_and_stay_the_same"],
        "is there twice",
    );
    check(
        "fickle",
        &["another_load_gives_the_same_facts_and_answers"],
        "another load has ",
    );
    check(
        "nameless",
        &["the_facts_can_be_and_stay_the_same"],
        "has no name",
    );
    check(
        "credulous",
        &["unknown_devices_and_precisions_are_refused"],
        "precision f7 is not refused",
    );
}

#[test]
fn loads_that_should_fail_or_end_are_caught() {
    check(
        "gullible",
        &["weights_that_are_missing_or_damaged_are_refused"],
        "missing weights: it loads, and its answer",
    );
    check(
        "mute",
        &[
            "what_a_load_refuses_is_refused_before_it",
            "unknown_devices_and_precisions_are_refused",
            "a_family_that_nobody_has_is_refused",
        ],
        "the family is refused without a word",
    );
    check(
        "panicky",
        &["a_configuration_that_is_no_json_is_refused"],
        "the configuration is bad",
    );
    check(
        "fatherly",
        &["a_family_that_nobody_has_is_refused"],
        "the family `nobodys`: it loads",
    );
    check(
        "stubborn",
        &["a_load_ends_when_its_listener_says_so"],
        "the load goes on",
    );
    #[cfg(target_os = "linux")]
    check(
        "leak",
        &["memory_comes_back_with_a_model"],
        "each load leaves 16.8 MB behind",
    );
}
