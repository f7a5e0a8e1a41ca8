//! The output of a session's last pass, for backends that keep it as logits in memory.

use unmask_api::{BackendError, LogitsMut, RowSummary, TopMut, TopRequest};

/// Logits of the wanted rows of the last pass, `[rows, vocab]`, and how they are read.
///
/// ```
/// use unmask_sdk::output::KeptLogits;
/// use unmask_sdk::*;
///
/// let kept = KeptLogits::of(Some(&[0.0, 2.0, 1.0]), 3)?;
/// let request = TopRequest { rows: &[0], ..TopRequest::default() };
/// let mut top = TopRows::default();
/// top.reset(&request, 2);
/// // A backend with threads makes the summaries on all of them.
/// kept.check_top(&request)?;
/// let summaries: Vec<_> = request.rows.iter().map(|&row| kept.summary(row, &request, 2)).collect();
/// kept.put_top(&summaries, &request, top.view());
/// assert_eq!(top.ids(0), [TokenId(1), TokenId(2)]);
/// # Ok::<(), BackendError>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct KeptLogits<'a> {
    vocab: usize,
    logits: &'a [f32],
}

impl<'a> KeptLogits<'a> {
    /// What was kept, `[rows, vocab]`; `None` if no pass has succeeded last.
    ///
    /// # Errors
    /// [`BackendError::Invalid`] for `None`.
    pub fn of(logits: Option<&'a [f32]>, vocab: usize) -> Result<Self, BackendError> {
        match logits {
            Some(logits) => Ok(Self { vocab, logits }),
            None => Err(BackendError::Invalid(
                "there is no output to read: no pass has succeeded last".to_owned(),
            )),
        }
    }

    /// Answers `Session::read_logits`.
    ///
    /// # Errors
    /// [`BackendError::Invalid`] if `rows` are beyond the pass.
    pub fn read_logits(&self, rows: &[u32], out: LogitsMut<'_>) -> Result<(), BackendError> {
        self.check(rows)?;
        for (&row, out) in rows.iter().zip(out.scores.chunks_exact_mut(self.vocab)) {
            out.copy_from_slice(self.row(row));
        }
        Ok(())
    }

    /// Tells whether `Session::read_top` can be answered.
    ///
    /// # Errors
    /// [`BackendError::Invalid`] if rows are beyond the pass; [`BackendError::Unsupported`] for a divergence.
    pub fn check_top(&self, request: &TopRequest<'_>) -> Result<(), BackendError> {
        if request.divergence {
            return Err(BackendError::Unsupported(
                "this backend remembers no distributions to diverge from".to_owned(),
            ));
        }
        self.check(request.rows)
    }

    /// The short form of row `row` of those kept, which [`check_top`](Self::check_top) has accepted. Inlined, as
    /// [`RowSummary::of`] is.
    #[must_use]
    #[inline(always)]
    pub fn summary(&self, row: u32, request: &TopRequest<'_>, k: usize) -> RowSummary {
        RowSummary::of(self.row(row), request.banned, k)
    }

    /// Answers `Session::read_top` with the summaries of the rows asked for, in their order.
    pub fn put_top(&self, summaries: &[RowSummary], request: &TopRequest<'_>, mut out: TopMut<'_>) {
        for (index, (summary, &row)) in summaries.iter().zip(request.rows).enumerate() {
            out.put(index, summary, self.row(row), request);
        }
    }

    #[inline(always)]
    fn row(&self, row: u32) -> &'a [f32] {
        &self.logits[row as usize * self.vocab..][..self.vocab]
    }

    fn check(&self, rows: &[u32]) -> Result<(), BackendError> {
        let kept = self.logits.len() / self.vocab;
        match rows.iter().find(|&&row| row as usize >= kept) {
            None => Ok(()),
            Some(row) => Err(BackendError::Invalid(format!(
                "row {row} is beyond the {kept} rows of the last pass"
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use unmask_api::{Logits, TokenId, TopRows};

    use super::*;

    const LOGITS: [f32; 6] = [0.0, 2.0, 1.0, 5.0, 3.0, 4.0];

    #[test]
    fn rows_are_read_in_any_number_and_whole() {
        let kept = KeptLogits::of(Some(&LOGITS), 3).expect("a pass succeeded");
        let mut out = Logits::default();
        for rows in [&[1][..], &[0, 1], &[]] {
            out.reset(rows.len(), 3);
            kept.read_logits(rows, out.view()).expect("they are kept");
            for (index, &row) in rows.iter().enumerate() {
                assert_eq!(out.row(index), &LOGITS[row as usize * 3..][..3]);
            }
        }
    }

    #[test]
    fn a_row_in_short_form_leaves_the_banned_out_and_has_the_asked() {
        let kept = KeptLogits::of(Some(&LOGITS), 3).expect("a pass succeeded");
        let request = TopRequest {
            rows: &[1],
            banned: &[TokenId(0)],
            asked: &[TokenId(0), TokenId(1)],
            divergence: false,
        };
        let mut top = TopRows::default();
        top.reset(&request, 1);
        kept.put_top(&[kept.summary(1, &request, 1)], &request, top.view());
        assert_eq!(
            (top.ids(0), top.asked(0)),
            (&[TokenId(2)][..], &[5.0, 3.0][..])
        );
        assert!((top.tail(0) - (-1.0_f64).exp()).abs() < 1e-12);
    }

    #[test]
    fn what_is_not_there_is_named() {
        let error = KeptLogits::of(None, 3).expect_err("no pass succeeded");
        assert!(error.to_string().contains("no pass has succeeded"));
        let kept = KeptLogits::of(Some(&LOGITS), 3).expect("a pass succeeded");
        let error = kept.read_logits(&[0, 2], Logits::default().view());
        let error = error.expect_err("there are two").to_string();
        assert_eq!(error, "row 2 is beyond the 2 rows of the last pass");
        let diverge = TopRequest {
            divergence: true,
            ..TopRequest::default()
        };
        let error = kept.check_top(&diverge).expect_err("nothing is remembered");
        assert!(matches!(error, BackendError::Unsupported(_)));
    }
}
