//! What a load takes, told before it and after it.

use std::num::NonZeroU32;

use super::{Shape, Subject, TINY, TestCheckpoint, WIDE};

/// Of which the weights may differ from what was told.
const MARGIN: f64 = 0.05;

#[track_caller]
fn check(subject: &Subject, shape: Shape, precision: &str) {
    let checkpoint = TestCheckpoint::new(shape).save();
    let mut spec = checkpoint.spec(subject.device, precision);
    spec.threads = NonZeroU32::new(1);
    let told = subject.backend.check(&spec).expect("it can be loaded");
    assert!(told.threads <= 1, "{told:?}");
    let facts = subject.load(&spec).facts();
    assert_eq!(told.cell_bytes, facts.cell_bytes, "{precision}");
    let (told, held) = (told.weights_bytes as f64, facts.memory_bytes as f64);
    assert!(
        told > 0.0 && (told / held - 1.0).abs() <= MARGIN,
        "{precision}: {told} was told, {held} is held"
    );
}

pub fn a_load_takes_what_was_told_before(subject: &Subject) {
    for precision in &subject.precisions() {
        check(subject, WIDE, precision);
        check(subject, TINY, precision);
    }
}

pub fn what_a_load_takes_is_told_without_its_weights(subject: &Subject) {
    let checkpoint = TestCheckpoint::new(WIDE).save();
    let mut spec = subject.spec(&checkpoint);
    let told = subject.backend.check(&spec).expect("it can be loaded");
    spec.weights = vec![spec.folder.join("not here yet.safetensors")];
    let absent = subject.backend.check(&spec).expect("nothing is read");
    assert_eq!(absent, told);
}
