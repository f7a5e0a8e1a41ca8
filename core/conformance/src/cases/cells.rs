//! Positions and cells are two things.

use unmask_api::Capabilities;

use crate::Outcome;
use crate::compare::differ;
use crate::owned_pass::OwnedPass;
use crate::rig::{Rig, ensure};

const LENGTH: u32 = 24;
const NONE: u32 = u32::MAX;

/// `tokens` kept in the cells of their positions, `LENGTH` of them attended to.
fn part(tokens: &[u32], block: std::ops::Range<u32>) -> OwnedPass {
    let fed = &tokens[block.start as usize..block.end as usize];
    OwnedPass::default()
        .and(0, fed, block.clone())
        .kept_in(block)
        .seeing(0..tokens.len() as u32)
}

/// Position `p` in a cell that is not `p`, filled whole and then fed in part.
pub(super) fn reordered(rig: &Rig) -> Outcome {
    let tokens = rig.tokens(LENGTH as usize, 120);
    let whole = rig.alone(&OwnedPass::whole(&tokens))?;
    let position = |cell: u32| (cell * 7 + 3) % LENGTH;
    let feed = |cells: std::ops::Range<u32>| {
        let fed: Vec<u32> = cells
            .clone()
            .map(|cell| tokens[position(cell) as usize])
            .collect();
        OwnedPass::default()
            .and(0, &fed, cells.clone().map(position))
            .kept_in(cells)
            .seeing(0..LENGTH)
    };
    let mut session = rig.session()?;
    for cells in [0..LENGTH, 5..13, 0..LENGTH, 20..24] {
        let got = rig.run(&mut *session, &feed(cells.clone()))?;
        let pairs = cells.clone().map(position).enumerate();
        let pairs = pairs.map(|(row, of)| (row, of as usize));
        rig.tolerance
            .all(&format!("cells {cells:?}"), (&got, &whole), pairs)?;
    }
    Ok(())
}

/// A draft behind a prefix: used as if it were kept, and then gone.
pub(super) fn loose(rig: &Rig) -> Outcome {
    let tokens = rig.tokens(16, 121);
    let draft = rig.tokens(4, 122);
    let drafted = |cells: std::ops::Range<u32>, context| {
        let run = OwnedPass::default().and(0, &draft, 12..16);
        run.kept_in(cells).seeing(context)
    };
    let mut kept = rig.session()?;
    rig.run(&mut *kept, &OwnedPass::filling(0, &tokens[..12]))?;
    let expected = rig.run(&mut *kept, &drafted(12..16, 0..16))?;
    let mut session = rig.session()?;
    rig.run(&mut *session, &OwnedPass::filling(0, &tokens[..12]))?;
    let got = rig.run(&mut *session, &drafted(0..0, 0..12))?;
    rig.alike("a draft without cells", &got, &expected)?;
    // The cells that it would have had are those of others.
    let whole = rig.run(&mut *session, &OwnedPass::filling(0, &tokens))?;
    rig.run(&mut *session, &drafted(0..0, 0..12))?;
    let after = rig.run(&mut *session, &part(&tokens, 4..8))?;
    let pairs = (0..4).map(|at| (at, at + 4));
    rig.tolerance.all("after a draft", (&after, &whole), pairs)
}

/// Copies of four positions, beside the cells of the same positions.
pub(super) fn shadows(rig: &Rig) -> Outcome {
    let tokens = rig.tokens(16, 123);
    let copies = rig.tokens(4, 124);
    let copied = |cells: std::ops::Range<u32>, context| {
        let run = OwnedPass::default().and(0, &copies, 4..8);
        run.kept_in(cells).seeing(context)
    };
    let mut kept = rig.session()?;
    rig.run(&mut *kept, &OwnedPass::filling(0, &tokens))?;
    let expected = rig.run(&mut *kept, &copied(16..20, 0..20))?;
    let mut session = rig.session()?;
    let whole = rig.run(&mut *session, &OwnedPass::filling(0, &tokens))?;
    let got = rig.run(&mut *session, &copied(0..0, 0..16))?;
    rig.alike("copies without cells", &got, &expected)?;
    let after = rig.run(&mut *session, &part(&tokens, 0..16))?;
    rig.alike("after the copies", &after, &whole)?;
    match rig.can(Capabilities::ATTENTION_MASK) {
        true => hidden_shadows(rig, &tokens, &copies),
        false => Ok(()),
    }
}

/// Originals and copies in one pass, neither seen by the other.
fn hidden_shadows(rig: &Rig, tokens: &[u32], copies: &[u32]) -> Outcome {
    let mut session = rig.session()?;
    let whole = rig.run(&mut *session, &OwnedPass::filling(0, tokens))?;
    let both: Vec<u32> = tokens[4..8].iter().chain(copies).copied().collect();
    let own = rig.spec.attention;
    // Keys: sixteen cells, then the four copies.
    let position = |key: usize| unmask_api::Position(if key < 16 { key } else { key - 12 } as u32);
    let is_copy = |fed: usize| fed >= 4;
    let sees = |fed: usize, key: usize| {
        let query = position(fed % 4 + 4);
        let others = match is_copy(fed) {
            true => (4..8).contains(&key),
            false => key >= 16,
        };
        !others && own.sees(query, position(key))
    };
    let run = OwnedPass::default()
        .and(0, &both, (4..8).chain(4..8))
        .kept_in([4, 5, 6, 7, NONE, NONE, NONE, NONE])
        .seeing(0..16)
        .masked(sees);
    let got = rig.run(&mut *session, &run)?;
    let pairs = (0..4).map(|at| (at, at + 4));
    rig.tolerance
        .all("beside hidden copies", (&got, &whole), pairs)?;
    ensure(differ(got.row(4), got.row(0)), || {
        "a copy with another token answers as its original does".to_owned()
    })
}

/// The same passes with and without cells, one after another.
pub(super) fn none(rig: &Rig) -> Outcome {
    let mut bare = rig.session_of(0)?;
    let mut roomy = rig.session()?;
    for seed in [125, 126, 125] {
        let tokens = rig.tokens(LENGTH as usize, seed);
        let got = rig.run(&mut *bare, &OwnedPass::whole(&tokens))?;
        let loose = rig.run(&mut *roomy, &OwnedPass::whole(&tokens))?;
        let kept = rig.run(&mut *roomy, &OwnedPass::filling(0, &tokens))?;
        rig.alike("in a session of no cells", &got, &loose)?;
        rig.alike("without cells", &loose, &kept)?;
    }
    Ok(())
}
