//! The examination in a process of its own, and in another one if that ends or hangs: each question gets its verdict.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use unmask_conformance::{Examination, ExaminationEvent, Gap, Grid, Report, Trial};
use unmask_core::api::BackendError;
use unmask_core::engine::{Failure, FailureKind};
use unmask_core::plugin::isolate::{Launcher, Spec, Task, TaskEvent, run_task};
use unmask_core::plugin::{Granted, load_granted};

use super::super::signals::Interrupts;
use super::super::{code, print_note};
use super::Subject;
use super::report::words;
use crate::cli::{BackendWorker, EXAMINER};

/// After a case that hung, the next is waited for half as long, but no less than this.
const LEAST_PATIENCE: Duration = Duration::from_secs(5);
/// How often it is looked whether a signal asks for the end.
const BETWEEN_LOOKS: Duration = Duration::from_millis(100);

/// What a process is given to do.
#[derive(Serialize, Deserialize)]
struct Job {
    library: Granted,
    spec: Spec,
    precisions: Vec<String>,
    known: Vec<Gap>,
    /// The question to begin with.
    first: usize,
    /// Where it may make files, which its supervisor removes.
    folder: PathBuf,
}

/// Sees to it that every question is answered.
pub(super) struct Supervisor<'a> {
    pub(super) subject: &'a Subject,
    pub(super) grid: Grid,
    pub(super) known: Vec<Gap>,
    /// How long nothing may be heard.
    pub(super) patience: Duration,
    /// Where the processes may make files.
    pub(super) folder: &'a Path,
    /// What may end it all.
    pub(super) interrupts: &'a Interrupts,
}

/// How the process of an examination ended.
enum End {
    /// With every question answered.
    Done,
    /// At question `at`, which is answered by that.
    Died { at: usize },
    /// At question `at`, which did not end.
    Hung { at: usize },
}

impl Supervisor<'_> {
    /// The answers; `hear` is told how many questions were asked, and which is.
    pub(super) fn report(
        &self,
        on_question: &mut dyn FnMut(usize, &str),
    ) -> anyhow::Result<Report> {
        let mut report = Report::default();
        let (mut first, mut patience) = (0, self.patience);
        while first < self.grid.questions() {
            let end = self.examine(first, patience, &mut report, on_question);
            self.interrupts.check("trying every case")?;
            first = match end.map_err(|error| no_process(&error))? {
                End::Done => break,
                End::Died { at } => self.grid.behind_a_loss(at),
                End::Hung { at } => {
                    patience = (patience / 2).max(LEAST_PATIENCE.min(self.patience));
                    self.grid.behind_a_loss(at)
                }
            };
        }
        Ok(report)
    }

    /// One process, from question `first` as far as it comes.
    fn examine(
        &self,
        first: usize,
        patience: Duration,
        report: &mut Report,
        on_question: &mut dyn FnMut(usize, &str),
    ) -> Result<End, BackendError> {
        let launcher = Launcher {
            arguments: vec![EXAMINER.into()],
            ..Launcher::default()
        };
        let mut task = Task::start(&launcher, &self.subject.name, self.job(first)?)?;
        let (mut at, mut answered) = (first, false);
        loop {
            let (what, end) = match self.next_event(&mut task, patience) {
                TaskEvent::Event(ExaminationEvent::Begins(index)) => {
                    (at, answered) = (index, false);
                    on_question(at, &words(self.grid.question(at).name()));
                    continue;
                }
                TaskEvent::Event(ExaminationEvent::Alive) => continue,
                TaskEvent::Event(ExaminationEvent::Ended(trial)) => {
                    report.trials.push(trial);
                    answered = true;
                    continue;
                }
                TaskEvent::Event(ExaminationEvent::Done) => return Ok(End::Done),
                TaskEvent::Timeout => {
                    let what = format!(
                        "did not end: it made no progress for {} s, and its process was ended{}",
                        patience.as_secs_f64(),
                        task.end()
                    );
                    (what, End::Hung { at })
                }
                TaskEvent::Exited(how) => (format!("its process {how}"), End::Died { at }),
            };
            if answered {
                // What it left behind was its end, or that it was freed.
                report.trials.pop();
            }
            let question = self.grid.question(at);
            let name = &self.subject.name;
            report
                .trials
                .push(Trial::lost(name, question, what, &self.known));
            return Ok(end);
        }
    }

    /// What happens next; if a signal asks for the end, that nothing did.
    fn next_event(
        &self,
        task: &mut Task<Job, ExaminationEvent>,
        patience: Duration,
    ) -> TaskEvent<ExaminationEvent> {
        let began = Instant::now();
        loop {
            let left = patience.saturating_sub(began.elapsed());
            let event = task.next_event(left.min(BETWEEN_LOOKS));
            let is_to_end = left.is_zero() || self.interrupts.check("").is_err();
            if !matches!(event, TaskEvent::Timeout) || is_to_end {
                return event;
            }
        }
    }

    fn job(&self, first: usize) -> Result<Job, BackendError> {
        Ok(Job {
            // It may have been replaced since it was granted: who opens it looks.
            library: self.subject.library.clone(),
            spec: Spec::of(&self.subject.spec)?,
            precisions: self.grid.precisions().to_vec(),
            known: self.known.clone(),
            first,
            folder: self.folder.to_owned(),
        })
    }
}

fn no_process(error: &BackendError) -> Failure {
    Failure {
        kind: FailureKind::Backend,
        text: error.full_text(),
        hint: String::new(),
    }
}

/// The other side: `unmask backend-verify`, started by the program and not by people.
pub(in super::super) fn serve(arguments: &BackendWorker) -> anyhow::Result<u8> {
    run_task(arguments.channel.clone(), |job: Job, news| {
        // It is the first to say so in this process.
        tempfile::env::override_temp_dir(&job.folder).ok();
        let backend = match load_granted(&job.library) {
            Ok(backend) => backend,
            // It is the last word of this process, which the supervisor repeats.
            Err(error) => return print_note(&error.to_string()),
        };
        Examination::new(backend, job.spec.spec(), Grid::of(job.precisions))
            .knowing(job.known)
            .after(job.first)
            .run(&Arc::from(news));
    })?;
    Ok(code::DONE)
}
