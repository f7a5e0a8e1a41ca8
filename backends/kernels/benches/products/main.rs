//! `cargo bench -p unmask-kernels [-- WORD…]`: GFLOP per CPU second of every kernel and shape, its share of the peak of a loop of
//! bare products measured beside it, and of what that peak or the speed of memory allows. Not divan: it knows neither CPU time
//! nor a limit to compare with.
//!
//! Words choose: `avx512`, `amx`, … the instruction sets (all by default); `int8`, `int4`; `dense`, `experts`, `attention`,
//! `pack`; `1`, `2` the threads; `m=8,32` the rows or positions; `4096x12288` a shape; `warm` one matrix again and again,
//! where otherwise weights come from memory; `bare` leaves out the quantisation of activations.
#![expect(unsafe_code, reason = "clocks and bare instructions")]

mod attention;
mod measure;
mod peak;
mod report;

use std::num::NonZeroUsize;

use measure::{Random, sample};
use report::{Benched, Work};
use unmask_kernels::{
    Activations, Aligned, Element, Epilogue, Expert, ExpertBuffers, Format, InstructionSet, Layout,
    Matrix, Pool, Route, Source, experts, pack, product,
};

/// Packed weights take turns, so that they come from memory as in a network.
const COLD_BYTES: usize = 400 << 20;
const DENSE: [(usize, usize); 3] = [(4096, 4096), (12288, 4096), (4096, 12288)];
const ROWS: [usize; 7] = [1, 4, 32, 64, 192, 512, 2048];
const POSITIONS: [usize; 5] = [192, 512, 1024, 2048, 4096];
const PARTS: [&str; 4] = ["dense", "experts", "attention", "pack"];

struct Words(Vec<String>);

impl Words {
    fn wanted(&self, word: &str, of: &[&str]) -> bool {
        let any = of.iter().any(|it| self.0.iter().any(|word| word == it));
        !any || self.0.iter().any(|it| it == word)
    }
    fn has(&self, word: &str) -> bool {
        self.0.iter().any(|it| it == word)
    }
    /// Those named, otherwise LLaDA-8B's.
    fn shapes(&self) -> Vec<(usize, usize)> {
        let shape = |word: &String| -> Option<(usize, usize)> {
            let (n, k) = word.split_once('x')?;
            Some((n.parse().ok()?, k.parse().ok()?))
        };
        let named: Vec<_> = self.0.iter().filter_map(shape).collect();
        if named.is_empty() {
            DENSE.to_vec()
        } else {
            named
        }
    }
    fn numbers(&self, prefix: &str, otherwise: &[usize]) -> Vec<usize> {
        let list = self.0.iter().find_map(|word| word.strip_prefix(prefix));
        list.map_or(otherwise.to_vec(), |list| {
            list.split(',').filter_map(|it| it.parse().ok()).collect()
        })
    }
}

fn main() {
    let words = Words(
        std::env::args()
            .skip(1)
            .filter(|it| !it.starts_with("--"))
            .collect(),
    );
    let names: Vec<&str> = InstructionSet::available()
        .map(InstructionSet::name)
        .collect();
    for threads in [1, 2] {
        if !words.wanted(&threads.to_string(), &["1", "2"]) {
            continue;
        }
        for set in InstructionSet::available() {
            let default = set != InstructionSet::Portable;
            if !words.wanted(set.name(), &names)
                || !(default || words.0.iter().any(|it| it == set.name()))
            {
                continue;
            }
            let threads = NonZeroUsize::new(threads).expect("not 0");
            let pool = Pool::with_set(threads, set).expect("it is available");
            let bench = Benched::new(pool);
            if words.wanted("attention", &PARTS) {
                attention::attention(&bench, &words.numbers("m=", &POSITIONS));
            }
            for (format, name) in [(Format::Int8, "int8"), (Format::Int4, "int4")] {
                if !words.wanted(name, &["int8", "int4"]) {
                    continue;
                }
                if words.wanted("dense", &PARTS) {
                    dense(&bench, format, name, &words);
                }
                if words.wanted("experts", &PARTS) {
                    mixture(&bench, format, name, "LLaDA-MoE", 64, 1024, &words);
                    mixture(&bench, format, name, "LLaDA2-mini", 256, 512, &words);
                }
                if words.wanted("pack", &PARTS) {
                    packing(&bench.pool, format, name);
                }
            }
        }
    }
}

/// Bytes of a matrix that costs what any does: random numbers, and scales that are no trouble.
fn random_matrix(layout: Layout, random: &mut Random) -> Aligned<u8> {
    let mut bytes = Aligned::new(layout.bytes());
    let quiet = 1e-3f32.to_le_bytes();
    for four in bytes.as_chunks_mut::<4>().0 {
        *four = quiet;
    }
    // Scales are left out by asking the layout where a panel's numbers end; for nibbles the scales of groups lie between.
    let panel = layout.panel_bytes();
    for panel in bytes.chunks_mut(panel) {
        let unit = if layout.format() == Format::Int4 {
            4096 + 256
        } else {
            panel.len()
        };
        for group in panel.chunks_mut(unit) {
            let numbers = group.len() - 256;
            random.fill(&mut group[..numbers]);
        }
    }
    bytes
}

