//! Packing: errors of the formats, the same bytes everywhere, what is refused.

mod common;

use std::sync::atomic::{AtomicUsize, Ordering};

use common::{Random, bytes, layout, packed, pool, unpacked};
use unmask_kernels::{
    Aligned, Element, Error, Format, InstructionSet, Layout, Matrix, Rows, Source, pack, pack_panel,
};

const FORMATS: [Format; 2] = [Format::Int8, Format::Int4];

fn relative_error(format: Format, weights: &[f32], n: usize, k: usize) -> f64 {
    let layout = layout(format, Rows::Plain, n, k);
    let packed = packed(&pool(1, InstructionSet::Portable), layout, weights);
    let back = unpacked(&Matrix::new(layout, &packed).expect("the bytes fit"));
    let error: f64 = weights
        .iter()
        .zip(&back)
        .map(|(a, b)| f64::from(a - b).powi(2))
        .sum();
    (error / weights.iter().map(|a| f64::from(*a).powi(2)).sum::<f64>()).sqrt()
}

#[test]
fn weights_come_back_within_the_error_of_the_format() {
    let mut random = Random(5);
    let (n, k) = (
        if cfg!(miri) { 2 } else { 70 },
        if cfg!(miri) { 140 } else { 320 },
    );
    let normal = random.normals(n * k);
    let (int8, int4) = (
        relative_error(Format::Int8, &normal, n, k),
        relative_error(Format::Int4, &normal, n, k),
    );
    assert!(int8 < 0.01, "{int8}");
    assert!(int4 < 0.11, "{int4}");
    // One weight of a group far larger than the others costs those of its group alone.
    let mut outliers = normal.clone();
    outliers.iter_mut().step_by(k).for_each(|w| *w *= 20.0);
    let rest = |format: Format| {
        let layout = layout(format, Rows::Plain, n, k);
        let packed = packed(&pool(1, InstructionSet::Portable), layout, &outliers);
        let back = unpacked(&Matrix::new(layout, &packed).expect("the bytes fit"));
        let others = || {
            back.chunks(k)
                .zip(outliers.chunks(k))
                .flat_map(|(a, b)| a[128..].iter().zip(&b[128..]))
        };
        let error: f64 = others().map(|(a, b)| f64::from(a - b).powi(2)).sum();
        (error / others().map(|(_, b)| f64::from(*b).powi(2)).sum::<f64>()).sqrt()
    };
    assert!(rest(Format::Int4) < 0.11, "{}", rest(Format::Int4));
}

#[test]
fn no_weight_moves_by_more_than_half_a_step_of_8_bits() {
    let mut random = Random(6);
    let (n, k) = (if cfg!(miri) { 2 } else { 130 }, 200);
    let weights = random.normals(n * k);
    let layout = layout(Format::Int8, Rows::Plain, n, k);
    let packed = packed(&pool(1, InstructionSet::Portable), layout, &weights);
    let back = unpacked(&Matrix::new(layout, &packed).expect("the bytes fit"));
    for (row, back) in weights.chunks(k).zip(back.chunks(k)) {
        let peak = row.iter().fold(0f32, |peak, w| peak.max(w.abs()));
        for (w, back) in row.iter().zip(back) {
            assert!(
                (w - back).abs() <= peak / 127.0 * 0.501,
                "{w} {back} {peak}"
            );
        }
    }
}

#[test]
fn packed_bytes_are_the_same_on_every_instruction_set_and_for_any_threads() {
    let mut random = Random(8);
    for turn in 0..if cfg!(miri) { 2 } else { 24 } {
        let (n, k) = (
            2 * (1 + random.below(if cfg!(miri) { 3 } else { 150 })),
            1 + random.below(700),
        );
        let rows = if turn % 3 == 0 {
            Rows::GateUp
        } else {
            Rows::Plain
        };
        let layout = layout(FORMATS[turn % 2], rows, n, k);
        let weights = random.normals(n * k);
        let first = packed(&pool(1, InstructionSet::Portable), layout, &weights);
        for set in InstructionSet::available() {
            for threads in [1, 3] {
                assert!(
                    packed(&pool(threads, set), layout, &weights)[..] == first[..],
                    "{set:?} {threads} {layout:?}"
                );
            }
        }
    }
}

#[test]
fn elements_parts_and_panels_make_no_difference() {
    let mut random = Random(9);
    let (n, k) = (
        if cfg!(miri) { 66 } else { 96 },
        if cfg!(miri) { 9 } else { 130 },
    );
    // Numbers that all three kinds of elements can hold.
    let weights = random.integers(n, k, -100, 100, 100);
    let pool = pool(2, InstructionSet::best());
    let f32s = bytes(&weights);
    let bf16s: Vec<u8> = weights
        .iter()
        .flat_map(|w| (w.to_bits() >> 16).to_le_bytes().into_iter().take(2))
        .collect();
    let (first, second) = bf16s.split_at(20 * k * 2);
    for format in FORMATS {
        let layout = layout(format, Rows::Plain, n, k);
        let want = packed(&pool, layout, &weights);
        let parts = [first, second];
        let source = Source::new(Element::Bf16, k, &parts).expect("whole rows");
        let mut to = Aligned::new(layout.bytes());
        pack(&pool, layout, &source, &mut to, &|| false).expect("it can be packed");
        assert!(to[..] == want[..]);
        // From bytes that are not aligned, panel by panel.
        let shifted: Vec<u8> = [0u8].iter().chain(&f32s).copied().collect();
        let parts = [&shifted[1..]];
        let source = Source::new(Element::F32, k, &parts).expect("whole rows");
        for panel in 0..layout.panels() {
            let mut to = vec![0; layout.panel_bytes()];
            pack_panel(&pool, layout, &source, panel, &mut to).expect("it can be packed");
            assert!(to[..] == want[panel * to.len()..][..to.len()]);
        }
    }
}

