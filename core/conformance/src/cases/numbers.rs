//! The reference's own numbers, for the models that they are known of.

use unmask_api::{LoadSpec, Logits};

use crate::golden::{self, Golden};
use crate::owned_pass::OwnedPass;
use crate::rig::{Rig, ensure};
use crate::{Explored, Finding, Outcome, report::Figure};

pub(super) fn golden(rig: &mut Rig) -> Explored {
    let Some(golden) = golden::of(&rig.spec.weights) else {
        let why = "no reference numbers are known of this model";
        return Ok(Finding::Untested(why.to_owned()));
    };
    let most = golden.tokens.iter().max().copied().unwrap_or(0) as usize;
    ensure(most < rig.facts.vocab, || {
        format!(
            "{} has tokens up to {most}, the loaded model {}",
            golden.name, rig.facts.vocab
        )
    })?;
    let wanted: Vec<u32> = golden.rows.iter().map(|(at, _)| *at).collect();
    let logits = rig.alone(&OwnedPass::whole(golden.tokens).wanting(&wanted))?;
    let error = relative_error(golden, &logits);
    match compare(rig, golden, &logits, error) {
        Ok(()) => Ok(Finding::Kept(vec![Figure::new("relative_error", error)])),
        Err(_) if reads_no_weights(rig) => {
            let why = "it reads no weights, so its numbers are nobody's";
            Ok(Finding::Untested(why.to_owned()))
        }
        Err(what) => Err(what),
    }
}

/// Every number at full precision; at others the whole, since single numbers may be far off.
fn compare(rig: &Rig, golden: &Golden, logits: &Logits, error: f64) -> Outcome {
    let name = golden.name;
    if rig.facts.precision != "f32" {
        let most = golden::largest_error(&rig.facts.precision);
        return ensure(error <= most, || {
            format!("{name}: off by {error:.4} of the whole, at most {most} are allowed")
        });
    }
    for (row, (at, expected)) in golden.rows.iter().enumerate() {
        for &(token, expected) in *expected {
            let got = logits.row(row)[token as usize];
            let off = (got - expected).abs();
            ensure(
                off <= golden::ABSOLUTE + golden::RELATIVE * expected.abs(),
                || {
                    format!(
                        "{name}, position {at}, token {token}: {got}, the reference has {expected}"
                    )
                },
            )?;
        }
    }
    Ok(())
}

/// ‖difference‖ / ‖reference‖ over all numbers that are known.
fn relative_error(golden: &Golden, logits: &Logits) -> f64 {
    let (mut off, mut whole) = (0.0, 0.0);
    for (row, (_, expected)) in golden.rows.iter().enumerate() {
        for &(token, expected) in *expected {
            let got = f64::from(logits.row(row)[token as usize]);
            off += (got - f64::from(expected)).powi(2);
            whole += f64::from(expected).powi(2);
        }
    }
    (off / whole).sqrt()
}

/// True if the model loads just as well from a file that is not there.
fn reads_no_weights(rig: &mut Rig) -> bool {
    rig.unload();
    let nowhere = rig.spec.folder.join("no-such-weights");
    let spec = LoadSpec {
        weights: rig.spec.weights.iter().map(|_| nowhere.clone()).collect(),
        ..rig.spec.clone()
    };
    rig.try_load(&spec).is_ok()
}
