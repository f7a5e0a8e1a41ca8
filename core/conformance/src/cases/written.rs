//! Which numbers of the caller's buffers are written: all that are wanted, and no others.

use std::hint::black_box;

use unmask_api::{CancelFlag, LogitsMut, TokenId, TopMut};

use crate::Outcome;
use crate::rig::{Rig, ensure};
use crate::run::Run;

/// Numbers on either side of a buffer that are not for the backend.
const GUARD: usize = 64;
/// What stands there; nobody computes it.
const WATCH: f32 = -1.234_567_9e-21;
const OTHER_WATCH: f32 = 7.654_321e-21;

/// Wants some rows of seven: those between them must not be written either.
fn some(rig: &Rig) -> Run {
    Run::whole(&rig.tokens(7, 70)).wanting(&[0, 2, 6])
}

/// Filled with numbers that a score is not likely to be, and again with others: what stays was not written.
pub(super) fn whole(rig: &Rig) -> Outcome {
    let pass = some(rig);
    let vocab = rig.facts.vocab;
    let stays = |fill: f32| {
        let mut buffer = Guarded::new(pass.wanted.len() * vocab, fill);
        let out = LogitsMut {
            vocab,
            scores: buffer.inside(),
        };
        let result = rig.session()?.forward(&pass.pass(&CancelFlag::new()), out);
        result.map_err(|error| format!("does not compute: {error}"))?;
        let scores = buffer.inside().iter();
        let stays: Vec<bool> = scores
            .map(|score| score.to_bits() == fill.to_bits())
            .collect();
        Ok::<_, String>(stays)
    };
    let both = stays(WATCH)?.into_iter().zip(stays(OTHER_WATCH)?);
    let unwritten: Vec<usize> = both
        .enumerate()
        .filter(|(_, (one, other))| *one && *other)
        .map(|(at, _)| at)
        .collect();
    match unwritten.first() {
        None => Ok(()),
        Some(at) => Err(format!(
            "{} scores are not written, the first in row {} at {}",
            unwritten.len(),
            at / vocab,
            at % vocab
        )),
    }
}

/// A buffer between two guards.
struct Guarded<T> {
    all: Vec<T>,
    guard: T,
}

impl<T: Copy + PartialEq> Guarded<T> {
    fn new(length: usize, guard: T) -> Self {
        Self {
            all: vec![guard; length + 2 * GUARD],
            guard,
        }
    }

    fn inside(&mut self) -> &mut [T] {
        let end = self.all.len() - GUARD;
        &mut self.all[GUARD..end]
    }

    /// `Err` unless both guards are as they were.
    fn check(&self, what: &str) -> Outcome {
        // Whoever wrote there did so behind the compiler's back.
        let all = black_box(&self.all[..]);
        let end = all.len() - GUARD;
        let whole = |part: &[T]| part.iter().all(|it| *it == self.guard);
        ensure(whole(&all[..GUARD]), || {
            format!("something is written before the {what}")
        })?;
        ensure(whole(&all[end..]), || {
            format!("something is written behind the {what}")
        })
    }
}

pub(super) fn inside(rig: &Rig) -> Outcome {
    let pass = some(rig);
    let vocab = rig.facts.vocab;
    let mut buffer = Guarded::new(pass.wanted.len() * vocab, WATCH);
    let out = LogitsMut {
        vocab,
        scores: buffer.inside(),
    };
    let result = rig.session()?.forward(&pass.pass(&CancelFlag::new()), out);
    buffer.check("wanted rows")?;
    result.map_err(|error| format!("does not compute: {error}"))
}

pub(super) fn inside_top(rig: &Rig) -> Outcome {
    let pass = some(rig);
    let (rows, k) = (pass.wanted.len(), 3.min(rig.facts.vocab));
    let mut ids = Guarded::new(rows * k, TokenId(0xdead_beef));
    let mut logits = Guarded::new(rows * k, WATCH);
    let mut sums = Guarded::new(rows, WATCH);
    let mut entropies = Guarded::new(rows, WATCH);
    let top = TopMut {
        k,
        ids: ids.inside(),
        logits: logits.inside(),
        log_sum_exp: sums.inside(),
        entropy: entropies.inside(),
    };
    let mut session = rig.session()?;
    let result = session.forward_top(&pass.pass(&CancelFlag::new()), top);
    ids.check("ids")?;
    logits.check("logits")?;
    sums.check("sums")?;
    entropies.check("entropies")?;
    result.map_err(|error| format!("has no top-k: {error}"))
}
