//! Looks at the machine and changes the configuration, away from the screen's thread.

use std::error::Error;
use std::sync::Arc;

use unmask_core::api::with_causes;
use unmask_core::catalogue::Catalogue;
use unmask_core::config::ConfigReader;
use unmask_core::plugin::Approvals;

use crate::action::{Action, Approve};
use crate::state::Settings;

const NO_READER: &str = "there is no configuration to look at";

/// A look at the machine.
#[derive(Debug, Clone, Copy)]
pub(super) struct ScanJob;

/// A change of what the user keeps: the configuration, and what is approved.
#[derive(Debug, Clone)]
pub(super) enum ConfigChange {
    /// Put a model into it.
    Add(String),
    /// Remember that a library may run.
    Approve(Approve),
    /// Make these settings the ones that a model starts with.
    Save {
        /// The model's key.
        key: String,
        /// Its settings.
        settings: Box<Settings>,
    },
}

impl ScanJob {
    /// Reads the configuration, looks for its models, and asks every backend.
    pub(super) fn run(self, reader: Option<&ConfigReader>) -> Action {
        let seen = reader.map(|reader| Catalogue::scan(reader).map_err(|error| full_text(&error)));
        let seen = seen.unwrap_or_else(|| Err(NO_READER.to_owned()));
        Action::Scanned(seen.map(Arc::new))
    }
}

impl ConfigChange {
    /// Makes the change.
    pub(super) fn run(self, reader: Option<&ConfigReader>) -> Action {
        match self {
            Self::Add(model) => {
                let added =
                    reader.map(|it| it.add_model(&model).map_err(|error| full_text(&error)));
                Action::Added(added.unwrap_or_else(|| Err(NO_READER.to_owned())))
            }
            Self::Approve(approve) => {
                let approved = reader.map(|it| {
                    Approvals::read(&it.environment)
                        .and_then(|mut all| all.approve(&approve.path, Some(&approve.sha256)))
                        .map(|_| approve)
                        .map_err(|error| full_text(&error))
                });
                Action::Approved(approved.unwrap_or_else(|| Err(NO_READER.to_owned())))
            }
            Self::Save { key, settings } => {
                let fit = settings.fit();
                let saved = reader.map(|it| {
                    it.save_generation(&key, &fit.params, fit.length)
                        .map(|path| it.environment.short(&path))
                        .map_err(|error| full_text(&error))
                });
                Action::Saved(saved.unwrap_or_else(|| Err(NO_READER.to_owned())))
            }
        }
    }
}

fn full_text(error: &dyn Error) -> String {
    with_causes(error)
}
