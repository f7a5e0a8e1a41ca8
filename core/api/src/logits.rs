/// Scores of shape `[rows, vocab]`, row-major, unnormalised; the host's buffer, kept between steps.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Logits {
    // Invariant: scores.len() is a multiple of vocab.
    vocab: usize,
    scores: Vec<f32>,
}

impl Logits {
    /// Shapes the buffer to `[rows, vocab]`, keeping its allocation; the contents are unspecified.
    pub fn reset(&mut self, rows: usize, vocab: usize) {
        self.vocab = vocab;
        self.scores.resize(rows * vocab, 0.0);
    }

    /// Number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.scores.len().checked_div(self.vocab).unwrap_or(0)
    }

    /// Width of a row.
    #[must_use]
    pub fn vocab(&self) -> usize {
        self.vocab
    }

    /// Row `index`, of `vocab` scores.
    ///
    /// # Panics
    /// If `index` is not below [`rows`](Self::rows).
    #[must_use]
    pub fn row(&self, index: usize) -> &[f32] {
        &self.scores[index * self.vocab..][..self.vocab]
    }

    /// All scores, row after row.
    #[must_use]
    pub fn scores(&self) -> &[f32] {
        &self.scores
    }

    /// The buffer as a backend sees it.
    pub fn view(&mut self) -> LogitsMut<'_> {
        LogitsMut {
            vocab: self.vocab,
            scores: &mut self.scores,
        }
    }
}

/// A caller-owned buffer of shape `[rows, vocab]` that a backend fills whole, in the order of the rows asked for.
#[derive(Debug)]
pub struct LogitsMut<'a> {
    /// Width of a row.
    pub vocab: usize,
    /// `rows * vocab` scores, row-major; every one must be written.
    pub scores: &'a mut [f32],
}
