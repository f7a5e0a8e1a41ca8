use std::ops::Range;

use crate::{BackendError, CancelFlag, Capabilities, Cell, Position, SessionSpec, TokenId};

/// One row of a ragged batch: which of the fed tokens are its own, and what it attends to.
///
/// Its *keys*, in this order: the cells of `context`, then its fed tokens that are neither padding nor have a cell in
/// `context`. A cell that this pass writes holds what this pass computes. Each query attends to the keys that the model's
/// attention kind lets it see by their positions, or that `Pass::mask` says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Row {
    /// Number of fed tokens, 1 and up; the rows' tokens follow one another in `Pass::tokens`.
    pub fed: u32,
    /// Which slot of the session this row reads and writes, below `SessionSpec::slots`; no two rows of a pass share one.
    pub slot: u32,
    /// Cells of the slot that are attended to. Each was written by an earlier pass, or is by this one.
    pub context: Range<u32>,
    /// The first so many of its fed tokens are left padding: their outputs are computed as usual, but nobody attends to
    /// them, and they have no cells. Where the attention kind lets such a token see no key, its output is any finite numbers.
    pub padding: u32,
}

/// One forward over a ragged batch of partly or wholly recomputed rows.
///
/// Positions and cells are two things: a position is what RoPE turns by and what attention kinds compare, a cell is where
/// K/V are kept. So an uncached forward feeds everything without cells; a prefix cache feeds `block..end` with the cells of
/// their places; shadow copies and drafts repeat positions and leave no trace; a reordered cache keeps position 9 in cell 4.
#[derive(Debug, Clone)]
pub struct Pass<'a> {
    /// The batch, in order; at least one row.
    pub rows: &'a [Row],
    /// `[Σ fed]`: the fed tokens, row after row.
    pub tokens: &'a [TokenId],
    /// `[Σ fed]`: where each fed token stands; in any order, repeated at will.
    pub positions: &'a [Position],
    /// `[Σ fed]`: where each fed token's K/V are written, or nowhere. Those of a row that are written ascend strictly.
    pub cells: &'a [Cell],
    /// Which keys each query attends to, instead of the attention kind. Row after row, fed token after fed token, one bit a
    /// key, `keys.div_ceil(32)` words each, lowest bit first; at least one bit of each is set, and those beyond the keys are 0.
    pub mask: Option<&'a [u32]>,
    /// Indices into `tokens` whose output is wanted, strictly ascending.
    pub wanted: &'a [u32],
    /// Read between layers.
    pub cancel: &'a CancelFlag,
}

impl Row {
    /// Which of the row's fed tokens are keys of their own, beside the cells of `context`: indices into `cells`, the row's
    /// share of `Pass::cells`, ascending.
    pub fn loose_keys<'a>(&'a self, cells: &'a [Cell]) -> impl Iterator<Item = usize> + 'a {
        (self.padding as usize..cells.len()).filter(|&at| !self.context.contains(&cells[at].0))
    }

    /// Number of keys; `cells` is the row's share of `Pass::cells`.
    #[must_use]
    pub fn n_keys(&self, cells: &[Cell]) -> usize {
        self.context.len() + self.loose_keys(cells).count()
    }
}

