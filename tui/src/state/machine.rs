use std::sync::Arc;

use unmask_core::catalogue::Catalogue;
use unmask_core::engine::Loaded;

use super::{Activity, AfterScan, GetStep, Getting, State};
use crate::clean::clean_line;
use crate::number;

/// What is known of the machine, its backends and its models.
#[derive(Debug, Clone, Default)]
pub struct Machine {
    /// What was seen last.
    pub catalogue: Option<Arc<Catalogue>>,
    /// Why the last look failed.
    pub trouble: Option<String>,
    /// Whether somebody is looking.
    pub scan: Scan,
    /// What waits until somebody has looked.
    pub wanted: Option<AfterScan>,
    /// The model that has made room for the one that is being loaded.
    pub away: Option<Arc<Loaded>>,
    /// The model that is being got from the hub.
    pub getting: Option<Getting>,
    /// Its system and processor, such as `linux x86_64`.
    pub system: String,
    /// Where the log is.
    pub log: Option<String>,
    /// The chosen option of the first screen, counted from 0.
    pub option: usize,
}

/// Whether somebody looks at the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scan {
    /// Nobody.
    #[default]
    Done,
    /// The answer is awaited.
    Running,
}

impl Machine {
    /// How much of a model is here that is being fetched.
    #[must_use]
    pub fn fetched(&self) -> Option<String> {
        match self.getting.as_ref()?.step {
            GetStep::Fetching { done, total } if total > 0 => Some(number::share(done, total)),
            GetStep::Fetching { .. } | GetStep::Looking => None,
        }
    }
}

impl State {
    /// True if there is nothing to chat with and nothing was said: the first screen shows what to do.
    #[must_use]
    pub fn is_first_run(&self) -> bool {
        self.model.is_none()
            && matches!(self.activity, Activity::Idle)
            && self.transcript.entries.is_empty()
    }

    /// The name of the model `key`, as far as it is known.
    #[must_use]
    pub fn name_of(&self, key: &str) -> String {
        let listed = self.machine.catalogue.iter();
        let mut listed = listed.flat_map(|catalogue| &catalogue.choices);
        let name = listed.find(|choice| choice.key == key);
        clean_line(name.map_or(key, |choice| &choice.name))
    }
}
