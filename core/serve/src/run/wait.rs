//! What a request hears while it waits: how many are before it, and how far its model is.

use std::time::Instant;

use tokio::sync::watch;

use super::RunNews;
use crate::admission::WaitingPlace;
use crate::app::App;
use crate::host::{LoadStage, ModelState};

/// A request in the queue.
pub(super) struct Wait {
    pub(super) waiting: WaitingPlace,
    pub(super) model: watch::Receiver<ModelState>,
    told: Option<usize>,
    stage: Option<LoadStage>,
    pub(super) loading_since: Option<Instant>,
}

impl Wait {
    pub(super) fn new(app: &App, waiting: WaitingPlace) -> Self {
        Self {
            waiting,
            model: app.host.model(),
            told: None,
            stage: None,
            loading_since: None,
        }
    }

    /// What has changed for the one who waits.
    pub(super) fn look(&mut self, app: &App) -> Option<RunNews> {
        let stage = self.model.borrow_and_update().loading.clone();
        if stage.is_some() {
            self.loading_since.get_or_insert_with(Instant::now);
        }
        if stage != self.stage {
            self.stage.clone_from(&stage);
            if let Some(stage) = stage {
                return Some(RunNews::Loading(stage));
            }
        }
        self.waiting.changed.mark_unchanged();
        let (ahead, seconds) = app.admission.ahead(&self.waiting.place)?;
        if ahead == 0 || self.told == Some(ahead) {
            return None;
        }
        self.told = Some(ahead);
        Some(RunNews::Queued { ahead, seconds })
    }
}
