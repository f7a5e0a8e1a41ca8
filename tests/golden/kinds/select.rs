//! Orders and selections on given logits.

use unmask_core::family::SpecialIds;
use unmask_core::params::{ConfidenceType, EntropyOrder, Remasking};
use unmask_core::sampler::strategies::entropy_bound;
use unmask_core::sampler::{Candidate, Judge};
use unmask_core::{Params, Position, TokenId};

use super::generate::Recorded;
use crate::case::{Case, Verdict, ids, same};
use crate::models::Models;

/// Ids beyond every vocabulary: these cases have logits alone.
const NONE: SpecialIds = SpecialIds {
    mask: TokenId(u32::MAX),
    eos: TokenId(u32::MAX),
    eot: None,
    other_ends: Vec::new(),
    bos: None,
};

/// Guesses for positions 0 and up from the rows of a case, `[positions, vocab]`, ranked by `remasking`.
fn judged(case: &Case, rows: &mut [f32], positions: usize, remasking: Remasking) -> Vec<Candidate> {
    let params = Params {
        remasking,
        confidence_type: ConfidenceType::F64,
        ..Params::default()
    };
    let judge = Judge {
        params: &params,
        special: &NONE,
        noise: &Recorded::new(case, 0),
    };
    let positions: Vec<Position> = (0..positions as u32).map(Position).collect();
    let mut candidates = Vec::new();
    judge.judge(0, &positions, rows, &mut candidates);
    candidates
}

/// Compares the guesses with the tokens and figures of a case.
fn compare(
    case: &Case,
    candidates: &[Candidate],
    figure: &str,
    of: impl Fn(&Candidate) -> f64,
    tolerance: impl Fn(f64) -> f64,
) -> Verdict {
    let expected = &case.json["expected"];
    let best: Vec<_> = candidates.iter().map(|it| it.token).collect();
    same("best tokens", &best, &ids(&expected["x0"]))?;
    let stated = expected[figure].as_array().expect("a list of figures");
    for (candidate, stated) in candidates.iter().zip(stated) {
        let (got, stated) = (of(candidate), stated.as_f64().expect("a figure"));
        if (got - stated).abs() > tolerance(stated) {
            let at = candidate.at.0;
            return Err(format!("{figure} {got} at {at}, expected {stated}"));
        }
    }
    Ok(())
}

/// One selection of an entropy bound, in the order of confidences.
pub(crate) fn eb_select(case: &Case, _: &Models) -> Verdict {
    let logits = case.need("logits");
    let mut rows: Vec<f32> = logits.values.iter().map(|&logit| logit as f32).collect();
    let candidates = judged(case, &mut rows, logits.shape[0], Remasking::LowConfidence);
    let tolerance = case.json["tolerance"]["confidence_rel"].as_f64();
    let tolerance = tolerance.expect("a tolerance");
    let relative = |stated: f64| tolerance * stated.abs();
    compare(
        case,
        &candidates,
        "confidence",
        |it| it.confidence,
        relative,
    )?;
    compare(case, &candidates, "entropy", |it| it.entropy, relative)?;
    let tokens = ids(&case.json["input"]["x"]);
    let is_masked = |it: &Candidate| tokens[it.at.index()] == case.special().mask;
    let masked: Vec<Candidate> = candidates.into_iter().filter(is_masked).collect();
    let (bound, least) = (case.number("value"), case.count("min_transfer_tokens"));
    let picks = entropy_bound(&masked, EntropyOrder::Confidence, bound, least);
    let mut got: Vec<TokenId> = picks.iter().map(|&it| TokenId(masked[it].at.0)).collect();
    got.sort_unstable();
    let mut expected = ids(&case.json["expected"]["transfer_positions"]);
    expected.sort_unstable();
    same("positions", &got, &expected)
}

/// Dream's `sample_tokens` at temperature 0: what its algorithms rank by, after its filters of the logits.
pub(crate) fn dream_sample_tokens(case: &Case, _: &Models) -> Verdict {
    let logits = case.need("logits");
    let (positions, vocab) = (logits.shape[0], logits.shape[1]);
    let mut rows: Vec<f32> = logits.values.iter().map(|&logit| logit as f32).collect();
    for row in rows.chunks_exact_mut(vocab) {
        keep_top(case, row);
    }
    let remasking = match (case.flag("neg_entropy"), case.flag("margin_confidence")) {
        (true, _) => Remasking::Entropy,
        (false, true) => Remasking::Margin,
        (false, false) => Remasking::LowConfidence,
    };
    let tolerance = case.json["tolerance"]["confidence_abs"].as_f64();
    let tolerance = tolerance.expect("a tolerance");
    let candidates = judged(case, &mut rows, positions, remasking);
    compare(
        case,
        &candidates,
        "confidence",
        |it| it.score,
        |_| tolerance,
    )
}

/// Dream's filters: the fewest tokens whose probabilities reach `top_p`, then the `top_k` best.
fn keep_top(case: &Case, row: &mut [f32]) {
    let settings = &case.json["settings"];
    let mut order: Vec<usize> = (0..row.len()).collect();
    order.sort_by(|&a, &b| row[b].total_cmp(&row[a]));
    let shares: Vec<f64> = order.iter().map(|&at| f64::from(row[at]).exp()).collect();
    let sum: f64 = shares.iter().sum();
    let mut before = 0.0;
    let within = |share: &&f64| {
        let is_within = settings["top_p"].as_f64().is_none_or(|p| before / sum <= p);
        before += **share;
        is_within
    };
    let nucleus = shares.iter().take_while(within).count();
    let top_k = settings["top_k"].as_u64().map_or(row.len(), |k| k as usize);
    for &at in &order[nucleus.min(top_k)..] {
        row[at] = f32::NEG_INFINITY;
    }
}
