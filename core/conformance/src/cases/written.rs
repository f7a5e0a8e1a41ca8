//! Which numbers of the caller's buffers are written: all that are wanted, and no others.

use std::hint::black_box;

use unmask_api::{Capabilities, LogitsMut, Session, TokenId, TopMut, TopRequest};

use crate::Outcome;
use crate::owned_pass::OwnedPass;
use crate::rig::{Rig, ensure};

/// Numbers on either side of a buffer that are not for the backend.
const GUARD: usize = 64;
/// What stands there; nobody computes it.
const WATCH: f32 = -1.234_567_9e-21;
const OTHER_WATCH: f32 = 7.654_321e-21;

/// Wants some rows of seven: those between them must not be written either.
fn some(rig: &Rig) -> OwnedPass {
    OwnedPass::whole(&rig.tokens(7, 70)).wanting(&[0, 2, 6])
}

/// The rows of [`some`], as they are read.
const ROWS: [u32; 3] = [0, 1, 2];

/// Filled with numbers that a score is not likely to be, and again with others: what stays was not written.
pub(super) fn whole(rig: &Rig) -> Outcome {
    let vocab = rig.facts.vocab;
    let mut session = rig.session()?;
    rig.forward(&mut *session, &some(rig))?;
    let mut stays = |fill: f32| {
        let mut buffer = Guarded::new(ROWS.len() * vocab, fill);
        read(&mut *session, vocab, &mut buffer)?;
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

/// Reads the rows of [`some`] into `buffer`.
fn read(session: &mut dyn Session, vocab: usize, buffer: &mut Guarded<f32>) -> Outcome {
    let out = LogitsMut {
        vocab,
        scores: buffer.inside(),
    };
    let result = session.read_logits(&ROWS, out);
    result.map_err(|error| format!("gives no output: {error}"))
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
    let vocab = rig.facts.vocab;
    let mut buffer = Guarded::new(ROWS.len() * vocab, WATCH);
    let mut session = rig.session()?;
    rig.forward(&mut *session, &some(rig))?;
    let result = read(&mut *session, vocab, &mut buffer);
    buffer.check("wanted rows")?;
    result
}

pub(super) fn inside_top(rig: &Rig) -> Outcome {
    let (rows, k) = (ROWS.len(), 3.min(rig.facts.vocab));
    let asked = [TokenId(0); 6];
    let request = TopRequest {
        rows: &ROWS,
        asked: &asked,
        divergence: rig.can(Capabilities::DIVERGENCE),
        ..TopRequest::default()
    };
    let remembered = if request.divergence { rows } else { 0 };
    let mut ids = Guarded::new(rows * k, TokenId(0xdead_beef));
    let mut logits = Guarded::new(rows * k, WATCH);
    let mut tails = Guarded::new(rows, f64::from(WATCH));
    let mut entropies = Guarded::new(rows, f64::from(WATCH));
    let mut asked = Guarded::new(asked.len(), WATCH);
    let mut divergences = Guarded::new(remembered, f64::from(WATCH));
    let top = TopMut {
        k,
        ids: ids.inside(),
        logits: logits.inside(),
        tail: tails.inside(),
        entropy: entropies.inside(),
        asked: asked.inside(),
        divergence: divergences.inside(),
    };
    let mut session = rig.session()?;
    rig.forward(&mut *session, &some(rig))?;
    let result = session.read_top(&request, top);
    ids.check("ids")?;
    logits.check("logits")?;
    tails.check("tails")?;
    entropies.check("entropies")?;
    asked.check("asked logits")?;
    divergences.check("divergences")?;
    result.map_err(|error| format!("has no top-k: {error}"))
}
