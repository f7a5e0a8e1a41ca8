//! Whole models, small and random: what a pass promises, what precisions cost, what errors say.
//!
//! Where ONNX Runtime is not found, the tests that need it do nothing.

mod checkpoint;
mod errors;
mod export;
mod network;
mod passes;
mod precisions;

use std::ops::{ControlFlow, Range};

use unmask_sdk::{
    Backend, CancelFlag, LoadSpec, Logits, Model, Pass, Position, Row, Session, SessionSpec,
    TokenId,
};

use crate::{Onnx, library};
use checkpoint::{Checkpoint, Shape};

const TINY: Shape = Shape {
    width: 32,
    layers: 3,
    heads: 4,
    key_heads: 2,
    mlp: 48,
    vocab: 40,
};
const SESSION: SessionSpec = SessionSpec {
    capacity: 24,
    slots: 2,
};
/// Other sums in another order: a few units in the last place of logits around 1.
const ROUNDING: f32 = 2e-5;

/// True if there is a runtime to test with.
fn has_runtime() -> bool {
    library::find().is_ok()
}

fn load(spec: &LoadSpec) -> Box<dyn Model> {
    let model = Onnx.load(spec, &|_| ControlFlow::Continue(()));
    model.expect("the checkpoint is whole")
}

fn tiny() -> Box<dyn Model> {
    load(&Checkpoint::new(TINY).save().spec("f32"))
}

fn session(model: &dyn Model) -> Box<dyn Session> {
    model
        .session(SESSION)
        .expect("there is room for a small cache")
}

/// `count` token ids, different for every seed.
fn tokens(seed: u32, count: u32) -> Vec<u32> {
    (0..count)
        .map(|index| (seed * 13 + index * 7) % 40)
        .collect()
}

/// A batch row as the tests write it: slot, tokens, positions, attended positions.
struct Line {
    slot: u32,
    tokens: Vec<u32>,
    positions: Vec<u32>,
    attend: Range<u32>,
}

impl Line {
    /// All tokens from position 0 on.
    fn whole(slot: u32, tokens: &[u32]) -> Self {
        Self::part(slot, tokens, 0..tokens.len())
    }

    /// The tokens at `fed`, in the context of all.
    fn part(slot: u32, tokens: &[u32], fed: Range<usize>) -> Self {
        Self {
            slot,
            tokens: tokens[fed.clone()].to_vec(),
            positions: (fed.start as u32..fed.end as u32).collect(),
            attend: 0..tokens.len() as u32,
        }
    }
}

/// The logits of every fed token, row after row.
fn forward(session: &mut dyn Session, lines: &[Line]) -> Vec<Vec<f32>> {
    let fed: usize = lines.iter().map(|line| line.tokens.len()).sum();
    let wanted: Vec<u32> = (0..fed as u32).collect();
    forward_wanted(session, lines, &wanted)
}

fn forward_wanted(session: &mut dyn Session, lines: &[Line], wanted: &[u32]) -> Vec<Vec<f32>> {
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
    pass.check(TINY.vocab, &SESSION)
        .expect("the test keeps the contract");
    let mut logits = Logits::default();
    logits.reset(wanted.len(), TINY.vocab);
    session
        .forward(&pass, logits.view())
        .expect("the pass is computed");
    (0..wanted.len())
        .map(|row| logits.row(row).to_vec())
        .collect()
}

#[track_caller]
fn check_close(left: &[Vec<f32>], right: &[Vec<f32>], tolerance: f32) {
    assert_eq!(left.len(), right.len());
    for (row, (left, right)) in left.iter().zip(right).enumerate() {
        for (left, right) in left.iter().zip(right) {
            let difference = (left - right).abs();
            assert!(difference <= tolerance, "row {row}: {left} and {right}");
        }
    }
}
