//! What a plugin returns is not trusted: these are the tests it must pass.

use unmask_api::abi::{DeviceRow, FactsRow, kind};
use unmask_api::{BackendError, Capabilities, Device, DeviceKind, ModelFacts, TokenId, TopMut};

/// No vocabulary is larger; a row of logits then takes 64 MiB.
const LARGEST_VOCABULARY: u32 = 1 << 24;
/// Rounding that a log-sum-exp or an entropy may show.
const ROUNDING: f32 = 1e-3;

/// The facts in `row`, for the backend named `backend`.
pub(super) fn facts(backend: &str, row: &FactsRow) -> Result<ModelFacts, BackendError> {
    let wrong = |what: String| Err(BackendError::Device(format!("{backend} {what}")));
    if !(1..=LARGEST_VOCABULARY).contains(&row.vocab) {
        return wrong(format!(
            "loaded a model with a vocabulary of {}, which cannot be; try another backend",
            row.vocab
        ));
    }
    if row.max_positions == 0 {
        return wrong("loaded a model for 0 positions; try another backend".to_owned());
    }
    let known = Capabilities::NAMES
        .iter()
        .fold(0, |bits, (bit, _)| bits | bit.0);
    Ok(ModelFacts {
        vocab: row.vocab as usize,
        max_positions: row.max_positions,
        memory_bytes: row.memory_bytes,
        precision: row.precision.read(),
        capabilities: Capabilities(row.capabilities & known),
        notes: row.notes.read(),
    })
}

/// The device in `row`.
pub(super) fn device(row: &DeviceRow) -> Device {
    let precisions = row.precisions.read();
    Device {
        id: row.id.read(),
        name: row.name.read(),
        kind: match row.kind {
            kind::CPU => DeviceKind::Cpu,
            kind::GPU => DeviceKind::Gpu,
            _ => DeviceKind::Accelerator,
        },
        total_bytes: row.total_bytes,
        free_bytes: row.free_bytes,
        precisions: precisions
            .split(',')
            .map(|name| name.trim().to_owned())
            .filter(|name| !name.is_empty())
            .collect(),
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
        "{backend} gave {what} at row {row}; try precision f32 or another backend"
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

/// Tests ids, order and numbers of the best of each row; entropies a rounding below 0 become 0.
pub(super) fn top(backend: &str, vocab: usize, out: &mut TopMut<'_>) -> Result<(), BackendError> {
    let k = out.k;
    for row in 0..out.log_sum_exp.len() {
        let (ids, logits) = (&out.ids[row * k..][..k], &out.logits[row * k..][..k]);
        let (sum, entropy) = (out.log_sum_exp[row], &mut out.entropy[row]);
        if !all_finite(logits) || !sum.is_finite() || !entropy.is_finite() {
            return Err(not_finite(
                backend,
                row,
                &[sum, *entropy, logits.iter().sum()],
            ));
        }
        let wrong = |what: String| {
            Err(BackendError::Device(format!(
                "{backend} gave a wrong top-{k} at row {row}: {what}; try another backend"
            )))
        };
        if let Some(id) = ids.iter().find(|id| id.index() >= vocab) {
            return wrong(format!("id {} is outside the vocabulary of {vocab}", id.0));
        }
        if !is_sorted(ids, logits) {
            return wrong("it is not sorted, best first, ties by lower id".to_owned());
        }
        let least = logits.first().copied().unwrap_or(sum);
        if sum < least - ROUNDING * least.abs().max(1.0) || *entropy < -ROUNDING {
            return wrong(format!(
                "log-sum-exp {sum} with best logit {least}, entropy {entropy}"
            ));
        }
        *entropy = entropy.max(0.0);
    }
    Ok(())
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
        let nan = "toy gave NaN at row 1; try precision f32 or another backend";
        let infinity = "toy gave infinity at row 0; try precision f32 or another backend";
        check_logits(&[0.0, 0.0, 1.0, f32::NAN], Some(nan));
        check_logits(&[0.0, 0.0, -f32::NAN, 1.0], Some(nan));
        check_logits(&[0.0, f32::INFINITY, 1.0, f32::NAN], Some(infinity));
        check_logits(&[f32::NEG_INFINITY, 0.0], Some(infinity));
    }

    #[track_caller]
    fn check_top(ids: [u32; 2], logits: [f32; 2], log_sum_exp: f32, entropy: f32, good: bool) {
        let mut out = TopMut {
            k: 2,
            ids: &mut ids.map(TokenId),
            logits: &mut logits.clone(),
            log_sum_exp: &mut [log_sum_exp],
            entropy: &mut [entropy],
        };
        let result = top("toy", 8, &mut out);
        assert_eq!(result.is_ok(), good, "{result:?}");
        assert!(!good || out.entropy[0] >= 0.0);
    }

    #[test]
    fn a_top_is_sorted_in_range_and_finite() {
        check_top([3, 1], [2.0, 1.0], 2.4, 0.5, true);
        check_top([1, 3], [2.0, 2.0], 2.7, -1e-6, true);
        check_top([3, 1], [2.0, 2.0], 2.7, 0.5, false);
        check_top([3, 3], [2.0, 2.0], 2.7, 0.5, false);
        check_top([3, 1], [1.0, 2.0], 2.4, 0.5, false);
        check_top([3, 8], [2.0, 1.0], 2.4, 0.5, false);
        check_top([3, 1], [2.0, f32::NEG_INFINITY], 2.4, 0.5, false);
        check_top([3, 1], [2.0, 1.0], 1.0, 0.5, false);
        check_top([3, 1], [2.0, 1.0], f32::NAN, 0.5, false);
        check_top([3, 1], [2.0, 1.0], 2.4, -0.5, false);
    }
}
