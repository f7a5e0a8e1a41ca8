//! Attention kinds: each is computed, or its load is refused.

use std::num::NonZeroU32;

use unmask_api::{Attention, Capabilities, LoadSpec, Logits, Model, Position};

use super::facts::refused;
use super::kept;
use crate::compare::differ;
use crate::owned_pass::OwnedPass;
use crate::rig::{Rig, session};
use crate::{Explored, Finding, Outcome};

const LENGTH: u32 = 12;
/// Three blocks in what is fed.
const BLOCK: NonZeroU32 = NonZeroU32::new(4).expect("it is not 0");
/// The tokens that are changed, one at a time: at the ends and within a block.
const CHANGED: [u32; 3] = [0, 5, 11];

/// Every kind, the blocks as long as the suite has them.
pub(super) const KINDS: [Attention; 3] = [
    Attention::Bidirectional,
    Attention::BlockCausal(BLOCK),
    Attention::Causal,
];

pub(super) fn bidirectional(rig: &mut Rig) -> Explored {
    holds(rig, Attention::Bidirectional)
}

pub(super) fn block_causal(rig: &mut Rig) -> Explored {
    holds(rig, Attention::BlockCausal(BLOCK))
}

pub(super) fn causal(rig: &mut Rig) -> Explored {
    holds(rig, Attention::Causal)
}

fn holds(rig: &mut Rig, kind: Attention) -> Explored {
    rig.unload();
    let spec = LoadSpec {
        attention: kind,
        ..rig.spec.clone()
    };
    let model = match rig.try_load(&spec) {
        Ok(model) => model,
        Err(error) => {
            refused(&format!("{kind:?} attention"), Err(error))?;
            return kept();
        }
    };
    let mut looked = watch(rig, &*model, kind, &in_order(rig))?;
    looked |= watch(rig, &*model, kind, &backwards(rig))?;
    if rig.can(Capabilities::KV_CACHE) {
        cached(rig, &*model)?;
        looked |= watch_cells(rig, &*model, kind)?;
    }
    if looked {
        return kept();
    }
    let why = "its answers depend on no other token";
    Ok(Finding::Untested(why.to_owned()))
}

/// Blocks that are final are computed once: each is fed alone, first as a canvas that is kept nowhere, then as it will stay.
pub(super) fn final_blocks(rig: &mut Rig) -> Explored {
    rig.unload();
    let spec = LoadSpec {
        attention: Attention::BlockCausal(BLOCK),
        ..rig.spec.clone()
    };
    let model = match rig.try_load(&spec) {
        Ok(model) => model,
        Err(error) => {
            refused("block-causal attention", Err(error))?;
            return Ok(Finding::Untested("it has no blocks".to_owned()));
        }
    };
    let (tokens, canvas) = (
        rig.tokens(LENGTH as usize, 110),
        rig.tokens(LENGTH as usize, 111),
    );
    let whole = rig.alone_on(&*model, &OwnedPass::whole(&tokens))?;
    let mut session = session(&*model)?;
    for first in (0..LENGTH).step_by(BLOCK.get() as usize) {
        let block = first..first + BLOCK.get();
        let alone = |tokens: &[u32]| {
            let fed = &tokens[block.start as usize..block.end as usize];
            OwnedPass::default().and(0, fed, block.clone())
        };
        rig.run(&mut *session, &alone(&canvas).seeing(0..first))?;
        let last = alone(&tokens).kept_in(block.clone()).seeing(0..block.end);
        let got = rig.run(&mut *session, &last)?;
        let what = format!("block {}", first / BLOCK);
        let pairs = (0..).zip(block.clone()).map(|(at, of)| (at, of as usize));
        rig.tolerance.all(&what, (&got, &whole), pairs)?;
    }
    kept()
}

/// Tokens with their positions, in the order in which they are fed.
type Fed = Vec<(u32, u32)>;

fn in_order(rig: &Rig) -> Fed {
    rig.tokens(LENGTH as usize, 100)
        .into_iter()
        .zip(0..)
        .collect()
}

/// Positions are compared, not places among what is fed.
fn backwards(rig: &Rig) -> Fed {
    let mut fed = in_order(rig);
    fed.reverse();
    fed
}

fn pass(fed: &Fed) -> OwnedPass {
    let tokens: Vec<u32> = fed.iter().map(|(token, _)| *token).collect();
    OwnedPass::default().and(0, &tokens, fed.iter().map(|(_, at)| *at))
}