#[test]
fn packing_stops_when_it_is_cancelled() {
    let pool = pool(2, InstructionSet::best());
    let layout = layout(Format::Int8, Rows::Plain, 64 * 20, 8);
    let weights = bytes(&vec![1.0; 64 * 20 * 8]);
    let parts = [weights.as_slice()];
    let source = Source::new(Element::F32, 8, &parts).expect("whole rows");
    let asked = AtomicUsize::new(0);
    let cancelled = || asked.fetch_add(1, Ordering::Relaxed) >= 3;
    let result = pack(
        &pool,
        layout,
        &source,
        &mut Aligned::<u8>::new(layout.bytes()),
        &cancelled,
    );
    assert_eq!(result, Err(Error::Cancelled));
    assert!(asked.into_inner() < 20, "what is left is skipped");
}

#[test]
fn what_cannot_be_packed_is_named() {
    let pool = pool(2, InstructionSet::best());
    let check = |layout: Layout, weights: &[f32], k: usize, to: usize, want: &Error| {
        let weights = bytes(weights);
        let parts = [weights.as_slice()];
        let source = Source::new(Element::F32, k, &parts).expect("whole rows");
        let result = pack(&pool, layout, &source, &mut Aligned::<u8>::new(to), &|| {
            false
        });
        assert_eq!(result.as_ref(), Err(want));
    };
    for format in FORMATS {
        let layout = layout(format, Rows::Plain, 3, 5);
        let mut weights = vec![1.0; 15];
        check(
            layout,
            &weights,
            3,
            layout.bytes(),
            &Error::Mismatch {
                what: "columns",
                left: 3,
                right: 5,
            },
        );
        check(
            layout,
            &weights[..10],
            5,
            layout.bytes(),
            &Error::Mismatch {
                what: "rows",
                left: 2,
                right: 3,
            },
        );
        let short = Error::Length {
            what: "the packed matrix",
            found: 64,
            expected: layout.bytes(),
        };
        check(layout, &weights, 5, 64, &short);
        weights[7] = f32::NAN;
        check(
            layout,
            &weights,
            5,
            layout.bytes(),
            &Error::NotFinite { row: 1 },
        );
    }
    assert_eq!(
        Layout::new(Format::Int8, 0, 5),
        Err(Error::Size("the matrix"))
    );
    assert_eq!(
        Layout::new(Format::Int4, usize::MAX, 3),
        Err(Error::Size("the matrix"))
    );
    assert_eq!(
        Layout::gate_up(Format::Int4, usize::MAX / 2, 1 << 40),
        Err(Error::Size("the matrix"))
    );
}

#[test]
fn views_of_the_wrong_bytes_are_refused() {
    let layout = layout(Format::Int4, Rows::Plain, 3, 5);
    let bytes = Aligned::<u8>::new(layout.bytes() + 64);
    let error = Matrix::new(layout, &bytes).expect_err("it is too long");
    assert!(matches!(error, Error::Length { .. }));
    let error = Matrix::new(layout, &bytes[4..][..layout.bytes()]).expect_err("it is not aligned");
    assert_eq!(error, Error::Alignment);
    let matrix = Matrix::new(layout, &bytes[64..]).expect("it fits");
    assert_eq!(
        matrix.read_row(3, &mut [0.0; 5]),
        Err(Error::Row { row: 3, rows: 3 })
    );
    assert!(matches!(
        matrix.read_row(0, &mut [0.0; 6]),
        Err(Error::Length { .. })
    ));
}

#[test]
fn zeros_and_tiny_numbers_become_zeros() {
    for format in FORMATS {
        let layout = layout(format, Rows::Plain, 2, 200);
        let packed = packed(&pool(1, InstructionSet::best()), layout, &[1e-40; 400]);
        let back = unpacked(&Matrix::new(layout, &packed).expect("it fits"));
        assert!(back.iter().all(|w| *w == 0.0));
    }
}

/// Packed weights are kept in files, which nothing else would tell from others of the same size. Whoever changes these numbers
/// raises the edition under which the candle backend keeps them.
#[test]
fn packed_bytes_are_a_format_of_files() {
    let mut random = Random(11);
    let weights = random.normals(70 * 200);
    for (format, expected) in [
        (Format::Int8, 7_651_660_188_766_796_617_u64),
        (Format::Int4, 13_755_177_689_732_190_787),
    ] {
        let bytes = packed(
            &pool(1, InstructionSet::Portable),
            layout(format, Rows::Plain, 70, 200),
            &weights,
        );
        // FNV-1a.
        let hash = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        let found = bytes.iter().fold(0xcbf2_9ce4_8422_2325, hash);
        assert_eq!(found, expected, "{format:?}");
    }
}
