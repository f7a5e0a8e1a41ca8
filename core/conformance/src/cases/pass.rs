//! One pass, computed in different ways.

use unmask_api::Capabilities;

use crate::Outcome;
use crate::compare::same_bits;
use crate::owned_pass::OwnedPass;
use crate::rig::{Rig, ensure};

pub(super) fn deterministic(rig: &Rig) -> Outcome {
    let pass = OwnedPass::whole(&rig.tokens(20, 1));
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
    let pass = OwnedPass::whole(&rig.tokens(20, 2));
    let whole = rig.alone(&pass)?;
    let wanted = [0, 3, 4, 11, 19];
    let some = rig.alone(&pass.wanting(&wanted))?;
    let pairs = wanted.iter().enumerate().map(|(at, &of)| (at, of as usize));
    rig.tolerance.all("wanted rows", (&some, &whole), pairs)
}

pub(super) fn nothing(rig: &Rig) -> Outcome {
    let pass = OwnedPass::whole(&rig.tokens(5, 3)).wanting(&[]);
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
        let logits = rig.alone(&OwnedPass::whole(&tokens))?;
        let bad = logits.scores().iter().position(|score| !score.is_finite());
        ensure(bad.is_none(), || {
            format!("{} tokens give a number that is none", tokens.len())
        })?;
    }
    Ok(())
}

/// The same tokens at the same positions, the last first and in no order.
pub(super) fn order(rig: &Rig) -> Outcome {
    const LENGTH: u32 = 20;
    let tokens = rig.tokens(LENGTH as usize, 4);
    let whole = rig.alone(&OwnedPass::whole(&tokens))?;
    for (factor, first) in [(LENGTH - 1, LENGTH - 1), (7, 3)] {
        let positions: Vec<u32> = (0..LENGTH)
            .map(|at| (at * factor + first) % LENGTH)
            .collect();
        let fed: Vec<u32> = positions.iter().map(|&at| tokens[at as usize]).collect();
        let got = rig.alone(&OwnedPass::default().and(0, &fed, positions.iter().copied()))?;
        let pairs = positions.iter().enumerate();
        let pairs = pairs.map(|(row, &of)| (row, of as usize));
        rig.tolerance
            .all("in another order", (&got, &whole), pairs)?;
    }
    Ok(())
}

pub(super) fn batch(rig: &Rig) -> Outcome {
    let (long, short) = (rig.tokens(20, 7), rig.tokens(9, 8));
    let both = rig.alone(&OwnedPass::whole(&long).and(1, &short, 0..9))?;
    let (long, short) = (
        rig.alone(&OwnedPass::whole(&long))?,
        rig.alone(&OwnedPass::whole(&short))?,
    );
    rig.tolerance
        .all("the long row", (&both, &long), (0..20).map(|at| (at, at)))?;
    rig.tolerance.all(
        "the short row",
        (&both, &short),
        (0..9).map(|at| (20 + at, at)),
    )
}

const PADDING: u32 = 5;

/// With a row of padding tokens made from `seed`, and twelve of its own.
fn and_padded(rig: &Rig, run: OwnedPass, slot: u32, seed: u32) -> OwnedPass {
    let mut tokens = rig.tokens(PADDING as usize, seed);
    tokens.extend(rig.tokens(12, 9));
    run.and(slot, &tokens, 0..17).padded(PADDING)
}

pub(super) fn padding(rig: &Rig) -> Outcome {
    let run = |seed| and_padded(rig, OwnedPass::default(), 0, seed);
    let (one, other) = (rig.alone(&run(10))?, rig.alone(&run(11))?);
    let own = || (PADDING as usize..17).map(|at| (at, at));
    rig.tolerance
        .all("with other padding", (&other, &one), own())?;
    let bare = rig.alone(&OwnedPass::default().and(0, &rig.tokens(12, 9), PADDING..17))?;
    let pairs = (0..12).map(|at| (at, PADDING as usize + at));
    rig.tolerance
        .all("without feeding it", (&bare, &one), pairs)?;
    if !rig.can(Capabilities::KV_CACHE) {
        return Ok(());
    }
    let none = std::iter::repeat_n(u32::MAX, PADDING as usize);
    let kept = run(10).kept_in(none.chain(PADDING..17)).seeing(PADDING..17);
    let kept = rig.alone(&kept)?;
    rig.tolerance.all("kept in cells", (&kept, &one), own())
}

pub(super) fn padded_batch(rig: &Rig) -> Outcome {
    let plain = rig.tokens(17, 12);
    let run = and_padded(rig, OwnedPass::whole(&plain), 1, 10);
    let both = rig.alone(&run)?;
    let plain = rig.alone(&OwnedPass::whole(&plain))?;
    rig.tolerance.all(
        "the row without padding",
        (&both, &plain),
        (0..17).map(|at| (at, at)),
    )?;
    let alone = rig.alone(&and_padded(rig, OwnedPass::default(), 0, 10))?;
    let pairs = (PADDING as usize..17).map(|at| (17 + at, at));
    rig.tolerance
        .all("the row with padding", (&both, &alone), pairs)
}