impl Pass<'_> {
    /// The rows with the range of their fed tokens in `tokens`, `positions` and `cells`.
    pub fn spans(&self) -> impl Iterator<Item = (&Row, Range<usize>)> {
        let mut first = 0;
        self.rows.iter().map(move |row| {
            let fed = first..first + row.fed as usize;
            first = fed.end;
            (row, fed)
        })
    }

    /// Tests every promise that this page makes to a backend, but that the cells of a context were written; the host calls
    /// it before a pass crosses the border.
    ///
    /// # Errors
    /// [`BackendError::Invalid`] naming the broken promise.
    pub fn check(&self, vocab: usize, session: &SessionSpec) -> Result<(), BackendError> {
        self.check_tokens(vocab)?;
        let mut slots = 0_u64;
        for (index, (row, fed)) in self.spans().enumerate() {
            check_row(index, row, &self.cells[fed], session)?;
            if row.slot >= session.slots.min(SessionSpec::MOST_SLOTS)
                || slots & (1 << row.slot) != 0
            {
                return broken(format!(
                    "row {index} uses slot {} twice or out of range",
                    row.slot
                ));
            }
            slots |= 1 << row.slot;
        }
        self.check_mask()?;
        let fed = self.tokens.len();
        let ordered = self.wanted.windows(2).all(|pair| pair[0] < pair[1]);
        if !ordered || self.wanted.last().is_some_and(|&at| at as usize >= fed) {
            return broken(format!(
                "wanted rows are unordered or beyond the {fed} fed tokens"
            ));
        }
        Ok(())
    }

    fn check_tokens(&self, vocab: usize) -> Result<(), BackendError> {
        let fed: usize = self.rows.iter().map(|row| row.fed as usize).sum();
        let lengths = [self.tokens.len(), self.positions.len(), self.cells.len()];
        if self.rows.is_empty() || lengths != [fed; 3] {
            return broken(format!(
                "a pass of {} rows feeds {fed} tokens but carries {} tokens, {} positions and {} cells",
                self.rows.len(),
                lengths[0],
                lengths[1],
                lengths[2]
            ));
        }
        if let Some(id) = self.tokens.iter().find(|id| id.index() >= vocab) {
            return broken(format!(
                "token id {} is outside the vocabulary of {vocab}",
                id.0
            ));
        }
        if self.positions.iter().any(|at| at.0 > i32::MAX as u32) {
            return broken("a position is beyond all canvases".to_owned());
        }
        Ok(())
    }

    fn check_mask(&self) -> Result<(), BackendError> {
        let Some(mask) = self.mask else { return Ok(()) };
        let mut rest = mask;
        for (index, (row, fed)) in self.spans().enumerate() {
            let keys = row.n_keys(&self.cells[fed.clone()]);
            let words = keys.div_ceil(32);
            for _ in fed {
                let Some((bits, others)) = rest.split_at_checked(words) else {
                    return broken(format!("the mask ends within row {index}"));
                };
                rest = others;
                let beyond = match keys % 32 {
                    0 => 0,
                    used => bits[words - 1] >> used,
                };
                if beyond != 0 || bits.iter().all(|&word| word == 0) {
                    return broken(format!(
                        "the mask lets a token of row {index} see nothing, or more than its {keys} keys"
                    ));
                }
            }
        }
        if rest.is_empty() {
            return Ok(());
        }
        broken("the mask is longer than the rows".to_owned())
    }

    /// What a model must be able to do to compute this pass; the host refuses it otherwise. Expects a pass that
    /// [`check`](Self::check) accepts.
    ///
    /// More than one row needs `BATCH`, any cell `KV_CACHE`, padding `LEFT_PADDING`, and a mask `ATTENTION_MASK`.
    #[must_use]
    pub fn needs(&self) -> Capabilities {
        let if_any = |any: bool, bit: Capabilities| if any { bit } else { Capabilities(0) };
        let has_context = self.rows.iter().any(|row| !row.context.is_empty());
        let writes = self.cells.iter().any(|&cell| cell != Cell::NONE);
        if_any(self.rows.len() > 1, Capabilities::BATCH)
            | if_any(has_context || writes, Capabilities::KV_CACHE)
            | if_any(
                self.rows.iter().any(|row| row.padding > 0),
                Capabilities::LEFT_PADDING,
            )
            | if_any(self.mask.is_some(), Capabilities::ATTENTION_MASK)
    }
}

fn check_row(
    index: usize,
    row: &Row,
    cells: &[Cell],
    session: &SessionSpec,
) -> Result<(), BackendError> {
    let kept = cells.iter().filter(|&&cell| cell != Cell::NONE);
    let written = kept.map(|cell| cell.0);
    let ascending = written.clone().is_sorted_by(|a, b| a < b);
    let last = written.clone().next_back();
    if cells.is_empty() || !ascending {
        return broken(format!("row {index} feeds no tokens or unordered cells"));
    }
    let beyond = last.is_some_and(|last| last >= session.cells);
    if beyond || row.context.start > row.context.end || row.context.end > session.cells {
        return broken(format!(
            "row {index} attends to the cells {:?} and writes up to {:?}, but the session holds {}",
            row.context, last, session.cells
        ));
    }
    let padding = row.padding as usize;
    if padding > cells.len() || cells[..padding].iter().any(|&cell| cell != Cell::NONE) {
        return broken(format!(
            "row {index} has more padding than tokens, or keeps some of it"
        ));
    }
    if row.n_keys(cells) == 0 {
        return broken(format!("row {index} attends to nothing"));
    }
    Ok(())
}

