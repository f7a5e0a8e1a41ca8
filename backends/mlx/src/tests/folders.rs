//! Folders that MLX's own tools have quantised; their numbers are compared in `tests/mlx.rs`.

use std::fs;
use std::path::Path;

use tempfile::TempDir;
use unmask_sdk::weights::Weights;
use unmask_sdk::{Attention, ErrorCode, LoadSpec};

use super::*;

/// One of the folders that `tests/make_mlx_folders.py` writes.
fn spec(name: &str, precision: &str) -> LoadSpec {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests/mlx")
        .join(name);
    LoadSpec {
        family: "llada".to_owned(),
        weights: vec![folder.join("model.safetensors")],
        config_json: fs::read_to_string(folder.join("config.json")).expect("it is committed"),
        folder,
        device: "cpu".to_owned(),
        precision: precision.to_owned(),
        threads: None,
        attention: Attention::Bidirectional,
        cache_folder: None,
        options_json: "{}".to_owned(),
    }
}

#[test]
fn a_folders_own_bits_are_told_and_kept() {
    let facts = SUBJECT.load(&spec("q8", "bf16")).facts();
    assert_eq!(facts.precision, "q8");
    assert_eq!(
        facts.notes,
        ["the folder's own weights: 8 bits in groups of 64; computed in bf16"]
    );
    let facts = SUBJECT.load(&spec("q4", "f32")).facts();
    assert_eq!(facts.precision, "q4+q6");
    assert_eq!(
        facts.notes,
        [
            "the folder's own weights: 4 bits in groups of 32 and 6 bits in groups of 32; computed in f32"
        ]
    );
    assert_eq!(SUBJECT.load(&spec("q8", "q8")).facts().precision, "q8");
}

#[test]
fn other_bits_than_the_folders_are_refused() {
    SUBJECT.check_error(
        &spec("q8", "q4"),
        ErrorCode::Unsupported,
        "quantised already, as q8; choose precision = \"bf16\"",
    );
}

/// A copy of the 8-bit folder whose file has `from` in place of `to`, which is as long.
fn renamed(from: &str, to: &str) -> (TempDir, LoadSpec) {
    let mut spec = spec("q8", "bf16");
    let folder = TempDir::new().expect("there is room for a folder");
    let mut bytes = fs::read(&spec.weights[0]).expect("it is committed");
    let at = (bytes
        .windows(from.len())
        .position(|it| it == from.as_bytes()))
    .expect("the header has the name");
    bytes[at..at + from.len()].copy_from_slice(to.as_bytes());
    spec.weights = vec![folder.path().join("model.safetensors")];
    fs::write(&spec.weights[0], bytes).expect("there is room for a file");
    (folder, spec)
}

#[test]
fn scales_and_biases_that_are_not_finite_are_refused() {
    for part in ["scales", "biases"] {
        let name = format!("model.layers.0.q_proj.{part}");
        let mut spec = spec("q8", "bf16");
        let weights = Weights::open(&spec.weights).expect("it is committed");
        let weight = weights.get(&name).expect("every matrix has it");
        let mut bytes = fs::read(&spec.weights[0]).expect("it is committed");
        // NaN in every type.
        bytes[weight.offset..][..weight.dtype.bitsize() / 8].fill(0xff);
        let folder = TempDir::new().expect("there is room for a folder");
        spec.weights = vec![folder.path().join("model.safetensors")];
        fs::write(&spec.weights[0], bytes).expect("there is room for a file");
        let words = format!("tensor {name} holds NaN or infinity");
        SUBJECT.check_error(&spec, ErrorCode::Checkpoint, &words);
    }
}

#[test]
fn a_matrix_without_its_parts_or_of_another_shape_is_named() {
    let (_folder, spec) = renamed("0.q_proj.biases", "0.q_proj.biasez");
    SUBJECT.check_error(
        &spec,
        ErrorCode::Checkpoint,
        "tensor model.layers.0.q_proj.biases is missing",
    );
    let (_folder, mut spec) = renamed("0.q_proj.biases", "0.q_proj.biases");
    spec.config_json = spec
        .config_json
        .replace("\"n_kv_heads\": 2", "\"n_kv_heads\": 4");
    SUBJECT.check_error(
        &spec,
        ErrorCode::Checkpoint,
        "k_proj.weight has shape [32, 16] with scales [32, 1], which is no quantisation of [64, 64]",
    );
}
