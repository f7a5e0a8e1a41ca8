use std::ops::Range;

use crate::{BackendError, CancelFlag, Capabilities, Position, SessionSpec, TokenId};

/// One row of a ragged batch: which of the fed tokens are its own, and what it attends to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Number of fed tokens; the rows' tokens follow one another in `Pass::tokens`.
    pub fed: u32,
    /// Which K/V cache of the session this row reads and writes, below `SessionSpec::slots`.
    pub slot: u32,
    /// Positions whose K/V are attended to; `start` is the left padding, `end` the context.
    ///
    /// K/V of the positions listed in this pass are the freshly computed ones, all others come from the slot's cache.
    /// Padding positions may be fed (their own outputs are then computed as usual) but are never attended to.
    pub attend: Range<u32>,
}

/// One forward over a ragged batch of partly or wholly recomputed rows.
///
/// Positions are absolute (they are the RoPE positions) and say which K/V are written to the cache. Feeding all positions
/// is an uncached forward; feeding `block..end` a prefix cache; feeding the block alone a dual cache.
#[derive(Debug, Clone)]
pub struct Pass<'a> {
    /// The batch, in order; at least one row.
    pub rows: &'a [Row],
    /// `[Σ fed]`: the fed tokens, row after row.
    pub tokens: &'a [TokenId],
    /// `[Σ fed]`: where each fed token stands; strictly ascending within a row.
    pub positions: &'a [Position],
    /// Indices into `tokens` whose logits are wanted, strictly ascending.
    pub wanted: &'a [u32],
    /// Read between layers.
    pub cancel: &'a CancelFlag,
}

