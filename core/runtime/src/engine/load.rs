//! Loading on the engine's thread: the model before is kept until the new one is ready, or makes room and comes back.

use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};

use unmask_api::LoadProgress;

use super::control::Control;
use super::end::panicked;
use super::model::Ready;
use super::sessions::ModelSessions;
use super::worker::{Current, EngineWorker};
use super::{EngineEvent, Failure, FailureKind, LoadRequest, OldModel};

impl EngineWorker {
    pub(super) fn load(&mut self, request: LoadRequest, control: &Control) {
        let stopped = || control.cancel.is_raised();
        if stopped() {
            return self.emit_failed(&request, load_stopped(&request.key));
        }
        let old = match request.old {
            OldModel::KeptBeside => None,
            OldModel::UnloadedFirst => self.unload(),
        };
        match (self.try_load(&request, &stopped), old) {
            (Ok(ready), _) => self.take(ready, request),
            (Err(failure), None) => self.emit_failed(&request, failure),
            (Err(failure), Some(old)) => {
                self.emit_failed(&request, failure);
                self.restore(old, control);
            }
        }
    }

    /// Frees what the model holds; returns how to get it again.
    pub(super) fn unload(&mut self) -> Option<LoadRequest> {
        let Current { ready, again, .. } = self.current.take()?;
        let loaded = ready.loaded();
        drop(ready);
        self.events.emit(EngineEvent::Unloaded(loaded));
        Some(again)
    }

    /// Lets go of a model whose process has ended, and of the turns that ran on it; loading it is what there is left to do with
    /// it.
    pub(super) fn lose(&mut self, failure: Failure) {
        self.turns.fail_all(&failure, &self.events);
        let Some(Current { ready, again, .. }) = self.current.take() else {
            return;
        };
        let loaded = ready.loaded();
        drop(ready);
        let again = LoadRequest {
            old: OldModel::KeptBeside,
            ..again
        };
        self.events.emit(EngineEvent::Lost {
            loaded,
            failure,
            again,
        });
    }

    /// Loads the model before again. Whoever has stopped the load of the new one wants this, and stops it by a second
    /// request.
    fn restore(&mut self, old: LoadRequest, control: &Control) {
        let stopped = match control.cancel.is_raised() {
            true => &control.again,
            false => &control.cancel,
        };
        match self.try_load(&old, &|| stopped.is_raised()) {
            Ok(ready) => self.take(ready, old),
            Err(failure) => self.emit_failed(&old, failure),
        }
    }

    fn take(&mut self, ready: Ready, request: LoadRequest) {
        let loaded = ready.loaded();
        // The configuration may say something else by then.
        let again = LoadRequest {
            framework: Some(loaded.backend.clone()),
            device: Some(loaded.device.clone()),
            ..request
        };
        self.current = Some(Current {
            ready,
            again,
            sessions: ModelSessions::default(),
        });
        self.events.emit(EngineEvent::Loaded(loaded));
    }

    fn try_load(
        &mut self,
        request: &LoadRequest,
        stopped: &(dyn Fn() -> bool + Sync),
    ) -> Result<Ready, Failure> {
        let progress = |at: LoadProgress<'_>| {
            self.events.emit(EngineEvent::Loading {
                key: request.key.clone(),
                stage: at.stage.to_owned(),
                done: at.done,
                total: at.total,
            });
            match stopped() {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            }
        };
        let loaded = catch_unwind(AssertUnwindSafe(|| self.loader.load(request, &progress)))
            .unwrap_or_else(|panic| Err(panicked(&*panic)));
        // A load that was ready before it saw the request is stopped all the same: the model before is what the user wants.
        match stopped() {
            true => Err(load_stopped(&request.key)),
            false => loaded,
        }
    }

    fn emit_failed(&self, request: &LoadRequest, failure: Failure) {
        let key = request.key.clone();
        self.events.emit(EngineEvent::LoadFailed { key, failure });
    }
}

fn load_stopped(key: &str) -> Failure {
    Failure {
        kind: FailureKind::Model,
        text: format!("loading `{key}` was stopped on request"),
        hint: "load it again to go on".to_owned(),
    }
}
