//! What weights in fewer bits cost, and that they are made once.

use std::fs;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Mutex;

use tempfile::TempDir;

use super::{
    SavedCheckpoint, Subject, TestCheckpoint, TestRow, WIDE, check_close, forward, logits,
    relative_error, session, tokens,
};
use crate::{BackendError, LoadSpec, Model};

/// The precisions of a backend that keeps weights in its cache folder.
#[derive(Debug, Clone, Copy)]
pub struct Precisions {
    /// All that are not exact, each with the largest relative error of logits of [`WIDE`].
    pub inexact: &'static [(&'static str, f32)],
    /// One that is kept.
    pub kept: &'static str,
    /// Another one.
    pub other: &'static str,
    /// The stage of loading that follows the making or checking of kept weights, if there is one.
    pub last_stage: Option<&'static str>,
}

/// Loads and returns the stages that progress told of, each once.
fn load_with_stages(subject: &Subject, spec: &LoadSpec) -> (Box<dyn Model>, Vec<String>) {
    let stages = Mutex::new(Vec::new());
    let model = subject.backend.load(spec, &|progress| {
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

fn files(folder: &TempDir) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder.path()).expect("the folder exists");
    entries
        .map(|entry| entry.expect("the entry is readable").path())
        .collect()
}

/// A wide checkpoint with a cache folder, and how to load it in the kept precision.
fn cached(subject: &Subject, precisions: &Precisions) -> (SavedCheckpoint, TempDir, LoadSpec) {
    let checkpoint = TestCheckpoint::new(WIDE).save();
    let folder = TempDir::new().expect("there is room for a folder");
    let mut spec = checkpoint.spec(subject.device, precisions.kept);
    spec.cache_folder = Some(folder.path().to_owned());
    (checkpoint, folder, spec)
}

pub fn quantised_weights_are_close_to_full_ones(subject: &Subject, precisions: &Precisions) {
    let checkpoint = TestCheckpoint::new(WIDE).save();
    let right = logits(&*subject.load(&checkpoint.spec(subject.device, "f32")));
    for (precision, most) in precisions.inexact.iter().copied() {
        let model = subject.load(&checkpoint.spec(subject.device, precision));
        let error = relative_error(&logits(&*model), &right);
        assert!(error > 0.0 && error < most, "{precision}: {error}");
        assert_eq!(model.facts().precision, precision);
    }
}

pub fn a_single_token_gives_what_it_gives_among_many(subject: &Subject, precisions: &Precisions) {
    let checkpoint = TestCheckpoint::new(WIDE).save();
    for (precision, _) in precisions.inexact.iter().copied() {
        let model = subject.load(&checkpoint.spec(subject.device, precision));
        let mut session = session(&*model);
        let ids = tokens(1, 15);
        let whole = forward(&mut *session, &[TestRow::kept(0, &ids)]);
        let one = forward(&mut *session, &[TestRow::part(0, &ids, 7..8)]);
        assert!(relative_error(&one, &whole[7..8]) < 1e-3, "{precision}");
    }
}

pub fn the_second_load_takes_the_kept_weights(subject: &Subject, precisions: &Precisions) {
    let (_checkpoint, folder, spec) = cached(subject, precisions);
    let (model, stages) = load_with_stages(subject, &spec);
    let then = |first| [Some(first), precisions.last_stage].into_iter().flatten();
    assert!(
        stages
            .iter()
            .map(String::as_str)
            .eq(then("quantising weights"))
    );
    let right = logits(&*model);
    assert_eq!(files(&folder).len(), 1);
    let (model, stages) = load_with_stages(subject, &spec);
    let checked = then("checking quantised weights");
    assert!(stages.iter().map(String::as_str).eq(checked), "{stages:?}");
    check_close(&logits(&*model), &right, 0.0);
    assert_eq!(model.facts().notes, subject.load(&spec).facts().notes);
}

pub fn every_precision_and_checkpoint_has_a_file_of_its_own(
    subject: &Subject,
    precisions: &Precisions,
) {
    let (_checkpoint, folder, mut spec) = cached(subject, precisions);
    subject.load(&spec);
    spec.precision = precisions.other.to_owned();
    subject.load(&spec);
    assert_eq!(files(&folder).len(), 2);
    let mut other = TestCheckpoint::new(WIDE);
    other.add("a tensor that is not used", &[1]);
    let other = other.save();
    spec.weights = other.spec(subject.device, precisions.other).weights;
    subject.load(&spec);
    assert_eq!(files(&folder).len(), 3);
}

#[track_caller]
fn check_rebuilt(
    subject: &Subject,
    precisions: &Precisions,
    damage: &dyn Fn(&mut Vec<u8>),
    note: &str,
) {
    let (_checkpoint, folder, spec) = cached(subject, precisions);
    let right = logits(&*subject.load(&spec));
    let kept = files(&folder).remove(0);
    let whole = fs::read(&kept).expect("the file is readable");
    let mut bytes = whole.clone();
    damage(&mut bytes);
    fs::write(&kept, bytes).expect("the file is writable");
    let (model, stages) = load_with_stages(subject, &spec);
    let notes = model.facts().notes.join("\n");
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

pub fn damaged_kept_weights_are_built_anew(subject: &Subject, precisions: &Precisions) {
    let last = |bytes: &mut Vec<u8>| {
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
    };
    let check_rebuilt =
        |damage: &dyn Fn(&mut Vec<u8>), note| check_rebuilt(subject, precisions, damage, note);
    check_rebuilt(&last, "has a wrong checksum for");
    check_rebuilt(
        &|bytes| bytes.truncate(bytes.len() - 100),
        "the header says",
    );
    check_rebuilt(&Vec::clear, "has only 0 bytes");
    check_rebuilt(&|bytes| bytes[8] = b'x', "is not a safetensors file");
}

pub fn weights_that_cannot_be_kept_are_held_in_memory_and_told_of(
    subject: &Subject,
    precisions: &Precisions,
) {
    let (checkpoint, folder, mut spec) = cached(subject, precisions);
    let right = logits(&*subject.load(&checkpoint.spec(subject.device, precisions.kept)));
    let obstacle = folder.path().join("a file");
    fs::write(&obstacle, "not a folder").expect("the folder is writable");
    spec.cache_folder = Some(obstacle);
    let model = subject.load(&spec);
    let notes = model.facts().notes.join("\n");
    assert!(notes.contains("cannot be written"), "{notes}");
    check_close(&logits(&*model), &right, 0.0);
}

pub fn a_cancelled_load_leaves_nothing_behind(subject: &Subject, precisions: &Precisions) {
    let (_checkpoint, folder, spec) = cached(subject, precisions);
    let stopped = subject.backend.load(&spec, &|_| ControlFlow::Break(()));
    assert!(matches!(stopped.err(), Some(BackendError::Cancelled)));
    assert!(files(&folder).is_empty(), "{:?}", files(&folder));
    subject.load(&spec);
    let stopped = subject.backend.load(&spec, &|_| ControlFlow::Break(()));
    assert!(matches!(stopped.err(), Some(BackendError::Cancelled)));
    assert_eq!(files(&folder).len(), 1);
}
