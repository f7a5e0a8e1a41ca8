//! What each row of a pass attends to: the cells of its context, fed tokens beside them, and which of both each query sees.
//!
//! Attention kinds compare positions, and a cell may hold any, so a session remembers with which position each was written.
//!
//! ```
//! use unmask_sdk::keys::{CellPositions, Visible};
//! use unmask_sdk::*;
//!
//! let mut positions = CellPositions::new(SessionSpec { cells: 8, slots: 1 });
//! let pass = Pass {
//!     rows: &[Row { fed: 2, slot: 0, context: 0..1, padding: 0 }],
//!     tokens: &[TokenId(3), TokenId(2)],
//!     positions: &[Position(0), Position(1)],
//!     cells: &[Cell(0), Cell::NONE],
//!     mask: None,
//!     wanted: &[1],
//!     cancel: &CancelFlag::new(),
//! };
//! let rows = positions.keys(&pass, Attention::Causal);
//! assert_eq!((rows[0].context.clone(), &rows[0].loose), (0..1, &vec![1]));
//! assert_eq!(rows[0].visible, Visible::First(vec![1, 2]));
//! ```

use std::ops::Range;

use unmask_api::{Attention, BackendError, Pass, Position, Row, SessionSpec};

/// Keys in a word of a mask.
const WORD: usize = 32;

/// The position that each cell of each slot was last written with, `[slots, cells]`.
#[derive(Debug, Clone)]
pub struct CellPositions {
    slots: Vec<Vec<Position>>,
    /// `[slots]`: one past the last cell that was written.
    written: Vec<usize>,
}

/// What one row of a pass attends to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowKeys {
    /// Its fed tokens, as indices into the pass.
    pub fed: Range<usize>,
    /// Its slot.
    pub slot: usize,
    /// Its first keys: the cells of the slot attended to.
    pub context: Range<usize>,
    /// Its other keys: fed tokens, as ascending indices into the pass. Without a context they follow one another.
    pub loose: Vec<usize>,
    /// `[keys]`: where each key stands.
    pub positions: Vec<Position>,
    /// Which keys each of its fed tokens sees.
    pub visible: Visible,
}

/// Which keys each fed token of a row sees. Padding may see none, and nobody reads what it gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Visible {
    /// Every key.
    All,
    /// `[fed]`: so many keys from the first on.
    First(Vec<usize>),
    /// `[fed, keys.div_ceil(32)]`: a bit a key, lowest first, as in `Pass::mask`.
    Bits(Vec<u32>),
}

impl CellPositions {
    /// Of cells that nothing was written to.
    #[must_use]
    pub fn new(spec: SessionSpec) -> Self {
        let slot = vec![Position(0); spec.cells as usize];
        Self {
            slots: vec![slot; spec.slots as usize],
            written: vec![0; spec.slots as usize],
        }
    }

    /// Cells per slot.
    #[must_use]
    pub fn cells(&self) -> usize {
        self.slots.first().map_or(0, Vec::len)
    }

    /// How many cells of `slot`, from the first on, something may have been written to.
    ///
    /// # Panics
    /// If the session has no such slot.
    #[must_use]
    pub fn written(&self, slot: u32) -> usize {
        self.written[slot as usize]
    }

    /// Remembers where the tokens stand that `pass` writes, and tells what each of its rows attends to.
    ///
    /// # Panics
    /// If the pass is none that `Pass::check` accepts.
    pub fn keys(&mut self, pass: &Pass<'_>, attention: Attention) -> Vec<RowKeys> {
        for (row, fed) in pass.spans() {
            let index = row.slot as usize;
            let (slot, written) = (&mut self.slots[index], &mut self.written[index]);
            for (cell, position) in pass.cells[fed.clone()].iter().zip(&pass.positions[fed]) {
                if let Some(cell) = cell.index() {
                    slot[cell] = *position;
                    *written = (cell + 1).max(*written);
                }
            }
        }
        let mut mask = pass.mask.unwrap_or_default();
        let spans = pass.spans().map(|(row, fed)| {
            let (loose, positions) = self.row(pass, row, &fed);
            let words = fed.len() * positions.len().div_ceil(WORD);
            let visible = if pass.mask.is_some() {
                let (bits, rest) = mask.split_at(words);
                mask = rest;
                Visible::Bits(bits.to_vec())
            } else {
                Visible::by_kind(attention, &pass.positions[fed.clone()], &positions)
            };
            RowKeys {
                fed,
                slot: row.slot as usize,
                context: row.context.start as usize..row.context.end as usize,
                loose,
                positions,
                visible,
            }
        });
        spans.collect()
    }

