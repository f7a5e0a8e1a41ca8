//! Tests that every backend with LLaDA's network has to pass, with those of other families where it runs them: whole models, small and random.
//!
//! A backend's own tests say how to reach it, and get one `#[test]` a case:
//!
//! ```ignore
//! fn subject() -> Option<Subject> {
//!     Some(Subject { backend: &Mine, device: "cpu", precision: "f32", rounding: 2e-5 })
//! }
//! unmask_sdk::llada_tests!(crate::tests::subject);
//! ```
//!
//! For `[dev-dependencies]` only.

#[doc(hidden)]
pub mod adapters;
mod batch;
#[doc(hidden)]
pub mod cells;
mod checkpoint;
#[doc(hidden)]
pub mod cut;
#[doc(hidden)]
pub mod errors;
#[doc(hidden)]
pub mod estimates;
#[doc(hidden)]
pub mod families;
#[doc(hidden)]
pub mod kinds;
#[doc(hidden)]
pub mod network;
#[doc(hidden)]
pub mod output;
#[doc(hidden)]
pub mod passes;
#[doc(hidden)]
pub mod precisions;

use std::ops::ControlFlow;

pub use batch::{Batch, TestRow, forward, forward_wanted, read};
pub use checkpoint::{SavedCheckpoint, Shape, TestCheckpoint};
pub use precisions::Precisions;

use crate::{Backend, BackendError, Device, ErrorCode, LoadSpec, Model, Session, SessionSpec};

/// The smallest network with grouped heads.
pub const TINY: Shape = Shape {
    width: 32,
    layers: 3,
    heads: 4,
    key_heads: 2,
    mlp: 48,
    vocab: 40,
};

/// Wide enough for blocks of 256.
pub const WIDE: Shape = Shape {
    width: 256,
    layers: 2,
    heads: 4,
    key_heads: 2,
    mlp: 512,
    vocab: 40,
};

/// Two short conversations.
pub const SESSION: SessionSpec = SessionSpec {
    cells: 24,
    slots: 2,
};

/// A backend under test.
pub struct Subject {
    /// The backend.
    pub backend: &'static dyn Backend,
    /// Where its models are loaded.
    pub device: &'static str,
    /// In which precision, if a case says nothing else.
    pub precision: &'static str,
    /// Between logits around 1 that are the same sums in another order.
    pub rounding: f32,
}

impl Subject {
    /// Loads a checkpoint.
    ///
    /// # Panics
    /// If that fails.
    pub fn load(&self, spec: &LoadSpec) -> Box<dyn Model> {
        let model = self.backend.load(spec, &|_| ControlFlow::Continue(()));
        model.expect("the checkpoint is whole")
    }

    /// How to load `checkpoint` where nothing else is said.
    #[must_use]
    pub fn spec(&self, checkpoint: &SavedCheckpoint) -> LoadSpec {
        checkpoint.spec(self.device, self.precision)
    }

    /// Between logits of the same tokens at other positions: turning by other angles rounds other numbers.
    #[must_use]
    pub fn rounding_elsewhere(&self) -> f32 {
        (2.0 * self.rounding).max(1e-4)
    }

    /// A network of [`TINY`].
    #[must_use]
    pub fn tiny(&self) -> Box<dyn Model> {
        self.load(&self.spec(&TestCheckpoint::new(TINY).save()))
    }

    /// Asserts that loading fails with `code`, in words that contain `message`.
    #[track_caller]
    pub fn check_error(&self, spec: &LoadSpec, code: ErrorCode, message: &str) {
        let result: Result<_, BackendError> =
            self.backend.load(spec, &|_| ControlFlow::Continue(()));
        let error = result.err().expect("the model cannot be loaded");
        assert_eq!(error.code(), code, "{error}");
        assert!(error.to_string().contains(message), "{error}");
    }

    /// Asserts that a check and a load fail alike, with `code` and in words that contain `message`.
    #[track_caller]
    pub fn check_refused(&self, spec: &LoadSpec, code: ErrorCode, message: &str) {
        let error = self.backend.check(spec).expect_err("it is refused");
        assert_eq!(error.code(), code, "{error}");
        assert!(error.to_string().contains(message), "{error}");
        self.check_error(spec, code, message);
    }

