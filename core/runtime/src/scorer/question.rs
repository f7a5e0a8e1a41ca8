//! What a session is asked, and where the asked sequences stand in it.

use std::ops::Range;

use unmask_api::{Attention, Position, TokenId};

/// Which logits are wanted, and how much is recomputed for them.
#[derive(Debug, Clone)]
pub struct Question<'a> {
    /// The whole sequence, `[length]`.
    pub tokens: &'a [TokenId],
    /// For guidance: the same sequence with the condition masked, and the scale (LLaDA, Eq. 16), above 0.
    pub guidance: Option<(&'a [TokenId], f32)>,
    /// Left padding of the sequence.
    pub padding: usize,
    /// Positions that are recomputed; K/V of all others come from the session's cells. All of them if nothing is kept. Where
    /// attention is causal, those of a beginning that the cells hold already are left out.
    pub fed: Range<usize>,
    /// Positions whose logits are wanted, ascending, within `fed`.
    pub wanted: &'a [Position],
    /// A second copy of a block, whose rows follow the wanted ones.
    pub shadow: Option<Shadow<'a>>,
}

/// A second copy of a block, all masked: each of its positions sees the sequence but the token in its own place, and the
/// copy; nobody else sees it. Only where all of the sequence is fed and no K/V are kept (WINO, arXiv:2507.18578).
#[derive(Debug, Clone)]
pub struct Shadow<'a> {
    /// The mask.
    pub mask: TokenId,
    /// The block.
    pub block: Range<usize>,
    /// Its positions whose logits are wanted, ascending.
    pub wanted: &'a [Position],
}

impl Question<'_> {
    /// Rows that are read for its answer, those of guidance included.
    #[must_use]
    pub fn n_read(&self) -> usize {
        match self.guidance {
            Some(_) => 2 * self.n_rows(),
            None => self.n_rows(),
        }
    }

    /// Rows of its answer.
    pub(super) fn n_rows(&self) -> usize {
        let shadow = self.shadow.as_ref().map_or(0, |it| it.wanted.len());
        self.wanted.len() + shadow
    }
}

/// Whether the K/V of a sequence are kept between forwards, position p in cell p.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KvCache {
    /// Each forward feeds the whole sequence, and no memory is taken for K/V.
    Off,
    /// A forward may feed a part.
    On,
}

/// The slots in which a question's sequences stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seat {
    /// Of the sequence itself.
    pub slot: u32,
    /// Of the one without the condition, for guidance.
    pub unconditional: Option<u32>,
    /// Whether their K/V are kept; only in a session that has cells.
    pub kv_cache: KvCache,
}

/// What a short answer leaves out and tells besides, for every wanted row alike.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ShortForm {
    /// Ids that count as if their logits were minus infinity, ascending.
    pub banned: Vec<TokenId>,
    /// Ids whose logits are told as they are.
    pub asked: Vec<TokenId>,
}

/// What a session is opened for.
#[derive(Debug, Clone, Copy)]
pub struct Room {
    /// Positions of the longest sequence.
    pub length: usize,
    /// Questions at a time.
    pub questions: usize,
    /// Whether each has a second slot, for guidance.
    pub guided: bool,
    /// Whether K/V are kept.
    pub kv_cache: KvCache,
    /// How the model attends, which tells what of the K/V a later sequence can use.
    pub attention: Attention,
}

impl Room {
    pub(super) fn slots(&self) -> usize {
        match self.guided {
            true => 2 * self.questions,
            false => self.questions,
        }
    }
}

/// A sequence of a question, and where it stands.
pub(super) struct Sequence<'q> {
    pub(super) question: &'q Question<'q>,
    pub(super) tokens: &'q [TokenId],
    pub(super) slot: usize,
    pub(super) kv_cache: KvCache,
}

impl Sequence<'_> {
    pub(super) fn is_kept(&self) -> bool {
        self.kv_cache == KvCache::On
    }
}

/// The sequences of all questions, in the order of their rows.
pub(super) fn sequences<'q>(
    questions: &'q [Question<'q>],
    seats: &'q [Seat],
) -> impl Iterator<Item = Sequence<'q>> {
    let seated = || questions.iter().zip(seats);
    let conditional = seated().map(|(question, seat)| Sequence {
        question,
        tokens: question.tokens,
        slot: seat.slot as usize,
        kv_cache: seat.kv_cache,
    });
    let unconditional = seated().filter_map(|(question, seat)| {
        Some(Sequence {
            question,
            tokens: question.guidance?.0,
            slot: seat.unconditional? as usize,
            kv_cache: seat.kv_cache,
        })
    });
    conditional.chain(unconditional)
}
