//! Products against integers and f64, on every instruction set that this machine has, with every tail.

mod common;

use common::{Random, dequantised, layout, packed, pool, reference, root_mean_square, unpacked};
use unmask_kernels::{
    Activations, Epilogue, Finish, Format, GROUP, InstructionSet, Matrix, Rows, product,
};

/// Fewer and smaller under Miri, which is slow.
fn cases(many: usize) -> usize {
    if cfg!(miri) { 2 } else { many }
}

fn width(wide: usize) -> usize {
    if cfg!(miri) { wide.min(6) } else { wide }
}

const FORMATS: [Format; 2] = [Format::Int8, Format::Int4];

#[test]
fn integers_multiply_exactly_on_every_instruction_set() {
    let mut random = Random(11);
    for case in 0..cases(60) {
        let m = [1, 2, 3, 5, 6, 7, 8, 13, 16, 17, 31, 32, 33, 47, 64, 130]
            [random.below(if cfg!(miri) { 4 } else { 16 })];
        let (k, n) = (
            1 + random.below([40, 300, 1100][case % 3]),
            1 + random.below(300),
        );
        for format in FORMATS {
            let (low, high) = if format == Format::Int8 {
                (-127, 127)
            } else {
                (-8, 7)
            };
            let w = random.integers(n, k, low, high, low);
            let x = random.integers(m, k, -127, 127, 127);
            let want: Vec<f32> = reference(&x, &w, k)
                .into_iter()
                .map(|it| it as f32)
                .collect();
            let layout = layout(format, Rows::Plain, n, k);
            for set in InstructionSet::available() {
                let pool = pool(1 + case % 2, set);
                let bytes = packed(&pool, layout, &w);
                let matrix = Matrix::new(layout, &bytes).expect("the bytes fit");
                let (mut activations, mut y) = (Activations::new(), vec![f32::NAN; m * n]);
                activations
                    .quantise(&pool, &x, m, k)
                    .expect("the sizes fit");
                product(&pool, &activations, &matrix, &Epilogue::default(), &mut y)
                    .expect("the sizes fit");
                let wrong = (0..m * n).find(|i| y[*i] != want[*i]);
                assert_eq!(
                    wrong.map(|i| (i, y[i], want[i])),
                    None,
                    "{set:?} {format:?} m{m} n{n} k{k}"
                );
            }
        }
    }
}

/// The result of one product with an epilogue, on `before`.
struct Case<'a> {
    x: &'a [f32],
    m: usize,
    w: &'a [f32],
    layout: unmask_kernels::Layout,
    epilogue: Epilogue<'a>,
    before: &'a [f32],
}

impl Case<'_> {
    fn run(&self, set: InstructionSet, threads: usize) -> Vec<f32> {
        let pool = pool(threads, set);
        let bytes = packed(&pool, self.layout, self.w);
        let matrix = Matrix::new(self.layout, &bytes).expect("the bytes fit");
        let (mut x, mut y) = (Activations::new(), self.before.to_vec());
        x.quantise(&pool, self.x, self.m, self.layout.k())
            .expect("the sizes fit");
        product(&pool, &x, &matrix, &self.epilogue, &mut y).expect("the sizes fit");
        y
    }

    /// In f64, of the numbers that the packed ones stand for.
    fn want(&self) -> Vec<f64> {
        let pool = pool(1, InstructionSet::Portable);
        let (n, k, width) = (self.layout.n(), self.layout.k(), self.layout.width());
        let bytes = packed(&pool, self.layout, self.w);
        let w = unpacked(&Matrix::new(self.layout, &bytes).expect("the bytes fit"));
        let mut x = Activations::new();
        x.quantise(&pool, self.x, self.m, k).expect("the sizes fit");
        let v = reference(&dequantised(&x), &w, k);
        let bias = |column: usize| {
            self.epilogue
                .bias
                .map_or(0.0, |bias| f64::from(bias[column]))
        };
        let v: Vec<f64> = v.iter().enumerate().map(|(i, v)| v + bias(i % n)).collect();
        let mut y: Vec<f64> = self.before.iter().map(|y| f64::from(*y)).collect();
        for i in 0..self.m {
            for c in 0..width {
                let v = |half: usize| v[i * n + half * width + c];
                match self.epilogue.finish {
                    Finish::Store => y[i * width + c] = v(0),
                    Finish::Add => y[i * width + c] += v(0),
                    Finish::SwiGlu => y[i * width + c] = v(0) / (1.0 + (-v(0)).exp()) * v(1),
                    Finish::ScatterAdd { rows, weights } => {
                        y[rows[i] as usize * width + c] += f64::from(weights[i]) * v(0);
                    }
                }
            }
        }
        y
    }
}