    /// What its device may be asked to compute in, if it is for safetensors.
    fn precisions(&self) -> Vec<String> {
        let saved = TestCheckpoint::new(TINY).save();
        let goes = |precision: &String| {
            let checked = self.backend.check(&saved.spec(self.device, precision));
            !checked.is_err_and(|error| error.code() == ErrorCode::Unsupported)
        };
        self.listed().precisions.into_iter().filter(goes).collect()
    }

    fn knows_memory(&self) -> bool {
        self.listed().free_bytes > 0
    }

    fn listed(&self) -> Device {
        let mut devices = self.backend.devices().into_iter();
        let device = devices.find(|device| device.id == self.device);
        device.expect("the device is listed")
    }
}

/// A session of [`SESSION`].
///
/// # Panics
/// If there is no room for it.
#[must_use]
pub fn session(model: &dyn Model) -> Box<dyn Session> {
    model
        .session(SESSION)
        .expect("there is room for a small cache")
}

/// `count` token ids below 40, different for every seed.
#[must_use]
pub fn tokens(seed: u32, count: u32) -> Vec<u32> {
    (0..count)
        .map(|index| (seed * 13 + index * 7) % 40)
        .collect()
}

/// The logits of 15 tokens.
#[must_use]
pub fn logits(model: &dyn Model) -> Vec<Vec<f32>> {
    forward(&mut *session(model), &[TestRow::whole(0, &tokens(1, 15))])
}

/// Asserts that no two logits differ by more than `tolerance`.
#[track_caller]
pub fn check_close(left: &[Vec<f32>], right: &[Vec<f32>], tolerance: f32) {
    assert_eq!(left.len(), right.len());
    for (row, (left, right)) in left.iter().zip(right).enumerate() {
        assert_eq!(left.len(), right.len());
        for (left, right) in left.iter().zip(right) {
            let difference = (left - right).abs();
            assert!(difference <= tolerance, "row {row}: {left} and {right}");
        }
    }
}

/// ‖difference‖ / ‖right‖ over all logits.
#[must_use]
pub fn relative_error(got: &[Vec<f32>], right: &[Vec<f32>]) -> f32 {
    let norm = |numbers: &mut dyn Iterator<Item = f32>| numbers.map(|x| x * x).sum::<f32>().sqrt();
    let pairs = got.iter().flatten().zip(right.iter().flatten());
    norm(&mut pairs.map(|(got, right)| got - right)) / norm(&mut right.iter().flatten().copied())
}

/// Makes a `#[test]` of every case. `$subject` is the absolute path of a `fn() -> Option<Subject>`; with `None` a test does
/// nothing, and it is the function's duty to say why.
#[macro_export]
macro_rules! llada_tests {
    ($subject:path) => {
        mod every_backend {
            $crate::each_case! { ($subject) network:
                query_heads_share_key_heads_in_order
                one_key_head_is_what_multi_query_means
                tied_weights_use_the_embedding_as_head
                scaled_logits_are_divided_by_the_root_of_the_width
                a_normed_embedding_is_multiplied_by_the_root_of_the_width
                biases_are_added_where_the_configuration_has_them
                the_embedding_may_have_more_rows_than_the_vocabulary
                the_mlp_is_a_multiple_of_the_width_unless_said_otherwise
            }
            $crate::each_case! { ($subject) passes:
                a_ragged_batch_gives_what_its_rows_give_alone
                left_padding_changes_nothing_for_the_tokens_behind_it
                what_is_not_attended_to_has_no_effect
                a_raised_flag_stops_the_pass
                sessions_compute_at_the_same_time_and_outlive_the_model
                the_number_of_threads_does_not_change_the_result
                the_same_pass_gives_the_same_bits_where_that_is_promised
            }
            $crate::each_case! { ($subject) cells:
                feeding_a_part_gives_what_feeding_everything_gave
                without_cells_the_same_is_computed
                a_cell_may_hold_any_position
                scattered_tokens_are_written_where_they_are_kept
                shadows_are_seen_in_their_pass_and_leave_no_trace
                a_token_kept_outside_of_the_context_is_seen_once
                only_wanted_rows_come_back_and_the_cells_are_written_all_the_same
                a_copied_slot_is_the_other_until_one_of_them_is_written
                a_cleared_slot_can_be_written_again
                room_can_be_made_and_what_is_kept_stays
                cells_beyond_all_memory_are_refused
            }
            $crate::each_case! { ($subject) kinds:
                block_causal_attention_looks_back_and_not_ahead
                causal_attention_looks_back_and_not_ahead
                cells_in_another_order_change_nothing
                left_padding_counts_for_nothing_in_any_kind
                a_mask_of_a_kind_is_that_kind
                shadows_that_a_mask_hides_do_not_matter
            }
            $crate::each_case! { ($subject) families:
                blocks_fed_one_by_one_give_what_the_whole_gives
                rows_of_every_family_give_what_they_give_alone
            }
            $crate::each_case! { ($subject) adapters:
                an_adapter_gives_what_its_merged_weights_give
                adapters_that_cannot_be_merged_are_refused_by_name
            }
            $crate::each_case! { ($subject) output:
                output_can_be_read_in_parts_and_again
                the_short_form_says_of_a_row_what_the_whole_row_says
                a_stopped_pass_leaves_no_output_and_the_next_one_does
            }
            $crate::each_case! { ($subject) estimates:
                a_load_takes_what_was_told_before
                what_a_load_takes_is_told_without_its_weights
            }
            $crate::each_case! { ($subject) errors:
                variants_of_the_architecture_are_refused_by_name
                a_broken_configuration_names_file_and_key
                a_checkpoint_that_does_not_fit_its_configuration_names_the_tensor
                numbers_that_are_not_finite_are_met_in_every_precision
                whatever_a_key_says_a_model_loads_or_is_refused
            }
            $crate::each_case! { ($subject) cut:
                weights_cut_between_passes_fail_the_next_or_change_nothing
                weights_cut_within_a_pass_fail_it_or_change_nothing
            }
        }
    };
}

