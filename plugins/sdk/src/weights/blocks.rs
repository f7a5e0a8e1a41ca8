//! Blocks of GGML as numbers: what `ggml-quants.c` makes of them.

use half::f16;
use unmask_gguf::GgmlType;

/// Numbers of a k-quant's block.
const SUPER: usize = 256;

/// Writes the numbers of whole blocks of `kind` to `out`, of as many.
pub(super) fn decode(kind: GgmlType, bytes: &[u8], out: &mut [f32]) {
    match kind {
        GgmlType::Q8_0 => each::<34>(bytes, out, 32, q8_0),
        GgmlType::Q4K => each::<144>(bytes, out, SUPER, q4_k),
        GgmlType::Q5K => each::<176>(bytes, out, SUPER, q5_k),
        GgmlType::Q6K => each::<210>(bytes, out, SUPER, q6_k),
        GgmlType::F32 | GgmlType::F16 | GgmlType::BF16 | GgmlType::Other(_) => {
            unreachable!("these are none of the blocks that files are opened with")
        }
    }
}

fn each<const N: usize>(
    bytes: &[u8],
    out: &mut [f32],
    length: usize,
    block: fn(&[u8; N], &mut [f32]),
) {
    let (blocks, _) = bytes.as_chunks::<N>();
    for (bytes, out) in blocks.iter().zip(out.chunks_exact_mut(length)) {
        block(bytes, out);
    }
}

fn half(bytes: &[u8], at: usize) -> f32 {
    f16::from_le_bytes([bytes[at], bytes[at + 1]]).to_f32()
}

/// A scale, then a signed byte a number.
fn q8_0(block: &[u8; 34], out: &mut [f32]) {
    let scale = half(block, 0);
    for (out, number) in out.iter_mut().zip(&block[2..]) {
        *out = scale * f32::from(*number as i8);
    }
}

/// Scale and minimum of part `part` of a block, 6 bits each, packed into 12 bytes.
fn scale_and_minimum(part: usize, packed: &[u8]) -> (f32, f32) {
    let (scale, minimum) = match part {
        0..4 => (packed[part] & 63, packed[part + 4] & 63),
        _ => (
            (packed[part + 4] & 15) | (packed[part - 4] >> 6 << 4),
            (packed[part + 4] >> 4) | (packed[part] >> 6 << 4),
        ),
    };
    (f32::from(scale), f32::from(minimum))
}

/// Two scales of scales, 12 bytes of scales and minima, a half byte a number.
fn q4_k(block: &[u8; 144], out: &mut [f32]) {
    let (head, numbers) = block.split_at(16);
    k_quant(head, out, |part, at| {
        let byte = numbers[part / 2 * 32 + at];
        if part.is_multiple_of(2) {
            byte & 15
        } else {
            byte >> 4
        }
    });
}

/// As [`q4_k`], with the fifth bits in 32 bytes between.
fn q5_k(block: &[u8; 176], out: &mut [f32]) {
    let (head, rest) = block.split_at(16);
    let (fifths, numbers) = rest.split_at(32);
    k_quant(head, out, |part, at| {
        let byte = numbers[part / 2 * 32 + at];
        let four = if part.is_multiple_of(2) {
            byte & 15
        } else {
            byte >> 4
        };
        four | (fifths[at] >> part & 1) << 4
    });
}

/// Eight parts of 32 numbers, each with a scale and a minimum.
fn k_quant(head: &[u8], out: &mut [f32], number: impl Fn(usize, usize) -> u8) {
    let (of_scales, of_minima) = (half(head, 0), half(head, 2));
    for (part, out) in out.chunks_exact_mut(32).enumerate() {
        let (scale, minimum) = scale_and_minimum(part, &head[4..]);
        let (scale, minimum) = (of_scales * scale, of_minima * minimum);
        for (at, out) in out.iter_mut().enumerate() {
            *out = scale * f32::from(number(part, at)) - minimum;
        }
    }
}

/// Low half bytes, high quarter bytes, a signed scale per 16 numbers, and the scale of scales.
fn q6_k(block: &[u8; 210], out: &mut [f32]) {
    let (low, rest) = block.split_at(128);
    let (high, rest) = rest.split_at(64);
    let of_scales = half(rest, 16);
    for (at, out) in out.iter_mut().enumerate() {
        // Two halves of 128, each of four parts of 32.
        let (side, part, column) = (at / 128, at % 128 / 32, at % 32);
        let byte = low[side * 64 + part % 2 * 32 + column];
        let four = if part < 2 { byte & 15 } else { byte >> 4 };
        let two = high[side * 32 + column] >> (part * 2) & 3;
        let scale = of_scales * f32::from(rest[at / 16] as i8);
        *out = scale * (f32::from(four | two << 4) - 32.0);
    }
}
