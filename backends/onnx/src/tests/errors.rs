use unmask_sdk::testing::{TINY, TestCheckpoint, TestRow, check_close, forward, session};
use unmask_sdk::{ErrorCode, LoadSpec};

use super::*;
use crate::library;

#[track_caller]
fn check_spec(subject: &Subject, edit: impl FnOnce(&mut LoadSpec), code: ErrorCode, message: &str) {
    let checkpoint = TestCheckpoint::new(TINY).save();
    let mut spec = checkpoint.spec("cpu", "f32");
    edit(&mut spec);
    subject.check_refused(&spec, code, message);
}

#[test]
fn what_the_backend_does_not_have_is_named_with_what_it_has() {
    let Some(subject) = subject() else { return };
    check_spec(
        &subject,
        |spec| spec.family = "llada2".to_owned(),
        ErrorCode::Unsupported,
        "onnx has no network for \"llada2\", a mixture of experts",
    );
    check_spec(
        &subject,
        |spec| spec.family = "mamba".to_owned(),
        ErrorCode::Unsupported,
        "onnx has no network for the family \"mamba\"; it has llada, illada, dream, sdar, fast_dllm_v2",
    );
    check_spec(
        &subject,
        |spec| spec.device = "metal".to_owned(),
        ErrorCode::Unsupported,
        "choose device = \"cpu\"",
    );
    check_spec(
        &subject,
        |spec| spec.precision = "bf16".to_owned(),
        ErrorCode::Unsupported,
        "onnx has no precision \"bf16\" on \"cpu\"; it offers int8, f32, int4, f16",
    );
    check_spec(
        &subject,
        |spec| spec.options_json = r#"{"flash": true}"#.to_owned(),
        ErrorCode::Unsupported,
        "unknown field `flash`",
    );
    check_spec(
        &subject,
        |spec| spec.options_json = "[]".to_owned(),
        ErrorCode::Invalid,
        "the options are not a JSON object",
    );
}

#[test]
fn a_provider_that_fails_says_why_and_is_replaced_only_if_that_is_allowed() {
    let lacks_cuda = |found: library::FoundLibrary| !found.has_beside("onnxruntime_providers_cuda");
    let Some(subject) = subject().filter(|_| library::find().is_ok_and(lacks_cuda)) else {
        return;
    };
    let checkpoint = TestCheckpoint::new(TINY).save();
    let mut spec = checkpoint.spec("cuda:0", "f32");
    for message in [
        "cuda:0 cannot be used",
        "CUDA execution provider is not enabled in this build",
        "unmask backends install onnx --gpu cuda",
    ] {
        subject.check_error(&spec, ErrorCode::Device, message);
    }
    let right = forward(
        &mut *session(&*subject.load(&checkpoint.spec("cpu", "f32"))),
        &[TestRow::whole(0, &[1, 2, 3])],
    );
    spec.options_json = r#"{"allow_cpu_fallback": true}"#.to_owned();
    let model = subject.load(&spec);
    let notes = model.facts().notes.join("\n");
    assert!(
        notes.contains("computes on the processor instead"),
        "{notes}"
    );
    let logits = forward(&mut *session(&*model), &[TestRow::whole(0, &[1, 2, 3])]);
    check_close(&logits, &right, 0.0);
}
