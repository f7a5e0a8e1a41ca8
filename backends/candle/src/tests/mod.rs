//! Whole models, small and random: the cases of every backend, and what only this one has.

mod errors;
mod gguf;
mod precisions;

use unmask_sdk::testing::{Precisions, Subject};

use crate::Candle;

const SUBJECT: Subject = Subject {
    backend: &Candle,
    device: "cpu",
    precision: "f32",
    rounding: 2e-5,
};

const PRECISIONS: Precisions = Precisions {
    inexact: &[("q8_0", 0.05), ("q6k", 0.1), ("q4k", 0.4)],
    kept: "q4k",
    other: "q8_0",
    last_stage: Some("arranging weights"),
};

/// Those on our own kernels.
const PACKED: Precisions = Precisions {
    inexact: &[("int8", 0.05), ("int4", 0.3)],
    kept: "int8",
    other: "int4",
    last_stage: None,
};

fn subject() -> Option<Subject> {
    Some(SUBJECT)
}

unmask_sdk::llada_tests!(crate::tests::subject);
unmask_sdk::precision_tests!(crate::tests::subject, crate::tests::PRECISIONS);

mod int8 {
    use super::{PACKED, Precisions, SUBJECT, Subject};

    fn subject() -> Option<Subject> {
        Some(Subject {
            precision: "int8",
            rounding: 0.05,
            ..SUBJECT
        })
    }

    const PRECISIONS: Precisions = PACKED;

    unmask_sdk::llada_tests!(crate::tests::int8::subject);
    unmask_sdk::precision_tests!(crate::tests::int8::subject, crate::tests::int8::PRECISIONS);
}

mod int4 {
    use super::{PACKED, Precisions, SUBJECT, Subject};

    fn subject() -> Option<Subject> {
        Some(Subject {
            precision: "int4",
            rounding: 0.05,
            ..SUBJECT
        })
    }

    const PRECISIONS: Precisions = Precisions {
        kept: "int4",
        other: "int8",
        ..PACKED
    };

    unmask_sdk::llada_tests!(crate::tests::int4::subject);
    unmask_sdk::precision_tests!(crate::tests::int4::subject, crate::tests::int4::PRECISIONS);
}
