//! Slots: kept apart, copied, cleared and made larger.

use std::ops::Range;

use unmask_api::{Logits, Session};

use crate::Outcome;
use crate::owned_pass::OwnedPass;
use crate::rig::{Rig, ensure};

const LENGTH: usize = 24;
const BLOCK: Range<u32> = 6..12;

/// `block` of `tokens` in their cells of `slot`, attending to all of them.
fn part(slot: u32, tokens: &[u32], block: Range<u32>) -> OwnedPass {
    let fed = &tokens[block.start as usize..block.end as usize];
    OwnedPass::default()
        .and(slot, fed, block.clone())
        .kept_in(block)
        .seeing(0..tokens.len() as u32)
}

/// `Err` unless `slot` holds `tokens`, whose whole pass gave `whole`.
fn holds(
    rig: &Rig,
    session: &mut dyn Session,
    (what, slot): (&str, u32),
    (tokens, whole): (&[u32], &Logits),
) -> Outcome {
    let some = rig.run(session, &part(slot, tokens, BLOCK))?;
    let pairs = BLOCK.enumerate().map(|(row, of)| (row, of as usize));
    rig.tolerance.all(what, (&some, whole), pairs)
}

/// Tokens, and what they are answered with.
fn known(rig: &Rig, seed: u32) -> Result<(Vec<u32>, Logits), String> {
    let tokens = rig.tokens(LENGTH, seed);
    let whole = rig.alone(&OwnedPass::whole(&tokens))?;
    Ok((tokens, whole))
}

pub(super) fn independent(rig: &Rig) -> Outcome {
    let (a, b) = (known(rig, 23)?, known(rig, 24)?);
    let mut session = rig.session()?;
    rig.run(&mut *session, &OwnedPass::filling(0, &a.0))?;
    rig.run(&mut *session, &OwnedPass::filling(1, &b.0))?;
    holds(rig, &mut *session, ("slot 0", 0), (&a.0, &a.1))?;
    holds(rig, &mut *session, ("slot 1", 1), (&b.0, &b.1))
}

/// Equal at first, and then two.
pub(super) fn copied(rig: &Rig) -> Outcome {
    let (a, b) = (known(rig, 130)?, known(rig, 131)?);
    let mut session = rig.session()?;
    rig.run(&mut *session, &OwnedPass::filling(0, &a.0))?;
    rig.run(&mut *session, &OwnedPass::filling(1, &b.0))?;
    copy(&mut *session, 0, 1)?;
    holds(rig, &mut *session, ("the copy", 1), (&a.0, &a.1))?;
    rig.run(&mut *session, &OwnedPass::filling(0, &b.0))?;
    let later = "the copy after its original was overwritten";
    holds(rig, &mut *session, (later, 1), (&a.0, &a.1))?;
    copy(&mut *session, 1, 1)?;
    holds(rig, &mut *session, ("a copy of itself", 1), (&a.0, &a.1))?;
    holds(rig, &mut *session, ("the original", 0), (&b.0, &b.1))
}

pub(super) fn copy(session: &mut dyn Session, from: u32, to: u32) -> Outcome {
    let copied = session.copy_slot(from, to);
    copied.map_err(|error| format!("copies no slot: {error}"))
}

pub(super) fn clear(session: &mut dyn Session, slot: u32) -> Outcome {
    let cleared = session.clear_slot(slot);
    cleared.map_err(|error| format!("clears no slot: {error}"))
}

pub(super) fn cleared(rig: &Rig) -> Outcome {
    let (a, b) = (known(rig, 132)?, known(rig, 133)?);
    let mut session = rig.session()?;
    rig.run(&mut *session, &OwnedPass::filling(0, &a.0))?;
    rig.run(&mut *session, &OwnedPass::filling(1, &b.0))?;
    clear(&mut *session, 0)?;
    holds(rig, &mut *session, ("the other slot", 1), (&b.0, &b.1))?;
    let again = rig.run(&mut *session, &OwnedPass::filling(0, &b.0))?;
    rig.alike("written again", &again, &b.1)?;
    holds(rig, &mut *session, ("the cleared slot", 0), (&b.0, &b.1))
}

/// A conversation that grows; less room than there is changes nothing.
pub(super) fn reserved(rig: &Rig) -> Outcome {
    let (tokens, whole) = known(rig, 134)?;
    let mut session = rig.session_of(LENGTH as u32)?;
    rig.run(&mut *session, &OwnedPass::filling(0, &tokens))?;
    for cells in [48, 4] {
        let made = session.reserve(cells);
        made.map_err(|error| format!("makes no room for {cells} cells: {error}"))?;
        let what = format!("after room for {cells} cells");
        holds(rig, &mut *session, (&what, 0), (&tokens, &whole))?;
    }
    let long = rig.tokens(48, 135);
    let whole = rig.run(&mut *session, &OwnedPass::filling(1, &long))?;
    ensure(whole.rows() == long.len(), || "all cells answer".to_owned())?;
    let some = rig.run(&mut *session, &part(1, &long, 40..48))?;
    let pairs = (0..8).map(|at| (at, at + 40));
    rig.tolerance.all("the new cells", (&some, &whole), pairs)
}
