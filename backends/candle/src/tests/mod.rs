//! Whole models, small and random: the cases of every backend, and what only this one has.

mod errors;
mod precisions;

use unmask_sdk::testing::{Precisions, Subject};

use crate::Candle;

const SUBJECT: Subject = Subject {
    backend: &Candle,
    device: "cpu",
    rounding: 2e-5,
};

const PRECISIONS: Precisions = Precisions {
    inexact: &[("q8_0", 0.05), ("q6k", 0.1), ("q4k", 0.4)],
    kept: "q4k",
    other: "q8_0",
    last_stage: "arranging weights",
};

fn subject() -> Option<Subject> {
    Some(SUBJECT)
}

unmask_sdk::llada_tests!(crate::tests::subject);
unmask_sdk::precision_tests!(crate::tests::subject, crate::tests::PRECISIONS);
