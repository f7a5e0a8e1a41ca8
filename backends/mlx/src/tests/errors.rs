use serde_json::json;
use unmask_sdk::testing::{TINY, TestCheckpoint};
use unmask_sdk::{ErrorCode, LoadSpec};

use super::*;

#[track_caller]
fn check_spec(edit: impl FnOnce(&mut LoadSpec), code: ErrorCode, message: &str) {
    let checkpoint = TestCheckpoint::new(TINY).save();
    let mut spec = checkpoint.spec("cpu", "f32");
    edit(&mut spec);
    SUBJECT.check_refused(&spec, code, message);
}

#[test]
fn what_the_backend_does_not_have_is_named_with_what_it_has() {
    check_spec(
        |spec| spec.family = "gpt2".to_owned(),
        ErrorCode::Unsupported,
        "mlx has no network for the family \"gpt2\"; it has llada, illada, dream, sdar, fast_dllm_v2",
    );
    for family in ["llada_moe", "llada2"] {
        check_spec(
            |spec| spec.family = family.to_owned(),
            ErrorCode::Unsupported,
            "a mixture of experts, yet; choose framework = \"candle\"",
        );
    }
    check_spec(
        |spec| spec.device = "cuda:0".to_owned(),
        ErrorCode::Unsupported,
        "not on \"cuda:0\"; choose device = ",
    );
    check_spec(
        |spec| spec.precision = "q4k".to_owned(),
        ErrorCode::Unsupported,
        "mlx has no precision \"q4k\"; it offers bf16, f16, f32, q8, q4",
    );
    check_spec(
        |spec| spec.options_json = r#"{"flash": true}"#.to_owned(),
        ErrorCode::Unsupported,
        "mlx has no option \"flash\"",
    );
    check_spec(
        |spec| spec.options_json = "[]".to_owned(),
        ErrorCode::Invalid,
        "the options are not a JSON object",
    );
}

#[test]
fn a_quantisation_that_is_not_multiplied_with_is_refused() {
    let mut checkpoint = TestCheckpoint::new(TINY);
    checkpoint.config["quantization"] = json!({ "group_size": 32, "bits": 4, "mode": "mxfp4" });
    let saved = checkpoint.save();
    SUBJECT.check_refused(
        &saved.spec("cpu", "f32"),
        ErrorCode::Unsupported,
        "quantised as \"mxfp4\"",
    );
}
