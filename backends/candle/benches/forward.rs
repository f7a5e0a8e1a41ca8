//! Seconds per pass: the demo's sizes, and a small stack with the proportions of the 8B model.
//!
//! `cargo bench -p unmask-backend-candle`

use std::ops::ControlFlow;

use divan::Bencher;
use unmask_backend_candle::Candle;
use unmask_sdk::testing::{Batch, Shape, TestCheckpoint, TestRow};
use unmask_sdk::{Backend, CancelFlag, Logits, Session, SessionSpec, TopRequest, TopRows};

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
#[divan::bench(args = ["f32", "int8", "int4", "q8_0"])]
fn demo_128(bencher: Bencher<'_, '_>, precision: &str) {
    passes(bencher, DEMO, precision, 128, 128, Cells::Kept);
}

/// The same, kept nowhere.
#[divan::bench(args = ["f32", "int8", "int4", "q8_0"])]
fn demo_128_uncached(bencher: Bencher<'_, '_>, precision: &str) {
    passes(bencher, DEMO, precision, 128, 128, Cells::None);
}

/// 64 tokens of prompt and 128 of answer, all fed.
#[divan::bench(args = ["f32", "int8", "int4", "q8_0", "q4k"], sample_count = 20)]
fn mini_192(bencher: Bencher<'_, '_>, precision: &str) {
    passes(bencher, MINI, precision, 192, 192, Cells::Kept);
}

/// The same, kept nowhere.
#[divan::bench(args = ["f32", "int8", "int4", "q8_0", "q4k"], sample_count = 20)]
fn mini_192_uncached(bencher: Bencher<'_, '_>, precision: &str) {
    passes(bencher, MINI, precision, 192, 192, Cells::None);
}

/// A block of 32 in the same canvas, the rest cached.
#[divan::bench(args = ["f32", "int8", "int4", "q8_0", "q4k"], sample_count = 20)]
fn mini_32_cached(bencher: Bencher<'_, '_>, precision: &str) {
    passes(bencher, MINI, precision, 192, 32, Cells::Kept);
}

/// The output of 32 rows of LLaDA's vocabulary, read whole and as the best five.
#[divan::bench(args = ["whole", "short"])]
fn reading_32_rows(bencher: Bencher<'_, '_>, form: &str) {
    let shape = Shape {
        width: 32,
        layers: 1,
        heads: 1,
        key_heads: 1,
        mlp: 32,
        vocab: 126_464,
    };
    let mut session = session(shape, "f32", 0);
    let tokens: Vec<u32> = (0..32).collect();
    let batch = Batch::new(&[TestRow::whole(0, &tokens)]);
    let computed = session.forward(&batch.pass(&CancelFlag::new()));
    computed.expect("the pass is computed");
    let request = TopRequest {
        rows: &batch.wanted,
        ..TopRequest::default()
    };
    let (mut logits, mut top) = (Logits::default(), TopRows::default());
    logits.reset(batch.wanted.len(), shape.vocab);
    top.reset(&request, 5);
    bencher.bench_local(|| {
        let read = match form {
            "whole" => session.read_logits(request.rows, logits.view()),
            _ => session.read_top(&request, top.view()),
        };
        read.expect("the pass has these rows");
    });
}

/// Where keys and values go.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cells {
    None,
    Kept,
}

/// Feeds the last `fed` of `canvas` positions; wants the last two thirds, or all of a cached block.
fn passes(
    bencher: Bencher<'_, '_>,
    shape: Shape,
    precision: &str,
    canvas: u32,
    fed: u32,
    cells: Cells,
) {
    let wanted = if fed == canvas { fed * 2 / 3 } else { fed };
    let tokens: Vec<u32> = (0..canvas).map(|index| index * 7 % 1000).collect();
    let (capacity, line) = match cells {
        Cells::None => (0, TestRow::whole(0, &tokens)),
        Cells::Kept => {
            let fed = (canvas - fed) as usize..canvas as usize;
            (canvas, TestRow::part(0, &tokens, fed))
        }
    };
    let mut session = session(shape, precision, capacity);
    let mut batch = Batch::new(&[line]);
    batch.wanted = (fed - wanted..fed).collect();
    let cancel = CancelFlag::new();
    let pass = batch.pass(&cancel);
    let rows: Vec<u32> = (0..wanted).collect();
    let mut logits = Logits::default();
    logits.reset(rows.len(), shape.vocab);
    bencher.bench_local(|| {
        session.forward(&pass).expect("the pass is computed");
        session
            .read_logits(&rows, logits.view())
            .expect("the pass has these rows");
    });
}

fn session(shape: Shape, precision: &str, cells: u32) -> Box<dyn Session> {
    let checkpoint = TestCheckpoint::new(shape).save();
    let model = Candle
        .load(&checkpoint.spec("cpu", precision), &|_| {
            ControlFlow::Continue(())
        })
        .expect("the checkpoint is whole");
    let spec = SessionSpec { cells, slots: 1 };
    model.session(spec).expect("there is room for the cache")
}
