//! What every request can reach.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use axum::http::StatusCode;
use unmask_core::Params;
use unmask_core::engine::{Loaded, TurnHandle};
use unmask_core::event::Stats;
use unmask_core::settings::time_per_forward;

use super::admission::Admission;
use super::door::Door;
use super::error::ApiError;
use super::host::{EngineHost, lock};
use super::key::ApiKeys;
use super::patience::Patience;
use super::prepare::{AnswerLimits, no_such_model};
use super::{ServedModel, ServedModels};

pub(crate) struct App {
    pub(crate) host: Arc<EngineHost>,
    pub(crate) admission: Arc<Admission>,
    pub(crate) models: ServedModels,
    pub(crate) door: Door,
    pub(crate) keys: ApiKeys,
    pub(crate) limits: AnswerLimits,
    pub(crate) patience: Patience,
    pub(crate) has_page: bool,
    pub(crate) logs_prompts: bool,
    /// When the server began, in seconds since 1970.
    pub(crate) began: i64,
    /// Running turns by the ids of their answers.
    pub(crate) turns: Mutex<HashMap<String, OwnedTurn>>,
    /// Wall time of a position's part in a forward, by model.
    pace: Mutex<BTreeMap<String, Duration>>,
}

/// A turn that only the key that began it can reach.
pub(crate) struct OwnedTurn {
    pub(crate) client: String,
    pub(crate) handle: Weak<TurnHandle>,
    /// No other attempt at its answer is wanted either.
    pub(crate) is_stopped: Arc<AtomicBool>,
}

impl App {
    #[expect(
        clippy::too_many_arguments,
        reason = "each is a part of its own, and there is one caller"
    )]
    pub(crate) fn new(
        host: Arc<EngineHost>,
        admission: Arc<Admission>,
        models: ServedModels,
        door: Door,
        keys: ApiKeys,
        limits: AnswerLimits,
        patience: Patience,
        has_page: bool,
        logs_prompts: bool,
    ) -> Self {
        Self {
            host,
            admission,
            models,
            door,
            keys,
            limits,
            patience,
            has_page,
            logs_prompts,
            began: now(),
            turns: Mutex::default(),
            pace: Mutex::default(),
        }
    }

    /// The key of the model that a request means.
    pub(crate) fn model(&self, asked: Option<&str>) -> Result<&str, ApiError> {
        let asked = asked.unwrap_or(&self.models.active);
        let key = self.models.aliases.get(asked).map_or(asked, String::as_str);
        let found = self.models.list.iter().find(|it| it.key == key);
        found.map(|it| &*it.key).ok_or_else(|| {
            let served: Vec<String> = self.models.list.iter().map(|it| it.key.clone()).collect();
            no_such_model(asked, &served)
        })
    }

    pub(crate) fn served(&self, key: &str) -> Option<&ServedModel> {
        self.models.list.iter().find(|it| it.key == key)
    }

    /// Remembers how fast a turn was.
    pub(crate) fn ran(&self, key: &str, params: &Params, stats: &Stats, positions: usize) {
        let forward = time_per_forward(params, stats);
        if let (Some(forward), Ok(positions @ 1..)) = (forward, u32::try_from(positions)) {
            lock(&self.pace).insert(key.to_owned(), forward / positions);
        }
    }

    /// The seconds that so many forwards over so many positions take, by the last turn; `None` before it.
    pub(crate) fn seconds(
        &self,
        loaded: &Loaded,
        forwards: usize,
        positions: usize,
    ) -> Option<f64> {
        let pace = lock(&self.pace).get(&loaded.key).copied()?;
        Some(pace.as_secs_f64() * forwards as f64 * positions as f64)
    }

    /// Passes that are made until each running turn has made a step.
    pub(crate) fn passes_a_step(&self, loaded: &Arc<Loaded>) -> usize {
        let (running, (_, batch)) = (
            self.admission.state().running,
            self.host.at_once(Some(loaded)),
        );
        running.div_ceil(batch).max(1)
    }

    /// The running turn of an answer, if it is the client's own; `is_stopped` if its answer is to have no other.
    pub(crate) fn turn(
        &self,
        id: &str,
        client: &str,
        is_stopped: bool,
    ) -> Result<Arc<TurnHandle>, ApiError> {
        let turns = lock(&self.turns);
        let own = turns.get(id).filter(|it| it.client == client);
        let handle = own.and_then(|it| {
            it.is_stopped.fetch_or(is_stopped, Ordering::Relaxed);
            it.handle.upgrade()
        });
        handle.ok_or_else(|| {
            let message = format!("no turn `{id}` of yours is running");
            ApiError::new(StatusCode::NOT_FOUND, "turn_not_found", message)
        })
    }
}

/// Seconds since 1970.
pub(crate) fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}
