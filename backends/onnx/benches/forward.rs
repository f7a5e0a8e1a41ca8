//! Seconds per pass: the demo's sizes, and a small stack with the proportions of the 8B model.
//!
//! `cargo bench -p unmask-backend-onnx`, with ONNX Runtime installed or named by `ORT_DYLIB_PATH`

use std::ops::ControlFlow;

use divan::Bencher;
use unmask_backend_onnx::Onnx;
use unmask_sdk::testing::{Shape, TestCheckpoint};
use unmask_sdk::{
    Backend, CancelFlag, Cell, Logits, Pass, Position, Row, Session, SessionSpec, TokenId,
};

const DEMO: Shape = Shape {
    width: 320,
    layers: 4,
    heads: 5,
    key_heads: 5,
    mlp: 896,
    vocab: 3072,
};
const MINI: Shape = Shape {
    width: 1024,
    layers: 8,
    heads: 16,
    key_heads: 16,
    mlp: 3072,
    vocab: 32_768,
};

fn main() {
    divan::main();
}

/// 64 tokens of prompt and 64 of answer, all fed.
#[divan::bench(args = ["f32", "int8"])]
fn demo_128(bencher: Bencher<'_, '_>, precision: &str) {
    passes(bencher, DEMO, precision, 128, 128);
}

/// 64 tokens of prompt and 128 of answer, all fed.
#[divan::bench(args = ["f32", "int8", "int4"], sample_count = 20)]
fn mini_192(bencher: Bencher<'_, '_>, precision: &str) {
    passes(bencher, MINI, precision, 192, 192);
}

/// A block of 32 in the same canvas, the rest cached.
#[divan::bench(args = ["f32", "int8", "int4"], sample_count = 20)]
fn mini_32_cached(bencher: Bencher<'_, '_>, precision: &str) {
    passes(bencher, MINI, precision, 192, 32);
}

/// Feeds the last `fed` of `canvas` positions and reads the last two thirds, or all of a block whose context is cached.
fn passes(bencher: Bencher<'_, '_>, shape: Shape, precision: &str, canvas: u32, fed: u32) {
    let is_cached = fed < canvas;
    let (cells, wanted) = if is_cached {
        (canvas, fed)
    } else {
        (0, fed * 2 / 3)
    };
    let mut session = session(shape, precision, cells);
    let tokens: Vec<TokenId> = (0..fed).map(|index| TokenId(index * 7 % 1000)).collect();
    let positions: Vec<Position> = (canvas - fed..canvas).map(Position).collect();
    let cell = |at: &Position| if is_cached { Cell(at.0) } else { Cell::NONE };
    let wanted: Vec<u32> = (fed - wanted..fed).collect();
    let rows = [Row {
        fed,
        slot: 0,
        context: 0..cells,
        padding: 0,
    }];
    let pass = Pass {
        rows: &rows,
        tokens: &tokens,
        positions: &positions,
        cells: &positions.iter().map(cell).collect::<Vec<_>>(),
        mask: None,
        wanted: &wanted,
        cancel: &CancelFlag::new(),
    };
    let all: Vec<u32> = (0..wanted.len() as u32).collect();
    let mut logits = Logits::default();
    logits.reset(wanted.len(), shape.vocab);
    bencher.bench_local(|| {
        session.forward(&pass).expect("the pass is computed");
        let read = session.read_logits(&all, logits.view());
        read.expect("they are kept");
    });
}

fn session(shape: Shape, precision: &str, cells: u32) -> Box<dyn Session> {
    let checkpoint = TestCheckpoint::new(shape).save();
    let model = Onnx
        .load(&checkpoint.spec("cpu", precision), &|_| {
            ControlFlow::Continue(())
        })
        .expect("the checkpoint is whole");
    let spec = SessionSpec { cells, slots: 1 };
    model.session(spec).expect("there is room for the cache")
}
