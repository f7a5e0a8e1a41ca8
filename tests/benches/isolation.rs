//! What a step's output costs: 32 rows of 126,464 logits, read whole and reduced by the program, or read in short form, in
//! this process and in one of its own.
//!
//! `cargo bench -p unmask-tests --bench isolation`. The backend computes next to nothing, so that what is measured is how the
//! output gets to where tokens are chosen. The last lines hold the bytes that cross beside the times.

#![expect(clippy::print_stdout, reason = "a bench is read there")]

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use divan::Bencher;
use unmask_api::{
    CancelFlag, Logits, Model, RowSummary, Session, SessionSpec, TopRequest, TopRows,
};
use unmask_core::plugin::{BackendFilter, BackendSearch, Isolation, Registry, Running, SearchPath};
use unmask_tests::{OwnedPass, load_spec, plugin, worker_launcher};

/// LLaDA's.
const VOCABULARY: usize = 126_464;
const ROWS: usize = 32;
/// Of each row.
const BEST: usize = 5;
const PLACES: [Running; 2] = [Running::Here, Running::Alone];
const FORMS: [Form; 2] = [Form::Whole, Form::Short];

/// How the output is read.
#[derive(Debug, Clone, Copy)]
enum Form {
    Whole,
    Short,
}

impl Form {
    /// What crosses the border for all rows, in bytes.
    fn bytes(self) -> usize {
        ROWS * match self {
            Self::Whole => VOCABULARY * size_of::<f32>(),
            Self::Short => BEST * (size_of::<u32>() + size_of::<f32>()) + 2 * size_of::<f64>(),
        }
    }
}

fn main() {
    divan::main();
    for running in PLACES {
        for form in FORMS {
            let mut step = Step::new(running, form);
            let times = (0..30).map(|_| {
                let start = Instant::now();
                step.take();
                start.elapsed()
            });
            let least = times.min().unwrap_or(Duration::ZERO);
            println!(
                "{running:?}, {form:?}: {} bytes, {least:?} a step",
                form.bytes()
            );
        }
    }
}

#[divan::bench(args = PLACES)]
fn whole_rows(bencher: Bencher<'_, '_>, running: Running) {
    let mut step = Step::new(running, Form::Whole);
    bencher.bench_local(|| step.take());
}

#[divan::bench(args = PLACES)]
fn short_form(bencher: Bencher<'_, '_>, running: Running) {
    let mut step = Step::new(running, Form::Short);
    bencher.bench_local(|| step.take());
}

/// A pass, and its output as far as a sampler needs it.
struct Step {
    session: Box<dyn Session>,
    form: Form,
    run: OwnedPass,
    rows: Vec<u32>,
    logits: Logits,
    top: TopRows,
}

impl Step {
    fn new(running: Running, form: Form) -> Self {
        let spec = SessionSpec { cells: 0, slots: 1 };
        Self {
            session: model(running).session(spec).expect("a session opens"),
            form,
            run: OwnedPass::whole(&[7; ROWS]),
            rows: (0..ROWS as u32).collect(),
            logits: Logits::default(),
            top: TopRows::default(),
        }
    }

    /// The best ids of each row, added up so that nothing is left out.
    fn take(&mut self) -> u32 {
        let pass = self.session.forward(&self.run.pass(&CancelFlag::new()));
        pass.expect("it computes");
        match self.form {
            Form::Whole => {
                self.logits.reset(ROWS, VOCABULARY);
                let read = self.session.read_logits(&self.rows, self.logits.view());
                read.expect("it has output");
                let rows = (0..ROWS).map(|row| self.logits.row(row));
                rows.map(|row| RowSummary::of(row, &[], BEST).best[0].0.0)
                    .sum()
            }
            Form::Short => {
                let request = TopRequest {
                    rows: &self.rows,
                    ..TopRequest::default()
                };
                self.top.reset(&request, BEST);
                let read = self.session.read_top(&request, self.top.view());
                read.expect("it has output");
                (0..ROWS).map(|row| self.top.ids(row)[0].0).sum()
            }
        }
    }
}

fn model(running: Running) -> Box<dyn Model> {
    let registry = Registry::discover(&SearchPath::new(&BackendSearch {
        plugins: vec![plugin("example-toy")],
        isolation: Isolation {
            launcher: worker_launcher(env!("CARGO_BIN_EXE_backend_worker")),
            ..Isolation::default()
        },
        ..BackendSearch::default()
    }));
    let backend = registry.find_running("toy", BackendFilter::Usable, running);
    let spec = load_spec("llada", VOCABULARY);
    let model = backend
        .expect("it can be used")
        .load(&spec, &|_| ControlFlow::Continue(()));
    model.expect("it loads")
}
