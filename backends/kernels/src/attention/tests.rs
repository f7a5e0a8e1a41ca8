use super::*;

/// Numbers between -1 and 1 that look random.
fn numbers(seed: u64, count: usize) -> Vec<f32> {
    let mut state = seed;
    let mut next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..count).map(|_| next()).collect()
}

/// What f16 makes of a number.
fn short(x: f32) -> f32 {
    let (mut bits, mut wide) = ([0; 16], [0.0; 16]);
    dispatch(
        InstructionSet::Portable,
        Narrow {
            from: &[x],
            to: &mut bits[..1],
        },
    );
    // SAFETY: arrays need no instructions.
    unsafe { widen::<[f32; 8]>(&bits, &mut wide) };
    wide[0]
}

/// Attention over all keys at once, in f64.
fn plain(query: &[f32], keys: &[f32], values: &[f32], seen: impl Fn(usize) -> bool) -> Vec<f64> {
    let dim = query.len();
    let shares: Vec<f64> = (0..keys.len() / dim)
        .map(|key| {
            let pairs = query.iter().zip(&keys[key * dim..]);
            let score: f64 = pairs
                .map(|(a, b)| f64::from(*a) * f64::from(short(*b)))
                .sum();
            if seen(key) { score.exp() } else { 0.0 }
        })
        .collect();
    let total: f64 = shares.iter().sum();
    let column = |at: usize| {
        let weighted = shares.iter().enumerate();
        let sum: f64 = weighted
            .map(|(key, it)| it * f64::from(short(values[key * dim + at])))
            .sum();
        if total > 0.0 { sum / total } else { 0.0 }
    };
    (0..dim).map(column).collect()
}

/// `rows` queries over `keys` keys, of which row `r` sees those that `sees` says.
fn check(dim: usize, rows: usize, keys: usize, sees: impl Fn(usize, usize) -> bool + Copy) {
    let form = KeyBlock::new(dim);
    let queries = numbers(1, rows * dim);
    let (k, v) = (numbers(2, keys * dim), numbers(3, keys * dim));
    for set in InstructionSet::available() {
        let mut blocks = vec![vec![0; form.numbers()]; keys.div_ceil(BLOCK)];
        // What nobody sees does not matter.
        blocks.iter_mut().flatten().for_each(|it| *it = 0x7e00);
        for key in 0..keys {
            let one = &k[key * dim..][..dim];
            let value = &v[key * dim..][..dim];
            let block = &mut blocks[key / BLOCK];
            // Padding is zero.
            block[BLOCK * dim..]
                .chunks_mut(form.wide())
                .for_each(|it| it[dim..].fill(0));
            form.put(set, block, key % BLOCK, one, value);
        }
        let mut attention = BlockAttention::new(set);
        attention.begin(form, rows).copy_from_slice(&queries);
        for (at, block) in blocks.iter().enumerate() {
            let word = |row: usize| {
                let bit = |bits: u64, key: usize| {
                    let is_seen = at * BLOCK + key < keys && sees(row, at * BLOCK + key);
                    bits | u64::from(is_seen) << key
                };
                (0..BLOCK).fold(0, bit)
            };
            for (row, seen) in attention.seen().iter_mut().enumerate() {
                *seen = word(row);
            }
            attention.add(block);
        }
        for row in 0..rows {
            let right = plain(&queries[row * dim..][..dim], &k, &v, |key| sees(row, key));
            let mut got = vec![f32::NAN; dim];
            attention.result(row, &mut got);
            for (got, right) in got.iter().zip(right) {
                let off = (f64::from(*got) - right).abs();
                assert!(off < 1e-5, "{set:?} {dim} {rows} {keys}: {got} {right}");
            }
        }
    }
}

#[test]
fn blocks_give_what_all_keys_at_once_give() {
    for dim in [8, 40, 64, 80, 128] {
        for rows in [1, 5, 6, 13] {
            check(dim, rows, 1, |_, _| true);
            check(dim, rows, 64, |_, _| true);
            check(dim, rows, 150, |_, _| true);
            check(dim, rows, 150, |row, key| key <= row * 12);
            check(dim, rows, 150, |row, key| {
                (key * 7 + row) % 3 == 0 || key == 149
            });
        }
    }
}

#[test]
fn who_sees_nothing_gets_zeros() {
    check(64, 3, 70, |row, _| row != 1);
}

#[test]
fn room_is_used_again_and_rows_do_not_depend_on_each_other() {
    let form = KeyBlock::new(64);
    let queries = numbers(4, 11 * 64);
    let block: Vec<u16> = (0..form.numbers())
        .map(|at| (at * 37 % 0x3c00) as u16)
        .collect();
    for set in InstructionSet::available() {
        let mut attention = BlockAttention::new(set);
        let mut run = |rows: &[f32]| -> Vec<f32> {
            let count = rows.len() / 64;
            attention.begin(form, count).copy_from_slice(rows);
            for seen in [u64::MAX, 0xff] {
                attention.seen().fill(seen);
                attention.add(&block);
            }
            let mut results = vec![f32::NAN; rows.len()];
            for (row, to) in results.chunks_mut(64).enumerate() {
                attention.result(row, to);
            }
            results
        };
        let together = run(&queries);
        let alone: Vec<f32> = queries.chunks(64).flat_map(&mut run).collect();
        assert_eq!(alone, together);
    }
}
