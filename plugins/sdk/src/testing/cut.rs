//! Weight files that another program cuts short while they are in use.

use std::fs;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use tempfile::TempDir;

use super::{
    Batch, Precisions, Subject, TestCheckpoint, TestRow, WIDE, check_close, read, session, tokens,
};
use crate::{BackendError, CancelFlag, LoadSpec, Session};

/// Bytes that are left.
const LEFT: u64 = 64;

/// A checkpoint and a cache folder, and how to load it in `precision`.
fn cached(subject: &Subject, precision: &str) -> (TempDir, LoadSpec) {
    let folder = TempDir::new().expect("there is room for a folder");
    let checkpoint = TestCheckpoint::new(WIDE).save();
    let mut spec = checkpoint.spec(subject.device, precision);
    let weights = folder.path().join("model.safetensors");
    fs::copy(&spec.weights[0], &weights).expect("there is room");
    spec.weights = vec![weights];
    spec.cache_folder = Some(folder.path().join("cache"));
    (folder, spec)
}

/// Cuts every weight file below `folder`.
fn cut(folder: &Path) {
    for entry in fs::read_dir(folder).expect("it is there").flatten() {
        let path = entry.path();
        if path.is_dir() {
            cut(&path);
        } else if path.extension().is_some_and(|it| it == "safetensors") {
            let file = fs::File::options().write(true).open(&path);
            file.and_then(|it| it.set_len(LEFT)).expect("it is ours");
        }
    }
}

fn pass(session: &mut dyn Session) -> Result<Vec<Vec<f32>>, BackendError> {
    let batch = Batch::new(&[TestRow::whole(0, &tokens(1, 15))]);
    let cancel = CancelFlag::new();
    session.forward(&batch.pass(&cancel))?;
    let rows: Vec<u32> = (0..batch.wanted.len() as u32).collect();
    Ok(read(session, &rows))
}

/// What a backend has read into memory is not cut; what it has mapped is missed.
#[track_caller]
fn check_answer(subject: &Subject, got: Result<Vec<Vec<f32>>, BackendError>, right: &[Vec<f32>]) {
    match got {
        Ok(logits) => check_close(&logits, right, subject.rounding),
        Err(error) => check_words(&error),
    }
}

#[track_caller]
fn check_words(error: &BackendError) {
    let text = error.full_text();
    let words = format!("was cut short while it was in use: it has {LEFT} of ");
    assert!(text.contains(&words), "{text}");
}

pub fn weights_cut_between_passes_fail_the_next_or_change_nothing(subject: &Subject) {
    for precision in subject.precisions() {
        let (folder, spec) = cached(subject, &precision);
        let mut session = session(&*subject.load(&spec));
        let right = pass(&mut *session).expect("the files are whole");
        cut(folder.path());
        for _ in 0..2 {
            check_answer(subject, pass(&mut *session), &right);
        }
    }
}

/// Where the process does not end: see `Weights::check_whole`.
pub fn weights_cut_within_a_pass_fail_it_or_change_nothing(subject: &Subject) {
    const TRIES: usize = 4;
    if !cfg!(target_os = "linux") {
        return;
    }
    for precision in subject.precisions() {
        for _ in 0..TRIES {
            let (folder, spec) = cached(subject, &precision);
            let mut session = session(&*subject.load(&spec));
            let right = pass(&mut *session).expect("the files are whole");
            let (computes, is_cut) = (AtomicBool::new(false), AtomicBool::new(false));
            thread::scope(|scope| {
                scope.spawn(|| {
                    while !computes.load(Ordering::Acquire) {
                        thread::yield_now();
                    }
                    cut(folder.path());
                    is_cut.store(true, Ordering::Release);
                });
                while !is_cut.load(Ordering::Acquire) {
                    computes.store(true, Ordering::Release);
                    check_answer(subject, pass(&mut *session), &right);
                }
            });
            check_answer(subject, pass(&mut *session), &right);
        }
    }
}

pub fn weights_cut_while_they_are_quantised_are_not_kept(
    subject: &Subject,
    precisions: &Precisions,
) {
    if !cfg!(target_os = "linux") {
        return;
    }
    let (folder, spec) = cached(subject, precisions.kept);
    let loaded = subject.backend.load(&spec, &|_| {
        cut(folder.path());
        ControlFlow::Continue(())
    });
    check_words(&loaded.err().expect("its weights are gone"));
    let kept = fs::read_dir(folder.path().join("cache"));
    assert_eq!(kept.map_or(0, Iterator::count), 0);
}
