//! Passes as cases write them.

use std::ops::Range;

use unmask_api::{BackendError, CancelFlag, Cell, Logits, Pass, Position, Row, Session, TokenId};

/// A pass that owns its arrays.
#[derive(Debug, Clone, Default)]
pub struct OwnedPass {
    /// `Pass::rows`
    pub rows: Vec<Row>,
    /// `Pass::tokens`
    pub tokens: Vec<TokenId>,
    /// `Pass::positions`
    pub positions: Vec<Position>,
    /// `Pass::cells`
    pub cells: Vec<Cell>,
    /// `Pass::mask`
    pub mask: Option<Vec<u32>>,
    /// `Pass::wanted`
    pub wanted: Vec<u32>,
}

impl OwnedPass {
    /// One row in slot 0 that feeds `tokens` from position 0, wants all of them and keeps nothing.
    #[must_use]
    pub fn whole(tokens: &[u32]) -> Self {
        Self::default().and(0, tokens, 0..tokens.len() as u32)
    }

    /// As [`whole`](Self::whole), with every position kept in the cell of its number and attended to there.
    #[must_use]
    pub fn filling(slot: u32, tokens: &[u32]) -> Self {
        let all = 0..tokens.len() as u32;
        Self::default()
            .and(slot, tokens, all.clone())
            .kept_in(all.clone())
            .seeing(all)
    }

    /// With another row in `slot`: `tokens` at `positions`, one for each, without cells, all wanted.
    #[must_use]
    pub fn and(
        mut self,
        slot: u32,
        tokens: &[u32],
        positions: impl IntoIterator<Item = u32>,
    ) -> Self {
        let first = self.tokens.len() as u32;
        self.rows.push(Row {
            fed: tokens.len() as u32,
            slot,
            ..Row::default()
        });
        self.tokens.extend(tokens.iter().copied().map(TokenId));
        self.positions.extend(positions.into_iter().map(Position));
        self.cells.resize(self.tokens.len(), Cell::NONE);
        self.wanted.extend(first..self.tokens.len() as u32);
        self
    }

    /// The last row's tokens from its first are kept in these cells, one for each; `u32::MAX` is none.
    #[must_use]
    pub fn kept_in(mut self, cells: impl IntoIterator<Item = u32>) -> Self {
        let fed = self.rows.last().map_or(0, |row| row.fed as usize);
        let first = self.cells.len() - fed;
        for (own, cell) in self.cells[first..].iter_mut().zip(cells) {
            *own = Cell(cell);
        }
        self
    }

    /// The last row attends to the cells of `context`, beside what it feeds.
    #[must_use]
    pub fn seeing(mut self, context: Range<u32>) -> Self {
        if let Some(row) = self.rows.last_mut() {
            row.context = context;
        }
        self
    }

    /// The first `padding` tokens of the last row are left padding.
    #[must_use]
    pub fn padded(mut self, padding: u32) -> Self {
        if let Some(row) = self.rows.last_mut() {
            row.padding = padding;
        }
        self
    }

    /// With an explicit mask: `sees(fed, key)` of an index into `tokens` and one into the keys of its row.
    #[must_use]
    pub fn masked(mut self, sees: impl Fn(usize, usize) -> bool) -> Self {
        let mut mask = Vec::new();
        let mut first = 0;
        for row in &self.rows {
            let fed = first..first + row.fed as usize;
            first = fed.end;
            let keys = row.n_keys(&self.cells[fed.clone()]);
            for query in fed {
                let mut words = vec![0; keys.div_ceil(32)];
                for key in (0..keys).filter(|&key| sees(query, key)) {
                    words[key / 32] |= 1 << (key % 32);
                }
                mask.append(&mut words);
            }
        }
        self.mask = Some(mask);
        self
    }

    /// Wanting only `wanted`.
    #[must_use]
    pub fn wanting(mut self, wanted: &[u32]) -> Self {
        self.wanted = wanted.to_vec();
        self
    }

    /// The pass.
    #[must_use]
    pub fn pass<'a>(&'a self, cancel: &'a CancelFlag) -> Pass<'a> {
        Pass {
            rows: &self.rows,
            tokens: &self.tokens,
            positions: &self.positions,
            cells: &self.cells,
            mask: self.mask.as_deref(),
            wanted: &self.wanted,
            cancel,
        }
    }
}

/// The logits of one pass, for a model of `vocab` tokens.
///
/// # Errors
/// Those of the session.
pub fn run(
    session: &mut dyn Session,
    vocab: usize,
    run: &OwnedPass,
) -> Result<Logits, BackendError> {
    session.forward(&run.pass(&CancelFlag::new()))?;
    let all: Vec<u32> = (0..run.wanted.len() as u32).collect();
    read(session, vocab, &all)
}

/// Rows of the last pass.
pub(crate) fn read(
    session: &mut dyn Session,
    vocab: usize,
    rows: &[u32],
) -> Result<Logits, BackendError> {
    let mut logits = Logits::default();
    logits.reset(rows.len(), vocab);
    // What is left unwritten must not look like an answer.
    logits.view().scores.fill(f32::NAN);
    session.read_logits(rows, logits.view())?;
    Ok(logits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use unmask_api::SessionSpec;

    #[test]
    fn what_cases_write_is_a_pass() {
        let run = OwnedPass::filling(0, &[1, 2, 3])
            .and(1, &[4, 5, 6], [0, 1, 1])
            .kept_in([u32::MAX, 7])
            .seeing(6..8)
            .padded(1)
            .masked(|query, key| query != 0 || key != 1);
        let session = SessionSpec { cells: 8, slots: 2 };
        let flag = CancelFlag::new();
        let checked = run.pass(&flag).check(8, &session);
        assert!(checked.is_ok(), "{checked:?}");
        assert_eq!(run.rows[1].n_keys(&run.cells[3..]), 3);
        assert_eq!(run.mask, Some(vec![0b101, 0b111, 0b111, 7, 7, 7]));
    }
}
