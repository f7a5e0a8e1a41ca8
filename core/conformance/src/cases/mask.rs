//! Explicit attention masks.

use unmask_api::{Attention, LoadSpec, Logits, Position};

use super::attention::KINDS;
use super::kept;
use crate::compare::differ;
use crate::owned_pass::OwnedPass;
use crate::rig::{Rig, ensure};
use crate::{Explored, Outcome};

const LENGTH: usize = 12;
/// The key that is hidden.
const HIDDEN: usize = 3;

/// A mask says what a kind says: in the model's own kind, and for every kind that loads, in the model that was loaded for
/// another.
pub(super) fn spelled(rig: &mut Rig) -> Explored {
    let tokens = rig.tokens(LENGTH, 110);
    // In any order: what is compared are positions, and the keys stand as they are fed.
    let positions: Vec<u32> = (0..LENGTH as u32)
        .map(|at| (at * 5 + 3) % LENGTH as u32)
        .collect();
    let plain = OwnedPass::default().and(0, &tokens, positions.iter().copied());
    let spell = |kind: Attention| {
        let at = |index: usize| Position(positions[index]);
        rig.alone(
            &plain
                .clone()
                .masked(|query, key| kind.sees(at(query), at(key))),
        )
    };
    let own = rig.spec.attention;
    rig.alike(
        &format!("spelling {own:?}"),
        &spell(own)?,
        &rig.alone(&plain)?,
    )?;
    let others: Vec<(Attention, Logits)> = KINDS
        .into_iter()
        .filter(|kind| *kind != own)
        .map(|kind| Ok((kind, spell(kind)?)))
        .collect::<Result<_, String>>()?;
    rig.unload();
    for (kind, spelled) in others {
        let spec = LoadSpec {
            attention: kind,
            ..rig.spec.clone()
        };
        // What is refused is another case's.
        if let Ok(model) = rig.try_load(&spec) {
            let expected = rig.alone_on(&*model, &plain)?;
            rig.alike(&format!("spelling {kind:?}"), &spelled, &expected)?;
        }
    }
    kept()
}

/// What nobody sees may be anything.
pub(super) fn hidden(rig: &Rig) -> Outcome {
    let run = |token: u32, hide: bool| {
        let mut tokens = rig.tokens(LENGTH, 111);
        tokens[HIDDEN] = token;
        let sees = |query: usize, key: usize| !hide || key != HIDDEN || query == HIDDEN;
        rig.alone(&OwnedPass::whole(&tokens).masked(sees))
    };
    let (one, other) = (run(1, true)?, run(2, true)?);
    let rest = (0..LENGTH).filter(|&at| at != HIDDEN);
    rig.tolerance.all(
        "with another hidden key",
        (&other, &one),
        rest.map(|at| (at, at)),
    )?;
    seen(&run(1, false)?, &one)
}

/// `Err` unless the last row tells the two apart.
fn seen(open: &Logits, hidden: &Logits) -> Outcome {
    let last = open.rows() - 1;
    ensure(differ(open.row(last), hidden.row(last)), || {
        "a key that is hidden and one that is not are the same".to_owned()
    })
}

/// A block that does not see one cell of its context.
pub(super) fn cells(rig: &Rig) -> Outcome {
    let tokens = rig.tokens(LENGTH, 112);
    let end = LENGTH as u32;
    let block = OwnedPass::default()
        .and(0, &tokens[8..], 8..end)
        .kept_in(8..end)
        .seeing(0..end);
    let masked = block.clone().masked(|_, key| key != HIDDEN);
    let mut session = rig.session()?;
    rig.run(&mut *session, &OwnedPass::filling(0, &tokens))?;
    let one = rig.run(&mut *session, &masked)?;
    let other = (tokens[HIDDEN] + 1) % rig.facts.vocab as u32;
    let rewrite = OwnedPass::default()
        .and(0, &[other], [HIDDEN as u32])
        .kept_in([HIDDEN as u32])
        .seeing(0..end);
    rig.run(&mut *session, &rewrite)?;
    let after = rig.run(&mut *session, &masked)?;
    rig.alike("with another hidden cell", &after, &one)?;
    seen(&rig.run(&mut *session, &block)?, &one)
}
