//! Orders and selections on given logits.

use std::num::NonZeroUsize;

use unmask_core::family::SpecialIds;
use unmask_core::params::{ConfidenceType, EntropyOrder, Hierarchy, LocalLeap, Remasking};
use unmask_core::sampler::strategies::{entropy_bound, factor, hierarchy, local_leap, threshold};
use unmask_core::sampler::{Candidate, Judge, best, timestep, timestep_share};
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

/// Guesses for positions 0 and up from the rows of a case, `[positions, vocab]`.
fn judged(case: &Case, rows: &mut [f32], positions: usize, params: &Params) -> Vec<Candidate> {
    let judge = Judge {
        params,
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

/// The name of a figure of candidates, and what it is of one.
type Figure = (&'static str, fn(&Candidate) -> f64);

/// The guesses for the masked positions of a case, compared with what it states of all.
fn masked(case: &Case, figures: &[Figure]) -> Result<Vec<Candidate>, String> {
    let logits = case.need("logits");
    let mut rows: Vec<f32> = logits.values.iter().map(|&logit| logit as f32).collect();
    let params = Params {
        confidence_type: ConfidenceType::F64,
        ..Params::default()
    };
    let candidates = judged(case, &mut rows, logits.shape[0], &params);
    for (name, of) in figures {
        let tolerance = case.json["tolerance"]["confidence_rel"].as_f64();
        let tolerance = tolerance.expect("a tolerance");
        compare(case, &candidates, name, of, |stated| {
            tolerance * stated.abs()
        })?;
    }
    let tokens = ids(&case.json["input"]["x"]);
    let is_masked = |it: &Candidate| tokens[it.at.index()] == case.special().mask;
    Ok(candidates.into_iter().filter(is_masked).collect())
}

/// Compares what was picked with the positions of a case.
fn positions(case: &Case, candidates: &[Candidate], picks: &[usize]) -> Verdict {
    let mut got: Vec<TokenId> = (picks.iter())
        .map(|&it| TokenId(candidates[it].at.0))
        .collect();
    got.sort_unstable();
    let mut expected = ids(&case.json["expected"]["transfer_positions"]);
    expected.sort_unstable();
    same("positions", &got, &expected)
}

/// One selection of an entropy bound, in the order of confidences.
pub(crate) fn eb_select(case: &Case, _: &Models) -> Verdict {
    let figures: [Figure; 2] = [
        ("confidence", |it| it.confidence),
        ("entropy", |it| it.entropy),
    ];
    let masked = masked(case, &figures)?;
    let (bound, least) = (case.number("value"), case.count("min_transfer_tokens"));
    let picks = entropy_bound(&masked, EntropyOrder::Confidence, bound, least);
    positions(case, &masked, &picks)
}

/// What an entropy bound takes in the order of entropies, step by step. The rest of such a step, random tokens in place of
/// masks, is of a family that is not run.
pub(crate) fn dgemma_sampler(case: &Case, _: &Models) -> Verdict {
    let logits = case.need("logits");
    let steps = case.json["expected"]["steps"].as_array();
    let (least, most) = (case.number("t_min"), case.number("t_max"));
    let params = Params {
        confidence_type: ConfidenceType::F64,
        ..Params::default()
    };
    for (index, step) in steps.expect("a list of steps").iter().enumerate() {
        let left = step["cur_step"].as_f64().expect("a count");
        let left = left / case.number("max_denoising_steps");
        let temperature = least + (most - least) * left;
        let rows = logits.at(&[index]).iter();
        let mut rows: Vec<f32> = rows.map(|it| (it / temperature) as f32).collect();
        let candidates = judged(case, &mut rows, logits.shape[1], &params);
        let bound = case.number("entropy_bound");
        let mut taken = vec![TokenId(0); candidates.len()];
        for pick in entropy_bound(&candidates, EntropyOrder::Entropy, bound, 1) {
            taken[candidates[pick].at.index()] = TokenId(1);
        }
        let what = format!("what step {index} takes");
        same(&what, &taken, &ids(&step["accepted_mask"]))?;
    }
    Ok(())
}

/// One selection of d2Cache's by threshold or factor. Of a factor that every rank meets it leaves the last rank out.
pub(crate) fn threshold_select(case: &Case, _: &Models) -> Verdict {
    let masked = masked(case, &[("confidence", |it| it.confidence)])?;
    let (value, remasking) = (case.number("value"), Remasking::LowConfidence);
    let count = match case.json["settings"]["rule"].as_str() {
        Some("threshold") => threshold(&masked, remasking, value).len(),
        Some("factor") => {
            let count = factor(&masked, remasking, value).len();
            count.min(masked.len() - 1)
        }
        other => panic!("no rule {other:?}"),
    };
    let picks = best(&masked, count.max(case.count("min_transfer_tokens")));
    positions(case, &masked, &picks)
}

/// One selection of dInfer's hierarchical decoding.
pub(crate) fn hierarchy_select(case: &Case, _: &Models) -> Verdict {
    let masked = masked(case, &[])?;
    let number = |name: &str| case.json["settings"][name].as_f64();
    let bounds = Hierarchy {
        threshold: number("threshold"),
        low: number("low_threshold"),
    };
    let picks = hierarchy(&masked, bounds);
    let mut tokens = ids(&case.json["input"]["x"]);
    for &pick in &picks {
        tokens[masked[pick].at.index()] = masked[pick].token;
    }
    same("the canvas", &tokens, &ids(&case.json["expected"]["x"]))?;
    positions(case, &masked, &picks)
}

/// One selection of LocalLeap.
pub(crate) fn localleap_select(case: &Case, _: &Models) -> Verdict {
    let masked = masked(case, &[])?;
    let leap = LocalLeap {
        anchor: case.number("anchor_threshold"),
        relaxed: case.number("relaxed_threshold"),
        radius: case.count("radius"),
    };
    let picks = local_leap(&masked, case.count("num_transfer_tokens"), leap);
    positions(case, &masked, &picks)
}

/// Dream's times, and how many tokens its steps write.
pub(crate) fn dream_schedule(case: &Case, _: &Models) -> Verdict {
    let (items, expected) = (&case.json["input"]["items"], &case.json["expected"]);
    for (at, item) in items.as_array().expect("items").iter().enumerate() {
        let number = |name: &str| item[name].as_u64().expect("a count") as usize;
        let eps = item["eps"].as_f64().expect("a time");
        let steps = NonZeroUsize::new(number("steps")).expect("cases have steps");
        let times = expected["timesteps"][at].as_array().expect("times");
        for (index, stated) in times.iter().enumerate() {
            let (got, stated) = (
                timestep(eps, steps, index),
                stated.as_f64().expect("a time"),
            );
            if (f64::from(got) - stated).abs() > 1.2e-7 {
                return Err(format!(
                    "time {index} of item {at} is {got}, expected {stated}"
                ));
            }
        }
        let mut left = number("masks");
        let mut counts = Vec::new();
        for step in 0..steps.get() {
            let count = (left as f32 * timestep_share(eps, steps, step)) as usize;
            counts.push(TokenId(count as u32));
            left -= count;
        }
        same("counts", &counts, &ids(&expected["counts"][at]))?;
    }
    Ok(())
}

/// Dream's `sample_tokens` at temperature 0: what its algorithms rank by, after its filters of the logits.
pub(crate) fn dream_sample_tokens(case: &Case, _: &Models) -> Verdict {
    let logits = case.need("logits");
    let mut rows: Vec<f32> = logits.values.iter().map(|&logit| logit as f32).collect();
    let remasking = match (case.flag("neg_entropy"), case.flag("margin_confidence")) {
        (true, _) => Remasking::Entropy,
        (false, true) => Remasking::Margin,
        (false, false) => Remasking::LowConfidence,
    };
    let tolerance = case.json["tolerance"]["confidence_abs"].as_f64();
    let tolerance = tolerance.expect("a tolerance");
    let settings = &case.json["settings"];
    let params = Params {
        remasking,
        confidence_type: ConfidenceType::F64,
        top_p: settings["top_p"].as_f64(),
        top_k: settings["top_k"].as_u64().map(|k| k as usize),
        ..Params::default()
    };
    let candidates = judged(case, &mut rows, logits.shape[0], &params);
    compare(
        case,
        &candidates,
        "confidence",
        |it| it.score,
        |_| tolerance,
    )
}