fn broken<T>(what: String) -> Result<T, BackendError> {
    Err(BackendError::Invalid(what))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SESSION: SessionSpec = SessionSpec { cells: 8, slots: 2 };
    const NONE: u32 = u32::MAX;

    fn row(fed: u32, slot: u32, context: Range<u32>, padding: u32) -> Row {
        Row {
            fed,
            slot,
            context,
            padding,
        }
    }

    fn with<T>(
        rows: &[Row],
        cells: &[u32],
        mask: Option<&[u32]>,
        wanted: &[u32],
        ask: impl FnOnce(&Pass<'_>) -> T,
    ) -> T {
        let cells: Vec<Cell> = cells.iter().copied().map(Cell).collect();
        ask(&Pass {
            rows,
            tokens: &vec![TokenId(3); cells.len()],
            positions: &vec![Position(5); cells.len()],
            cells: &cells,
            mask,
            wanted,
            cancel: &CancelFlag::new(),
        })
    }

    #[track_caller]
    fn refused(rows: &[Row], cells: &[u32], mask: Option<&[u32]>, wanted: &[u32], why: &str) {
        let result = with(rows, cells, mask, wanted, |pass| pass.check(4, &SESSION));
        let error = result.expect_err(why).to_string();
        assert!(error.contains(why), "{error}");
    }

    #[test]
    fn a_pass_needs_what_it_makes_use_of() {
        let needs =
            |rows: &[Row], cells: &[u32], mask| with(rows, cells, mask, &[], |pass| pass.needs());
        let none = Capabilities::default();
        assert_eq!(needs(&[row(2, 0, 0..0, 0)], &[NONE; 2], None), none);
        let kept = Capabilities::KV_CACHE;
        assert_eq!(needs(&[row(2, 0, 0..0, 0)], &[NONE, 3], None), kept);
        assert_eq!(needs(&[row(1, 0, 0..2, 0)], &[NONE], None), kept);
        let padded = Capabilities::LEFT_PADDING;
        assert_eq!(needs(&[row(2, 0, 0..0, 1)], &[NONE; 2], None), padded);
        let masked = Capabilities::ATTENTION_MASK;
        assert_eq!(needs(&[row(1, 0, 0..0, 0)], &[NONE], Some(&[1])), masked);
        let rows = [row(1, 0, 0..0, 0), row(1, 1, 0..0, 0)];
        assert_eq!(needs(&rows, &[NONE; 2], None), Capabilities::BATCH);
    }

    #[test]
    fn keys_are_the_context_and_what_is_fed_beside_it() {
        let cells = [Cell::NONE, Cell(1), Cell(6), Cell::NONE];
        let row = row(4, 0, 0..4, 1);
        assert_eq!(row.loose_keys(&cells).collect::<Vec<_>>(), [2, 3]);
        assert_eq!(row.n_keys(&cells), 6);
    }

    #[test]
    fn ragged_rows_with_padding_shadows_and_a_cached_prefix_are_fine() {
        let rows = [row(3, 0, 1..6, 1), row(3, 1, 0..8, 0)];
        let fine = with(&rows, &[NONE, 4, NONE, 5, 6, 7], None, &[0, 4], |pass| {
            pass.check(4, &SESSION)
        });
        fine.expect("it keeps every promise");
        // 6 keys for each of three tokens, 8 for each of the others.
        let mask = [0b11_1111, 1, 1, 0xff, 1, 0x80];
        let masked = with(&rows, &[NONE, 4, NONE, 5, 6, 7], Some(&mask), &[], |pass| {
            pass.check(4, &SESSION)
        });
        masked.expect("it keeps every promise");
    }

    #[test]
    fn broken_promises_are_named() {
        refused(&[], &[], None, &[], "carries 0 tokens");
        refused(&[row(3, 0, 0..2, 0)], &[0, 1], None, &[], "feeds 3 tokens");
        refused(&[row(2, 0, 0..2, 0)], &[1, 1], None, &[], "unordered cells");
        refused(&[row(1, 0, 0..9, 0)], &[0], None, &[], "holds 8");
        refused(&[row(1, 0, 0..2, 0)], &[8], None, &[], "holds 8");
        refused(
            &[row(1, 0, 0..0, 1)],
            &[NONE],
            None,
            &[],
            "attends to nothing",
        );
        refused(&[row(1, 0, 0..2, 1)], &[0], None, &[], "padding");
        refused(&[row(1, 2, 0..2, 0)], &[0], None, &[], "slot 2");
        let twice = [row(1, 0, 0..2, 0), row(1, 0, 0..2, 0)];
        refused(&twice, &[0, 0], None, &[], "slot 0 twice");
        refused(&[row(1, 0, 0..2, 0)], &[0], None, &[1], "wanted rows");
        refused(&[row(1, 0, 0..2, 0)], &[0], Some(&[0]), &[], "see nothing");
        refused(&[row(1, 0, 0..2, 0)], &[0], Some(&[4]), &[], "2 keys");
        refused(&[row(1, 0, 0..2, 0)], &[0], Some(&[1, 1]), &[], "longer");
        refused(
            &[row(2, 0, 0..2, 0)],
            &[0, 1],
            Some(&[1]),
            &[],
            "ends within",
        );
    }
}
