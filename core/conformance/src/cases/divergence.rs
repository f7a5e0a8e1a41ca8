//! How far a cell's row is from the one that was remembered for it.

use unmask_api::{Logits, Session, TokenId, TopRequest};

use super::slots::{clear, copy};
use super::top;
use crate::Outcome;
use crate::owned_pass::OwnedPass;
use crate::rig::{Rig, ensure};

const ROWS: [u32; 3] = [0, 1, 2];

/// A pass that wants three rows with cells.
fn pass(rig: &Rig, slot: u32, seed: u32) -> OwnedPass {
    OwnedPass::filling(slot, &rig.tokens(12, seed)).wanting(&[0, 5, 11])
}

/// Computes a pass; its rows, and their divergences, which makes them the remembered ones.
fn after(
    rig: &Rig,
    session: &mut dyn Session,
    pass: &OwnedPass,
    banned: &[TokenId],
) -> Result<(Logits, Vec<f64>), String> {
    rig.forward(session, pass)?;
    let rows: Vec<u32> = (0..pass.wanted.len() as u32).collect();
    let request = TopRequest {
        rows: &rows,
        banned,
        divergence: true,
        ..TopRequest::default()
    };
    let top = top::read(session, &request, 1)?;
    let told = (0..top.rows()).map(|row| top.divergence(row).unwrap_or(f64::NAN));
    let told = told.collect();
    Ok((rig.read(session, &rows)?, told))
}

/// The first is infinite, that of the same pass 0, others as `Σ p ln(p / p₀)` says.
pub(super) fn defined(rig: &Rig) -> Outcome {
    let mut session = rig.session()?;
    let (first, told) = after(rig, &mut *session, &pass(rig, 0, 150), &[])?;
    infinite("before anything was remembered", &told)?;
    let (same, told) = after(rig, &mut *session, &pass(rig, 0, 150), &[])?;
    close("of the same pass", &told, (&same, &first), &[])?;
    let (other, told) = after(rig, &mut *session, &pass(rig, 0, 151), &[])?;
    close("of other tokens", &told, (&other, &same), &[])?;
    let (back, told) = after(rig, &mut *session, &pass(rig, 0, 150), &[])?;
    close("of the first tokens again", &told, (&back, &other), &[])?;
    let banned = [TokenId(0), TokenId(3)];
    let (other, told) = after(rig, &mut *session, &pass(rig, 0, 151), &banned)?;
    close("with banned ids", &told, (&other, &back), &banned)?;
    let (back, told) = after(rig, &mut *session, &pass(rig, 0, 150), &[])?;
    close("after ids were banned", &told, (&back, &other), &[])?;
    let loose = OwnedPass::whole(&rig.tokens(12, 150)).wanting(&[0, 5, 11]);
    let (_, told) = after(rig, &mut *session, &loose, &[])?;
    infinite("of tokens without cells", &told)
}

/// Remembered rows are copied and forgotten with their cells.
pub(super) fn slots(rig: &Rig) -> Outcome {
    let mut session = rig.session()?;
    let (first, _) = after(rig, &mut *session, &pass(rig, 0, 152), &[])?;
    let (_, told) = after(rig, &mut *session, &pass(rig, 1, 153), &[])?;
    infinite("in another slot", &told)?;
    copy(&mut *session, 0, 1)?;
    let (copied, told) = after(rig, &mut *session, &pass(rig, 1, 153), &[])?;
    close("in a copied slot", &told, (&copied, &first), &[])?;
    clear(&mut *session, 1)?;
    let (_, told) = after(rig, &mut *session, &pass(rig, 1, 153), &[])?;
    infinite("in a cleared slot", &told)?;
    let (again, told) = after(rig, &mut *session, &pass(rig, 0, 153), &[])?;
    close("in the slot that was copied", &told, (&again, &first), &[])
}

fn infinite(when: &str, told: &[f64]) -> Outcome {
    ensure(told.iter().all(|&it| it == f64::INFINITY), || {
        format!("{when}, the divergences are {told:?}, not infinite")
    })
}

/// `Err` unless `told` is what the definition says, in float64, of the rows now and before.
fn close(
    what: &str,
    told: &[f64],
    (now, before): (&Logits, &Logits),
    banned: &[TokenId],
) -> Outcome {
    for (row, &got) in told.iter().enumerate() {
        let [p, q] = [now, before].map(|it| log_softmax(&allowed(it.row(row), banned)));
        let expected: f64 = p.iter().zip(&q).map(|(p, q)| p.exp() * (p - q)).sum();
        let off = (got - expected).abs();
        // Log-probabilities may be remembered in float32.
        ensure(off <= 1e-4 * expected.abs() + 1e-5, || {
            format!("{what}, row {row}: the divergence {got} is not {expected}")
        })?;
    }
    ensure(told.len() == ROWS.len(), || "every row has one".to_owned())
}

fn allowed(row: &[f32], banned: &[TokenId]) -> Vec<f32> {
    let ids = row.iter().zip(0..);
    ids.filter(|&(_, id)| !banned.contains(&TokenId(id)))
        .map(|(&logit, _)| logit)
        .collect()
}

fn log_softmax(row: &[f32]) -> Vec<f64> {
    let best = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let below = |score: &f32| f64::from(*score) - f64::from(best);
    let sum: f64 = row.iter().map(|score| below(score).exp()).sum();
    row.iter().map(|score| below(score) - sum.ln()).collect()
}
