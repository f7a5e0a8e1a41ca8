//! Passes as tests write them.

use std::ops::Range;

use super::SESSION;
use crate::{CancelFlag, Logits, Pass, Position, Row, Session, TokenId};

/// Columns of the logits of every test's network.
const VOCAB: usize = super::TINY.vocab;

/// A row of a batch.
#[derive(Debug, Clone)]
pub struct Line {
    /// Where its keys and values are kept.
    pub slot: u32,
    /// Fed ids.
    pub tokens: Vec<u32>,
    /// Where each stands.
    pub positions: Vec<u32>,
    /// The positions that it may look at.
    pub attend: Range<u32>,
}

impl Line {
    /// All tokens from position 0 on.
    #[must_use]
    pub fn whole(slot: u32, tokens: &[u32]) -> Self {
        Self::part(slot, tokens, 0..tokens.len())
    }

    /// The tokens at `fed`, in the context of all.
    #[must_use]
    pub fn part(slot: u32, tokens: &[u32], fed: Range<usize>) -> Self {
        Self {
            slot,
            tokens: tokens[fed.clone()].to_vec(),
            positions: (fed.start as u32..fed.end as u32).collect(),
            attend: 0..tokens.len() as u32,
        }
    }
}

/// The logits of every fed token, row after row.
pub fn forward(session: &mut dyn Session, lines: &[Line]) -> Vec<Vec<f32>> {
    let fed: usize = lines.iter().map(|line| line.tokens.len()).sum();
    let wanted: Vec<u32> = (0..fed as u32).collect();
    forward_wanted(session, lines, &wanted)
}

/// The logits of the tokens whose numbers in the pass are `wanted`.
///
/// # Panics
/// If the pass fails, or is none that the contract allows.
pub fn forward_wanted(session: &mut dyn Session, lines: &[Line], wanted: &[u32]) -> Vec<Vec<f32>> {
    let rows: Vec<Row> = lines
        .iter()
        .map(|line| Row {
            fed: line.tokens.len() as u32,
            slot: line.slot,
            attend: line.attend.clone(),
        })
        .collect();
    let tokens: Vec<TokenId> = lines
        .iter()
        .flat_map(|line| &line.tokens)
        .map(|id| TokenId(*id))
        .collect();
    let positions = lines.iter().flat_map(|line| &line.positions);
    let positions: Vec<Position> = positions.map(|position| Position(*position)).collect();
    let pass = Pass {
        rows: &rows,
        tokens: &tokens,
        positions: &positions,
        wanted,
        cancel: &CancelFlag::new(),
    };
    pass.check(VOCAB, &SESSION)
        .expect("the test keeps the contract");
    let mut logits = Logits::default();
    logits.reset(wanted.len(), VOCAB);
    session
        .forward(&pass, logits.view())
        .expect("the pass is computed");
    (0..wanted.len())
        .map(|row| logits.row(row).to_vec())
        .collect()
}