    /// The loose keys of a row and the positions of all its keys.
    fn row(&self, pass: &Pass<'_>, row: &Row, fed: &Range<usize>) -> (Vec<usize>, Vec<Position>) {
        let context = row.context.start as usize..row.context.end as usize;
        let loose = row.loose_keys(&pass.cells[fed.clone()]);
        let loose: Vec<usize> = loose.map(|at| fed.start + at).collect();
        let mut positions = self.slots[row.slot as usize][context].to_vec();
        positions.extend(loose.iter().map(|&at| pass.positions[at]));
        (loose, positions)
    }

    /// Makes slot `to` like slot `from`, see `Session::copy_slot`.
    ///
    /// # Errors
    /// [`BackendError::Invalid`] for a slot beyond the session.
    pub fn copy(&mut self, from: u32, to: u32) -> Result<(), BackendError> {
        self.check(to)?;
        self.check(from)?;
        self.slots[to as usize] = self.slots[from as usize].clone();
        self.written[to as usize] = self.written[from as usize];
        Ok(())
    }

    /// Forgets what was written to slot `slot`, see `Session::clear_slot`.
    ///
    /// # Errors
    /// [`BackendError::Invalid`] for a slot beyond the session.
    pub fn clear(&mut self, slot: u32) -> Result<(), BackendError> {
        self.check(slot)?;
        self.written[slot as usize] = 0;
        Ok(())
    }

    fn check(&self, slot: u32) -> Result<(), BackendError> {
        let slots = self.slots.len();
        if (slot as usize) < slots {
            return Ok(());
        }
        Err(BackendError::Invalid(format!(
            "slot {slot} is beyond the session's {slots}"
        )))
    }

    /// Makes room for `cells` cells a slot, if there are fewer.
    pub fn reserve(&mut self, cells: u32) {
        let cells = self.cells().max(cells as usize);
        for slot in &mut self.slots {
            slot.resize(cells, Position(0));
        }
    }
}

impl RowKeys {
    /// Number of keys.
    #[must_use]
    pub fn n_keys(&self) -> usize {
        self.positions.len()
    }

    /// Whether its fed token number `query` sees key number `key`.
    #[must_use]
    pub fn sees(&self, query: usize, key: usize) -> bool {
        match &self.visible {
            Visible::All => true,
            Visible::First(counts) => key < counts[query],
            Visible::Bits(bits) => {
                let words = self.n_keys().div_ceil(WORD);
                bits[query * words + key / WORD] >> (key % WORD) & 1 == 1
            }
        }
    }
}

impl Visible {
    fn by_kind(attention: Attention, queries: &[Position], keys: &[Position]) -> Self {
        if attention == Attention::Bidirectional {
            return Self::All;
        }
        if !keys.is_sorted() {
            let row = |query: &Position| bits(keys.iter().map(|key| attention.sees(*query, *key)));
            return Self::Bits(queries.iter().flat_map(row).collect());
        }
        let count = |query: &Position| keys.partition_point(|key| attention.sees(*query, *key));
        let counts: Vec<usize> = queries.iter().map(count).collect();
        if counts.iter().all(|&count| count == keys.len()) {
            return Self::All;
        }
        Self::First(counts)
    }
}

fn bits(seen: impl Iterator<Item = bool>) -> Vec<u32> {
    let mut words = Vec::new();
    for (key, seen) in seen.enumerate() {
        if key % WORD == 0 {
            words.push(0);
        }
        words[key / WORD] |= u32::from(seen) << (key % WORD);
    }
    words
}

#[cfg(test)]
mod tests;
