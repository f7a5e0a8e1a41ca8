//! Asking every question, one after the other.

use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use unmask_api::{Backend, LoadSpec};

use crate::gaps::{Gap, all_known};
use crate::grid::{Grid, PlannedTrial};
use crate::report::{Report, Trial};
use crate::rig::{AliveSignal, Rig};

/// What is heard of an examination.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum ExaminationEvent {
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
type EventHandler = dyn Fn(ExaminationEvent) + Send + Sync;

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
        let collected = Arc::clone(&report);
        self.run(
            &(Arc::new(move |news| {
                if let ExaminationEvent::Ended(trial) = news {
                    let mut report = collected.lock().unwrap_or_else(PoisonError::into_inner);
                    report.trials.push(trial);
                }
            }) as Arc<EventHandler>),
        );
        let mut report = report.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut report)
    }

    /// Asks everything; `on_event` is told of it as it happens.
    pub fn run(&self, on_event: &Arc<EventHandler>) {
        let mut index = self.first;
        let mut rig = None;
        while index < self.grid.questions() {
            on_event(ExaminationEvent::Begins(index));
            let trial = self.ask(self.grid.question(index), &mut rig, on_event);
            // A case that fails leaves the model; a load that fails leaves none.
            let goes_on = self.grid.question(index).case.is_some() || !trial.verdict.is_broken();
            on_event(ExaminationEvent::Ended(trial));
            index = match goes_on {
                true => index + 1,
                false => self.grid.behind_a_loss(index),
            };
        }
        drop(rig);
        on_event(ExaminationEvent::Done);
    }

    fn ask(
        &self,
        question: PlannedTrial<'_>,
        rig: &mut Option<Rig>,
        on_event: &Arc<EventHandler>,
    ) -> Trial {
        if question.case.is_none() {
            // Two models need not fit into memory at once.
            *rig = None;
        }
        let loaded = match rig {
            Some(rig) => Ok(rig),
            None => self
                .load(question, on_event)
                .map(|loaded| rig.insert(loaded)),
        };
        let explored = match (loaded, question.case) {
            (Ok(rig), Some(case)) => return rig.judge_knowing(case, &self.known),
            (Ok(rig), None) => Ok(rig.described()),
            (Err(what), _) => Err(what),
        };
        Trial::new(self.backend.name(), question, explored, &self.known)
    }

    fn load(
        &self,
        question: PlannedTrial<'_>,
        on_event: &Arc<EventHandler>,
    ) -> Result<Rig, String> {
        let spec = LoadSpec {
            precision: question.precision.to_owned(),
            ..self.spec.clone()
        };
        let on_event = Arc::clone(on_event);
        let alive: Arc<AliveSignal> = Arc::new(move || on_event(ExaminationEvent::Alive));
        Rig::load_with_signs(Arc::clone(&self.backend), spec, alive)
    }
}
