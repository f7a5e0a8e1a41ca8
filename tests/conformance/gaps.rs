//! What backends are known not to do, as data.

use super::Outcome;

/// One failure that is expected.
pub(super) struct Gap {
    /// Its name and the precision: `candle q4k`.
    pub(super) backend: &'static str,
    pub(super) case: &'static str,
    pub(super) why: &'static str,
}

/// Every known failure, one line each.
pub(super) const KNOWN: &[Gap] = &[];

/// `backend` fails `case`, because of `why`; when it begins to pass, the suite fails until the line is deleted.
pub(super) const fn expect_fail(
    backend: &'static str,
    case: &'static str,
    why: &'static str,
) -> Gap {
    Gap { backend, case, why }
}

/// What the suite says of `outcome`, given the `known` gaps: an error fails it.
pub(super) fn judge(backend: &str, case: &str, outcome: Outcome, known: &[Gap]) -> Outcome {
    let gap = known
        .iter()
        .find(|gap| gap.backend == backend && gap.case == case);
    match (outcome, gap) {
        (Ok(()), None) | (Err(_), Some(_)) => Ok(()),
        (Err(what), None) => Err(format!("{backend}: {what}")),
        (Ok(()), Some(gap)) => Err(format!(
            "{backend} passes, but is expected to fail ({}); delete that line",
            gap.why
        )),
    }
}

#[test]
fn a_gap_that_is_closed_fails_the_suite() {
    let known = [expect_fail("x", "c", "issue 1")];
    let bad = || Err("differs".to_owned());
    assert_eq!(judge("x", "c", bad(), &known), Ok(()));
    assert_eq!(judge("y", "c", Ok(()), &known), Ok(()));
    assert_eq!(judge("y", "c", bad(), &known), Err("y: differs".to_owned()));
    assert_eq!(
        judge("x", "c", Ok(()), &known),
        Err("x passes, but is expected to fail (issue 1); delete that line".to_owned())
    );
}
