//! Plain Rust, for processors without any of the instructions, and the reference of the tests.

use super::Block;
use crate::matrix::{Format, GROUP, PANEL, scales};

pub(super) fn add(block: &Block<'_>, sums: &mut [f32]) {
    let (x, layout) = (block.x, block.w.layout());
    let panel = block.w.panel(block.panel);
    for group in block.groups.0..block.groups.1 {
        let columns = layout.columns(group);
        let bytes = &panel[layout.group_at(group)..];
        let (shift, weight_scales) = match layout.format() {
            Format::Int8 => (0, [1.0; PANEL]),
            Format::Int4 => (4, scales(bytes, columns * PANEL / 2)),
        };
        for (i, sums) in sums.as_chunks_mut::<PANEL>().0.iter_mut().enumerate() {
            let row = block.rows.0 + i;
            let at = row * x.groups() + group;
            let integers = &x.integers[row * x.stride + group * GROUP..][..columns];
            let mut products = [x.corrections[at] >> shift; PANEL];
            match layout.format() {
                Format::Int8 => int8(integers, bytes, &mut products),
                Format::Int4 => int4(integers, bytes, &mut products),
            }
            for ((sum, product), weight_scale) in sums.iter_mut().zip(products).zip(weight_scales) {
                let before = if group == 0 { 0.0 } else { *sum };
                *sum = (product as f32).mul_add(x.scales[at] * weight_scale, before);
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
