//! What a plugin returns is not trusted: these are the tests it must pass.

use std::path::Path;

use unmask_api::abi::Collected;
use unmask_api::{BackendError, Capabilities, ModelFacts, TokenId, TopMut, TopRequest};

/// No vocabulary is larger; a row of logits then takes 64 MiB.
const LARGEST_VOCABULARY: usize = 1 << 24;
/// Rounding that a tail, an entropy or a divergence may show, in relative terms where it is above 1.
const ROUNDING: f64 = 1e-3;

/// The text of a path, as it crosses the border.
pub(super) fn utf8(path: &Path) -> Result<&str, BackendError> {
    path.to_str().ok_or_else(|| {
        BackendError::Unsupported(format!(
            "the path {} is not UTF-8; move it to a folder whose name is",
            path.display()
        ))
    })
}

/// What the backend named `backend` says of a model, if it can be; claims that nobody knows are left out.
pub(super) fn facts(backend: &str, facts: ModelFacts) -> Result<ModelFacts, BackendError> {
    let wrong = |what: String| Err(BackendError::Device(format!("{backend} {what}")));
    if !(1..=LARGEST_VOCABULARY).contains(&facts.vocab) {
        return wrong(format!(
            "loaded a model with a vocabulary of {}, which cannot be; try another backend",
            facts.vocab
        ));
    }
    if facts.max_positions == 0 {
        return wrong("loaded a model for 0 positions; try another backend".to_owned());
    }
    let known = Capabilities::NAMES
        .iter()
        .fold(0, |bits, (bit, _)| bits | bit.0);
    Ok(ModelFacts {
        capabilities: Capabilities(facts.capabilities.0 & known),
        ..facts
    })
}

/// The texts of a list, all of them.
pub(super) fn whole(
    backend: &str,
    what: &str,
    list: Collected,
) -> Result<Vec<String>, BackendError> {
    match list.overflowed {
        false => Ok(list.texts),
        true => Err(BackendError::Device(format!(
            "{backend} has more {what} than can be meant; try another backend"
        ))),
    }
}

/// Tests that every score of `[rows, vocab]` is finite; a backend has no use for minus infinity either.
pub(super) fn logits(backend: &str, vocab: usize, scores: &[f32]) -> Result<(), BackendError> {
    match scores.chunks_exact(vocab).position(|row| !all_finite(row)) {
        Some(row) => Err(not_finite(backend, row, &scores[row * vocab..][..vocab])),
        None => Ok(()),
    }
}

fn not_finite(backend: &str, row: usize, scores: &[f32]) -> BackendError {
    let what = if scores.iter().any(|score| score.is_nan()) {
        "NaN"
    } else {
        "infinity"
    };
    BackendError::Device(format!(
        "{backend} gave {what} at row {row}; try precision f32, or fetch the checkpoint again if that is what it computes in"
    ))
}

/// True if no exponent is all ones. Without a branch a score, so that it is as fast as memory.
fn all_finite(scores: &[f32]) -> bool {
    let flags = scores.iter().fold(0_u32, |flags, score| {
        // Without its sign, and one exponent further: only NaN and infinity carry into the highest bit.
        flags | ((score.to_bits() & 0x7fff_ffff) + 0x0080_0000)
    });
    flags & 0x8000_0000 == 0
}

/// Tests ids, order and numbers of the best of each row; numbers a rounding below 0 become 0.
pub(super) fn top(
    backend: &str,
    vocab: usize,
    request: &TopRequest<'_>,
    out: &mut TopMut<'_>,
) -> Result<(), BackendError> {
    let (k, asked) = (out.k, request.asked_per_row());
    for row in 0..request.rows.len() {
        let (ids, logits) = (&out.ids[row * k..][..k], &out.logits[row * k..][..k]);
        let asked = &out.asked[row * asked..][..asked];
        let (tail, entropy) = (&mut out.tail[row], &mut out.entropy[row]);
        if let Some(scores) = [logits, asked].into_iter().find(|it| !all_finite(it)) {
            return Err(not_finite(backend, row, scores));
        }
        if tail.is_nan() {
            return Err(not_finite(backend, row, &[f32::NAN]));
        }
        let wrong = |what: String| {
            Err(BackendError::Device(format!(
                "{backend} gave a wrong top-{k} at row {row}: {what}; try another backend"
            )))
        };
        if let Some(id) = ids.iter().find(|id| id.index() >= vocab) {
            return wrong(format!("id {} is outside the vocabulary of {vocab}", id.0));
        }
        if let Some(id) = ids.iter().find(|id| request.banned.contains(id)) {
            return wrong(format!("id {} is banned", id.0));
        }
        if let Some(at) = (1..k).find(|&at| ids[..at].contains(&ids[at])) {
            return wrong(format!("id {} is listed twice", ids[at].0));
        }
        if !is_sorted(ids, logits) {
            return wrong("it is not sorted, best first, ties by lower id".to_owned());
        }
        if !is_tail(*tail, logits, vocab - request.banned.len()) {
            return wrong(format!("its tail of {tail} does not fit its best logits"));
        }
        let most = (vocab as f64).ln() + ROUNDING;
        if !(-ROUNDING..=most).contains(entropy) {
            return wrong(format!("its entropy is {entropy}"));
        }
        (*tail, *entropy) = (tail.max(0.0), entropy.max(0.0));
        if let Some(divergence) = out.divergence.get_mut(row) {
            if divergence.is_nan() || *divergence < -ROUNDING {
                return wrong(format!("its divergence is {divergence}"));
            }
            *divergence = divergence.max(0.0);
        }
    }
    Ok(())
}

