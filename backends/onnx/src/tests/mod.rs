//! Whole models, small and random: the cases of every backend, and what only this one has.
//!
//! Where ONNX Runtime is not found, the tests that need it do nothing and say so; with `UNMASK_REQUIRE_RUNTIME` in the
//! environment they fail.

mod errors;
mod export;
mod precisions;
mod short_form;

use std::io::{self, Write};
use std::sync::Once;

use unmask_sdk::testing::{Precisions, Subject};

use crate::{Onnx, library};

/// In the environment: that ONNX Runtime is missing is a failure.
const REQUIRED: &str = "UNMASK_REQUIRE_RUNTIME";

const PRECISIONS: Precisions = Precisions {
    inexact: &[("f16", 0.01), ("int8", 0.05), ("int4", 0.4)],
    kept: "int4",
    other: "int8",
    last_stage: Some("preparing the network"),
};

/// The backend, if there is a runtime to test with.
fn subject() -> Option<Subject> {
    static SAID: Once = Once::new();
    let missing = library::find().err();
    if let Some(missing) = &missing {
        let what = format!("{}; {}", missing.reason, missing.remedy);
        assert!(std::env::var_os(REQUIRED).is_none(), "{what}");
        // Not captured, as what a passing test prints would be.
        SAID.call_once(|| {
            let line = format!("TESTS OF ONNX RUNTIME DO NOTHING: {what}\n");
            io::stderr().write_all(line.as_bytes()).ok();
        });
    }
    missing.is_none().then_some(Subject {
        backend: &Onnx,
        device: "cpu",
        precision: "f32",
        rounding: 2e-5,
    })
}

unmask_sdk::llada_tests!(crate::tests::subject);
unmask_sdk::precision_tests!(crate::tests::subject, crate::tests::PRECISIONS);

#[test]
fn the_runtime_that_was_found_can_be_opened() {
    if subject().is_none() {
        return;
    }
    let found = library::start(None).expect("what was found fits");
    let line = format!("tests use {} ({:?})\n", found.path.display(), found.origin);
    io::stderr().write_all(line.as_bytes()).ok();
    assert!(found.path.is_absolute());
}
