//! The output of a pass, kept where MLX computed it, and its short form made there.

use mlx_rs::error::Result;
use mlx_rs::ops::indexing::argmax_axis;
use mlx_rs::{Array, ops, transforms};
use unmask_sdk::output::KeptLogits;
use unmask_sdk::{BackendError, RowSummary, TokenId, TopMut, TopRequest};

use crate::device::failed;

/// Above so many, looking for the best one by one costs more than reading the rows.
const MOST: usize = 16;
/// Numbers that are summed in f32; the sums of these are summed in f64.
const CHUNK: usize = 512;
/// Below the best by so much, a share is 0 in f32.
const FLOOR: f32 = -1e4;

/// What the last pass left.
pub(crate) enum PassOutput {
    /// It failed, or there was none.
    Absent,
    /// No row was wanted.
    Empty,
    /// Logits of the wanted rows, `[rows, vocab]` in f32, computed.
    Logits(Array),
}

impl PassOutput {
    /// The logits where they are: the processor reads the memory of all devices that MLX has.
    pub(crate) fn kept(&self, vocab: usize) -> std::result::Result<KeptLogits<'_>, BackendError> {
        let scores = match self {
            Self::Absent => None,
            Self::Empty => Some(&[][..]),
            Self::Logits(logits) => Some(logits.try_as_slice::<f32>().map_err(failed)?),
        };
        KeptLogits::of(scores, vocab)
    }

    /// Answers `Session::read_top`.
    pub(crate) fn top(
        &self,
        vocab: usize,
        request: &TopRequest<'_>,
        out: TopMut<'_>,
    ) -> std::result::Result<(), BackendError> {
        let kept = self.kept(vocab)?;
        kept.check_top(request)?;
        let made = match self {
            Self::Logits(logits) if out.k <= MOST && !request.rows.is_empty() => {
                summaries(logits, request, out.k).map_err(failed)?
            }
            Self::Absent | Self::Empty | Self::Logits(_) => vec![None; request.rows.len()],
        };
        let summary = |(made, row): (Option<RowSummary>, &u32)| {
            made.unwrap_or_else(|| kept.summary(*row, request, out.k))
        };
        let summaries: Vec<_> = made.into_iter().zip(request.rows).map(summary).collect();
        kept.put_top(&summaries, request, out);
        Ok(())
    }
}

/// The short form of the rows asked for; `None` for those that hold other than finite numbers where it matters.
fn summaries(
    logits: &Array,
    request: &TopRequest<'_>,
    k: usize,
) -> Result<Vec<Option<RowSummary>>> {
    let lowest = Array::from_f32(f32::NEG_INFINITY);
    let rows = Array::from_slice(request.rows, &[request.rows.len() as i32]);
    let mut rest = banned(&logits.take_axis(rows, 0)?, request.banned, &lowest)?;
    let (mut best, mut sums) = (Vec::new(), None);
    for _ in 0..k {
        // The first of equals, which is the lower id.
        let ids = argmax_axis(&rest, -1, true)?;
        let scores = rest.take_along_axis(&ids, -1)?;
        rest = rest.put_along_axis(&ids, &lowest, -1)?;
        if sums.is_none() {
            sums = Some(Sums::new(&rest, &scores)?);
        }
        best.push((ids, scores));
    }
    let Some(sums) = sums else {
        return Ok(vec![None; request.rows.len()]);
    };
    let arrays = best.iter().flat_map(|(ids, scores)| [ids, scores]);
    transforms::eval(arrays.chain([&sums.others, &sums.weighted]))?;
    let of_row = |row: usize| {
        let best = best.iter().map(|(ids, scores)| {
            let (ids, scores) = (ids.as_slice::<u32>(), scores.as_slice::<f32>());
            (TokenId(ids[row]), scores[row])
        });
        sums.summary(row, best.collect())
    };
    Ok((0..request.rows.len()).map(of_row).collect())
}

/// `rows` with `lowest` at the ids that are banned.
fn banned(rows: &Array, ids: &[TokenId], lowest: &Array) -> Result<Array> {
    if ids.is_empty() {
        return Ok(rows.clone());
    }
    let vocab = rows.shape()[1];
    let mut is_banned = vec![false; vocab as usize];
    for id in ids.iter().filter(|id| id.index() < vocab as usize) {
        is_banned[id.index()] = true;
    }
    ops::select(Array::from_slice(&is_banned, &[vocab]), lowest, rows)
}

/// Sums over all ids but the best and the banned ones, `[rows, chunks]` each.
struct Sums {
    /// `Σ exp(l − best)`
    others: Array,
    /// `Σ (l − best) exp(l − best)`
    weighted: Array,
}

impl Sums {
    /// `rest` are the rows without their best, whose logits are `best`, `[rows, 1]`.
    fn new(rest: &Array, best: &Array) -> Result<Self> {
        let below = ops::maximum(rest.subtract(best)?, Array::from_f32(FLOOR))?;
        let shares = below.exp()?;
        Ok(Self {
            weighted: chunked(&shares.multiply(&below)?)?,
            others: chunked(&shares)?,
        })
    }

    fn summary(&self, row: usize, best: Vec<(TokenId, f32)>) -> Option<RowSummary> {
        let sum = |chunks: &Array| {
            let width = chunks.shape()[1] as usize;
            let chunks = &chunks.as_slice::<f32>()[row * width..][..width];
            chunks.iter().map(|sum| f64::from(*sum)).sum::<f64>()
        };
        let (tail, weighted) = (sum(&self.others), sum(&self.weighted));
        let is_finite = best.iter().all(|(_, logit)| logit.is_finite()) && tail.is_finite();
        is_finite.then(|| RowSummary {
            best,
            tail,
            entropy: (tail.ln_1p() - weighted / (1.0 + tail)).max(0.0),
        })
    }
}

/// The sums of every [`CHUNK`] numbers of a row.
fn chunked(numbers: &Array) -> Result<Array> {
    let (rows, count) = (numbers.shape()[0], numbers.shape()[1]);
    let whole = (count as usize).next_multiple_of(CHUNK) as i32;
    let filled = ops::pad(numbers, &[(0, 0), (0, whole - count)][..], None, None)?;
    let chunks = filled.reshape(&[rows, -1, CHUNK as i32])?;
    chunks.sum_axis(-1, false)
}
