//! Whole models, small and random: the cases of every backend, and what only this one has.

mod errors;
mod folders;

use unmask_sdk::testing::{Precisions, Subject};

use crate::Mlx;

const SUBJECT: Subject = Subject {
    backend: &Mlx,
    device: "cpu",
    precision: "f32",
    rounding: 2e-5,
};

const PRECISIONS: Precisions = Precisions {
    inexact: &[("f16", 0.01), ("bf16", 0.05), ("q8", 0.05), ("q4", 0.4)],
    kept: "q4",
    other: "q8",
    last_stage: Some("reading weights"),
};

#[expect(
    clippy::unnecessary_wraps,
    reason = "other backends may lack what they need"
)]
fn subject() -> Option<Subject> {
    Some(SUBJECT)
}

unmask_sdk::llada_tests!(crate::tests::subject);
unmask_sdk::precision_tests!(crate::tests::subject, crate::tests::PRECISIONS);
