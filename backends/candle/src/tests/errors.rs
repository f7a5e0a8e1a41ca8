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
        |spec| spec.family = "mamba".to_owned(),
        ErrorCode::Unsupported,
        "candle has no network for the family \"mamba\"; it has llada, illada, llada_moe, llada2, dream",
    );
    check_spec(
        |spec| spec.device = "cuda:0".to_owned(),
        ErrorCode::Unsupported,
        "choose device = \"cpu\"",
    );
    check_spec(
        |spec| spec.precision = "bf16".to_owned(),
        ErrorCode::Unsupported,
        "candle has no precision \"bf16\"; it offers ",
    );
    check_spec(
        |spec| spec.options_json = r#"{"flash": true}"#.to_owned(),
        ErrorCode::Unsupported,
        "candle has no option \"flash\"",
    );
    check_spec(
        |spec| spec.options_json = "[]".to_owned(),
        ErrorCode::Invalid,
        "the options are not a JSON object",
    );
}
