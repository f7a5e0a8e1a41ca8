//! Attention over keys and values in f32, by candle's products, against f16 in blocks, by our kernels: one table.
//!
//! `cargo bench -p unmask-backend-candle --bench attention`. The seconds are of processors, medians of runs that alternate.
#![expect(clippy::print_stdout, reason = "figures are what a benchmark is for")]
#![cfg_attr(unix, expect(unsafe_code, reason = "the clock of processors"))]

#[allow(dead_code, reason = "each benchmark uses a part")]
#[path = "../../kernels/benches/products/measure.rs"]
mod measure;

use candle_core::{D, Device, Result, Tensor};
use measure::{Random, cpu_seconds, median};
use rayon::prelude::*;
use unmask_kernels::{BLOCK, KeyBlock, Pool, TileMut, with_attention};

/// Of LLaDA-8B's heads as many as keep some threads busy.
const HEADS: usize = 4;
const DIM: usize = 128;
/// Queries at once on each path.
const TILE: usize = 128;
const HEIGHT: usize = 96;
const ROUNDS: usize = 9;

/// Queries, keys and values, `[heads, positions, dim]` each; queries are scaled.
struct Numbers {
    positions: usize,
    queries: Vec<f32>,
    keys: Vec<f32>,
    values: Vec<f32>,
}

impl Numbers {
    fn new(positions: usize) -> Self {
        let mut random = Random(11);
        let count = HEADS * positions * DIM;
        let mut queries = random.normals(count);
        // Peaked as a network's are: scores have a deviation of 2.
        let scale = 2.0 / (DIM as f32).sqrt();
        queries.iter_mut().for_each(|it| *it *= scale);
        Self {
            positions,
            queries,
            keys: random.normals(count),
            values: random.normals(count),
        }
    }

    fn tensor(&self, numbers: &[f32]) -> Result<Tensor> {
        Tensor::from_slice(numbers, (HEADS, self.positions, DIM), &Device::Cpu)
    }

    /// As cells of the packed path lie, head after head.
    fn cells(&self, pool: &Pool) -> Vec<u16> {
        let form = KeyBlock::new(DIM);
        let blocks = self.positions.div_ceil(BLOCK);
        let mut cells = vec![0; HEADS * blocks * form.numbers()];
        for head in 0..HEADS {
            for key in 0..self.positions {
                let from = (head * self.positions + key) * DIM;
                let block = (head * blocks + key / BLOCK) * form.numbers();
                let block = &mut cells[block..][..form.numbers()];
                let (k, v) = (&self.keys[from..][..DIM], &self.values[from..][..DIM]);
                form.put(pool.set(), block, key % BLOCK, k, v);
            }
        }
        cells
    }
}

/// `[heads, positions, dim]`, by candle.
fn in_f32(queries: &Tensor, keys: &Tensor, values: &Tensor) -> Result<Vec<f32>> {
    let positions = keys.dim(1)?;
    let tasks = (0..HEADS).flat_map(|head| (0..positions).step_by(TILE).map(move |at| (head, at)));
    let tasks: Vec<(usize, usize)> = tasks.collect();
    let compute = |(head, first): (usize, usize)| {
        let rows = TILE.min(positions - first);
        let scores = (queries.get(head)?.narrow(0, first, rows)?).matmul(&keys.get(head)?.t()?)?;
        let shares = scores
            .broadcast_sub(&scores.max_keepdim(D::Minus1)?)?
            .exp()?;
        let mixed = shares.matmul(&values.get(head)?)?;
        mixed
            .broadcast_div(&shares.sum_keepdim(D::Minus1)?)?
            .flatten_all()?
            .to_vec1::<f32>()
    };
    let parts: Result<Vec<Vec<f32>>> = tasks.into_par_iter().map(compute).collect();
    Ok(parts?.concat())
}

/// The same, in blocks of keys in f16.
fn in_f16(pool: &Pool, numbers: &Numbers, cells: &[u16], results: &mut [f32]) {
    let form = KeyBlock::new(DIM);
    let (positions, blocks) = (numbers.positions, numbers.positions.div_ceil(BLOCK));
    for head in 0..HEADS {
        let queries = &numbers.queries[head * positions * DIM..][..positions * DIM];
        let results = &mut results[head * positions * DIM..][..positions * DIM];
        let of_tile = |_: usize, mut tile: TileMut<'_>| {
            with_attention(pool.set(), |attention| {
                let rows = tile.rows();
                let from = &queries[rows.start * DIM..rows.end * DIM];
                attention.begin(form, rows.len()).copy_from_slice(from);
                for block in 0..blocks {
                    let keys = BLOCK.min(positions - block * BLOCK);
                    attention.seen().fill(u64::MAX >> (BLOCK - keys));
                    let first = (head * blocks + block) * form.numbers();
                    attention.add(&cells[first..][..form.numbers()]);
                }
                for row in 0..rows.len() {
                    attention.result(row, tile.row_mut(row));
                }
            });
        };
        pool.for_each_tile(results, DIM, (HEIGHT, DIM), of_tile)
            .expect("whole tiles");
    }
}

fn main() -> Result<()> {
    let threads = std::thread::available_parallelism().expect("there are processors");
    let pool = Pool::new(threads).expect("the variable names what is there");
    println!(
        "| positions | f32 keys: GFLOP per CPU s | f16 keys: GFLOP per CPU s | times as fast | bytes of a head's keys and values | differ by |"
    );
    println!("|---|---|---|---|---|---|");
    for positions in [192, 512, 1024, 2048, 4096] {
        let numbers = Numbers::new(positions);
        let [queries, keys, values] =
            [&numbers.queries, &numbers.keys, &numbers.values].map(|it| numbers.tensor(it));
        let (queries, keys, values) = (queries?, keys?, values?);
        let cells = numbers.cells(&pool);
        let mut results = vec![0.0; HEADS * positions * DIM];
        let (mut long, mut short, mut right) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let before = cpu_seconds();
            right = in_f32(&queries, &keys, &values)?;
            let between = cpu_seconds();
            in_f16(&pool, &numbers, &cells, &mut results);
            long.push(between - before);
            short.push(cpu_seconds() - between);
        }
        let gflop = 4e-9 * (HEADS * positions * positions * DIM) as f64;
        let (long, short) = (gflop / median(long), gflop / median(short));
        let square = |it: f64| it * it;
        let off: f64 = results
            .iter()
            .zip(&right)
            .map(|(a, b)| square(f64::from(a - b)))
            .sum();
        let size: f64 = right.iter().map(|it| square(f64::from(*it))).sum();
        println!(
            "| {positions} | {long:.0} | {short:.0} | {:.1} | {}, {} | {:.3} % |",
            short / long,
            positions * DIM * 8,
            cells.len() / HEADS * 2,
            (off / size).sqrt() * 100.0
        );
    }
    Ok(())
}
