use std::fs;
use std::path::PathBuf;
use std::sync::Mutex;

use tempfile::TempDir;
use unmask_sdk::BackendError;

use super::checkpoint::Saved;
use super::*;

/// Wide enough for blocks of 256.
const WIDE: Shape = Shape {
    width: 256,
    layers: 2,
    heads: 4,
    key_heads: 2,
    mlp: 512,
    vocab: 40,
};

fn logits(model: &dyn Model) -> Vec<Vec<f32>> {
    forward(&mut *session(model), &[Line::whole(0, &tokens(1, 15))])
}

/// Loads and returns the stages that progress told of, each once.
fn load_with_stages(spec: &LoadSpec) -> (Box<dyn Model>, Vec<String>) {
    let stages = Mutex::new(Vec::new());
    let model = Onnx.load(spec, &|progress| {
        assert!(progress.done <= progress.total, "{progress:?}");
        let mut stages = stages.lock().expect("no thread panics");
        if stages.last().is_none_or(|last| last != progress.stage) {
            stages.push(progress.stage.to_owned());
        }
        ControlFlow::Continue(())
    });
    let stages = stages.into_inner().expect("no thread panics");
    (model.expect("the checkpoint is whole"), stages)
}

/// ‖difference‖ / ‖right‖ over all logits.
fn relative_error(got: &[Vec<f32>], right: &[Vec<f32>]) -> f32 {
    let norm = |numbers: &mut dyn Iterator<Item = f32>| numbers.map(|x| x * x).sum::<f32>().sqrt();
    let pairs = got.iter().flatten().zip(right.iter().flatten());
    norm(&mut pairs.map(|(got, right)| got - right)) / norm(&mut right.iter().flatten().copied())
}

fn files(folder: &TempDir) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder.path()).expect("the folder exists");
    entries
        .map(|entry| entry.expect("the entry is readable").path())
        .collect()
}

/// A wide checkpoint with a cache folder, and how to load it as `int4`.
fn cached() -> (Saved, TempDir, LoadSpec) {
    let checkpoint = Checkpoint::new(WIDE).save();
    let folder = TempDir::new().expect("there is room for a folder");
    let mut spec = checkpoint.spec("int4");
    spec.cache_folder = Some(folder.path().to_owned());
    (checkpoint, folder, spec)
}

#[test]
fn quantised_weights_are_close_to_full_ones() {
    if !has_runtime() {
        return;
    }
    let checkpoint = Checkpoint::new(WIDE).save();
    let right = logits(&*load(&checkpoint.spec("f32")));
    for (precision, most) in [("f16", 0.01), ("int8", 0.05), ("int4", 0.4)] {
        let model = load(&checkpoint.spec(precision));
        let error = relative_error(&logits(&*model), &right);
        assert!(error > 0.0 && error < most, "{precision}: {error}");
        assert_eq!(model.facts().precision, precision);
    }
}

#[test]
fn rows_that_fill_no_block_are_kept_all_the_same() {
    if !has_runtime() {
        return;
    }
    let shape = Shape {
        width: 96,
        mlp: 250,
        ..WIDE
    };
    let checkpoint = Checkpoint::new(shape).save();
    let right = logits(&*load(&checkpoint.spec("f32")));
    for (precision, most) in [("int8", 0.05), ("int4", 0.4)] {
        let error = relative_error(&logits(&*load(&checkpoint.spec(precision))), &right);
        assert!(error > 0.0 && error < most, "{precision}: {error}");
    }
}

#[test]
fn weights_that_are_not_rearranged_give_the_same() {
    if !has_runtime() {
        return;
    }
    let checkpoint = Checkpoint::new(WIDE).save();
    for precision in ["f32", "int8"] {
        let mut spec = checkpoint.spec(precision);
        spec.options_json = r#"{"prepack": "on"}"#.to_owned();
        let rearranged = load(&spec);
        spec.options_json = r#"{"prepack": "off"}"#.to_owned();
        let plain = load(&spec);
        check_close(&logits(&*plain), &logits(&*rearranged), ROUNDING);
        let bytes = [&plain, &rearranged].map(|model| model.facts().memory_bytes);
        assert!(bytes[0] < bytes[1], "{precision}: {bytes:?}");
    }
}

