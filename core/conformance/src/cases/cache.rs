//! Passes that feed some positions and take the rest from the session's cells.

use std::ops::Range;

use crate::Outcome;
use crate::owned_pass::OwnedPass;
use crate::rig::Rig;

const LENGTH: usize = 24;

/// Positions `block` of `tokens` in their cells, attending to all of them.
fn part(tokens: &[u32], block: Range<u32>) -> OwnedPass {
    let fed = &tokens[block.start as usize..block.end as usize];
    OwnedPass::default()
        .and(0, fed, block.clone())
        .kept_in(block)
        .seeing(0..tokens.len() as u32)
}

fn unchanged(rig: &Rig, block: Range<u32>) -> Outcome {
    let tokens = rig.tokens(LENGTH, 20);
    let mut session = rig.session()?;
    let whole = rig.run(&mut *session, &OwnedPass::filling(0, &tokens))?;
    rig.alike(
        "the whole, kept",
        &whole,
        &rig.alone(&OwnedPass::whole(&tokens))?,
    )?;
    let pairs = || block.clone().enumerate().map(|(at, of)| (at, of as usize));
    // Twice: the first writes what the second reads.
    for what in ["the part", "the part again"] {
        let some = rig.run(&mut *session, &part(&tokens, block.clone()))?;
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

/// What predicts a position may be the row before it: the block is fed with the token before it, and its last row is not
/// wanted.
pub(super) fn shifted(rig: &Rig) -> Outcome {
    let tokens = rig.tokens(LENGTH, 23);
    let mut session = rig.session()?;
    let whole = rig.run(&mut *session, &OwnedPass::filling(0, &tokens))?;
    let wanted: Vec<u32> = (0..8).collect();
    for what in ["the rows before", "the rows before, again"] {
        let block = part(&tokens, 7..16).wanting(&wanted);
        let some = rig.run(&mut *session, &block)?;
        let pairs = (0..8).map(|at| (at, at + 7));
        rig.tolerance.all(what, (&some, &whole), pairs)?;
    }
    Ok(())
}

pub(super) fn overwritten(rig: &Rig) -> Outcome {
    let (old, new) = (rig.tokens(LENGTH, 21), rig.tokens(LENGTH, 22));
    let mut session = rig.session()?;
    rig.run(&mut *session, &OwnedPass::filling(0, &old))?;
    rig.run(&mut *session, &OwnedPass::filling(0, &new))?;
    let after = rig.run(&mut *session, &part(&new, 4..9))?;
    let whole = rig.alone(&OwnedPass::whole(&new))?;
    rig.tolerance.all(
        "after two fillings",
        (&after, &whole),
        (0..5).map(|at| (at, at + 4)),
    )
}

/// Sixteen cells are attended to; what eight more hold is nobody's business.
pub(super) fn unattended(rig: &Rig) -> Outcome {
    let tokens = rig.tokens(16, 25);
    let whole = rig.alone(&OwnedPass::whole(&tokens))?;
    let mut session = rig.session()?;
    rig.run(&mut *session, &OwnedPass::filling(0, &tokens))?;
    for seed in [26, 27] {
        let outside = OwnedPass::default()
            .and(0, &rig.tokens(8, seed), 16..24)
            .kept_in(16..24)
            .seeing(16..24);
        rig.run(&mut *session, &outside)?;
        let some = rig.run(&mut *session, &part(&tokens, 4..8))?;
        let pairs = (0..4).map(|at| (at, at + 4));
        rig.tolerance
            .all("beside other cells", (&some, &whole), pairs)?;
    }
    Ok(())
}