/// `fed` with another token at position `at`.
fn changed(rig: &Rig, fed: &Fed, at: u32) -> Fed {
    let other = |token: u32| (token + 1) % rig.facts.vocab as u32;
    let change = |&(token, position): &(u32, u32)| match position == at {
        true => (other(token), position),
        false => (token, position),
    };
    fed.iter().map(change).collect()
}

/// Changes tokens one at a time: what may not see one stays. True if something that may see it changed; `Err` if some did and
/// others did not.
fn watch(rig: &Rig, model: &dyn Model, kind: Attention, fed: &Fed) -> Result<bool, String> {
    let before = rig.alone_on(model, &pass(fed))?;
    let mut seen = Seen::default();
    for at in CHANGED {
        let after = rig.alone_on(model, &pass(&changed(rig, fed, at)))?;
        for (row, &(_, position)) in fed.iter().enumerate() {
            if position != at {
                seen.judge(rig, kind, (position, at), (&after, &before), row)?;
            }
        }
    }
    seen.verdict(kind)
}

/// What was seen to change, and what was not though it might have.
#[derive(Default)]
struct Seen {
    changed: bool,
    unmoved: Option<(u32, u32)>,
}

impl Seen {
    /// Of the query and the key at these positions, from the query's `row` after and before the key changed.
    fn judge(
        &mut self,
        rig: &Rig,
        kind: Attention,
        (query, key): (u32, u32),
        (after, before): (&Logits, &Logits),
        row: usize,
    ) -> Outcome {
        let (after, before) = (after.row(row), before.row(row));
        if kind.sees(Position(query), Position(key)) {
            match differ(after, before) {
                true => self.changed = true,
                false => self.unmoved = Some((query, key)),
            }
            return Ok(());
        }
        let what = format!("{kind:?}: position {query}, which may not see {key}");
        rig.tolerance.rows(&what, after, before)
    }

    fn verdict(self, kind: Attention) -> Result<bool, String> {
        match self.unmoved {
            Some((query, key)) if self.changed => Err(format!(
                "{kind:?}: position {query} does not see {key}, which it may"
            )),
            _ => Ok(self.changed),
        }
    }
}

/// A cache in any order of positions gives what the whole gives.
fn cached(rig: &Rig, model: &dyn Model) -> Outcome {
    let fed = backwards(rig);
    let whole = rig.alone_on(model, &pass(&fed))?;
    let mut session = session(model)?;
    rig.run(
        &mut *session,
        &pass(&fed).kept_in(0..LENGTH).seeing(0..LENGTH),
    )?;
    for at in 0..LENGTH {
        let got = rig.run(&mut *session, &one(&fed, at))?;
        let what = format!("cell {at} of a cache that runs backwards");
        rig.tolerance
            .rows(&what, got.row(0), whole.row(at as usize))?;
    }
    Ok(())
}

/// What is fed in place `at`, alone, into its own cell.
fn one(fed: &Fed, at: u32) -> OwnedPass {
    let (token, position) = fed[at as usize];
    OwnedPass::default()
        .and(0, &[token], [position])
        .kept_in([at])
        .seeing(0..LENGTH)
}

/// As [`watch`], the change made in one cell and looked at from another.
fn watch_cells(rig: &Rig, model: &dyn Model, kind: Attention) -> Result<bool, String> {
    let fed = backwards(rig);
    let mut seen = Seen::default();
    for (query, key) in [(5, 11), (5, 7), (5, 4), (11, 0)] {
        let place = |position: u32| LENGTH - 1 - position;
        let mut session = session(model)?;
        rig.run(
            &mut *session,
            &pass(&fed).kept_in(0..LENGTH).seeing(0..LENGTH),
        )?;
        let before = rig.run(&mut *session, &one(&fed, place(query)))?;
        let other = changed(rig, &fed, key);
        rig.run(&mut *session, &one(&other, place(key)))?;
        let after = rig.run(&mut *session, &one(&fed, place(query)))?;
        seen.judge(rig, kind, (query, key), (&after, &before), 0)?;
    }
    seen.verdict(kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_is_told_from_the_others_by_what_is_changed() {
        let sight = |kind: Attention| -> Vec<bool> {
            let keys = CHANGED.into_iter();
            keys.flat_map(|key| (0..LENGTH).map(move |query| (query, key)))
                .map(|(query, key)| kind.sees(Position(query), Position(key)))
                .collect()
        };
        let [all, blocks, earlier] = KINDS.map(sight);
        assert!(all != blocks && blocks != earlier && all != earlier);
    }
}