#[test]
fn every_epilogue_agrees_with_doubles_and_gives_the_same_bits_everywhere() {
    let mut random = Random(23);
    for case in 0..cases(48) {
        let format = FORMATS[case % 2];
        let m = [1, 2, 4, 6, 7, 8, 15, 16, 18, 33, 48, 70]
            [random.below(if cfg!(miri) { 3 } else { 12 })];
        let k = [320, 1 + random.below(700), 128, 64 * (1 + random.below(9))][case / 2 % 4];
        let k = if cfg!(miri) { k.min(140) } else { k };
        let gated = case % 4 >= 2;
        let n = if gated {
            2 * (1 + random.below(100))
        } else {
            1 + random.below(200)
        };
        let layout = layout(format, if gated { Rows::GateUp } else { Rows::Plain }, n, k);
        let (w, bias) = (random.normals(n * k), random.normals(n));
        let mut x = random.normals(m * k);
        x.iter_mut().step_by(97).for_each(|x| *x *= 50.0);
        x.iter_mut().for_each(|x| *x /= (k as f32).sqrt());
        let rows: Vec<u32> = (0..m).map(|_| random.below(m + 3) as u32).collect();
        let weights = random.normals(m);
        let finish = match case % 12 / 4 {
            _ if gated => Finish::SwiGlu,
            0 => Finish::Store,
            1 => Finish::Add,
            _ => Finish::ScatterAdd {
                rows: &rows,
                weights: &weights,
            },
        };
        let height = if matches!(finish, Finish::ScatterAdd { .. }) {
            m + 3
        } else {
            m
        };
        let before = random.normals(height * layout.width());
        let bias = (case % 3 == 0).then_some(bias.as_slice());
        let case = Case {
            x: &x,
            m,
            w: &w,
            layout,
            epilogue: Epilogue { bias, finish },
            before: &before,
        };
        let want = case.want();
        let first = case.run(InstructionSet::Portable, 1);
        let size = root_mean_square(&want);
        for (got, want) in first.iter().zip(&want) {
            assert!(
                (f64::from(*got) - want).abs() < 2e-5 * size,
                "{layout:?} m{m}: {got} {want}"
            );
        }
        let bits = |y: &[f32]| -> Vec<u32> { y.iter().map(|y| y.to_bits()).collect() };
        for set in InstructionSet::available() {
            for threads in if cfg!(miri) { 2..=2 } else { 1..=3 } {
                assert_eq!(
                    bits(&case.run(set, threads)),
                    bits(&first),
                    "{set:?} {threads} {layout:?} m{m}"
                );
            }
        }
    }
}

#[test]
fn rows_whose_groups_have_one_scale_stand_beside_others() {
    let mut random = Random(59);
    let (n, k, m) = (
        width(130),
        if cfg!(miri) { 140 } else { 1472 },
        if cfg!(miri) { 3 } else { 39 },
    );
    let w = random.normals(n * k);
    let mut x = random.normals(m * k);
    // An outlier in some group of two rows of three: its run of four groups has scales of its own, the others have one.
    for (row, x) in x.chunks_mut(k).enumerate().filter(|(row, _)| row % 3 > 0) {
        x[row * 89 % k] = 300.0;
    }
    for format in FORMATS {
        let layout = layout(format, Rows::Plain, n, k);
        let before = vec![0.0; m * n];
        let case = Case {
            x: &x,
            m,
            w: &w,
            layout,
            epilogue: Epilogue::default(),
            before: &before,
        };
        let (want, first) = (case.want(), case.run(InstructionSet::Portable, 1));
        let size = root_mean_square(&want);
        let wrong = first
            .iter()
            .zip(&want)
            .find(|(got, want)| (f64::from(**got) - **want).abs() > 2e-5 * size);
        assert_eq!(wrong, None, "{format:?}");
        for set in InstructionSet::available() {
            assert!(
                case.run(set, 2)
                    .iter()
                    .zip(&first)
                    .all(|(a, b)| a.to_bits() == b.to_bits()),
                "{set:?} {format:?}"
            );
        }
    }
}

