//! Plain Rust, for processors without any of the instructions, and the reference of the tests.

use super::Block;
use crate::matrix::{Format, GROUP, PANEL, scales};

pub(super) fn add(block: &Block<'_>, sums: &mut [f32]) {
    let (x, layout) = (block.x, block.w.layout());
    let panel = block.w.panel(block.panel);
    for (i, sums) in sums.as_chunks_mut::<PANEL>().0.iter_mut().enumerate() {
        let row = block.rows.0 + i;
        let mut products = [0; PANEL];
        for group in block.groups.0..block.groups.1 {
            let columns = layout.columns(group);
            let bytes = &panel[layout.group_at(group)..];
            let of_group = x.groups[row * x.row_groups() + group];
            let integers = &x.integers[row * x.stride + group * GROUP..][..columns];
            let by_column = match layout.format() {
                Format::Int8 => {
                    products = products.map(|it| it + of_group.start);
                    int8(integers, bytes, &mut products);
                    if of_group.end == 0 {
                        continue;
                    }
                    [1.0; PANEL]
                }
                Format::Int4 => {
                    products = [of_group.correction >> 4; PANEL];
                    int4(integers, bytes, &mut products);
                    scales(bytes, columns * PANEL / 2)
                }
            };
            for ((sum, product), by_column) in sums.iter_mut().zip(&mut products).zip(by_column) {
                *sum = (*product as f32).mul_add(of_group.scale * by_column, *sum);
                *product = 0;
            }
        }
    }
}

fn int8(integers: &[i8], bytes: &[u8], products: &mut [i32; PANEL]) {
    let fours = integers.as_chunks::<4>().0.iter();
    for (x, w) in fours.zip(bytes.as_chunks::<{ 4 * PANEL }>().0) {
        for (product, w) in products.iter_mut().zip(w.as_chunks::<4>().0) {
            *product += dot(x, *w);
        }
    }
}

fn int4(integers: &[i8], bytes: &[u8], products: &mut [i32; PANEL]) {
    let fours = integers.as_chunks::<4>().0.as_chunks::<2>().0.iter();
    for ([low, high], w) in fours.zip(bytes.as_chunks::<{ 4 * PANEL }>().0) {
        for (product, w) in products.iter_mut().zip(w.as_chunks::<4>().0) {
            *product += dot(low, w.map(|it| it & 15)) + dot(high, w.map(|it| it >> 4));
        }
    }
}

fn dot(x: &[i8; 4], w: [u8; 4]) -> i32 {
    x.iter()
        .zip(w)
        .map(|(x, w)| i32::from(*x) * i32::from(w))
        .sum()
}
