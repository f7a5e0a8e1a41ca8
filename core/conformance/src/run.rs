//! Passes as cases write them.

use std::ops::Range;

use unmask_api::{BackendError, CancelFlag, Logits, Pass, Position, Row, Session, TokenId};

/// A pass that owns its arrays.
#[derive(Debug, Clone, Default)]
pub struct Run {
    /// `Pass::rows`
    pub rows: Vec<Row>,
    /// `Pass::tokens`
    pub tokens: Vec<TokenId>,
    /// `Pass::positions`
    pub positions: Vec<Position>,
    /// `Pass::wanted`
    pub wanted: Vec<u32>,
}

impl Run {
    /// One row in slot 0 that feeds `tokens` whole, from position 0, and wants all of them.
    #[must_use]
    pub fn whole(tokens: &[u32]) -> Self {
        let length = tokens.len() as u32;
        Self::default().and(0, tokens, 0..length, 0..length)
    }

    /// With another row: `tokens` at `positions` in `slot`, attending to `attend`, all wanted.
    #[must_use]
    pub fn and(
        mut self,
        slot: u32,
        tokens: &[u32],
        positions: Range<u32>,
        attend: Range<u32>,
    ) -> Self {
        let first = self.tokens.len() as u32;
        self.rows.push(Row {
            fed: tokens.len() as u32,
            slot,
            attend,
        });
        self.tokens.extend(tokens.iter().copied().map(TokenId));
        self.positions.extend(positions.map(Position));
        self.wanted.extend(first..self.tokens.len() as u32);
        self
    }

    /// Wanting only `wanted`.
    #[must_use]
    pub fn wanting(mut self, wanted: &[u32]) -> Self {
        self.wanted = wanted.to_vec();
        self
    }

    /// The pass.
    #[must_use]
    pub fn pass<'a>(&'a self, cancel: &'a CancelFlag) -> Pass<'a> {
        Pass {
            rows: &self.rows,
            tokens: &self.tokens,
            positions: &self.positions,
            wanted: &self.wanted,
            cancel,
        }
    }
}

/// The logits of one pass, for a model of `vocab` tokens.
///
/// # Errors
/// Those of the session.
pub fn run(session: &mut dyn Session, vocab: usize, run: &Run) -> Result<Logits, BackendError> {
    let mut logits = Logits::default();
    logits.reset(run.wanted.len(), vocab);
    // What is left unwritten must not look like an answer.
    logits.view().scores.fill(f32::NAN);
    session.forward(&run.pass(&CancelFlag::new()), logits.view())?;
    Ok(logits)
}
