//! The short form of each row, as the backend makes it.

use unmask_api::{Logits, RowSummary, Session, TokenId, TopRequest, TopRows};

use crate::Outcome;
use crate::owned_pass::OwnedPass;
use crate::rig::{Rig, ensure};

/// Ids that are asked for in each row, beside the best.
const K: usize = 5;
const ROWS: [u32; 4] = [0, 1, 2, 3];

/// `k` best of some rows of the last pass.
pub(super) fn read(
    session: &mut dyn Session,
    request: &TopRequest<'_>,
    k: usize,
) -> Result<TopRows, String> {
    let mut top = TopRows::default();
    top.reset(request, k);
    // What is left unwritten must not look like an answer.
    let view = top.view();
    view.ids.fill(TokenId(u32::MAX));
    view.logits.fill(f32::NAN);
    view.asked.fill(f32::NAN);
    for sums in [view.tail, view.entropy, view.divergence] {
        sums.fill(f64::NAN);
    }
    let done = session.read_top(request, top.view());
    done.map_err(|error| format!("has no top-k: {error}"))?;
    Ok(top)
}

/// The whole rows of a pass and its short form, of the same output.
fn both(rig: &Rig, request: &TopRequest<'_>) -> Result<(TopRows, Logits), String> {
    let pass = OwnedPass::whole(&rig.tokens(16, 60)).wanting(&[1, 7, 8, 15]);
    let mut session = rig.session()?;
    rig.forward(&mut *session, &pass)?;
    let top = read(&mut *session, request, K)?;
    Ok((top, rig.read(&mut *session, &ROWS)?))
}

fn plain() -> TopRequest<'static> {
    TopRequest {
        rows: &ROWS,
        ..TopRequest::default()
    }
}

/// Numbers of one output in two forms.
fn near(what: &str, got: f64, expected: f64, absolute: f64) -> Outcome {
    let off = (got - expected).abs();
    ensure(off <= 1e-5 * expected.abs() + absolute, || {
        format!("{what}: {got} is not {expected}")
    })
}

pub(super) fn agrees(rig: &Rig) -> Outcome {
    let (top, logits) = both(rig, &plain())?;
    (0..top.rows()).try_for_each(|row| best_agree(&top, row, logits.row(row), &[]))
}

/// The best of `row` are those of `whole`; neighbours closer than a rounding may have changed places, equals may not.
fn best_agree(top: &TopRows, row: usize, whole: &[f32], banned: &[TokenId]) -> Outcome {
    let (ids, logits) = (top.ids(row), top.logits(row));
    let expected = RowSummary::of(whole, banned, K).best;
    for (rank, (&id, &logit)) in ids.iter().zip(logits).enumerate() {
        let own = whole.get(id.index()).copied().unwrap_or(f32::NAN);
        let what = format!("number {rank} of row {row}");
        near(&what, logit.into(), own.into(), 1e-5)?;
        let what = format!("best of row {row}, number {rank}");
        near(&what, logit.into(), expected[rank].1.into(), 1e-5)?;
    }
    let mut pairs = ids.windows(2).zip(logits.windows(2));
    let ordered = pairs.all(|(ids, it)| it[0] > it[1] || (it[0] == it[1] && ids[0] < ids[1]));
    ensure(ordered, || {
        format!("row {row} is not the best first, ties by the lower id: {ids:?}, {logits:?}")
    })
}

pub(super) fn sums(rig: &Rig) -> Outcome {
    let (top, logits) = both(rig, &plain())?;
    (0..top.rows()).try_for_each(|row| sums_agree(&top, row, logits.row(row), &[]))
}

/// Held against the definition, in float64.
fn sums_agree(top: &TopRows, row: usize, whole: &[f32], banned: &[TokenId]) -> Outcome {
    let allowed = whole.iter().zip(0..);
    let allowed = allowed.filter(|(_, id)| !banned.contains(&TokenId(*id)));
    let scores: Vec<f64> = allowed.map(|(&score, _)| score.into()).collect();
    let best = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let at = scores.iter().position(|&score| score == best);
    let others = scores
        .iter()
        .enumerate()
        .filter(|(index, _)| Some(*index) != at);
    let tail: f64 = others.map(|(_, score)| (score - best).exp()).sum();
    let below = |score: &f64| best - score;
    let weighted: f64 = scores.iter().map(|it| below(it) * (-below(it)).exp()).sum();
    let entropy = tail.ln_1p() + weighted / (1.0 + tail);
    near(&format!("tail of row {row}"), top.tail(row), tail, 1e-10)?;
    let what = format!("entropy of row {row}");
    near(&what, top.entropy(row), entropy, 1e-6)
}

/// Other ids in each row, the ends of the vocabulary among them.
pub(super) fn asked(rig: &Rig) -> Outcome {
    const EACH: usize = 3;
    let last = rig.facts.vocab as u32 - 1;
    let word = |at: u32| TokenId((at * 5 + 2) % (last + 1));
    let asked: Vec<TokenId> = (ROWS.into_iter())
        .flat_map(|row| [TokenId(last * (row % 2)), word(row), word(row + 9)])
        .collect();
    let request = TopRequest {
        asked: &asked,
        banned: &asked[..1],
        ..plain()
    };
    let (top, logits) = both(rig, &request)?;
    for (row, ids) in asked.chunks(EACH).enumerate() {
        for (id, &got) in ids.iter().zip(top.asked(row)) {
            let what = format!("row {row}, the asked id {}", id.0);
            let own = logits.row(row)[id.index()];
            near(&what, got.into(), own.into(), 1e-5)?;
        }
    }
    Ok(())
}

/// The two best of every row and the ends of the vocabulary, out of the running.
pub(super) fn banned(rig: &Rig) -> Outcome {
    let (top, _) = both(rig, &plain())?;
    let last = TokenId(rig.facts.vocab as u32 - 1);
    let best = (0..top.rows()).flat_map(|row| top.ids(row)[..2].to_vec());
    let mut banned: Vec<TokenId> = best.chain([TokenId(0), last]).collect();
    banned.sort();
    banned.dedup();
    let request = TopRequest {
        banned: &banned,
        ..plain()
    };
    let (top, logits) = both(rig, &request)?;
    for row in 0..top.rows() {
        let met = top.ids(row).iter().find(|id| banned.contains(id));
        ensure(met.is_none(), || {
            format!("the banned id {met:?} is among the best of row {row}")
        })?;
        best_agree(&top, row, logits.row(row), &banned)?;
        sums_agree(&top, row, logits.row(row), &banned)?;
    }
    Ok(())
}
