//! Gets models from the hub on a thread of its own, which tells how far it is.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use std::{error::Error, io};

use tokio::sync::mpsc::UnboundedSender;
use unmask_core::api::with_causes;
use unmask_core::config::ConfigReader;
use unmask_download::DownloadError;

use super::worker::Worker;
use crate::action::Action;
use crate::fetching::{Fetch, FetchError, FetchPlan, advice, hub, hub_model, quantisation};
use crate::state::{GetJob, GetNews};

/// Progress is told this often at most.
const OFTEN: Duration = Duration::from_millis(250);

/// Whoever gets models.
pub(super) struct Getter {
    worker: Worker<GetJob>,
    stop: Arc<AtomicBool>,
}

impl Getter {
    /// Starts it.
    ///
    /// # Errors
    /// If the system has no thread to give.
    pub(super) fn start(
        sender: &UnboundedSender<Action>,
        reader: Option<ConfigReader>,
    ) -> io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let job = Job {
            reader,
            stop: Arc::clone(&stop),
            sender: sender.clone(),
        };
        let worker = Worker::start("getter", sender.clone(), move |asked| {
            Some(Action::Got(job.carry_out(&asked)))
        })?;
        Ok(Self { worker, stop })
    }

    /// Has something got.
    pub(super) fn send(&self, job: GetJob) {
        self.stop.store(false, Ordering::Relaxed);
        self.worker.send(job);
    }

    /// Ends what is being got; what has come is kept.
    pub(super) fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

struct Job {
    reader: Option<ConfigReader>,
    stop: Arc<AtomicBool>,
    sender: UnboundedSender<Action>,
}

impl Job {
    fn carry_out(&self, job: &GetJob) -> GetNews {
        let news = match job {
            GetJob::Look(name) => self.plan(name),
            GetJob::Fetch(name) => self.fetch(name),
        };
        news.unwrap_or_else(|news| news)
    }

    fn go_on(&self) -> ControlFlow<()> {
        match self.stop.load(Ordering::Relaxed) {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    }

    /// What the hub has of the model, and what it is to be called there.
    fn look<T>(
        &self,
        name: &str,
        then: impl FnOnce(&ConfigReader, &mut Fetch) -> Result<T, FetchError>,
    ) -> Result<T, GetNews> {
        let failed = |error: &dyn Error| GetNews::Failed(with_causes(error));
        let reader = self.reader.as_ref();
        let reader = reader.ok_or_else(|| {
            GetNews::Failed("this screen has no configuration to find it in".to_owned())
        })?;
        let config = reader.read_for(name).map_err(|error| failed(&error))?;
        let model = hub_model(&config, None).map_err(|error| failed(&error))?;
        let hub = hub(&config, &reader.environment).map_err(|error| failed(&error))?;
        let found = Fetch::look(hub.clone(), &model, quantisation(&config));
        let found = found.and_then(|mut fetch| then(reader, &mut fetch));
        found.map_err(|error| match &error {
            FetchError::Download(DownloadError::Stopped) => GetNews::Stopped,
            FetchError::Download(cause) => {
                let advice = advice(cause, &hub, &model);
                let text = with_causes(&error);
                GetNews::Failed(match advice.as_str() {
                    "" => text,
                    advice => format!("{advice}: {text}"),
                })
            }
            _ => failed(&error),
        })
    }

    fn plan(&self, name: &str) -> Result<GetNews, GetNews> {
        self.look(name, |reader, fetch| {
            let config = reader.read_for(name)?;
            let plan = FetchPlan::make(&config, &reader.environment, fetch, &mut || self.go_on())?;
            Ok(GetNews::Planned {
                name: plan.name,
                lines: plan.text.lines().map(str::to_owned).collect(),
                obstacle: plan.obstacle,
            })
        })
    }

    fn fetch(&self, name: &str) -> Result<GetNews, GetNews> {
        self.look(name, |_, fetch| {
            let mut told_at: Option<Instant> = None;
            fetch.pull(&mut |progress| {
                if told_at.is_none_or(|at| at.elapsed() >= OFTEN) {
                    told_at = Some(Instant::now());
                    let news = GetNews::Progress {
                        done: progress.fetched,
                        total: progress.total,
                    };
                    // With the screen gone there is nobody left to tell.
                    self.sender.send(Action::Got(news)).ok();
                }
                self.go_on()
            })?;
            Ok(GetNews::Done)
        })
    }
}
