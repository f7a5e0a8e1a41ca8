//! Seconds per pass on the first device: the demo's sizes, and a small stack with the proportions of the 8B model.
//!
//! On Apple silicon `cargo bench -p unmask-backend-mlx --features metal`, on Linux `backends/mlx/linux/cargo.sh bench`.

use std::ops::ControlFlow;
use std::thread;
use std::time::Duration;

use divan::Bencher;
use unmask_backend_mlx::Mlx;
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
    if !Mlx.devices().is_empty() {
        divan::main();
    }
}

/// 64 tokens of prompt and 64 of answer, all fed.
#[divan::bench(args = ["f32", "bf16", "q8", "q4"], sample_count = 10)]
fn demo_128(bencher: Bencher<'_, '_>, precision: &str) {
    passes(bencher, DEMO, precision, 128, 128);
}

/// A block of 32 in the same canvas, the rest cached.
#[divan::bench(args = ["f32", "bf16", "q8", "q4"], sample_count = 10)]
fn demo_32_cached(bencher: Bencher<'_, '_>, precision: &str) {
    passes(bencher, DEMO, precision, 128, 32);
}

/// A block of 32 in a canvas of 192, the rest cached.
#[divan::bench(args = ["f32", "q4"], sample_count = 5)]
fn mini_32_cached(bencher: Bencher<'_, '_>, precision: &str) {
    passes(bencher, MINI, precision, 192, 32);
}

/// From the raising of the flag in the middle of such a pass to its end.
#[divan::bench(args = ["f32"], sample_count = 5)]
fn mini_cancelled(bencher: Bencher<'_, '_>, precision: &str) {
    let fed = 32;
    let mut session = session(MINI, precision, 0);
    let mut logits = Logits::default();
    bencher
        .with_inputs(CancelFlag::new)
        .bench_local_refs(|flag| {
            let flag = &*flag;
            thread::scope(|scope| {
                scope.spawn(move || {
                    thread::sleep(Duration::from_millis(30));
                    flag.raise();
                });
                forward(&mut *session, MINI, fed, fed, flag, &mut logits)
            })
        });
}

/// Feeds the last `fed` of `canvas` positions; wants the last half, or all of a block whose context is cached.
fn passes(bencher: Bencher<'_, '_>, shape: Shape, precision: &str, canvas: u32, fed: u32) {
    let mut session = session(shape, precision, if fed < canvas { canvas } else { 0 });
    let (flag, mut logits) = (CancelFlag::new(), Logits::default());
    bencher.bench_local(|| forward(&mut *session, shape, canvas, fed, &flag, &mut logits));
}

/// Runs one pass and reads its output; a raised flag may end it.
fn forward(
    session: &mut dyn Session,
    shape: Shape,
    canvas: u32,
    fed: u32,
    cancel: &CancelFlag,
    logits: &mut Logits,
) {
    let is_cached = fed < canvas;
    let wanted = if is_cached { fed } else { fed / 2 };
    let tokens: Vec<TokenId> = (0..fed).map(|index| TokenId(index * 7 % 1000)).collect();
    let positions: Vec<Position> = (canvas - fed..canvas).map(Position).collect();
    let cell = |at: &Position| if is_cached { Cell(at.0) } else { Cell::NONE };
    let wanted: Vec<u32> = (fed - wanted..fed).collect();
    let rows = [Row {
        fed,
        slot: 0,
        context: if is_cached { 0..canvas } else { 0..0 },
        padding: 0,
    }];
    let pass = Pass {
        rows: &rows,
        tokens: &tokens,
        positions: &positions,
        cells: &positions.iter().map(cell).collect::<Vec<_>>(),
        mask: None,
        wanted: &wanted,
        cancel,
    };
    match session.forward(&pass) {
        Ok(()) => {
            let all: Vec<u32> = (0..wanted.len() as u32).collect();
            logits.reset(wanted.len(), shape.vocab);
            let read = session.read_logits(&all, logits.view());
            read.expect("they are kept");
        }
        Err(error) => assert!(cancel.is_raised(), "the pass is computed: {error}"),
    }
}

fn session(shape: Shape, precision: &str, cells: u32) -> Box<dyn Session> {
    let checkpoint = TestCheckpoint::new(shape).save();
    let device = Mlx.devices().remove(0).id;
    let model = Mlx
        .load(&checkpoint.spec(&device, precision), &|_| {
            ControlFlow::Continue(())
        })
        .expect("the checkpoint is whole");
    let spec = SessionSpec { cells, slots: 1 };
    model.session(spec).expect("there is room for the cache")
}
