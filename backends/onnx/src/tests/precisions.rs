use unmask_sdk::testing::{Shape, TestCheckpoint, WIDE, check_close, logits, relative_error};

use super::*;

#[test]
fn rows_that_fill_no_block_are_kept_all_the_same() {
    let Some(subject) = subject() else { return };
    let shape = Shape {
        width: 96,
        mlp: 250,
        ..WIDE
    };
    let checkpoint = TestCheckpoint::new(shape).save();
    let right = logits(&*subject.load(&checkpoint.spec("cpu", "f32")));
    for (precision, most) in [("int8", 0.05), ("int4", 0.4)] {
        let error = relative_error(
            &logits(&*subject.load(&checkpoint.spec("cpu", precision))),
            &right,
        );
        assert!(error > 0.0 && error < most, "{precision}: {error}");
    }
}

#[test]
fn weights_that_are_not_rearranged_give_the_same() {
    let Some(subject) = subject() else { return };
    let checkpoint = TestCheckpoint::new(WIDE).save();
    for precision in ["f32", "int8"] {
        let mut spec = checkpoint.spec("cpu", precision);
        spec.options_json = r#"{"prepack": "on"}"#.to_owned();
        let rearranged = subject.load(&spec);
        spec.options_json = r#"{"prepack": "off"}"#.to_owned();
        let plain = subject.load(&spec);
        check_close(&logits(&*plain), &logits(&*rearranged), subject.rounding);
        let bytes = [&plain, &rearranged].map(|model| model.facts().memory_bytes);
        assert!(bytes[0] < bytes[1], "{precision}: {bytes:?}");
    }
}