/// As [`llada_tests`](crate::llada_tests), for a backend that keeps weights in fewer bits; `$precisions` is the absolute path
/// of its [`Precisions`].
#[macro_export]
macro_rules! precision_tests {
    ($subject:path, $precisions:path) => {
        mod every_precision {
            $crate::each_case! { ($subject, $precisions) precisions:
                quantised_weights_are_close_to_full_ones
                a_single_token_gives_what_it_gives_among_many
                the_second_load_takes_the_kept_weights
                every_precision_and_checkpoint_has_a_file_of_its_own
                damaged_kept_weights_are_built_anew
                weights_that_cannot_be_kept_are_held_in_memory_and_told_of
                a_cancelled_load_leaves_nothing_behind
            }
            $crate::each_case! { ($subject, $precisions) families:
                every_family_loses_little_in_fewer_bits
            }
            $crate::each_case! { ($subject, $precisions) cut:
                weights_cut_while_they_are_quantised_are_not_kept
            }
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! each_case {
    (($subject:path $(, $more:path)?) $area:ident: $($case:ident)+) => {
        mod $area {
            $crate::each_case! { @tests ($subject $(, $more)?) $area: $($case)+ }
        }
    };
    (@tests ($subject:path) $area:ident: $($case:ident)+) => {
        $(#[test]
        fn $case() {
            if let Some(subject) = $subject() {
                $crate::testing::$area::$case(&subject);
            }
        })+
    };
    (@tests ($subject:path, $more:path) $area:ident: $($case:ident)+) => {
        $(#[test]
        fn $case() {
            if let Some(subject) = $subject() {
                $crate::testing::$area::$case(&subject, &$more);
            }
        })+
    };
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_case_is_listed() {
        let list = include_str!("mod.rs");
        let areas = [
            include_str!("adapters.rs"),
            include_str!("network.rs"),
            include_str!("passes.rs"),
            include_str!("cells.rs"),
            include_str!("cut.rs"),
            include_str!("kinds.rs"),
            include_str!("output.rs"),
            include_str!("estimates.rs"),
            include_str!("errors.rs"),
            include_str!("families.rs"),
            include_str!("precisions.rs"),
        ];
        for case in areas
            .iter()
            .flat_map(|area| area.split("\npub fn ").skip(1))
        {
            let name = case.split('(').next().unwrap_or_default();
            let line = format!("                {name}\n");
            assert!(list.contains(&line), "{name} is in no list");
        }
    }
}
