//! One pass, computed in different ways.

use crate::Outcome;
use crate::compare::same_bits;
use crate::rig::{Rig, ensure};
use crate::run::Run;

pub(super) fn deterministic(rig: &Rig) -> Outcome {
    let pass = Run::whole(&rig.tokens(20, 1));
    let mut session = rig.session()?;
    let first = rig.run(&mut *session, &pass)?;
    same_bits(
        "again in the same session",
        &rig.run(&mut *session, &pass)?,
        &first,
    )?;
    same_bits("in another session", &rig.alone(&pass)?, &first)
}

pub(super) fn subset(rig: &Rig) -> Outcome {
    let pass = Run::whole(&rig.tokens(20, 2));
    let whole = rig.alone(&pass)?;
    let wanted = [0, 3, 4, 11, 19];
    let some = rig.alone(&pass.wanting(&wanted))?;
    let pairs = wanted.iter().enumerate().map(|(at, &of)| (at, of as usize));
    rig.tolerance.all("wanted rows", (&some, &whole), pairs)
}

pub(super) fn nothing(rig: &Rig) -> Outcome {
    let pass = Run::whole(&rig.tokens(5, 3)).wanting(&[]);
    rig.alone(&pass).map(|_| ())
}

/// From one token to a whole session, the ends of the vocabulary among them.
pub(super) fn finite(rig: &Rig) -> Outcome {
    let last = rig.facts.vocab as u32 - 1;
    let all = [
        vec![0],
        vec![last],
        vec![last; 9],
        rig.tokens(2, 14),
        rig.tokens(48, 15),
    ];
    for tokens in all {
        let logits = rig.alone(&Run::whole(&tokens))?;
        let bad = logits.scores().iter().position(|score| !score.is_finite());
        ensure(bad.is_none(), || {
            format!("{} tokens give a number that is none", tokens.len())
        })?;
    }
    Ok(())
}

/// Fed positions beyond `attend` have outputs, but nobody looks at them.
pub(super) fn unattended(rig: &Rig) -> Outcome {
    let with_tail = |seed| {
        let mut tokens = rig.tokens(12, 4);
        tokens.extend(rig.tokens(4, seed));
        rig.alone(&Run::default().and(0, &tokens, 0..16, 0..12))
    };
    let (one, other) = (with_tail(5), with_tail(6));
    let short = rig.alone(&Run::whole(&rig.tokens(12, 4)))?;
    rig.tolerance
        .all("with a tail", (&one?, &short), (0..12).map(|at| (at, at)))?;
    rig.tolerance.all(
        "with another tail",
        (&other?, &short),
        (0..12).map(|at| (at, at)),
    )
}

pub(super) fn batch(rig: &Rig) -> Outcome {
    let (long, short) = (rig.tokens(20, 7), rig.tokens(9, 8));
    let both = rig.alone(&Run::whole(&long).and(1, &short, 0..9, 0..9))?;
    let (long, short) = (
        rig.alone(&Run::whole(&long))?,
        rig.alone(&Run::whole(&short))?,
    );
    rig.tolerance
        .all("the long row", (&both, &long), (0..20).map(|at| (at, at)))?;
    rig.tolerance.all(
        "the short row",
        (&both, &short),
        (0..9).map(|at| (20 + at, at)),
    )
}

/// A row of `padding` padding tokens made from `seed` and twelve of its own.
fn padded(rig: &Rig, seed: u32) -> Vec<u32> {
    let mut tokens = rig.tokens(PADDING, seed);
    tokens.extend(rig.tokens(12, 9));
    tokens
}

const PADDING: usize = 5;

pub(super) fn padding(rig: &Rig) -> Outcome {
    let run = |seed| rig.alone(&Run::default().and(0, &padded(rig, seed), 0..17, 5..17));
    let (one, other) = (run(10)?, run(11)?);
    let own = || (PADDING..17).map(|at| (at, at));
    rig.tolerance
        .all("with other padding", (&other, &one), own())?;
    let bare = rig.alone(&Run::default().and(0, &rig.tokens(12, 9), 5..17, 5..17))?;
    rig.tolerance.all(
        "without feeding it",
        (&bare, &one),
        (0..12).map(|at| (at, PADDING + at)),
    )
}

pub(super) fn padded_batch(rig: &Rig) -> Outcome {
    let plain = rig.tokens(17, 12);
    let run = Run::whole(&plain).and(1, &padded(rig, 10), 0..17, 5..17);
    let both = rig.alone(&run)?;
    let plain = rig.alone(&Run::whole(&plain))?;
    rig.tolerance.all(
        "the row without padding",
        (&both, &plain),
        (0..17).map(|at| (at, at)),
    )?;
    let alone = rig.alone(&Run::default().and(0, &padded(rig, 10), 0..17, 5..17))?;
    let pairs = (PADDING..17).map(|at| (17 + at, at));
    rig.tolerance
        .all("the row with padding", (&both, &alone), pairs)
}
