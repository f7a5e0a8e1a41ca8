//! The best of each row, as the backend picks them.

use crate::run::Run;
use unmask_api::{CancelFlag, Logits, TopRows};

use crate::Outcome;
use crate::rig::Rig;

const K: usize = 5;

fn both(rig: &Rig) -> Result<(TopRows, Logits), String> {
    let pass = Run::whole(&rig.tokens(16, 60)).wanting(&[1, 7, 8, 15]);
    let mut top = TopRows::default();
    top.reset(pass.wanted.len(), K);
    let result = rig
        .session()?
        .forward_top(&pass.pass(&CancelFlag::new()), top.view());
    result.map_err(|error| format!("has no top-k: {error}"))?;
    Ok((top, rig.alone(&pass)?))
}

pub(super) fn agrees(rig: &Rig) -> Outcome {
    let (top, logits) = both(rig)?;
    for row in 0..top.rows() {
        let whole = logits.row(row);
        let of_ids: Vec<f32> = top.ids(row).iter().map(|id| whole[id.index()]).collect();
        rig.tolerance
            .rows(&format!("logits of row {row}"), top.logits(row), &of_ids)?;
        let mut sorted = whole.to_vec();
        sorted.sort_by(|a, b| b.total_cmp(a));
        rig.tolerance
            .rows(&format!("best of row {row}"), top.logits(row), &sorted[..K])?;
    }
    Ok(())
}

pub(super) fn sums(rig: &Rig) -> Outcome {
    let (top, logits) = both(rig)?;
    for row in 0..top.rows() {
        let scores: Vec<f64> = logits.row(row).iter().copied().map(f64::from).collect();
        let sum = scores.iter().map(|score| score.exp()).sum::<f64>().ln();
        let entropy: f64 = scores
            .iter()
            .map(|score| (sum - score) * (score - sum).exp())
            .sum();
        let (got, expected) = (
            [top.log_sum_exp(row), top.entropy(row)],
            [sum as f32, entropy as f32],
        );
        rig.tolerance
            .rows(&format!("sum and entropy of row {row}"), &got, &expected)?;
    }
    Ok(())
}
