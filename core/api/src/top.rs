use crate::{RowSummary, TokenId};

/// Which rows of a pass's output are read in short form, and what of them.
#[derive(Debug, Clone, Copy, Default)]
pub struct TopRequest<'a> {
    /// Indices into the pass's `wanted`, strictly ascending.
    pub rows: &'a [u32],
    /// Ids that count as if their logits were minus infinity: among the best, in `tail` and in `entropy`. Strictly
    /// ascending, fewer than the vocabulary has.
    pub banned: &'a [TokenId],
    /// `[rows, asked per row]`: ids whose logits are wanted, banned ones too.
    pub asked: &'a [TokenId],
    /// Whether the divergence from each cell's earlier row is asked for, and this row remembered for the next time.
    pub divergence: bool,
}

impl TopRequest<'_> {
    /// Asked ids per row.
    #[must_use]
    pub fn asked_per_row(&self) -> usize {
        self.asked.len().checked_div(self.rows.len()).unwrap_or(0)
    }
}

/// The `k` best of each row that was read, with what a sampler needs to know of the rest.
///
/// Confidences follow from it without loss: with `best` the logit of the best id, `p(v) = exp(l(v) − best) / (1 + tail)`.
/// `tail` leaves the best itself out, so that a confidence near 1 is as exact as its distance from 1.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct TopRows {
    // Invariant: ids and logits have rows * k entries, asked has rows * asked_per_row, the others have rows; divergence may
    // be empty.
    k: usize,
    asked_per_row: usize,
    ids: Vec<TokenId>,
    logits: Vec<f32>,
    tail: Vec<f64>,
    entropy: Vec<f64>,
    asked: Vec<f32>,
    divergence: Vec<f64>,
}

impl TopRows {
    /// Shapes the buffers for the answer to `request` with `k` entries a row, keeping their allocations; the contents are
    /// unspecified.
    pub fn reset(&mut self, request: &TopRequest<'_>, k: usize) {
        let rows = request.rows.len();
        self.k = k;
        self.asked_per_row = request.asked_per_row();
        self.ids.resize(rows * k, TokenId(0));
        self.logits.resize(rows * k, 0.0);
        self.tail.resize(rows, 0.0);
        self.entropy.resize(rows, 0.0);
        self.asked.resize(request.asked.len(), 0.0);
        let remembered = if request.divergence { rows } else { 0 };
        self.divergence.resize(remembered, 0.0);
    }

    /// Number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.tail.len()
    }

    /// Entries per row.
    #[must_use]
    pub fn k(&self) -> usize {
        self.k
    }

    /// Ids of row `index`, best first, ties by lower id.
    #[must_use]
    pub fn ids(&self, index: usize) -> &[TokenId] {
        &self.ids[index * self.k..][..self.k]
    }

    /// Logits of row `index`, in the order of [`ids`](Self::ids).
    #[must_use]
    pub fn logits(&self, index: usize) -> &[f32] {
        &self.logits[index * self.k..][..self.k]
    }

    /// `Σ exp(l(v) − best)` of row `index` over all ids but the best and the banned ones; 0 and up.
    #[must_use]
    pub fn tail(&self, index: usize) -> f64 {
        self.tail[index]
    }

    /// `−Σ p ln p` of row `index` over the ids that are not banned, in nat, 0 and up.
    #[must_use]
    pub fn entropy(&self, index: usize) -> f64 {
        self.entropy[index]
    }

    /// Logits of the asked ids of row `index`, in their order.
    #[must_use]
    pub fn asked(&self, index: usize) -> &[f32] {
        &self.asked[index * self.asked_per_row..][..self.asked_per_row]
    }

    /// `Σ p ln(p / p₀)` in nat of row `index`, `p₀` being of the row that was remembered for its cell, both among the ids that
    /// are not banned; infinite if nothing was remembered or the row has no cell. `None` unless it was asked for.
    #[must_use]
    pub fn divergence(&self, index: usize) -> Option<f64> {
        self.divergence.get(index).copied()
    }

    /// The natural logarithm of the softmax probability of an id of row `index` whose logit is `logit`.
    #[must_use]
    pub fn log_probability(&self, index: usize, logit: f32) -> f64 {
        f64::from(logit) - f64::from(self.logits(index)[0]) - self.tail[index].ln_1p()
    }

    /// The softmax probability of an id of row `index` whose logit is `logit`.
    #[must_use]
    pub fn probability(&self, index: usize, logit: f32) -> f64 {
        (f64::from(logit) - f64::from(self.logits(index)[0])).exp() / (1.0 + self.tail[index])
    }

    /// The buffers as a backend sees them.
    pub fn view(&mut self) -> TopMut<'_> {
        TopMut {
            k: self.k,
            ids: &mut self.ids,
            logits: &mut self.logits,
            tail: &mut self.tail,
            entropy: &mut self.entropy,
            asked: &mut self.asked,
            divergence: &mut self.divergence,
        }
    }
}

/// Caller-owned buffers that a backend with `TOPK_OUTPUT` fills whole; see [`TopRows`] for what each means.
#[derive(Debug)]
pub struct TopMut<'a> {
    /// Entries per row, 1 to the ids that are not banned.
    pub k: usize,
    /// `[rows, k]`, best first, ties by lower id; none of them banned.
    pub ids: &'a mut [TokenId],
    /// `[rows, k]`, in the order of `ids`.
    pub logits: &'a mut [f32],
    /// `[rows]`; within 1e-5 of the sum in relative terms, or within 1e-10.
    pub tail: &'a mut [f64],
    /// `[rows]`, nat; within 1e-5 of it in relative terms, or within 1e-6.
    pub entropy: &'a mut [f64],
    /// `[rows, asked per row]`: logits of the asked ids.
    pub asked: &'a mut [f32],
    /// `[rows]`, nat, within 1e-4 of it in relative terms, or within 1e-5; empty if it was not asked for.
    pub divergence: &'a mut [f64],
}

impl TopMut<'_> {
    /// Writes row `index` of the answer to `request` from its whole logits, `[vocab]`, and their summary with
    /// `request.banned` and `k`; all but the divergence.
    pub fn put(
        &mut self,
        index: usize,
        summary: &RowSummary,
        logits: &[f32],
        request: &TopRequest<'_>,
    ) {
        for rank in 0..self.k {
            // Where nothing but NaN is left, NaN is told.
            let best = summary.best.get(rank).copied();
            let (id, logit) = best.unwrap_or((TokenId(0), f32::NAN));
            self.ids[index * self.k + rank] = id;
            self.logits[index * self.k + rank] = logit;
        }
        self.tail[index] = summary.tail;
        self.entropy[index] = summary.entropy;
        let asked = request.asked_per_row();
        for place in index * asked..(index + 1) * asked {
            self.asked[place] = logits[request.asked[place].index()];
        }
    }
}
