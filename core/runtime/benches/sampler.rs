//! One sampler step over LLaDA's vocabulary: 32 rows of 126,464 logits, judged and chosen on all cores.

use divan::Bencher;
use rayon::prelude::*;
use unmask_core::family::SpecialIds;
use unmask_core::params::{ConfidenceType, Transfer};
use unmask_core::sampler::strategies::threshold;
use unmask_core::sampler::{Judge, Noise, Seeded, best, gumbel_score};
use unmask_core::{Params, Position, TokenId};

const ROWS: usize = 32;
const VOCAB: usize = 126_464;

fn main() {
    divan::main();
}

/// Logits of a plausible shape: noise about 0 with a few high entries per row.
fn logits() -> Vec<f32> {
    let mut rows = vec![0.0; ROWS * VOCAB];
    let mut draws = Vec::with_capacity(VOCAB);
    for (at, row) in (0..).zip(rows.chunks_exact_mut(VOCAB)) {
        draws.clear();
        let take = &mut |run: &[f64]| draws.extend_from_slice(run);
        Seeded(7).uniforms(0, Position(at), VOCAB, take);
        for (logit, draw) in row.iter_mut().zip(&draws) {
            *logit = (4.0 * (draw - 0.5)) as f32;
        }
        row[(at as usize * 997) % VOCAB] = 14.0;
    }
    rows
}

fn step(bencher: Bencher<'_, '_>, params: &Params) {
    let rows = logits();
    let positions: Vec<Position> = (0..ROWS as u32).map(Position).collect();
    let special = SpecialIds {
        mask: TokenId(126_336),
        eos: TokenId(126_081),
        eot: Some(TokenId(126_348)),
        other_ends: Vec::new(),
        bos: None,
    };
    let judge = Judge {
        params,
        special: &special,
        noise: &Seeded(1),
    };
    let mut candidates = Vec::new();
    bencher
        .with_inputs(|| rows.clone())
        .bench_local_refs(|rows| {
            candidates.clear();
            judge.judge(0, &positions, rows, &mut candidates);
            match params.transfer {
                Transfer::Threshold(at) => threshold(&candidates, params.remasking, at),
                _ => best(&candidates, 2),
            }
        });
}

#[divan::bench]
fn greedy(bencher: Bencher<'_, '_>) {
    step(bencher, &Params::default());
}

#[divan::bench]
fn threshold_in_float64(bencher: Bencher<'_, '_>) {
    let params = Params {
        transfer: Transfer::Threshold(0.9),
        confidence_type: ConfidenceType::F64,
        ..Params::default()
    };
    step(bencher, &params);
}

/// What temperature would cost if every score were computed: the noise alone, beside which the rows are summed up.
#[divan::bench(sample_count = 10)]
fn every_gumbel_score(bencher: Bencher<'_, '_>) {
    let rows = logits();
    bencher.bench_local(|| {
        let rows = rows.par_chunks_exact(VOCAB).enumerate();
        let best = rows.map(|(at, row)| {
            let (mut best, mut logits) = (f64::NEG_INFINITY, row.iter());
            let take = &mut |draws: &[f64]| {
                for (draw, logit) in draws.iter().zip(logits.by_ref()) {
                    best = best.max(gumbel_score(f64::from(*logit), *draw, 0.7));
                }
            };
            Seeded(1).uniforms(0, Position(at as u32), VOCAB, take);
            best
        });
        best.sum::<f64>()
    });
}

#[divan::bench]
fn temperature(bencher: Bencher<'_, '_>) {
    let params = Params {
        temperature: 0.7,
        ..Params::default()
    };
    step(bencher, &params);
}