impl Pass<'_> {
    /// Tests every promise that this page makes to a backend; the host calls it before a pass crosses the border.
    ///
    /// # Errors
    /// [`BackendError::Invalid`] naming the broken promise.
    pub fn check(&self, vocab: usize, session: &SessionSpec) -> Result<(), BackendError> {
        let broken = |what: String| Err(BackendError::Invalid(what));
        let fed: usize = self.rows.iter().map(|row| row.fed as usize).sum();
        if self.rows.is_empty() || fed != self.tokens.len() || fed != self.positions.len() {
            return broken(format!(
                "a pass of {} rows feeds {fed} tokens but carries {} tokens and {} positions",
                self.rows.len(),
                self.tokens.len(),
                self.positions.len()
            ));
        }
        if let Some(id) = self.tokens.iter().find(|id| id.index() >= vocab) {
            return broken(format!(
                "token id {} is outside the vocabulary of {vocab}",
                id.0
            ));
        }
        let mut slots = 0_u64;
        let mut first = 0;
        for (index, row) in self.rows.iter().enumerate() {
            let positions = &self.positions[first..][..row.fed as usize];
            first += row.fed as usize;
            let ascending = positions.windows(2).all(|pair| pair[0] < pair[1]);
            let Some(last) = positions.last().filter(|_| ascending) else {
                return broken(format!(
                    "row {index} feeds no tokens or unordered positions"
                ));
            };
            let beyond = row.attend.end > session.capacity || last.0 >= session.capacity;
            if row.attend.is_empty() || beyond {
                return broken(format!(
                    "row {index} attends to {:?} and reaches position {}, but the session holds {}",
                    row.attend, last.0, session.capacity
                ));
            }
            if row.slot >= session.slots.min(64) || slots & (1 << row.slot) != 0 {
                return broken(format!(
                    "row {index} uses cache slot {} twice or out of range",
                    row.slot
                ));
            }
            slots |= 1 << row.slot;
        }
        let ordered = self.wanted.windows(2).all(|pair| pair[0] < pair[1]);
        if !ordered || self.wanted.last().is_some_and(|&at| at as usize >= fed) {
            return broken(format!(
                "wanted rows are unordered or beyond the {fed} fed tokens"
            ));
        }
        Ok(())
    }

    /// What a model must be able to do to compute this pass; the host refuses it otherwise. Expects a pass that
    /// [`check`](Self::check) accepts.
    ///
    /// More than one row needs `BATCH`, a row that attends to positions it does not feed `KV_CACHE`, and one that attends
    /// from above 0 `LEFT_PADDING`.
    #[must_use]
    pub fn needs(&self) -> Capabilities {
        let mut needs = Capabilities::default();
        if self.rows.len() > 1 {
            needs = needs | Capabilities::BATCH;
        }
        let mut first = 0;
        for row in self.rows {
            let positions = &self.positions[first..][..row.fed as usize];
            first += row.fed as usize;
            let attended = positions.iter().filter(|at| row.attend.contains(&at.0));
            if attended.count() < row.attend.len() {
                needs = needs | Capabilities::KV_CACHE;
            }
            if row.attend.start > 0 {
                needs = needs | Capabilities::LEFT_PADDING;
            }
        }
        needs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SESSION: SessionSpec = SessionSpec {
        capacity: 8,
        slots: 2,
    };

    fn check(rows: &[(u32, u32, Range<u32>)], positions: &[u32], wanted: &[u32]) -> bool {
        with(rows, positions, wanted, |pass| {
            pass.check(4, &SESSION).is_ok()
        })
    }

    fn needs(rows: &[(u32, u32, Range<u32>)], positions: &[u32]) -> Capabilities {
        with(rows, positions, &[], |pass| pass.needs())
    }

    fn with<T>(
        rows: &[(u32, u32, Range<u32>)],
        positions: &[u32],
        wanted: &[u32],
        ask: impl FnOnce(&Pass<'_>) -> T,
    ) -> T {
        let rows: Vec<Row> = rows
            .iter()
            .map(|(fed, slot, attend)| Row {
                fed: *fed,
                slot: *slot,
                attend: attend.clone(),
            })
            .collect();
        let positions: Vec<Position> = positions.iter().copied().map(Position).collect();
        let tokens = vec![TokenId(3); positions.len()];
        ask(&Pass {
            rows: &rows,
            tokens: &tokens,
            positions: &positions,
            wanted,
            cancel: &CancelFlag::new(),
        })
    }

    #[test]
    fn a_pass_needs_what_it_makes_use_of() {
        let none = Capabilities::default();
        assert_eq!(needs(&[(2, 0, 0..2)], &[0, 1]), none);
        assert_eq!(needs(&[(3, 0, 0..2)], &[0, 1, 2]), none);
        assert_eq!(needs(&[(2, 0, 0..3)], &[1, 2]), Capabilities::KV_CACHE);
        assert_eq!(needs(&[(2, 0, 1..3)], &[1, 2]), Capabilities::LEFT_PADDING);
        assert_eq!(
            needs(&[(1, 0, 0..1), (1, 1, 0..2)], &[0, 1]),
            Capabilities::BATCH | Capabilities::KV_CACHE
        );
    }

    #[test]
    fn two_ragged_rows_with_padding_and_a_cached_prefix_are_fine() {
        assert!(check(
            &[(2, 0, 1..6), (3, 1, 0..8)],
            &[4, 5, 5, 6, 7],
            &[0, 4]
        ));
    }

    #[test]
    fn broken_promises_are_named() {
        assert!(!check(&[], &[], &[]), "no rows");
        assert!(!check(&[(3, 0, 0..2)], &[0, 1], &[]), "a wrong count");
        assert!(!check(&[(2, 0, 0..2)], &[1, 1], &[]), "a position twice");
        assert!(
            !check(&[(1, 0, 0..9)], &[0], &[]),
            "a context beyond the capacity"
        );
        assert!(
            !check(&[(1, 0, 0..2)], &[8], &[]),
            "a position beyond the capacity"
        );
        assert!(
            !check(&[(1, 0, 0..2)], &[u32::MAX], &[]),
            "a position beyond all numbers"
        );
        assert!(!check(&[(1, 0, 2..2)], &[0], &[]), "nothing to attend to");
        assert!(!check(&[(1, 2, 0..2)], &[0], &[]), "a slot out of range");
        assert!(
            !check(&[(1, 0, 0..2), (1, 0, 0..2)], &[0, 0], &[]),
            "a slot twice"
        );
        assert!(
            !check(&[(1, 0, 0..2)], &[0], &[1]),
            "a wanted row that was not fed"
        );
    }
}
