//! Random numbers and matrices of the tests.
#![allow(dead_code, reason = "each test file uses a part")]

use std::num::NonZeroUsize;

use unmask_kernels::{
    Activations, Aligned, Element, Format, InstructionSet, Layout, Matrix, Pool, Rows, Source, pack,
};

/// Marsaglia's xorshift.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
    pub(crate) fn below(&mut self, n: usize) -> usize {
        ((self.next() >> 16) % n as u64) as usize
    }
    /// Roughly normal, variance 1.
    pub(crate) fn normal(&mut self) -> f32 {
        let bits = self.next();
        let uniform = |shift: u32| ((bits >> shift) & 0xffff) as f32 / 65536.0 - 0.5;
        (uniform(0) + uniform(16) + uniform(32) + uniform(48)) * 1.732
    }
    pub(crate) fn normals(&mut self, n: usize) -> Vec<f32> {
        (0..n).map(|_| self.normal()).collect()
    }
    /// Within `low..=high`, and `low` or `high` in each run of 128, so that the scale is 1.
    pub(crate) fn integers(
        &mut self,
        rows: usize,
        k: usize,
        low: i32,
        high: i32,
        must: i32,
    ) -> Vec<f32> {
        let mut all: Vec<f32> = (0..rows * k)
            .map(|_| (low + self.below((high - low + 1) as usize) as i32) as f32)
            .collect();
        for row in all.chunks_mut(k) {
            for group in row.chunks_mut(128) {
                let at = self.below(group.len());
                group[at] = must as f32;
            }
        }
        all
    }
}

pub(crate) fn pool(threads: usize, set: InstructionSet) -> Pool {
    Pool::with_set(NonZeroUsize::new(threads).expect("tests have threads"), set)
        .expect("the set is available")
}

pub(crate) fn bytes(numbers: &[f32]) -> Vec<u8> {
    numbers.iter().flat_map(|x| x.to_le_bytes()).collect()
}

pub(crate) fn layout(format: Format, rows: Rows, n: usize, k: usize) -> Layout {
    match rows {
        Rows::Plain => Layout::new(format, n, k),
        Rows::GateUp => Layout::gate_up(format, n / 2, k),
    }
    .expect("the sizes fit")
}

pub(crate) fn packed(pool: &Pool, layout: Layout, weights: &[f32]) -> Aligned<u8> {
    let bytes = bytes(weights);
    let parts = [bytes.as_slice()];
    let source = Source::new(Element::F32, layout.k(), &parts).expect("whole rows");
    let mut to = Aligned::new(layout.bytes());
    pack(pool, layout, &source, &mut to, &|| false).expect("the weights can be packed");
    to
}

/// The weights that packed bytes stand for, `[n, k]`.
pub(crate) fn unpacked(matrix: &Matrix<'_>) -> Vec<f32> {
    let (n, k) = (matrix.layout().n(), matrix.layout().k());
    let mut all = vec![0.0; n * k];
    for (row, to) in all.chunks_mut(k).enumerate() {
        matrix.read_row(row, to).expect("the row is there");
    }
    all
}

/// The numbers that quantised activations stand for, `[m, k]`.
pub(crate) fn dequantised(x: &Activations) -> Vec<f32> {
    let mut all = vec![0.0; x.m() * x.k()];
    for (row, to) in all.chunks_mut(x.k()).enumerate() {
        x.read_row(row, to).expect("the row is there");
    }
    all
}

/// `x Wᵀ` in f64.
pub(crate) fn reference(x: &[f32], w: &[f32], k: usize) -> Vec<f64> {
    let dot = |x: &[f32], w: &[f32]| -> f64 {
        x.iter()
            .zip(w)
            .map(|(x, w)| f64::from(*x) * f64::from(*w))
            .sum()
    };
    x.chunks(k)
        .flat_map(|x| w.chunks(k).map(move |w| dot(x, w)))
        .collect()
}

pub(crate) fn root_mean_square(x: &[f64]) -> f64 {
    (x.iter().map(|x| x * x).sum::<f64>() / x.len() as f64).sqrt()
}