#[test]
fn a_row_has_the_same_bits_in_any_company() {
    let mut random = Random(41);
    let (n, k, m) = (width(200), 320, if cfg!(miri) { 3 } else { 70 });
    let (w, mut x) = (random.normals(n * k), random.normals(m * k));
    x.iter_mut().step_by(4 * k + 1).for_each(|x| *x = 90.0);
    for format in FORMATS {
        let layout = layout(format, Rows::Plain, n, k);
        for set in InstructionSet::available() {
            let run = |m: usize| {
                let before = vec![0.0; m * n];
                let case = Case {
                    x: &x[..m * k],
                    m,
                    w: &w,
                    layout,
                    epilogue: Epilogue::default(),
                    before: &before,
                };
                case.run(set, 1)
            };
            let all = run(m);
            for few in [1, 2, 5, 8, 17, 33].into_iter().filter(|few| *few <= m) {
                assert_eq!(run(few), all[..few * n], "{set:?} {format:?} {few}");
            }
        }
    }
}

#[test]
fn the_largest_sums_do_not_overflow() {
    let (n, k) = (64, if cfg!(miri) { 256 } else { 12288 });
    // Where all weights are 1, bytes are at their largest and nibbles at their smallest; below -8 stand beside 7.
    for (first, format) in FORMATS
        .into_iter()
        .flat_map(|it| [(1.0, it), (-8.0 / 7.0, it)])
    {
        let w: Vec<f32> = (0..n * k)
            .map(|i| if i % GROUP == 0 { first } else { 1.0 })
            .collect();
        let right = w[..k].iter().sum::<f32>();
        // Bytes round 1 to 111 of 127 parts of 8 / 7.
        let most = if format == Format::Int8 && first < 0.0 {
            2e-3
        } else {
            1e-5
        };
        // Few rows and many take different ways.
        for m in [2, 21] {
            let sign = |row: usize| if row.is_multiple_of(2) { 1.0 } else { -1.0 };
            let x: Vec<f32> = (0..m * k).map(|i| sign(i / k)).collect();
            let before = vec![0.0; m * n];
            for set in InstructionSet::available() {
                let case = Case {
                    x: &x,
                    m,
                    w: &w,
                    layout: layout(format, Rows::Plain, n, k),
                    epilogue: Epilogue::default(),
                    before: &before,
                };
                for (i, y) in case.run(set, 1).iter().enumerate() {
                    let row = i / n;
                    assert!(
                        (y / right - sign(row)).abs() < most,
                        "{set:?} {format:?}, row {row} of {m}: {y}"
                    );
                }
            }
        }
    }
}

#[test]
fn what_is_no_number_shows_in_the_result() {
    // Enough rows for tiles and for nibbles that are unpacked once.
    let (m, n, k, at) = (33, 3, 130, 17);
    let w = vec![0.5; n * k];
    for set in InstructionSet::available() {
        for (bad, format) in [f32::NAN, f32::INFINITY].into_iter().zip(FORMATS) {
            let mut x = vec![1.0; m * k];
            x[at * k + 129] = bad;
            let before = vec![0.0; m * n];
            let y = Case {
                x: &x,
                m,
                w: &w,
                layout: layout(format, Rows::Plain, n, k),
                epilogue: Epilogue::default(),
                before: &before,
            }
            .run(set, 1);
            for (row, y) in y.chunks(n).enumerate() {
                let is_as_expected = y.iter().all(|y| y.is_finite() == (row != at));
                assert!(is_as_expected, "{set:?} {format:?}, row {row}: {y:?}");
            }
        }
    }
}

#[test]
fn any_bytes_are_a_matrix() {
    let mut random = Random(5);
    for format in FORMATS {
        let layout = layout(format, Rows::Plain, 70, 200);
        let mut bytes = unmask_kernels::Aligned::new(layout.bytes());
        bytes
            .iter_mut()
            .for_each(|byte: &mut u8| *byte = random.next() as u8);
        let matrix = Matrix::new(layout, &bytes).expect("the bytes fit");
        for set in InstructionSet::available() {
            let pool = pool(2, set);
            let (mut x, mut y) = (Activations::new(), vec![0.0; 9 * 70]);
            x.quantise(&pool, &random.normals(9 * 200), 9, 200)
                .expect("the sizes fit");
            product(&pool, &x, &matrix, &Epilogue::default(), &mut y).expect("the sizes fit");
        }
    }
}