fn dense(bench: &Benched, format: Format, name: &str, words: &Words) {
    let (pool, mut random) = (&bench.pool, Random(7));
    for (n, k) in words.shapes() {
        let layout = Layout::new(format, n, k).expect("the sizes fit");
        let copies = if words.has("warm") {
            1
        } else {
            COLD_BYTES.div_ceil(layout.bytes())
        };
        let weights: Vec<Aligned<u8>> = (0..copies)
            .map(|_| random_matrix(layout, &mut random))
            .collect();
        let weights: Vec<Matrix<'_>> = weights
            .iter()
            .map(|bytes| Matrix::new(layout, bytes).expect("it fits"))
            .collect();
        let rows = words.numbers("m=", &ROWS);
        let most = rows.iter().copied().max().unwrap_or(1);
        let x = random.normals(most * k);
        let (mut activations, mut y) = (Activations::new(), vec![0.0; most * n]);
        for m in rows {
            let sample = sample(|turn| {
                if turn == 0 || !words.has("bare") {
                    activations
                        .quantise(pool, &x[..m * k], m, k)
                        .expect("it fits");
                }
                product(
                    pool,
                    &activations,
                    &weights[turn % copies],
                    &Epilogue::default(),
                    &mut y[..m * n],
                )
                .expect("it fits");
            });
            let work = Work {
                products: (m * n * k) as f64,
                bytes: layout.bytes() as f64,
            };
            let what = format!("{name} {n}x{k} m={m}");
            bench.report(&what, &work, peak::of(pool.set(), format), &sample);
        }
    }
}

fn mixture(
    bench: &Benched,
    format: Format,
    name: &str,
    model: &str,
    count: usize,
    hidden: usize,
    words: &Words,
) {
    const D: usize = 2048;
    const TOP: usize = 8;
    let (pool, mut random) = (&bench.pool, Random(9));
    let gate_up = Layout::gate_up(format, hidden, D).expect("the sizes fit");
    let down = Layout::new(format, D, hidden).expect("the sizes fit");
    let bytes: Vec<_> = (0..count)
        .map(|_| {
            [
                random_matrix(gate_up, &mut random),
                random_matrix(down, &mut random),
            ]
        })
        .collect();
    let of = |[first, second]: &'_ [Aligned<u8>; 2]| -> (usize, usize) {
        (first.as_ptr().addr(), second.as_ptr().addr())
    };
    assert!(
        bytes.iter().map(of).all(|(first, second)| first != second),
        "matrices are apart"
    );
    let all: Vec<Expert<'_>> = bytes
        .iter()
        .map(|[first, second]| Expert {
            gate_up: Matrix::new(gate_up, first).expect("it fits"),
            down: Matrix::new(down, second).expect("it fits"),
        })
        .collect();
    for m in words.numbers("m=", &[32, 192]) {
        let x = random.normals(m * D);
        let mut routes = vec![Route::default(); count];
        for token in 0..m as u32 {
            let mut left = TOP;
            while left > 0 {
                let route = &mut routes[random.below(count)];
                if route.rows.last() != Some(&token) {
                    route.rows.push(token);
                    route.weights.push(0.125);
                    left -= 1;
                }
            }
        }
        let busy = routes.iter().filter(|it| !it.rows.is_empty()).count();
        let (mut activations, mut buffers, mut y) = (
            Activations::new(),
            ExpertBuffers::default(),
            vec![0.0; m * D],
        );
        let sample = sample(|_| {
            activations.quantise(pool, &x, m, D).expect("it fits");
            experts(pool, &activations, &all, &routes, &mut buffers, &mut y).expect("it fits");
        });
        let work = Work {
            products: (m * TOP * 3 * hidden * D) as f64,
            bytes: (busy * (gate_up.bytes() + down.bytes())) as f64,
        };
        let what = format!("{name} {model} m={m} ({busy} experts)");
        bench.report(&what, &work, peak::of(pool.set(), format), &sample);
    }
}

#[expect(clippy::print_stdout, reason = "figures are what a benchmark is for")]
fn packing(pool: &Pool, format: Format, name: &str) {
    let (n, k) = (4096, 4096);
    let mut random = Random(3);
    let weights: Vec<u8> = random
        .normals(n * k)
        .iter()
        .flat_map(|x| x.to_bits().to_le_bytes().into_iter().skip(2))
        .collect();
    let layout = Layout::new(format, n, k).expect("the sizes fit");
    let parts = [weights.as_slice()];
    let source = Source::new(Element::Bf16, k, &parts).expect("it fits");
    let mut to = Aligned::new(layout.bytes());
    let sample = sample(|_| pack(pool, layout, &source, &mut to, &|| false).expect("it fits"));
    let each = (n * k) as f64;
    println!(
        "{:8} {} threads  pack {name}: {:.0} million weights a CPU second, {:.1} CPU s and {:.1} s for 8.0e9",
        pool.set().name(),
        pool.threads(),
        each / sample.cpu / 1e6,
        8.0e9 / each * sample.cpu,
        8.0e9 / each * sample.wall
    );
}