/// True if `tail` lies between what the best logits alone give and what it could be if all others equalled the last of them.
fn is_tail(tail: f64, logits: &[f32], ids: usize) -> bool {
    let share = |logit: &f32| f64::from(logit - logits[0]).exp();
    let listed: f64 = logits[1..].iter().map(share).sum();
    let others = ids.saturating_sub(logits.len()) as f64;
    let most = listed + others * logits.last().map_or(1.0, share);
    let rounding = |sum: f64| ROUNDING * sum.max(1.0);
    (listed - rounding(listed)..=most + rounding(most)).contains(&tail)
}

fn is_sorted(ids: &[TokenId], logits: &[f32]) -> bool {
    let ordered = |at: usize| {
        let (better, worse) = (logits[at - 1], logits[at]);
        better > worse || (better == worse && ids[at - 1] < ids[at])
    };
    (1..ids.len()).all(ordered)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_logits(scores: &[f32], failure: Option<&str>) {
        let error = logits("toy", 2, scores)
            .err()
            .map(|error| error.to_string());
        assert_eq!(error.as_deref(), failure);
    }

    #[test]
    fn finite_scores_pass_to_their_limits() {
        check_logits(&[0.0, -0.0, f32::MAX, f32::MIN, 1e-45, -1e-45], None);
    }

    #[test]
    fn the_first_bad_row_is_named() {
        let nan = "toy gave NaN at row 1; try precision f32, or fetch the checkpoint again if that is what it computes in";
        let infinity = "toy gave infinity at row 0; try precision f32, or fetch the checkpoint again if that is what it computes in";
        check_logits(&[0.0, 0.0, 1.0, f32::NAN], Some(nan));
        check_logits(&[0.0, 0.0, -f32::NAN, 1.0], Some(nan));
        check_logits(&[0.0, f32::INFINITY, 1.0, f32::NAN], Some(infinity));
        check_logits(&[f32::NEG_INFINITY, 0.0], Some(infinity));
    }

    #[track_caller]
    fn check_top(ids: [u32; 2], logits: [f32; 2], tail: f64, entropy: f64, good: bool) {
        let mut out = TopMut {
            k: 2,
            ids: &mut ids.map(TokenId),
            logits: &mut logits.clone(),
            tail: &mut [tail],
            entropy: &mut [entropy],
            asked: &mut [],
            divergence: &mut [],
        };
        let request = TopRequest {
            rows: &[0],
            banned: &[TokenId(5)],
            ..TopRequest::default()
        };
        let result = top("toy", 8, &request, &mut out);
        assert_eq!(result.is_ok(), good, "{result:?}");
        assert!(!good || out.entropy[0] >= 0.0);
    }

    #[test]
    fn a_top_is_sorted_in_range_and_finite() {
        let share = (-1.0_f64).exp();
        check_top([3, 1], [2.0, 1.0], share, 0.5, true);
        check_top([1, 3], [2.0, 2.0], 1.0, -1e-6, true);
        check_top([3, 1], [2.0, 1.0], 6.0 * share, 1.9, true);
        check_top([3, 1], [2.0, 2.0], 1.0, 0.5, false);
        check_top([3, 3], [2.0, 2.0], 1.0, 0.5, false);
        check_top([3, 1], [1.0, 2.0], share, 0.5, false);
        check_top([3, 8], [2.0, 1.0], share, 0.5, false);
        check_top([3, 5], [2.0, 1.0], share, 0.5, false);
        check_top([3, 1], [2.0, f32::NEG_INFINITY], share, 0.5, false);
        check_top([3, 1], [2.0, 1.0], 0.2, 0.5, false);
        check_top([3, 1], [2.0, 1.0], 6.1 * share, 0.5, false);
        check_top([3, 1], [2.0, 1.0], f64::NAN, 0.5, false);
        check_top([3, 1], [2.0, 1.0], share, -0.5, false);
        check_top([3, 1], [2.0, 1.0], share, 9.0, false);
    }
}