#[test]
fn a_single_token_gives_what_it_gives_among_many() {
    if !has_runtime() {
        return;
    }
    let checkpoint = Checkpoint::new(WIDE).save();
    for precision in ["int8", "int4", "f16"] {
        let model = load(&checkpoint.spec(precision));
        let mut session = session(&*model);
        let ids = tokens(1, 15);
        let whole = forward(&mut *session, &[Line::whole(0, &ids)]);
        let one = forward(&mut *session, &[Line::part(0, &ids, 7..8)]);
        assert!(relative_error(&one, &whole[7..8]) < 1e-3, "{precision}");
    }
}

#[test]
fn the_second_load_takes_the_kept_weights() {
    if !has_runtime() {
        return;
    }
    let (_checkpoint, folder, spec) = cached();
    let (model, stages) = load_with_stages(&spec);
    assert_eq!(stages, ["quantising weights", "preparing the network"]);
    let right = logits(&*model);
    assert_eq!(files(&folder).len(), 1);
    let (model, stages) = load_with_stages(&spec);
    assert_eq!(
        stages,
        ["checking quantised weights", "preparing the network"]
    );
    check_close(&logits(&*model), &right, 0.0);
    assert_eq!(model.facts().notes, load(&spec).facts().notes);
}

#[test]
fn every_precision_and_checkpoint_has_a_file_of_its_own() {
    if !has_runtime() {
        return;
    }
    let (_checkpoint, folder, mut spec) = cached();
    load(&spec);
    spec.precision = "int8".to_owned();
    load(&spec);
    assert_eq!(files(&folder).len(), 2);
    let mut other = Checkpoint::new(WIDE);
    other.add("a tensor that is not used", &[1]);
    let other = other.save();
    spec.weights = other.spec("int8").weights;
    load(&spec);
    assert_eq!(files(&folder).len(), 3);
}

#[track_caller]
fn check_rebuilt(damage: impl FnOnce(&mut Vec<u8>), note: &str) {
    let (_checkpoint, folder, spec) = cached();
    let right = logits(&*load(&spec));
    let kept = files(&folder).remove(0);
    let whole = fs::read(&kept).expect("the file is readable");
    let mut bytes = whole.clone();
    damage(&mut bytes);
    fs::write(&kept, bytes).expect("the file is writable");
    let (model, stages) = load_with_stages(&spec);
    let notes = model.facts().notes;
    assert!(
        notes.contains(note) && notes.contains("quantised again"),
        "{notes}"
    );
    assert!(
        stages.contains(&"quantising weights".to_owned()),
        "{stages:?}"
    );
    check_close(&logits(&*model), &right, 0.0);
    assert_eq!(fs::read(&kept).expect("the file is readable"), whole);
}

#[test]
fn damaged_kept_weights_are_built_anew() {
    if !has_runtime() {
        return;
    }
    let last = |bytes: &mut Vec<u8>| {
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
    };
    check_rebuilt(last, "has a wrong checksum for");
    check_rebuilt(|bytes| bytes.truncate(bytes.len() - 100), "the header says");
    check_rebuilt(Vec::clear, "has only 0 bytes");
    check_rebuilt(|bytes| bytes[8] = b'x', "is not a safetensors file");
}

#[test]
fn weights_that_cannot_be_kept_are_held_in_memory_and_told_of() {
    if !has_runtime() {
        return;
    }
    let (checkpoint, folder, mut spec) = cached();
    let right = logits(&*load(&checkpoint.spec("int4")));
    let obstacle = folder.path().join("a file");
    fs::write(&obstacle, "not a folder").expect("the folder is writable");
    spec.cache_folder = Some(obstacle);
    let model = load(&spec);
    assert!(
        model.facts().notes.contains("cannot be written"),
        "{}",
        model.facts().notes
    );
    check_close(&logits(&*model), &right, 0.0);
}

#[test]
fn a_cancelled_load_leaves_nothing_behind() {
    if !has_runtime() {
        return;
    }
    let (_checkpoint, folder, spec) = cached();
    let stopped = Onnx.load(&spec, &|_| ControlFlow::Break(()));
    assert!(matches!(stopped.err(), Some(BackendError::Cancelled)));
    assert!(files(&folder).is_empty(), "{:?}", files(&folder));
    load(&spec);
    let stopped = Onnx.load(&spec, &|_| ControlFlow::Break(()));
    assert!(matches!(stopped.err(), Some(BackendError::Cancelled)));
    assert_eq!(files(&folder).len(), 1);
}
