//! What a process of its own costs a pass: 32 rows of 126,464 scores, and the best 5 of each.
//!
//! The backend does next to nothing, so that the difference is what the border costs.

use std::ops::ControlFlow;

use divan::{Bencher, counter::BytesCount};
use unmask_api::{CancelFlag, LoadSpec, Logits, Model, SessionSpec, TopRows};
use unmask_core::plugin::{Fit, Isolation, Registry, Running, SearchPath, Surroundings};
use unmask_tests::{Compiled, Run, host_launcher, load_spec, spoiled};

/// LLaDA's.
const VOCABULARY: usize = 126_464;
const ROWS: usize = 32;

fn main() {
    divan::main();
}

fn model(running: Running) -> (Compiled, Box<dyn Model>) {
    let plugin = spoiled("wild");
    let registry = Registry::discover(&SearchPath::new(&Surroundings {
        plugins: vec![plugin.path.clone()],
        isolation: Isolation {
            launcher: host_launcher(env!("CARGO_BIN_EXE_backend_host")),
            ..Isolation::default()
        },
        ..Surroundings::default()
    }));
    let backend = registry.find_running("wild", Fit::Usable, running);
    let spec = LoadSpec {
        device: "well".to_owned(),
        ..load_spec("llada", VOCABULARY)
    };
    let model = backend
        .expect("it can be used")
        .load(&spec, &|_| ControlFlow::Continue(()));
    (plugin, model.expect("it loads"))
}

const SPEC: SessionSpec = SessionSpec {
    capacity: 192,
    slots: 1,
};

#[divan::bench(args = [Running::Here, Running::Alone])]
fn whole_rows(bencher: Bencher<'_, '_>, running: Running) {
    let (_plugin, model) = model(running);
    let mut session = model.session(SPEC).expect("a session opens");
    let run = Run::whole(&[7; ROWS]);
    let (mut logits, cancel) = (Logits::default(), CancelFlag::new());
    logits.reset(ROWS, VOCABULARY);
    bencher
        .counter(BytesCount::of_many::<f32>(ROWS * VOCABULARY))
        .bench_local(|| {
            session
                .forward(&run.pass(&cancel), logits.view())
                .expect("it computes")
        });
}

#[divan::bench(args = [Running::Here, Running::Alone])]
fn best_of_each_row(bencher: Bencher<'_, '_>, running: Running) {
    let (_plugin, model) = model(running);
    let mut session = model.session(SPEC).expect("a session opens");
    let run = Run::whole(&[7; ROWS]);
    let (mut top, cancel) = (TopRows::default(), CancelFlag::new());
    top.reset(ROWS, 5);
    bencher.bench_local(|| {
        session
            .forward_top(&run.pass(&cancel), top.view())
            .expect("it computes");
    });
}
