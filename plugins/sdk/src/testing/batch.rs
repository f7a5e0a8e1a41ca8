//! Passes as tests write them.

use std::ops::Range;

use super::{SESSION, TINY};
use crate::{CancelFlag, Cell, Logits, Pass, Position, Row, Session, TokenId};

/// A row of a batch.
#[derive(Debug, Clone)]
pub struct TestRow {
    /// Whose cells it reads and writes.
    pub slot: u32,
    /// Fed ids.
    pub tokens: Vec<u32>,
    /// Where each stands.
    pub positions: Vec<u32>,
    /// Where the keys and values of each are kept.
    pub cells: Vec<Cell>,
    /// The cells that it may look at.
    pub context: Range<u32>,
    /// How many of its first tokens are padding.
    pub padding: u32,
}

impl TestRow {
    /// All tokens from position 0 on, kept nowhere.
    #[must_use]
    pub fn whole(slot: u32, tokens: &[u32]) -> Self {
        Self {
            slot,
            tokens: tokens.to_vec(),
            positions: (0..tokens.len() as u32).collect(),
            cells: vec![Cell::NONE; tokens.len()],
            context: 0..0,
            padding: 0,
        }
    }

    /// All tokens from position 0 on, each kept in the cell of its position.
    #[must_use]
    pub fn kept(slot: u32, tokens: &[u32]) -> Self {
        Self::part(slot, tokens, 0..tokens.len())
    }

    /// The tokens at `fed`, each kept in the cell of its position, in the context of all.
    #[must_use]
    pub fn part(slot: u32, tokens: &[u32], fed: Range<usize>) -> Self {
        let places = fed.start as u32..fed.end as u32;
        Self {
            slot,
            tokens: tokens[fed].to_vec(),
            positions: places.clone().collect(),
            cells: places.map(Cell).collect(),
            context: 0..tokens.len() as u32,
            padding: 0,
        }
    }

    /// The same and behind it `tokens` at `positions` that are kept nowhere.
    #[must_use]
    pub fn with_shadows(mut self, tokens: &[u32], positions: Range<u32>) -> Self {
        self.tokens.extend(tokens);
        self.positions.extend(positions);
        self.cells.resize(self.tokens.len(), Cell::NONE);
        self
    }
}

/// What a [`Pass`] borrows.
#[derive(Debug, Clone)]
pub struct Batch {
    rows: Vec<Row>,
    tokens: Vec<TokenId>,
    positions: Vec<Position>,
    cells: Vec<Cell>,
    /// See `Pass::mask`; none at first.
    pub mask: Option<Vec<u32>>,
    /// Indices of the tokens whose output is wanted; all at first.
    pub wanted: Vec<u32>,
}

impl Batch {
    /// Of these rows.
    #[must_use]
    pub fn new(lines: &[TestRow]) -> Self {
        let row = |line: &TestRow| Row {
            fed: line.tokens.len() as u32,
            slot: line.slot,
            context: line.context.clone(),
            padding: line.padding,
        };
        let tokens: Vec<TokenId> = (lines.iter().flat_map(|line| &line.tokens))
            .map(|id| TokenId(*id))
            .collect();
        let positions = lines.iter().flat_map(|line| &line.positions);
        let cells = lines.iter().flat_map(|line| &line.cells);
        Self {
            rows: lines.iter().map(row).collect(),
            positions: positions.copied().map(Position).collect(),
            cells: cells.copied().collect(),
            mask: None,
            wanted: (0..tokens.len() as u32).collect(),
            tokens,
        }
    }

    /// The pass, which `cancel` stops.
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

    /// Computes the pass, and reads the logits of all wanted tokens of a network of [`TINY`]'s vocabulary.
    ///
    /// # Panics
    /// If the pass fails, or is none that the contract allows.
    pub fn logits(&self, session: &mut dyn Session) -> Vec<Vec<f32>> {
        let cancel = CancelFlag::new();
        let pass = self.pass(&cancel);
        pass.check(TINY.vocab, &SESSION)
            .expect("the test keeps the contract");
        session.forward(&pass).expect("the pass is computed");
        let rows: Vec<u32> = (0..self.wanted.len() as u32).collect();
        read(session, &rows)
    }
}

/// The logits of rows of the last pass.
///
/// # Panics
/// If they cannot be read.
pub fn read(session: &mut dyn Session, rows: &[u32]) -> Vec<Vec<f32>> {
    let mut logits = Logits::default();
    logits.reset(rows.len(), TINY.vocab);
    session
        .read_logits(rows, logits.view())
        .expect("the pass has these rows");
    (0..rows.len())
        .map(|row| logits.row(row).to_vec())
        .collect()
}

/// The logits of every fed token, row after row.
pub fn forward(session: &mut dyn Session, lines: &[TestRow]) -> Vec<Vec<f32>> {
    Batch::new(lines).logits(session)
}

/// The logits of the tokens whose numbers in the pass are `wanted`.
pub fn forward_wanted(
    session: &mut dyn Session,
    lines: &[TestRow],
    wanted: &[u32],
) -> Vec<Vec<f32>> {
    let mut batch = Batch::new(lines);
    batch.wanted = wanted.to_vec();
    batch.logits(session)
}
