//! Attention of whole canvases: does it cost what its products cost, however long they are?

use unmask_kernels::{BLOCK, KeyBlock, TileMut, with_attention};

use crate::measure::{Random, sample};
use crate::peak;
use crate::report::{Benched, Work};

/// Of LLaDA-8B's heads as many as keep two threads busy.
const HEADS: usize = 4;
const DIM: usize = 128;
/// Queries at once, as the candle backend takes them.
const HEIGHT: usize = 96;

/// All queries of a canvas over all its keys.
pub(crate) fn attention(bench: &Benched, positions: &[usize]) {
    let pool = &bench.pool;
    let mut random = Random(5);
    for &count in positions {
        let form = KeyBlock::new(DIM);
        let blocks = count.div_ceil(BLOCK);
        let mut cells = vec![0_u16; HEADS * blocks * form.numbers()];
        for (at, block) in cells.chunks_exact_mut(form.numbers()).enumerate() {
            let keys = BLOCK.min(count - at % blocks * BLOCK);
            for key in 0..keys {
                let (k, v) = (random.normals(DIM), random.normals(DIM));
                form.put(pool.set(), block, key, &k, &v);
            }
        }
        let queries: Vec<f32> = random.normals(count * HEADS * DIM);
        let mut results = queries.clone();
        let sample = sample(|_| {
            results.copy_from_slice(&queries);
            let of_head = |head: usize, mut tile: TileMut<'_>| {
                with_attention(pool.set(), |attention| {
                    let rows = tile.rows().len();
                    let begun = attention.begin(form, rows).chunks_exact_mut(DIM);
                    for (row, query) in begun.enumerate() {
                        let scale = 1.0 / (DIM as f32).sqrt();
                        let from = tile.row_mut(row);
                        for (to, from) in query.iter_mut().zip(from) {
                            *to = *from * scale;
                        }
                    }
                    for block in 0..blocks {
                        let keys = BLOCK.min(count - block * BLOCK);
                        attention.seen().fill(u64::MAX >> (BLOCK - keys));
                        let first = (head * blocks + block) * form.numbers();
                        attention.add(&cells[first..][..form.numbers()]);
                    }
                    for row in 0..rows {
                        attention.result(row, tile.row_mut(row));
                    }
                });
            };
            pool.for_each_tile(&mut results, HEADS * DIM, (HEIGHT, DIM), of_head)
                .expect("whole tiles");
        });
        let work = Work {
            products: (HEADS * 2 * count * count * DIM) as f64,
            bytes: (cells.len() * 2) as f64,
        };
        let what = format!("attention, {count} positions");
        bench.report(&what, &work, peak::floats(pool.set()), &sample);
    }
}
