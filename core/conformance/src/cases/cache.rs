//! Passes that feed some positions and take the rest from the session's cache.

use std::ops::Range;

use crate::run::Run;

use crate::Outcome;
use crate::rig::{Rig, ensure};

const LENGTH: usize = 24;

/// Positions `block` of `tokens`, attending to all of them.
fn part(tokens: &[u32], slot: u32, block: Range<u32>) -> Run {
    let fed = &tokens[block.start as usize..block.end as usize];
    Run::default().and(slot, fed, block, 0..tokens.len() as u32)
}

fn unchanged(rig: &Rig, block: Range<u32>) -> Outcome {
    let tokens = rig.tokens(LENGTH, 20);
    let mut session = rig.session()?;
    let whole = rig.run(&mut *session, &Run::whole(&tokens))?;
    let pairs = || block.clone().enumerate().map(|(at, of)| (at, of as usize));
    // Twice: the first writes what the second reads.
    for what in ["the part", "the part again"] {
        let some = rig.run(&mut *session, &part(&tokens, 0, block.clone()))?;
        rig.tolerance.all(what, (&some, &whole), pairs())?;
    }
    Ok(())
}

pub(super) fn block(rig: &Rig) -> Outcome {
    unchanged(rig, 8..16)
}

pub(super) fn suffix(rig: &Rig) -> Outcome {
    unchanged(rig, 8..24)
}

pub(super) fn overwritten(rig: &Rig) -> Outcome {
    let (old, new) = (rig.tokens(LENGTH, 21), rig.tokens(LENGTH, 22));
    let mut session = rig.session()?;
    rig.run(&mut *session, &Run::whole(&old))?;
    rig.run(&mut *session, &Run::whole(&new))?;
    let after = rig.run(&mut *session, &part(&new, 0, 4..9))?;
    let whole = rig.alone(&Run::whole(&new))?;
    rig.tolerance.all(
        "after two fillings",
        (&after, &whole),
        (0..5).map(|at| (at, at + 4)),
    )
}

pub(super) fn slots(rig: &Rig) -> Outcome {
    let (a, b) = (rig.tokens(LENGTH, 23), rig.tokens(LENGTH, 24));
    let mut session = rig.session()?;
    let whole = rig.run(&mut *session, &part(&a, 0, 0..24))?;
    let other = rig.run(&mut *session, &part(&b, 1, 0..24))?;
    ensure(whole.rows() == other.rows(), || {
        "both slots answer".to_owned()
    })?;
    let pairs = || (0..6).map(|at| (at, at + 6));
    let some = rig.run(&mut *session, &part(&a, 0, 6..12))?;
    rig.tolerance.all("slot 0", (&some, &whole), pairs())?;
    let some = rig.run(&mut *session, &part(&b, 1, 6..12))?;
    rig.tolerance.all("slot 1", (&some, &other), pairs())
}
