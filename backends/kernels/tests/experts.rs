//! Layers of experts against f64, the same bits on every instruction set and number of threads.

mod common;

use common::{Random, dequantised, layout, packed, pool, reference, root_mean_square, unpacked};
use unmask_kernels::{
    Activations, Aligned, Error, Expert, ExpertBuffers, Format, InstructionSet, Layout, Matrix,
    Route, Rows, experts,
};

struct Case {
    d: usize,
    gate_up: Layout,
    down: Layout,
    bytes: Vec<[Aligned<u8>; 2]>,
    x: Vec<f32>,
    before: Vec<f32>,
    routes: Vec<Route>,
}

impl Case {
    fn new(format: Format, random: &mut Random) -> Self {
        let (d, hidden, m, count) = (
            1 + random.below(300),
            1 + random.below(200),
            1 + random.below(40),
            1 + random.below(9),
        );
        let gate_up = layout(format, Rows::GateUp, 2 * hidden, d);
        let down = layout(format, Rows::Plain, d, hidden);
        let pool = pool(1, InstructionSet::Portable);
        let scaled = |random: &mut Random, n: usize, k: usize| -> Vec<f32> {
            random
                .normals(n * k)
                .into_iter()
                .map(|x| x / (k as f32).sqrt())
                .collect()
        };
        let bytes = (0..count)
            .map(|_| {
                [
                    packed(&pool, gate_up, &scaled(random, 2 * hidden, d)),
                    packed(&pool, down, &scaled(random, d, hidden)),
                ]
            })
            .collect();
        let mut routes = vec![Route::default(); count];
        for token in 0..m as u32 {
            for _ in 0..2 {
                let route = &mut routes[random.below(count)];
                route.rows.push(token);
                route.weights.push(random.normal());
            }
        }
        Self {
            d,
            gate_up,
            down,
            bytes,
            x: random.normals(m * d),
            before: random.normals(m * d),
            routes,
        }
    }

    fn experts(&self) -> Vec<Expert<'_>> {
        let of = |[gate_up, down]: &'_ [Aligned<u8>; 2]| (gate_up.as_ptr(), down.as_ptr());
        assert!(
            self.bytes.iter().map(of).all(|(a, b)| a != b),
            "matrices are apart"
        );
        self.bytes
            .iter()
            .map(|[gate_up, down]| Expert {
                gate_up: Matrix::new(self.gate_up, gate_up).expect("it fits"),
                down: Matrix::new(self.down, down).expect("it fits"),
            })
            .collect()
    }

    fn run(
        &self,
        set: InstructionSet,
        threads: usize,
        buffers: &mut ExpertBuffers,
    ) -> Result<Vec<f32>, Error> {
        let pool = pool(threads, set);
        let mut x = Activations::new();
        x.quantise(&pool, &self.x, self.before.len() / self.d, self.d)?;
        let mut out = self.before.clone();
        experts(&pool, &x, &self.experts(), &self.routes, buffers, &mut out)?;
        Ok(out)
    }

    /// In f64, but for the hidden numbers, which are quantised as they are.
    fn want(&self) -> Vec<f64> {
        let pool = pool(1, InstructionSet::Portable);
        let m = self.before.len() / self.d;
        let mut x = Activations::new();
        x.quantise(&pool, &self.x, m, self.d).expect("it fits");
        let x = dequantised(&x);
        let mut out: Vec<f64> = self.before.iter().map(|x| f64::from(*x)).collect();
        for (expert, route) in self.experts().iter().zip(&self.routes) {
            let (gate_up, down) = (unpacked(&expert.gate_up), unpacked(&expert.down));
            for (row, weight) in route.rows.iter().zip(&route.weights) {
                let both = reference(&x[*row as usize * self.d..][..self.d], &gate_up, self.d);
                let (gate, up) = both.split_at(both.len() / 2);
                let hidden: Vec<f32> = gate
                    .iter()
                    .zip(up)
                    .map(|(gate, up)| (gate / (1.0 + (-gate).exp()) * up) as f32)
                    .collect();
                let mut quantised = Activations::new();
                quantised
                    .quantise(&pool, &hidden, 1, hidden.len())
                    .expect("it fits");
                let result = reference(&dequantised(&quantised), &down, hidden.len());
                for (to, result) in out[*row as usize * self.d..].iter_mut().zip(result) {
                    *to += f64::from(*weight) * result;
                }
            }
        }
        out
    }
}

#[test]
fn experts_agree_with_doubles_and_give_the_same_bits_everywhere() {
    let mut random = Random(17);
    let mut buffers = ExpertBuffers::default();
    for turn in 0..if cfg!(miri) { 1 } else { 14 } {
        let case = Case::new(
            if turn % 2 == 0 {
                Format::Int8
            } else {
                Format::Int4
            },
            &mut random,
        );
        let first = case
            .run(InstructionSet::Portable, 1, &mut buffers)
            .expect("it fits");
        let want = case.want();
        let size = root_mean_square(&want);
        for (got, want) in first.iter().zip(&want) {
            // A hidden number at the edge between two integers may fall to either side.
            assert!((f64::from(*got) - want).abs() < 0.02 * size, "{got} {want}");
        }
        let error: Vec<f64> = first
            .iter()
            .zip(&want)
            .map(|(got, want)| f64::from(*got) - want)
            .collect();
        assert!(root_mean_square(&error) < 2e-3 * size);
        for set in InstructionSet::available() {
            for threads in if cfg!(miri) { 2..=2 } else { 1..=3 } {
                let got = case.run(set, threads, &mut buffers).expect("it fits");
                assert!(
                    got.iter()
                        .zip(&first)
                        .all(|(a, b)| a.to_bits() == b.to_bits()),
                    "{set:?} {threads}"
                );
            }
        }
    }
}

#[test]
fn routes_that_do_not_fit_are_refused() {
    let mut random = Random(3);
    let mut check = |spoil: &dyn Fn(&mut Case)| {
        let mut case = Case::new(Format::Int8, &mut random);
        spoil(&mut case);
        case.run(InstructionSet::best(), 2, &mut ExpertBuffers::default())
            .expect_err("it does not fit");
    };
    check(&|case| {
        case.routes[0] = Route {
            rows: vec![1000],
            weights: vec![1.0],
        }
    });
    check(&|case| {
        case.routes[0] = Route {
            rows: vec![0],
            weights: vec![],
        }
    });
    check(&|case| case.routes.push(Route::default()));
    check(&|case| case.x.truncate(case.d - 1));
}
