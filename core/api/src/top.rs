use crate::TokenId;

/// The `k` best of each wanted row, with what a sampler needs to know of the rest.
///
/// A backend that has `TOPK_OUTPUT` fills it on its device, so that rows of 126,464 scores need not be moved.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct TopRows {
    // Invariant: ids and logits have rows * k entries, log_sum_exp and entropy have rows.
    k: usize,
    ids: Vec<TokenId>,
    logits: Vec<f32>,
    log_sum_exp: Vec<f32>,
    entropy: Vec<f32>,
}

impl TopRows {
    /// Shapes the buffers for `rows` rows of `k`, keeping their allocations; the contents are unspecified.
    pub fn reset(&mut self, rows: usize, k: usize) {
        self.k = k;
        self.ids.resize(rows * k, TokenId(0));
        self.logits.resize(rows * k, 0.0);
        self.log_sum_exp.resize(rows, 0.0);
        self.entropy.resize(rows, 0.0);
    }

    /// Number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.log_sum_exp.len()
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

    /// `ln Σ exp(logit)` over the whole vocabulary of row `index`.
    #[must_use]
    pub fn log_sum_exp(&self, index: usize) -> f32 {
        self.log_sum_exp[index]
    }

    /// `-Σ p ln p` of row `index`, in nat, 0 and up.
    #[must_use]
    pub fn entropy(&self, index: usize) -> f32 {
        self.entropy[index]
    }

    /// The buffers as a backend sees them.
    pub fn view(&mut self) -> TopMut<'_> {
        TopMut {
            k: self.k,
            ids: &mut self.ids,
            logits: &mut self.logits,
            log_sum_exp: &mut self.log_sum_exp,
            entropy: &mut self.entropy,
        }
    }
}

/// Caller-owned buffers that a backend with `TOPK_OUTPUT` fills whole; see [`TopRows`] for what each means.
#[derive(Debug)]
pub struct TopMut<'a> {
    /// Entries per row, at most the vocabulary.
    pub k: usize,
    /// `[wanted, k]`, best first.
    pub ids: &'a mut [TokenId],
    /// `[wanted, k]`, in the order of `ids`.
    pub logits: &'a mut [f32],
    /// `[wanted]`.
    pub log_sum_exp: &'a mut [f32],
    /// `[wanted]`, nat.
    pub entropy: &'a mut [f32],
}
