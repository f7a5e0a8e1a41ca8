//! What the C table costs: the toy backend called directly, as a Rust trait, and through its library.
//!
//! `cargo bench -p unmask-tests --bench border`. The last lines hold the difference against a step of the demo model.

#![expect(clippy::print_stdout, reason = "a bench is read there")]

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use divan::Bencher;
use example_toy::Toy;
use unmask_api::{Backend, CancelFlag, Logits, Session, SessionSpec, TopRequest, TopRows};
use unmask_tests::{OwnedPass, load_spec, open, plugin};

/// A step of the demo model on candle, f32, two cores of an EPYC: 128 positions fed, 64 wanted.
const DEMO_STEP: Duration = Duration::from_millis(13);
const ROADS: [Road; 2] = [Road::Direct, Road::Table];

/// How the backend is called.
#[derive(Debug, Clone, Copy)]
enum Road {
    /// As a trait object in this program.
    Direct,
    /// Through the table of its library, as the program calls every backend.
    Table,
}

/// A size of pass.
#[derive(Debug, Clone, Copy)]
struct Size {
    name: &'static str,
    vocab: usize,
    fed: u32,
    wanted: u32,
}

/// Next to nothing to compute, so that the call itself is what is measured.
const TINY: Size = Size {
    name: "1 row of 8",
    vocab: 8,
    fed: 1,
    wanted: 1,
};
/// A step of the demo model.
const DEMO: Size = Size {
    name: "64 rows of 3,072",
    vocab: 3072,
    fed: 128,
    wanted: 64,
};

fn main() {
    divan::main();
    for size in [TINY, DEMO] {
        let [direct, table] = ROADS.map(|road| per_call(road, size));
        let more = table.saturating_sub(direct);
        let percent = 100.0 * more.as_secs_f64() / DEMO_STEP.as_secs_f64();
        println!(
            "{}: {direct:?} directly, {table:?} through the table; {more:?} more is {percent:.4} % of a step of {DEMO_STEP:?}",
            size.name
        );
    }
}

#[divan::bench(args = ROADS)]
fn tiny(bencher: Bencher<'_, '_>, road: Road) {
    forwards(bencher, road, TINY);
}

#[divan::bench(args = ROADS)]
fn demo(bencher: Bencher<'_, '_>, road: Road) {
    forwards(bencher, road, DEMO);
}

#[divan::bench(args = ROADS)]
fn demo_top_5(bencher: Bencher<'_, '_>, road: Road) {
    let (mut session, run) = (session(road, DEMO), pass(DEMO));
    let (mut top, cancel, rows) = (TopRows::default(), CancelFlag::new(), rows(DEMO));
    let request = TopRequest {
        rows: &rows,
        ..TopRequest::default()
    };
    top.reset(&request, 5);
    bencher.bench_local(|| {
        session.forward(&run.pass(&cancel))?;
        session.read_top(&request, top.view())
    });
}

fn forwards(bencher: Bencher<'_, '_>, road: Road, size: Size) {
    let (mut session, run) = (session(road, size), pass(size));
    let (mut logits, cancel, rows) = (Logits::default(), CancelFlag::new(), rows(size));
    logits.reset(rows.len(), size.vocab);
    bencher.bench_local(|| {
        session.forward(&run.pass(&cancel))?;
        session.read_logits(&rows, logits.view())
    });
}

/// The best of many runs of many calls: what others do on this machine only adds.
fn per_call(road: Road, size: Size) -> Duration {
    let (mut session, run) = (session(road, size), pass(size));
    let (mut logits, cancel, rows) = (Logits::default(), CancelFlag::new(), rows(size));
    logits.reset(rows.len(), size.vocab);
    let calls = if size.vocab > 1000 { 100 } else { 10_000 };
    let mut time = || {
        let start = Instant::now();
        for _ in 0..calls {
            session
                .forward(&run.pass(&cancel))
                .expect("the toy computes");
            let read = session.read_logits(&rows, logits.view());
            read.expect("the toy has output");
        }
        start.elapsed() / calls
    };
    (0..50).map(|_| time()).min().unwrap_or_default()
}

fn session(road: Road, size: Size) -> Box<dyn Session> {
    let spec = load_spec("llada", size.vocab);
    let listener = |_: unmask_api::LoadProgress<'_>| ControlFlow::Continue(());
    let model = match road {
        Road::Direct => Toy.load(&spec, &listener),
        Road::Table => open(&plugin("example-toy")).load(&spec, &listener),
    };
    let session = SessionSpec { cells: 0, slots: 1 };
    let model = model.expect("the toy loads");
    model.session(session).expect("a session opens")
}

/// All rows of the output.
fn rows(size: Size) -> Vec<u32> {
    (0..size.wanted).collect()
}

/// The last positions of one row are wanted.
fn pass(size: Size) -> OwnedPass {
    let tokens: Vec<u32> = (0..size.fed).map(|at| at % size.vocab as u32).collect();
    let wanted: Vec<u32> = (size.fed - size.wanted..size.fed).collect();
    OwnedPass::whole(&tokens).wanting(&wanted)
}
