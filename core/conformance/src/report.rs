//! How a backend did.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use unmask_api::{Backend, LoadSpec};

use crate::Outcome;
use crate::cases::{CASES, Case};
use crate::gaps::{self, Gap, KNOWN};
use crate::rig::Rig;

/// How a backend did in one case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It keeps the promise.
    Passed,
    /// Its model does not claim to.
    Unclaimed,
    /// It breaks the promise.
    Failed {
        /// What differs.
        what: String,
    },
    /// It breaks the promise, which is known.
    Known {
        /// What differs.
        what: String,
        /// Why.
        why: &'static str,
    },
    /// It keeps a promise that it is known to break: the line in [`KNOWN`] is to be deleted.
    Closed {
        /// Why it broke it before.
        why: &'static str,
    },
}

impl Verdict {
    /// True if something has to be done about it.
    #[must_use]
    pub fn is_failure(&self) -> bool {
        match self {
            Self::Passed | Self::Unclaimed | Self::Known { .. } => false,
            Self::Failed { .. } | Self::Closed { .. } => true,
        }
    }
}

/// One case in one precision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trial {
    /// Of the weights, as the device offers it.
    pub precision: String,
    /// The case's name; [`Trial::LOADING`] if there was no model to ask.
    pub case: &'static str,
    /// How it went.
    pub verdict: Verdict,
}

impl Trial {
    /// The case that is first of all: that the model loads.
    pub const LOADING: &'static str = "the_model_loads";
}

/// Everything that was tried, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// One for each case and precision.
    pub trials: Vec<Trial>,
}

impl Report {
    /// What has to be done something about.
    pub fn failures(&self) -> impl Iterator<Item = &Trial> {
        self.trials
            .iter()
            .filter(|trial| trial.verdict.is_failure())
    }

    /// How many trials ended as `is` says.
    #[must_use]
    pub fn count(&self, is: impl Fn(&Verdict) -> bool) -> usize {
        let trials = self.trials.iter();
        trials.filter(|trial| is(&trial.verdict)).count()
    }
}

impl Rig {
    /// Holds the model against `case`.
    #[must_use]
    pub fn judge(&self, case: &Case) -> Verdict {
        self.judge_knowing(case, KNOWN)
    }

    fn judge_knowing(&self, case: &Case, known: &[Gap]) -> Verdict {
        if !self.facts.capabilities.has(case.needs) {
            return Verdict::Unclaimed;
        }
        let outcome = catch_unwind(AssertUnwindSafe(|| case.run(self)));
        let outcome = outcome.unwrap_or_else(|_| Err("panics".to_owned()));
        let (backend, precision) = (self.backend.name(), &self.spec.precision);
        verdict(outcome, gaps::reason(known, backend, precision, case.name))
    }
}

fn verdict(outcome: Outcome, known: Option<&'static str>) -> Verdict {
    match (outcome, known) {
        (Ok(()), None) => Verdict::Passed,
        (Ok(()), Some(why)) => Verdict::Closed { why },
        (Err(what), None) => Verdict::Failed { what },
        (Err(what), Some(why)) => Verdict::Known { what, why },
    }
}

/// Tries every case in each of `precisions`, with the checkpoint and device of `spec`; `hear` is told of each trial.
pub fn examine(
    backend: &Arc<dyn Backend>,
    spec: &LoadSpec,
    precisions: &[String],
    hear: &mut dyn FnMut(&Trial),
) -> Report {
    let mut report = Report::default();
    let mut add = |precision: &String, case, verdict| {
        let trial = Trial {
            precision: precision.clone(),
            case,
            verdict,
        };
        hear(&trial);
        report.trials.push(trial);
    };
    for precision in precisions {
        let spec = LoadSpec {
            precision: precision.clone(),
            ..spec.clone()
        };
        match Rig::load(Arc::clone(backend), spec) {
            Err(what) => add(precision, Trial::LOADING, Verdict::Failed { what }),
            Ok(rig) => {
                add(precision, Trial::LOADING, Verdict::Passed);
                for case in CASES {
                    add(precision, case.name, rig.judge(case));
                }
            }
        }
    }
    report
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_that_is_closed_is_a_failure() {
        let why = "it rounds";
        let bad = || Err("differs".to_owned());
        let what = "differs".to_owned();
        assert!(!verdict(Ok(()), None).is_failure());
        assert_eq!(verdict(bad(), None), Verdict::Failed { what: what.clone() });
        assert!(verdict(bad(), None).is_failure());
        assert_eq!(verdict(bad(), Some(why)), Verdict::Known { what, why });
        assert!(!verdict(bad(), Some(why)).is_failure());
        assert!(verdict(Ok(()), Some(why)).is_failure());
    }

    #[test]
    fn every_gap_names_a_case() {
        for gap in KNOWN {
            let mut cases = CASES.iter();
            assert!(
                cases.any(|case| case.name == gap.case),
                "{} is no case",
                gap.case
            );
            assert!(!gap.why.is_empty(), "a gap has a reason");
        }
    }

    #[test]
    fn a_gap_is_of_one_backend_precision_and_case() {
        let known = [Gap {
            backend: "x",
            precision: "f16",
            case: "c",
            why: "it rounds",
        }];
        assert_eq!(gaps::reason(&known, "x", "f16", "c"), Some("it rounds"));
        for [backend, precision, case] in [["y", "f16", "c"], ["x", "f32", "c"], ["x", "f16", "d"]]
        {
            assert_eq!(gaps::reason(&known, backend, precision, case), None);
        }
    }
}
