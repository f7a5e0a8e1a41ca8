//! What stands beside the tiles, which most machines lack: vectors finish the strips that plain arithmetic makes here.

use super::*;
use crate::activations::Activations;
use crate::matrix::{Layout, Matrix};
use crate::scratch::KernelScratch;
use crate::{Aligned, InstructionSet, Pool};

/// Numbers that look random, of -1 to 1, in some rows one of them a hundred times as large.
fn numbers(m: usize, k: usize) -> Vec<f32> {
    let mut seed = 3_u32;
    let mut all: Vec<f32> = (0..m * k)
        .map(|_| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 8) as f32 / (1 << 23) as f32 - 1.0
        })
        .collect();
    for (row, numbers) in all
        .chunks_mut(k)
        .enumerate()
        .filter(|(row, _)| row % 3 != 1)
    {
        numbers[row * 41 % k] = 100.0;
    }
    all
}

/// The strip of a group and 16 rows, of which there may be fewer: sums of activations and unsigned weights.
fn strip<const INT4: bool>(block: &Block<'_>, group: usize, row: usize) -> Strip {
    let layout = block.w.layout();
    let bytes = &block.w.panel(block.panel)[layout.group_at(group)..];
    let mut strip = Strip([0; TILE * PANEL]);
    for i in 0..TILE.min(block.rows.1 - row) {
        let x = &block.x.integers[(block.rows.0 + row + i) * block.x.stride + group * GROUP..];
        for column in 0..layout.columns(group) {
            for to in 0..PANEL {
                let w = if INT4 {
                    let byte = bytes[(column / 8 * PANEL + to) * 4 + column % 4];
                    16 * i32::from(byte >> (column / 4 % 2 * 4) & 15)
                } else {
                    i32::from(bytes[(column / 4 * PANEL + to) * 4 + column % 4])
                };
                strip.0[i * PANEL + to] += i32::from(x[column]) * w;
            }
        }
    }
    strip
}

fn finished_is_what_plain_rust_computes<const INT4: bool>() {
    // Other machines have nothing of this file.
    if !InstructionSet::available().any(|set| set == InstructionSet::Avx512) {
        return;
    }
    let (m, k, format) = (
        37,
        9 * GROUP + 64,
        if INT4 { Format::Int4 } else { Format::Int8 },
    );
    let pool = Pool::with_set(std::num::NonZeroUsize::MIN, InstructionSet::Portable)
        .expect("plain Rust is available");
    let layout = Layout::new(format, PANEL, k).expect("the size fits");
    let mut bytes = Aligned::new(layout.bytes());
    for (i, byte) in bytes.iter_mut().enumerate() {
        *byte = (i * 37 % 251) as u8;
    }
    for group in 0..layout.groups() {
        let at = match INT4 {
            true => layout.group_at(group) + layout.columns(group) * PANEL / 2,
            false => layout.bytes() - 4 * PANEL,
        };
        for (i, scale) in bytes[at..][..4 * PANEL]
            .as_chunks_mut::<4>()
            .0
            .iter_mut()
            .enumerate()
        {
            *scale = (0.01 + (i * (group + 3)) as f32 * 1e-3).to_le_bytes();
        }
    }
    let w = Matrix::new(layout, &bytes).expect("the bytes fit");
    let mut x = Activations::new();
    x.quantise(&pool, &numbers(m, k), m, k)
        .expect("the sizes fit");
    let block = Block {
        x: &x,
        rows: (2, m - 2),
        w: &w,
        panel: 0,
        groups: (0, layout.groups()),
        next: &[],
    };
    let rows = block.rows.1;
    let inner = (0..rows).flat_map(|row| {
        let block = &block;
        // Behind the first group of each run.
        (0..layout.groups() - 1)
            .step_by(crate::activations::RUN)
            .map(move |group| block.of_group(2 + row, group).ends)
    });
    let (ended, carried_on): (Vec<bool>, Vec<bool>) = inner.partition(|ends| *ends);
    assert!(
        !ended.is_empty() && carried_on.is_empty() == INT4,
        "some go on"
    );
    let (mut want, mut got) = (vec![0.0; rows * PANEL], vec![0.0; rows * PANEL]);
    // SAFETY: plain Rust is available.
    unsafe {
        block.add_to(
            InstructionSet::Portable,
            &mut want,
            &mut KernelScratch::default(),
        )
    };
    let mut carried = vec![i32::MAX; rows * PANEL];
    let sums = (got.as_mut_ptr(), carried.as_mut_ptr());
    for group in 0..layout.groups() {
        for row in (0..rows).step_by(TILE) {
            let strip = strip::<INT4>(&block, group, row);
            // SAFETY: AVX-512 is available, as was just seen; group and row are within the block, whose rows the sums hold.
            unsafe {
                let mut finish = Finish::of::<INT4>(&block, group, row, sums);
                for _ in 0..TILE / 2 {
                    finish.rows::<INT4>(2, &strip);
                }
            }
        }
    }
    let bits = |sums: &[f32]| -> Vec<u32> { sums.iter().map(|sum| sum.to_bits()).collect() };
    assert_eq!(bits(&got), bits(&want));
}

#[test]
fn strips_of_bytes_are_finished_as_plain_rust_does() {
    finished_is_what_plain_rust_computes::<false>();
}

#[test]
fn strips_of_nibbles_are_finished_as_plain_rust_does() {
    finished_is_what_plain_rust_computes::<true>();
}
