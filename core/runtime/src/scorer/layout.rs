use std::ops::Range;

use unmask_api::{CancelFlag, Cell, Pass, Position, Row, TokenId};

use super::prefix::Prefix;
use super::{Question, Seat, Sequence, Shadow, sequences};

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
    /// Which keys each token sees, where the attention kind does not say it.
    mask: Vec<u32>,
}

impl PassLayout {
    /// Of what the slots of `prefixes` hold nothing is fed again, where K/V are kept.
    pub(super) fn fill(&mut self, questions: &[Question<'_>], seats: &[Seat], prefixes: &[Prefix]) {
        self.rows.clear();
        self.tokens.clear();
        self.positions.clear();
        self.cells.clear();
        self.wanted.clear();
        self.read.clear();
        self.held.clear();
        self.mask.clear();
        for it in sequences(questions, seats) {
            let prefix = prefix_of(&it, prefixes);
            let held = held_of(&it, prefixes);
            let fed = it.question.fed.end;
            let seen = prefix.map_or(0, |prefix| prefix.seen_by(fed, it.tokens.len()));
            self.add(&it, held, seen);
        }
        self.read.extend(0..self.wanted.len() as u32);
    }

    /// Adds a sequence's row, of whose tokens the first `held` need not be fed, and which sees the first `seen` cells; 0 if no K/V
    /// are kept.
    fn add(&mut self, sequence: &Sequence<'_>, held: usize, seen: usize) {
        let Sequence {
            question, tokens, ..
        } = *sequence;
        let kept = seen > 0;
        // Positions fit in `u32`: the session's length does.
        let (first, padding) = (self.tokens.len(), question.padding);
        let fed = fed(question, held);
        self.rows.push(Row {
            fed: fed.len() as u32,
            slot: sequence.slot as u32,
            context: match kept {
                true => padding as u32..seen as u32,
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
        if let Some(shadow) = &question.shadow {
            self.add_shadow(question, shadow);
        }
    }

    /// Adds the second copy of a block to the row of a question that feeds all of its sequence, the only one of its pass.
    fn add_shadow(&mut self, question: &Question<'_>, shadow: &Shadow<'_>) {
        let (length, copies) = (question.tokens.len(), shadow.block.len());
        debug_assert!(self.rows.len() == 1 && question.fed == (0..length));
        self.rows[0].fed += copies as u32;
        let positions = shadow.block.clone().map(|index| Position(index as u32));
        self.positions.extend(positions);
        self.tokens.extend((0..copies).map(|_| shadow.mask));
        self.cells.extend((0..copies).map(|_| Cell::NONE));
        let index_of = |at: &Position| (length + at.index() - shadow.block.start) as u32;
        self.wanted.extend(shadow.wanted.iter().map(index_of));
        let keys = length - question.padding;
        let mut see = |seen: Range<usize>, but: Option<usize>| {
            let start = self.mask.len();
            let words = (keys + copies).div_ceil(u32::BITS as usize);
            self.mask.resize(start + words, 0);
            for key in seen.filter(|&key| Some(key) != but) {
                self.mask[start + key / u32::BITS as usize] |= 1 << (key % u32::BITS as usize);
            }
        };
        (0..length).for_each(|_| see(0..keys, None));
        for own in shadow.block.clone() {
            see(0..keys + copies, Some(own - question.padding));
        }
    }

    pub(super) fn pass<'a>(&'a self, cancel: &'a CancelFlag) -> Pass<'a> {
        Pass {
            rows: &self.rows,
            tokens: &self.tokens,
            positions: &self.positions,
            cells: &self.cells,
            mask: (!self.mask.is_empty()).then_some(&self.mask),
            wanted: &self.wanted,
            cancel,
        }
    }
}

fn prefix_of<'p>(sequence: &Sequence<'_>, prefixes: &'p [Prefix]) -> Option<&'p Prefix> {
    let prefix = prefixes.get(sequence.slot);
    prefix.filter(|_| sequence.is_kept())
}

/// How many of a sequence's tokens its slot holds.
fn held_of(sequence: &Sequence<'_>, prefixes: &[Prefix]) -> usize {
    match prefix_of(sequence, prefixes) {
        Some(prefix) if sequence.question.padding == 0 => prefix.held_of(sequence.tokens),
        Some(_) | None => 0,
    }
}

/// What is fed of a sequence of whose tokens the first `held` need not be.
fn fed(question: &Question<'_>, held: usize) -> Range<usize> {
    let needed = question.wanted.first();
    let needed = needed.map_or(question.fed.end - 1, |at| at.index());
    question.fed.start.max(held.min(needed))..question.fed.end
}

/// Positions that a pass computes of a question in a seat, those of guidance and of a second copy included.
pub(super) fn computed(question: &Question<'_>, seat: Seat, prefixes: &[Prefix]) -> usize {
    let copies = question.shadow.as_ref().map_or(0, |it| it.block.len());
    let (questions, seats) = (std::slice::from_ref(question), &[seat]);
    let rows = sequences(questions, seats);
    let rows = rows.map(|it| fed(question, held_of(&it, prefixes)).len());
    rows.sum::<usize>() + copies
}

#[cfg(test)]
mod tests {
    use super::super::KvCache;
    use super::*;

    /// WINO's masks and positions as its `decoding_wino` makes them: a prompt of 2, a block of 2, and its second copy.
    #[test]
    fn a_second_copy_sees_all_but_its_own_token_and_nobody_sees_it() {
        let tokens = [3, 4, 5, 6].map(TokenId);
        let question = Question {
            tokens: &tokens,
            guidance: None,
            padding: 0,
            fed: 0..4,
            wanted: &[Position(3)],
            shadow: Some(Shadow {
                mask: TokenId(0),
                block: 2..4,
                wanted: &[Position(2)],
            }),
        };
        let seat = Seat {
            slot: 0,
            unconditional: None,
            kv_cache: KvCache::Off,
        };
        let mut layout = PassLayout::default();
        layout.fill(&[question], &[seat], &[]);
        assert_eq!(layout.positions, [0, 1, 2, 3, 2, 3].map(Position));
        assert_eq!(layout.tokens, [3, 4, 5, 6, 0, 0].map(TokenId));
        assert_eq!(layout.wanted, [3, 4]);
        let canvas = 0b00_1111;
        assert_eq!(
            layout.mask,
            [canvas, canvas, canvas, canvas, 0b11_1011, 0b11_0111]
        );
    }
}
