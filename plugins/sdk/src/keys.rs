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

use std::mem;
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
#[derive(Debug, Clone, PartialEq, Eq, Default)]
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
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Visible {
    /// Every key.
    #[default]
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
        let mut rows = Vec::new();
        self.keys_into(pass, attention, &mut rows);
        rows
    }

    /// As [`keys`](Self::keys), into what an earlier pass was told in: after a pass of the same form nothing is allocated.
    ///
    /// # Panics
    /// As [`keys`](Self::keys).
    pub fn keys_into(&mut self, pass: &Pass<'_>, attention: Attention, rows: &mut Vec<RowKeys>) {
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
        let mut mask = pass.mask;
        rows.resize_with(pass.rows.len(), RowKeys::default);
        for ((row, fed), keys) in pass.spans().zip(rows) {
            self.row(pass, row, &fed, keys);
            let words = fed.len() * keys.n_keys().div_ceil(WORD);
            let bits = mask.as_mut().map(|rest| {
                let (bits, others) = rest.split_at(words);
                *rest = others;
                bits
            });
            keys.see(bits, attention, &pass.positions[fed]);
        }
    }

    /// Sets all of `keys` but what is visible.
    fn row(&self, pass: &Pass<'_>, row: &Row, fed: &Range<usize>, keys: &mut RowKeys) {
        keys.fed = fed.clone();
        keys.slot = row.slot as usize;
        keys.context = row.context.start as usize..row.context.end as usize;
        keys.loose.clear();
        let loose = row.loose_keys(&pass.cells[fed.clone()]);
        keys.loose.extend(loose.map(|at| fed.start + at));
        keys.positions.clear();
        let context = &self.slots[keys.slot][keys.context.clone()];
        keys.positions.extend_from_slice(context);
        let loose = keys.loose.iter().map(|&at| pass.positions[at]);
        keys.positions.extend(loose);
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

impl RowKeys {
    /// Sets what is visible: `mask`, or what `attention` lets fed tokens at `queries` see.
    fn see(&mut self, mask: Option<&[u32]>, attention: Attention, queries: &[Position]) {
        let room = mem::take(&mut self.visible);
        let keys = &self.positions;
        self.visible = match mask {
            Some(mask) => {
                let mut bits = room.bits();
                bits.extend_from_slice(mask);
                Visible::Bits(bits)
            }
            None if attention == Attention::Bidirectional => Visible::All,
            None if !keys.is_sorted() => {
                let mut bits = room.bits();
                for query in queries {
                    push_bits(
                        &mut bits,
                        keys.iter().map(|key| attention.sees(*query, *key)),
                    );
                }
                Visible::Bits(bits)
            }
            None => {
                let count =
                    |query: &Position| keys.partition_point(|key| attention.sees(*query, *key));
                if queries.iter().all(|query| count(query) == keys.len()) {
                    self.visible = Visible::All;
                    return;
                }
                let mut counts = room.counts();
                counts.extend(queries.iter().map(count));
                Visible::First(counts)
            }
        };
    }
}

impl Visible {
    /// An empty list of words, in the memory of this one if it has some.
    fn bits(self) -> Vec<u32> {
        match self {
            Self::Bits(mut bits) => {
                bits.clear();
                bits
            }
            Self::All | Self::First(_) => Vec::new(),
        }
    }

    /// An empty list of counts, in the memory of this one if it has some.
    fn counts(self) -> Vec<usize> {
        match self {
            Self::First(mut counts) => {
                counts.clear();
                counts
            }
            Self::All | Self::Bits(_) => Vec::new(),
        }
    }
}

/// Appends the words of a row of bits, lowest bit first.
fn push_bits(words: &mut Vec<u32>, seen: impl Iterator<Item = bool>) {
    for (key, seen) in seen.enumerate() {
        if key % WORD == 0 {
            words.push(0);
        }
        if let Some(word) = words.last_mut() {
            *word |= u32::from(seen) << (key % WORD);
        }
    }
}

#[cfg(test)]
mod tests;
