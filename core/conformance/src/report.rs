//! How a backend did.

use serde::{Deserialize, Serialize};

use crate::gaps::{self, Gap};
use crate::grid::PlannedTrial;
use crate::{Explored, Finding};

/// How a backend did in one case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verdict {
    /// It keeps the promise.
    Passed,
    /// Its model does not claim to.
    Unclaimed,
    /// Here and with this model there was nothing to test.
    Untested {
        /// Why.
        why: String,
    },
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
        why: String,
    },
    /// It keeps a promise that it is known to break: the line that says so is to be deleted.
    Closed {
        /// Why it broke it before.
        why: String,
    },
}

impl Verdict {
    /// True if something has to be done about it.
    #[must_use]
    pub fn is_failure(&self) -> bool {
        match self {
            Self::Passed | Self::Unclaimed | Self::Untested { .. } | Self::Known { .. } => false,
            Self::Failed { .. } | Self::Closed { .. } => true,
        }
    }

    /// True if the promise is not kept, whether that is known or not.
    pub(crate) fn is_broken(&self) -> bool {
        match self {
            Self::Failed { .. } | Self::Known { .. } => true,
            Self::Passed | Self::Unclaimed | Self::Untested { .. } | Self::Closed { .. } => false,
        }
    }
}

/// Something that was measured, and that nobody is judged by.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Figure {
    /// What, and in which unit: `load_seconds`, `memory_bytes`.
    pub name: String,
    /// How much.
    pub value: f64,
}

impl Figure {
    pub(crate) fn new(name: &str, value: f64) -> Self {
        Self {
            name: name.to_owned(),
            value,
        }
    }
}

/// One case in one precision.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    /// Of the weights, as the device offers it.
    pub precision: String,
    /// The case's name; [`Trial::LOADING`] for the question before all cases.
    pub case: String,
    /// How it went.
    pub verdict: Verdict,
    /// What was measured.
    pub figures: Vec<Figure>,
}

impl Trial {
    /// What is asked before all cases: whether the model loads.
    pub const LOADING: &'static str = "the_model_loads";

    /// One that was never answered: what became of it is `what`.
    #[must_use]
    pub fn lost(backend: &str, question: PlannedTrial<'_>, what: String, known: &[Gap]) -> Self {
        Self::new(backend, question, Err(what), known)
    }

    pub(crate) fn new(
        backend: &str,
        question: PlannedTrial<'_>,
        explored: Explored,
        known: &[Gap],
    ) -> Self {
        let known = gaps::reason(known, backend, question.precision, question.name());
        let (verdict, figures) = verdict(explored, known);
        Self {
            precision: question.precision.to_owned(),
            case: question.name().to_owned(),
            verdict,
            figures,
        }
    }

    pub(crate) fn unclaimed(question: PlannedTrial<'_>) -> Self {
        Self {
            precision: question.precision.to_owned(),
            case: question.name().to_owned(),
            verdict: Verdict::Unclaimed,
            figures: Vec::new(),
        }
    }
}

/// What was found, in the light of a gap that is known.
fn verdict(explored: Explored, known: Option<&str>) -> (Verdict, Vec<Figure>) {
    let why = || known.unwrap_or_default().to_owned();
    match (explored, known.is_some()) {
        (Ok(Finding::Untested(why)), _) => (Verdict::Untested { why }, Vec::new()),
        (Ok(Finding::Kept(figures)), false) => (Verdict::Passed, figures),
        (Ok(Finding::Kept(figures)), true) => (Verdict::Closed { why: why() }, figures),
        (Err(what), false) => (Verdict::Failed { what }, Vec::new()),
        (Err(what), true) => (Verdict::Known { what, why: why() }, Vec::new()),
    }
}

/// Everything that was tried, in order.
#[derive(Debug, Clone, Default, PartialEq)]
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_that_is_closed_is_a_failure() {
        let of = |explored, known| verdict(explored, known).0;
        let good = || Ok(Finding::Kept(Vec::new()));
        let bad = || Err("differs".to_owned());
        let (what, why) = ("differs".to_owned(), "it rounds".to_owned());
        let known = Some("it rounds");
        assert!(!of(good(), None).is_failure());
        assert_eq!(of(bad(), None), Verdict::Failed { what: what.clone() });
        assert!(of(bad(), None).is_failure());
        assert_eq!(of(bad(), known), Verdict::Known { what, why });
        assert!(!of(bad(), known).is_failure());
        assert!(of(good(), known).is_failure());
        let nothing = Ok(Finding::Untested("no weights".to_owned()));
        assert!(!of(nothing, known).is_failure(), "nothing was tested");
    }
}
