use unmask_sdk::testing::{Shape, TestCheckpoint, WIDE, logits, relative_error};

use super::*;

#[test]
fn rows_too_odd_for_blocks_are_kept_otherwise_and_told_of() {
    let shape = Shape {
        width: 96,
        mlp: 250,
        ..WIDE
    };
    let checkpoint = TestCheckpoint::new(shape).save();
    let right = logits(&*SUBJECT.load(&checkpoint.spec("cpu", "f32")));
    let model = SUBJECT.load(&checkpoint.spec("cpu", "q4k"));
    let error = relative_error(&logits(&*model), &right);
    assert!(error > 0.0 && error < 0.04, "{error}");
    let notes = model.facts().notes.join("\n");
    assert!(
        notes.contains("9 of 11 matrices (k_proj+v_proj, q_proj, attn_out, ff_proj+up_proj, lm_head) have rows of 96, not a multiple of 256: kept as q8_0"),
        "{notes}"
    );
    assert!(
        notes.contains(
            "2 of 11 matrices (ff_out) have rows of 250, not a multiple of 256: kept as f32"
        ),
        "{notes}"
    );
}
