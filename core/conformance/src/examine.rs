//! Asking every question, one after the other.

use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use unmask_api::{Backend, LoadSpec};

use crate::gaps::{Gap, all_known};
use crate::grid::{Grid, Question};
use crate::report::{Report, Trial};
use crate::rig::{Rig, Sign};

/// What is heard of an examination.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum News {
    /// The question of this index is asked now.
    Begins(usize),
    /// A pass has ended, or a load has come further.
    Alive,
    /// A question is answered.
    Ended(Trial),
    /// Every question is, and the model is freed.
    Done,
}

/// Who hears it, from any thread.
type Hear = dyn Fn(News) + Send + Sync;

/// A backend that is held against every case.
pub struct Examination {
    backend: Arc<dyn Backend>,
    spec: LoadSpec,
    grid: Grid,
    known: Vec<Gap>,
    first: usize,
}

impl Examination {
    /// Of `backend` with the checkpoint and the device of `spec`, whose precision does not matter; [`KNOWN`](crate::KNOWN)
    /// failures are expected.
    #[must_use]
    pub fn new(backend: Arc<dyn Backend>, spec: LoadSpec, grid: Grid) -> Self {
        Self {
            backend,
            spec,
            grid,
            known: all_known([]),
            first: 0,
        }
    }

    /// Expecting these failures, and no others.
    #[must_use]
    pub fn knowing(mut self, known: Vec<Gap>) -> Self {
        self.known = known;
        self
    }

    /// Beginning with question `first`.
    #[must_use]
    pub fn after(mut self, first: usize) -> Self {
        self.first = first;
        self
    }

    /// Asks everything and collects the answers.
    #[must_use]
    pub fn report(&self) -> Report {
        let report = Arc::new(Mutex::new(Report::default()));
        let heard = Arc::clone(&report);
        self.run(
            &(Arc::new(move |news| {
                if let News::Ended(trial) = news {
                    let mut report = heard.lock().unwrap_or_else(PoisonError::into_inner);
                    report.trials.push(trial);
                }
            }) as Arc<Hear>),
        );
        let mut report = report.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut report)
    }

    /// Asks everything; `hear` is told of it as it happens.
    pub fn run(&self, hear: &Arc<Hear>) {
        let mut index = self.first;
        let mut rig = None;
        while index < self.grid.questions() {
            hear(News::Begins(index));
            let trial = self.ask(self.grid.question(index), &mut rig, hear);
            // A case that fails leaves the model; a load that fails leaves none.
            let goes_on = self.grid.question(index).case.is_some() || !trial.verdict.is_broken();
            hear(News::Ended(trial));
            index = match goes_on {
                true => index + 1,
                false => self.grid.behind_a_loss(index),
            };
        }
        drop(rig);
        hear(News::Done);
    }

    fn ask(&self, question: Question<'_>, rig: &mut Option<Rig>, hear: &Arc<Hear>) -> Trial {
        if question.case.is_none() {
            // Two models need not fit into memory at once.
            *rig = None;
        }
        let loaded = match rig {
            Some(rig) => Ok(rig),
            None => self.load(question, hear).map(|loaded| rig.insert(loaded)),
        };
        let explored = match (loaded, question.case) {
            (Ok(rig), Some(case)) => return rig.judge_knowing(case, &self.known),
            (Ok(rig), None) => Ok(rig.described()),
            (Err(what), _) => Err(what),
        };
        Trial::new(self.backend.name(), question, explored, &self.known)
    }

    fn load(&self, question: Question<'_>, hear: &Arc<Hear>) -> Result<Rig, String> {
        let spec = LoadSpec {
            precision: question.precision.to_owned(),
            ..self.spec.clone()
        };
        let hear = Arc::clone(hear);
        let alive: Arc<Sign> = Arc::new(move || hear(News::Alive));
        Rig::load_with_signs(Arc::clone(&self.backend), spec, alive)
    }
}
