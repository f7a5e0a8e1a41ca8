//! What `int8` and `int4` lose against `f32`, layer by layer, with ordinary channels and with outliers: one table.
//!
//! `cargo bench -p unmask-backend-candle --bench layers`. The error of the logits behind so many layers, as a share of their size.
#![expect(clippy::print_stdout, reason = "figures are what a benchmark is for")]

use std::ops::ControlFlow;

use unmask_backend_candle::Candle;
use unmask_sdk::testing::{Shape, TestCheckpoint, WIDE, logits, relative_error};
use unmask_sdk::{Backend, Model};

fn load(checkpoint: &TestCheckpoint, precision: &str) -> Box<dyn Model> {
    let saved = checkpoint.save();
    let spec = saved.spec("cpu", precision);
    let model = Candle.load(&spec, &|_| ControlFlow::Continue(()));
    model.expect("the checkpoint is whole")
}

fn main() {
    println!(
        "| layers | ordinary, int8 | ordinary, int4 | outlier channels, int8 | outlier channels, int4 | kept otherwise |"
    );
    println!("|---|---|---|---|---|---|");
    for layers in [1, 2, 3, 4, 6, 8] {
        let ordinary = TestCheckpoint::new(Shape {
            width: 512,
            layers,
            ..WIDE
        });
        let mut cells = Vec::new();
        let mut notes = 0;
        for checkpoint in [ordinary, TestCheckpoint::with_outliers(layers)] {
            let right = logits(&*load(&checkpoint, "f32"));
            for precision in ["int8", "int4"] {
                let model = load(&checkpoint, precision);
                notes += model.facts().notes.len();
                let error = relative_error(&logits(&*model), &right);
                cells.push(format!("{:.1} %", 100.0 * error));
            }
        }
        println!("| {layers} | {} | {notes} |", cells.join(" | "));
    }
}
