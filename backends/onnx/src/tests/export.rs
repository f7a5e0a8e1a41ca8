use std::fs;
use std::ops::ControlFlow;

use serde_json::json;
use tempfile::TempDir;
use unmask_sdk::testing::{
    SavedCheckpoint, Shape, TINY, TestCheckpoint, TestRow, check_close, forward, session, tokens,
};
use unmask_sdk::{Backend, BackendError, LoadSpec};

use super::*;

/// Exports a checkpoint and tells how to load the file.
fn exported(checkpoint: &SavedCheckpoint, precision: &str) -> (TempDir, LoadSpec) {
    let folder = TempDir::new().expect("there is room for a folder");
    let mut spec = checkpoint.spec("cpu", precision);
    let written = Onnx.export(&spec, folder.path(), &|_| ControlFlow::Continue(()));
    written.expect("the checkpoint can be exported");
    let graph = folder.path().join("model.onnx");
    spec.options_json = json!({ "graph": graph }).to_string();
    (folder, spec)
}

fn logits(subject: &Subject, spec: &LoadSpec) -> Vec<Vec<f32>> {
    let model = subject.load(spec);
    let mut session = session(&*model);
    let lines = [
        TestRow::whole(0, &tokens(1, 15)),
        TestRow::whole(1, &tokens(2, 9)),
    ];
    forward(&mut *session, &lines)
}

#[test]
fn an_exported_network_computes_what_the_checkpoint_computes() {
    let Some(subject) = subject() else { return };
    let checkpoint = TestCheckpoint::new(TINY).save();
    for precision in ["f32", "int8", "int4", "f16"] {
        let (folder, spec) = exported(&checkpoint, precision);
        let right = logits(&subject, &checkpoint.spec("cpu", precision));
        check_close(&logits(&subject, &spec), &right, subject.rounding);
        let weights = folder.path().join("model.safetensors");
        assert!(
            weights.is_file(),
            "the table of embeddings stays in its file"
        );
    }
}

#[test]
fn a_file_of_another_model_is_refused_by_what_differs() {
    if subject().is_none() {
        return;
    }
    let small = TestCheckpoint::new(TINY).save();
    let (folder, spec) = exported(&small, "f32");
    let refused = |shape: Shape, what: &str| {
        let other = TestCheckpoint::new(shape).save();
        let mut other = other.spec("cpu", "f32");
        other.options_json.clone_from(&spec.options_json);
        let error = Onnx.load(&other, &|_| ControlFlow::Continue(())).err();
        let error = error.expect("the file is of another model");
        assert!(
            matches!(error, BackendError::Checkpoint { .. }),
            "{error:?}"
        );
        assert!(error.to_string().contains(what), "{error}");
    };
    refused(Shape { layers: 4, ..TINY }, "has no input \"past.3.key\"");
    refused(
        Shape { layers: 2, ..TINY },
        "has an unknown input \"past.2.key\"",
    );
    refused(
        Shape {
            key_heads: 4,
            ..TINY
        },
        "has to be f32 [cache, 32]",
    );
    fs::write(folder.path().join("model.onnx"), "no network").expect("the folder is ours");
    let error = Onnx.load(&spec, &|_| ControlFlow::Continue(())).err();
    let error = error.expect("the file is damaged").to_string();
    assert!(error.contains("model.onnx"), "{error}");
}
