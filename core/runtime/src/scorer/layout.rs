use unmask_api::{CancelFlag, Cell, Pass, Position, Row, TokenId};

use super::prefix::Prefix;
use super::{Question, sequences};

/// Questions as a pass has them: a row each, then their unconditional rows under guidance.
#[derive(Default)]
pub(super) struct PassLayout {
    pub(super) rows: Vec<Row>,
    pub(super) tokens: Vec<TokenId>,
    pub(super) positions: Vec<Position>,
    pub(super) cells: Vec<Cell>,
    pub(super) wanted: Vec<u32>,
    /// Which of the wanted rows are read: all, counted from 0.
    pub(super) read: Vec<u32>,
    /// For each row, how many of its sequence's tokens its slot held before.
    pub(super) held: Vec<usize>,
}

impl PassLayout {
    /// Of what the slots of `prefixes` hold nothing is fed again; without any, no K/V are kept.
    pub(super) fn fill(&mut self, questions: &[Question<'_>], prefixes: &[Prefix]) {
        self.rows.clear();
        self.tokens.clear();
        self.positions.clear();
        self.cells.clear();
        self.wanted.clear();
        self.read.clear();
        self.held.clear();
        for (slot, (question, tokens)) in sequences(questions).enumerate() {
            let held = match prefixes.get(slot) {
                Some(prefix) if question.padding == 0 => prefix.held_of(tokens),
                Some(_) | None => 0,
            };
            self.add(question, tokens, held, !prefixes.is_empty());
        }
        self.read.extend(0..self.wanted.len() as u32);
    }

    /// Adds a row in a slot of its own, of whose tokens the first `held` need not be fed.
    fn add(&mut self, question: &Question<'_>, tokens: &[TokenId], held: usize, kept: bool) {
        // Positions fit in `u32`: the session's length does.
        let (first, padding) = (self.tokens.len(), question.padding);
        let needed = question
            .wanted
            .first()
            .map_or(question.fed.end - 1, |at| at.index());
        let fed = question.fed.start.max(held.min(needed))..question.fed.end;
        self.rows.push(Row {
            fed: fed.len() as u32,
            slot: self.rows.len() as u32,
            context: match kept {
                true => padding as u32..tokens.len() as u32,
                false => 0..0,
            },
            padding: padding.saturating_sub(fed.start) as u32,
        });
        self.tokens.extend_from_slice(&tokens[fed.clone()]);
        self.positions
            .extend(fed.clone().map(|index| Position(index as u32)));
        self.cells.extend(fed.clone().map(|index| match kept {
            true if index >= padding => Cell(index as u32),
            _ => Cell::NONE,
        }));
        let index_of = |at: &Position| (first + at.index() - fed.start) as u32;
        self.wanted.extend(question.wanted.iter().map(index_of));
        self.held.push(held);
    }

    pub(super) fn pass<'a>(&'a self, cancel: &'a CancelFlag) -> Pass<'a> {
        Pass {
            rows: &self.rows,
            tokens: &self.tokens,
            positions: &self.positions,
            cells: &self.cells,
            mask: None,
            wanted: &self.wanted,
            cancel,
        }
    }
}
