use super::*;
use crate::InstructionSet;

/// `[1, k]`, each group's largest number as given.
fn of_peaks(peaks: &[f32], k: usize) -> (Vec<f32>, Activations) {
    let x: Vec<f32> = (0..k)
        .map(|i| {
            peaks[i / GROUP]
                * if i % GROUP == 3 {
                    -1.0
                } else {
                    (i as f32).sin()
                }
        })
        .collect();
    let pool = Pool::with_set(std::num::NonZeroUsize::MIN, InstructionSet::Portable)
        .expect("plain Rust is available");
    let mut it = Activations::new();
    it.quantise(&pool, &x, 1, k).expect("the sizes fit");
    (x, it)
}

#[test]
fn groups_of_a_run_share_the_largest_scale_where_it_costs_little() {
    // Two runs and the tail of a third.
    let peaks = [1.0, 1.5, 0.8, 2.0, 1.0, 20.0, 1.0, 1.0, 3.0, 2.0];
    let (x, it) = of_peaks(&peaks, 9 * GROUP + 70);
    let scales: Vec<f32> = it.groups.iter().map(|it| it.scale * 127.0).collect();
    let wanted = [2.0, 2.0, 2.0, 2.0, 1.0, 20.0, 1.0, 1.0, 3.0, 3.0];
    for (scale, wanted) in scales.iter().zip(wanted) {
        assert!((scale - wanted).abs() < 1e-5, "{scales:?}");
    }
    let ends: Vec<i32> = it.groups.iter().map(|it| it.end).collect();
    assert_eq!(ends, [0, 0, 0, -1, -1, -1, -1, -1, 0, -1]);
    // What is added up starts with all its corrections.
    let sum = |groups: std::ops::Range<usize>| -> i32 {
        it.groups[groups].iter().map(|it| it.correction).sum()
    };
    let starts: Vec<i32> = it.groups.iter().map(|it| it.start).collect();
    let alone = |group: usize| it.groups[group].correction;
    let wanted = [
        [sum(0..4), 0, 0, 0],
        [alone(4), alone(5), alone(6), alone(7)],
    ];
    assert_eq!(starts[..8], wanted.concat());
    assert_eq!(starts[8..], [sum(8..10), 0]);
    let mut back = vec![0.0; x.len()];
    it.read_row(0, &mut back).expect("the row is there");
    for (i, (x, back)) in x.iter().zip(&back).enumerate() {
        assert!(
            (x - back).abs() <= it.groups[i / GROUP].scale * 0.5001,
            "{i}: {x} {back}"
        );
    }
}

#[test]
fn the_error_of_a_run_grows_by_no_more_than_is_said() {
    let mut seed = 7_u32;
    let mut random = || {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        seed >> 16
    };
    let mut shared = [0, 0];
    for _ in 0..2000 {
        // The last group may be short, but has its largest number.
        let k = (2 + random() as usize % 2) * GROUP + 4 + random() as usize % (GROUP - 3);
        let peaks = [0; RUN].map(|_| random() as f32 / 65536.0 * 9.0 + 0.1);
        let (_, it) = of_peaks(&peaks, k);
        let squares =
            |of: &dyn Fn(usize) -> f32| -> f32 { (0..k).map(|i| of(i / GROUP).powi(2)).sum() };
        let own = squares(&|group| peaks[group]);
        let found = squares(&|group| it.groups[group].scale * 127.0);
        let largest = peaks[..k.div_ceil(GROUP)]
            .iter()
            .copied()
            .fold(0.0, f32::max);
        let together = squares(&|_| largest);
        let wanted = if together <= LOSS * LOSS * own {
            together
        } else {
            own
        };
        assert!(
            (found / wanted - 1.0).abs() < 1e-4,
            "{k} {peaks:?}: {found} {wanted}"
        );
        shared[usize::from(it.groups[0].end == 0)] += 1;
    }
    assert!(shared[0] > 100 && shared[1] > 100, "{shared:?}");
}

#[test]
fn what_is_not_finite_stays_in_its_group() {
    for (peak, shared) in [
        (0.0, true),
        (f32::INFINITY, false),
        (f32::NAN, false),
        (1e-38, true),
    ] {
        let (_, it) = of_peaks(&[1.0, peak, 1.0, 1.0], RUN * GROUP);
        assert_eq!(it.groups[0].end == 0, shared, "{peak}");
        assert!((it.groups[0].scale * 127.0 - 1.0).abs() < 1e-5);
    }
    let (_, it) = of_peaks(&[0.0; RUN], RUN * GROUP);
    assert!(it.groups.iter().all(|it| it.scale == 0.0 && it.end == -1));
}
